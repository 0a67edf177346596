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
	"sync"
	"sync/atomic"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// Source is a file to be converted or uploaded: made by [FromFile],
// [FromBytes], [FromReader] or [FromURL]. The zero value is no source.
type Source struct {
	id   secret // the path, name or URL
	name string // without directories
	path string // of a file
	url  secret
	open func(ctx context.Context, tempDir string) (*content, error)
}

// content is a source opened for reading.
type content struct {
	size int64
	// reader returns the whole content, and ends with the context even if that
	// blocks. Only if replay is set it can be called again.
	reader func(context.Context) io.Reader
	replay bool
	close  func() error
}

// FromFile is the file at a path. It is opened when it is needed and closed
// again. Its name and size must not change meanwhile.
//
// It may be a named pipe, whose content is copied to a temporary file first. On
// Linux nothing is left of one when the context ends. On other systems, or where a
// network file system blocks, a goroutine stays until the system lets it go.
func FromFile(path string) Source {
	return Source{id: newSecret(path), name: filepath.Base(path), path: path, open: func(ctx context.Context, tempDir string) (*content, error) {
		file, err := untilDone(ctx, func() (*os.File, error) { return openSource(ctx, path) },
			func(late *os.File) { _ = late.Close() }) // nothing was read
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
	return Source{id: newSecret(name), name: baseOf(name), open: func(context.Context, string) (*content, error) {
		return bytesContent(b), nil
	}}
}

// FromReader is what a reader yields from where it stands, under a name whose
// extension is its format. The caller still owns the reader, and closes it. A Read
// that blocks when the context ends, of [os.Stdin] for instance, is left to itself:
// its goroutine stays until it returns.
//
// An upload needs the length beforehand: it is the size of a file, or comes from
// Len or from seeking. The content of any other reader is written to a temporary
// file first, see [TransferPolicy]. Only files, a [bytes.Buffer] and readers that
// are both [io.ReaderAt] and [io.Seeker] can be used twice. From these, and from a
// temporary file, a broken upload is sent again.
func FromReader(name string, r io.Reader) Source {
	used := new(atomic.Bool)
	seeking := new(sync.Mutex) // to find the length, which several uploads may do at a time
	return Source{id: newSecret(name), name: baseOf(name), open: func(ctx context.Context, tempDir string) (*content, error) {
		if r == nil {
			return nil, invalid(errors.New("the reader of the source is nil"))
		}
		seeking.Lock()
		opened, err := lastingContent(r)
		seeking.Unlock()
		if opened != nil || err != nil {
			return opened, err
		}
		if used.Swap(true) {
			return nil, invalid(errors.New("the reader of the source was used already: make a new source of a new reader"))
		}
		return passingContent(ctx, r, tempDir)
	}}
}

// FromURL is a file that the service fetches by itself. The name is taken from
// the address or from its answer.
func FromURL(url string) Source { return Source{id: newSecret(url), url: newSecret(url)} }

// extension returns the extension of the source's name without its dot.
func (s Source) extension() string { return extensionOf(s.name) }

// stem returns the source's name without its extension. That of a URL is the
// last part of its path.
func (s Source) stem() string {
	name := s.name
	if address, err := url.Parse(s.url.value()); err == nil && name == "" {
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
		return nil, invalid(errors.New("the source is empty: make one by FromFile, FromBytes, FromReader or FromURL"))
	}
	opened, err := s.open(ctx, tempDir)
	if err != nil && !errors.Is(err, ErrInvalid) {
		// The path may be a URL by mistake.
		err = fmt.Errorf("cloudconvert: %w", engine.Answer{Err: err}.Hiding().Err)
	}
	return opened, err
}

// lastingContent is what a reader yields that can be read again, or nil if it cannot.
func lastingContent(r io.Reader) (*content, error) {
	switch r := r.(type) {
	case *os.File:
		return regularFile(r)
	case *bytes.Buffer:
		return bytesContent(r.Bytes()), nil
	case interface {
		io.ReaderAt
		io.Seeker
	}:
		offset, size, err := remaining(r)
		if err != nil {
			return nil, err
		}
		return readerAt(r, offset, size), nil
	default:
		return nil, nil //nolint:nilnil // nothing wrong with the reader.
	}
}

// passingContent is what a reader yields that can be read a single time.
func passingContent(ctx context.Context, r io.Reader, tempDir string) (*content, error) {
	switch sized := r.(type) {
	case *os.File: // may be a pipe, which cannot seek
	case io.Seeker:
		_, size, err := remaining(sized)
		if err != nil {
			return nil, err
		}
		return once(r, size), nil
	case interface{ Len() int }:
		if length := sized.Len(); length >= 0 {
			return once(r, int64(length)), nil
		}
		return nil, invalid(errors.New("the reader of the source has a negative length"))
	}
	return spool(ctx, r, tempDir)
}

// fileContent reads a regular file from its offset, and a pipe to its end.
func fileContent(ctx context.Context, file *os.File, tempDir string) (*content, error) {
	opened, err := regularFile(file)
	if opened != nil || err != nil {
		return opened, err
	}
	return spool(ctx, file, tempDir)
}

// regularFile is a file from its offset, or nil if it is no regular one.
func regularFile(file *os.File) (*content, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a file", file.Name())
	}
	if !info.Mode().IsRegular() {
		return nil, nil //nolint:nilnil // nothing wrong with a pipe.
	}
	offset, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	return prompt(file, offset, max(info.Size()-offset, 0)), nil
}

func bytesContent(b []byte) *content { return prompt(bytes.NewReader(b), 0, int64(len(b))) }

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
	c := prompt(r, offset, size)
	plain := c.reader
	c.reader = func(ctx context.Context) io.Reader { return newEndingReader(ctx, plain(ctx)) }
	return c
}

// prompt is the same of a file or of memory, whose reads do not block for long.
func prompt(r io.ReaderAt, offset, size int64) *content {
	return &content{
		size:   size,
		reader: func(context.Context) io.Reader { return io.NewSectionReader(r, offset, math.MaxInt64-offset) },
		replay: true,
		close:  func() error { return nil },
	}
}

// once is content that can be read a single time.
func once(r io.Reader, size int64) *content {
	return &content{
		size:   size,
		reader: func(ctx context.Context) io.Reader { return newEndingReader(ctx, r) },
		close:  func() error { return nil },
	}
}

// spool writes content of unknown length to a temporary file.
func spool(ctx context.Context, r io.Reader, tempDir string) (*content, error) {
	file, err := os.CreateTemp(tempDir, "cloudconvert-upload-*")
	if err != nil {
		return nil, err
	}
	remove := func() error { return errors.Join(file.Close(), os.Remove(file.Name())) }
	size, err := io.Copy(file, newEndingReader(ctx, r))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store the source to learn its length: %w", err), remove())
	}
	spooled := prompt(file, 0, size)
	spooled.close = remove
	return spooled, nil
}
