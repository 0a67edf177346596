package cloudconvert

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"

	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// Source is a file to be converted or uploaded: made by [FromFile],
// [FromBytes], [FromReader] or [FromURL]. The zero value is no source.
type Source struct {
	id   string // the path, name or URL
	name string // without directories
	path string // of a file
	url  string
	open func(ctx context.Context, tempDir string) (*content, error)
}

// content is a source opened for reading.
type content struct {
	size int64
	// reader returns the whole content. Only if replay is set it can be called again.
	reader func() io.Reader
	replay bool
	close  func() error
}

// FromFile is the file at a path. It is opened when it is needed and closed
// again. Its name and size must not change meanwhile.
func FromFile(path string) Source {
	return Source{id: path, name: filepath.Base(path), path: path, open: func(ctx context.Context, tempDir string) (*content, error) {
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		opened, err := fileContent(ctx, file, tempDir)
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		closeContent := opened.close
		opened.close = func() error { return errors.Join(closeContent(), file.Close()) }
		return opened, nil
	}}
}

// FromBytes is a file in memory, under a name whose extension is its format.
// The bytes must not change until the call that uses them returns.
func FromBytes(name string, b []byte) Source {
	return Source{id: name, name: baseOf(name), open: func(context.Context, string) (*content, error) {
		return readerAt(bytes.NewReader(b), 0, int64(len(b))), nil
	}}
}

// FromReader is what a reader yields from where it stands, under a name whose
// extension is its format. The caller goes on owning the reader, and closes it.
//
// An upload needs the length beforehand. It is found by reading the size of a
// file, by Len or by seeking. The content of any other reader is written to
// a temporary file first, see [TransferPolicy]. Only readers that are also an [io.ReaderAt], as files
// are, can be used twice and be sent again after a broken upload.
func FromReader(name string, r io.Reader) Source {
	used := new(atomic.Bool)
	return Source{id: name, name: baseOf(name), open: func(ctx context.Context, tempDir string) (*content, error) {
		if r == nil {
			return nil, invalid(errors.New("the reader of the source is nil"))
		}
		if used.Swap(true) {
			if _, ok := r.(io.ReaderAt); !ok {
				return nil, invalid(errors.New("the reader of the source was used already: make a new source of a new reader"))
			}
		}
		return readerContent(ctx, r, tempDir)
	}}
}

// FromURL is a file that the service fetches by itself. The name is taken from
// the address or from its answer.
func FromURL(url string) Source { return Source{id: url, url: url} }

// extension returns the extension of the source's name without its dot.
func (s Source) extension() string { return extensionOf(s.name) }

// stem returns the source's name without its extension. That of a URL is the
// last part of its path.
func (s Source) stem() string {
	name := s.name
	if address, err := url.Parse(s.url); err == nil && name == "" {
		name = path.Base(address.Path)
	}
	return safefile.Name(stemOf(name))
}

// stemOf returns a name without its extension.
func stemOf(name string) string {
	if extension := extensionOf(name); extension != "" {
		return name[:len(name)-len(extension)-1]
	}
	return strings.TrimSuffix(name, ".")
}

// baseOf returns a name without the directories before it.
func baseOf(name string) string {
	name = filepath.ToSlash(name)
	return name[strings.LastIndexByte(name, '/')+1:]
}

// extensionOf returns what stands behind the last dot of a name, or behind the
// last but one in "tar.gz" and its like. A leading dot does not count.
func extensionOf(name string) string {
	stem := baseOf(name)
	extension := path.Ext(stem)
	stem = strings.TrimSuffix(stem, extension)
	if inner := path.Ext(stem); strings.EqualFold(inner, ".tar") && extension != "." {
		stem, extension = strings.TrimSuffix(stem, inner), inner+extension
	}
	if stem == "" || len(extension) < 2 {
		return ""
	}
	return extension[1:]
}

// content opens the source.
func (s Source) content(ctx context.Context, tempDir string) (*content, error) {
	if s.open == nil {
		return nil, invalid(errors.New("the source is empty: make one by FromFile, FromBytes or FromReader"))
	}
	opened, err := s.open(ctx, tempDir)
	if err != nil && !errors.Is(err, ErrInvalid) {
		err = fmt.Errorf("cloudconvert: %w", err)
	}
	return opened, err
}

// readerContent finds out the length of what a reader yields.
func readerContent(ctx context.Context, r io.Reader, tempDir string) (*content, error) {
	if file, ok := r.(*os.File); ok {
		return fileContent(ctx, file, tempDir)
	}
	seeker, seeks := r.(io.Seeker)
	if !seeks {
		if sized, ok := r.(interface{ Len() int }); ok {
			return once(r, int64(sized.Len())), nil
		}
		return spool(ctx, r, tempDir)
	}
	offset, size, err := remaining(seeker)
	if err != nil {
		return nil, err
	}
	if at, ok := r.(io.ReaderAt); ok {
		return readerAt(at, offset, size), nil
	}
	return once(r, size), nil
}

// fileContent reads a regular file from its offset, and a pipe to its end.
func fileContent(ctx context.Context, file *os.File, tempDir string) (*content, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a file", file.Name())
	}
	if !info.Mode().IsRegular() {
		return spool(ctx, file, tempDir)
	}
	offset, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	return readerAt(file, offset, max(info.Size()-offset, 0)), nil
}

// remaining returns where a seeker stands and how much is left.
func remaining(s io.Seeker) (offset, size int64, err error) {
	if offset, err = s.Seek(0, io.SeekCurrent); err != nil {
		return 0, 0, err
	}
	end, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, 0, err
	}
	if _, err = s.Seek(offset, io.SeekStart); err != nil {
		return 0, 0, err
	}
	return offset, max(end-offset, 0), nil
}

// readerAt is content that can be read again. It does not stop at the size: an upload
// has to notice when there is more than was announced.
func readerAt(r io.ReaderAt, offset, size int64) *content {
	return &content{
		size:   size,
		reader: func() io.Reader { return io.NewSectionReader(r, offset, math.MaxInt64-offset) },
		replay: true,
		close:  func() error { return nil },
	}
}

// once is content that can be read a single time.
func once(r io.Reader, size int64) *content {
	return &content{size: size, reader: func() io.Reader { return r }, close: func() error { return nil }}
}

// spool writes content of unknown length to a temporary file.
func spool(ctx context.Context, r io.Reader, tempDir string) (*content, error) {
	file, err := os.CreateTemp(tempDir, "cloudconvert-upload-*")
	if err != nil {
		return nil, err
	}
	remove := func() error { return errors.Join(file.Close(), os.Remove(file.Name())) }
	size, err := copyUntilDone(ctx, file, r)
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	spooled := readerAt(file, 0, size)
	spooled.close = remove
	return spooled, nil
}

// copyUntilDone copies until the reader or the context ends. A reader that
// blocks is left alone then: nothing it yields later is used.
func copyUntilDone(ctx context.Context, w io.Writer, r io.Reader) (int64, error) {
	type result struct {
		n   int64
		err error
	}
	done := make(chan result, 1)
	go func() {
		n, err := io.Copy(w, untilDone{ctx, r})
		done <- result{n, err}
	}()
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case copied := <-done:
		return copied.n, copied.err
	}
}

// untilDone is a reader that ends with a context.
type untilDone struct {
	ctx context.Context //nolint:containedctx // a reader has no other way to know it.
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
