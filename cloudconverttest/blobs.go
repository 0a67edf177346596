package cloudconverttest

import (
	"crypto/md5" //nolint:gosec // the service names files by their MD5
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// blob is the content of a stored file. Several tasks may use it: an export lists the
// files of a conversion. It is removed from disk with its last user.
type blob struct {
	path string
	size int64
	md5  string
	refs int
}

// blobs keeps contents in a directory.
type blobs struct {
	dir   string
	mu    sync.Mutex
	next  int
	bytes int64
}

// write stores the content of r. The blob has one user: the caller.
func (b *blobs) write(ext string, r io.Reader) (*blob, error) {
	path := b.newPath(ext)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store a file: %w", err)
	}
	sum := md5.New() //nolint:gosec // see the import
	size, err := io.Copy(io.MultiWriter(f, sum), r)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, errors.Join(fmt.Errorf("store a file: %w", err), os.Remove(path))
	}
	return b.add(path, size, hex.EncodeToString(sum.Sum(nil))), nil
}

// adopt moves a file into the store.
func (b *blobs) adopt(path, ext string) (*blob, error) {
	sum, size, err := digest(path)
	if err != nil {
		return nil, err
	}
	to := b.newPath(ext)
	if err := os.Rename(path, to); err != nil {
		return nil, fmt.Errorf("store a file: %w", err)
	}
	return b.add(to, size, sum), nil
}

func (b *blobs) add(path string, size int64, sum string) *blob {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += size
	return &blob{path: path, size: size, md5: sum, refs: 1}
}

func (b *blobs) newPath(ext string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	return filepath.Join(b.dir, fmt.Sprintf("%08d%s", b.next, diskExtension(ext)))
}

// retain adds a user.
func (b *blobs) retain(x *blob) *blob {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.refs++
	return x
}

// release removes a user, and the content with the last one.
func (b *blobs) release(x *blob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.refs--
	if x.refs > 0 {
		return
	}
	b.bytes -= x.size
	_ = os.Remove(x.path)
}

func (b *blobs) stored() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

func digest(path string) (sum string, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, fmt.Errorf("read a file: %w", err)
	}
	h := md5.New() //nolint:gosec // see the import
	size, err = io.Copy(h, f)
	if err := errors.Join(err, f.Close()); err != nil {
		return "", 0, fmt.Errorf("read a file: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), size, nil
}

// diskExtension returns an extension for a file on disk, which tools look at, or "" for
// an unsafe one.
func diskExtension(ext string) string {
	ext = strings.ToLower(strings.TrimPrefix(ext, "."))
	if ext == "" || len(ext) > 12 {
		return ""
	}
	for _, c := range ext {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' {
			return ""
		}
	}
	return "." + ext
}

// BytesStored returns the size of all files that the server keeps. Each content counts
// once.
func (s *Server) BytesStored() int64 { return s.blobs.stored() }
