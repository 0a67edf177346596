package storage

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

// Blob is the content of a stored file. Several tasks may use it: an export lists the
// files of a conversion. It is removed from disk with its last user.
type Blob struct {
	Path string
	Size int64
	MD5  string
	refs int
}

// Blobs keeps contents in a directory. A content counts its users.
type Blobs struct {
	dir   string
	mu    sync.Mutex
	next  int
	bytes int64
}

// NewBlobs returns a store in a directory.
func NewBlobs(dir string) *Blobs { return &Blobs{dir: dir} }

// Write stores the content of r. The blob has one user: the caller.
func (b *Blobs) Write(ext string, r io.Reader) (*Blob, error) {
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

// Adopt moves a file into the store.
func (b *Blobs) Adopt(path, ext string) (*Blob, error) {
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

func (b *Blobs) add(path string, size int64, sum string) *Blob {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes += size
	return &Blob{Path: path, Size: size, MD5: sum, refs: 1}
}

func (b *Blobs) newPath(ext string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.next++
	return filepath.Join(b.dir, fmt.Sprintf("%08d%s", b.next, diskExtension(ext)))
}

// Retain adds a user.
func (b *Blobs) Retain(x *Blob) *Blob {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.refs++
	return x
}

// WithExtension takes over a user of x, and returns its content with an extension on disk:
// x, or a copy.
func (b *Blobs) WithExtension(x *Blob, ext string) (*Blob, error) {
	if strings.TrimLeft(filepath.Base(x.Path), "0123456789") == diskExtension(ext) {
		return x, nil
	}
	defer b.Release(x)
	f, err := os.Open(x.Path)
	if err != nil {
		return nil, fmt.Errorf("read a file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	return b.Write(ext, f)
}

// Release removes a user, and the content with the last one.
func (b *Blobs) Release(x *Blob) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.refs--
	if x.refs > 0 {
		return
	}
	b.bytes -= x.Size
	_ = os.Remove(x.Path)
}

// Stored returns the size of all contents.
func (b *Blobs) Stored() int64 {
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
