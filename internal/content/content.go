// Package content opens the sources of uploads: files, memory and readers. It finds the
// length of a source, which storage must know in advance, and whether the source can be
// read again for a retry.
package content

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"sync"
	"sync/atomic"
)

// Content is an open source. The caller must close it.
type Content struct {
	// Size is the length in bytes.
	Size int64
	// Replayable reports whether Reader may be called more than once.
	Replayable bool
	// Reopenable reports whether the source may be closed and opened again, so that many
	// sources do not have to be open at the same time.
	Reopenable bool

	reader func(context.Context) io.Reader
	close  func() error
}

// Reader returns a reader of the whole content. Its reads end with the context, even
// while the source blocks. It does not stop at Size: an upload must detect that the
// source is longer than announced.
func (c *Content) Reader(ctx context.Context) io.Reader { return c.reader(ctx) }

// Close closes the source. Closing it again does nothing.
func (c *Content) Close() error {
	if c.close == nil {
		return nil
	}
	closeOnce := c.close
	c.close = nil
	return closeOnce()
}

// Options control how a source of unknown length is opened.
type Options struct {
	// TempDir is the directory in which the source is stored to find its length. Sources
	// of up to Memory bytes are kept in memory instead.
	TempDir string
	Memory  int64
	// Stated is the length that the caller has stated, or negative.
	Stated int64
}

// MisuseError is the error of a source that cannot be opened, now or later.
type MisuseError struct{ text string }

// Error returns the message of the error.
func (e *MisuseError) Error() string { return e.text }

func misuse(format string, args ...any) error { return &MisuseError{fmt.Sprintf(format, args...)} }

// checkStated compares the length with the stated one.
func (c *Content) checkStated(o Options) error {
	if o.Stated >= 0 && o.Stated != c.Size {
		return misuse("the source has %d bytes, but WithSize says %d", c.Size, o.Stated)
	}
	return nil
}

// File opens the file at a path. The content of a named pipe is stored.
func File(ctx context.Context, path string, o Options) (*Content, error) {
	file, err := untilDone(ctx, func() (*os.File, error) { return openFile(ctx, path) }, func(f *os.File) { _ = f.Close() })
	if err != nil {
		return nil, err
	}
	c, err := openedFile(ctx, file, o)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	closeContent := c.close
	c.close = func() error {
		if closeContent != nil {
			return errors.Join(closeContent(), file.Close())
		}
		return file.Close()
	}
	return c, nil
}

func openedFile(ctx context.Context, file *os.File, o Options) (*Content, error) {
	c, err := regular(file)
	if err != nil {
		return nil, err
	}
	if c == nil {
		return unsized(ctx, file, o)
	}
	c.Reopenable = true
	return c, c.checkStated(o)
}

// FS opens a file of a file system.
func FS(ctx context.Context, fsys fs.FS, name string, o Options) (*Content, error) {
	info, err := untilDone(ctx, func() (fs.FileInfo, error) { return fs.Stat(fsys, name) }, func(fs.FileInfo) {})
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, misuse("%s is a directory, not a file", name)
	}
	newFile := func() *fsFile {
		return &fsFile{open: func() (fs.File, error) { return fsys.Open(name) }}
	}
	if !info.Mode().IsRegular() {
		file := newFile()
		c, err := unsized(ctx, file, o)
		if closing := file.Close(); err == nil && closing != nil {
			return nil, errors.Join(closing, c.Close())
		}
		return c, err
	}
	var current atomic.Pointer[fsFile]
	replace := func(next *fsFile) error {
		if last := current.Swap(next); last != nil {
			return last.Close()
		}
		return nil
	}
	c := &Content{
		Size: info.Size(), Replayable: true, Reopenable: true,
		reader: func(ctx context.Context) io.Reader {
			next := newFile()
			_ = replace(next) // a file that was only read loses nothing
			return newEndingReader(ctx, next)
		},
		close: func() error { return replace(nil) },
	}
	return c, c.checkStated(o)
}

// fsFile is a file of a file system, opened by the first read. Close does not wait for a
// read that blocks: the file is closed when the read returns.
type fsFile struct {
	open func() (fs.File, error)

	mu     sync.Mutex
	file   fs.File // nil until it is open; owned by the current read, or guarded by mu
	busy   bool    // a read is in progress
	closed bool
}

func (f *fsFile) Read(p []byte) (int, error) {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		return 0, fs.ErrClosed
	}
	f.busy = true
	f.mu.Unlock()
	n, err := f.read(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy = false
	if f.closed {
		_ = f.closeFile() // Close has returned already
	}
	return n, err
}

func (f *fsFile) read(p []byte) (int, error) {
	if f.file == nil {
		file, err := f.open()
		if err != nil {
			return 0, err
		}
		f.file = file
	}
	return f.file.Read(p)
}

func (f *fsFile) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil
	}
	f.closed = true
	if f.busy {
		return nil
	}
	return f.closeFile()
}

func (f *fsFile) closeFile() error {
	if f.file == nil {
		return nil
	}
	return f.file.Close()
}

// Bytes returns content in memory.
func Bytes(b []byte, o Options) (*Content, error) {
	c := inMemory(b)
	return c, c.checkStated(o)
}

func inMemory(b []byte) *Content { return nonBlocking(bytes.NewReader(b), 0, int64(len(b))) }

// Reader is the source of an [io.Reader], from its current offset. It is safe for
// concurrent use.
type Reader struct {
	reader  io.Reader
	seeking sync.Mutex // held while Open seeks to find the length
	used    atomic.Bool
}

// NewReader returns the source of a reader.
func NewReader(r io.Reader) *Reader { return &Reader{reader: r} }

// Open opens the reader. A reader that is not replayable can be opened once.
func (r *Reader) Open(ctx context.Context, o Options) (*Content, error) {
	if r.reader == nil {
		return nil, misuse("the reader of the source is nil")
	}
	r.seeking.Lock()
	c, err := replayable(r.reader)
	r.seeking.Unlock()
	switch {
	case err != nil:
		return nil, err
	case c != nil:
		return c, c.checkStated(o)
	case r.used.Swap(true):
		return nil, misuse("the reader of the source was already used: make a new source from a new reader")
	}
	return r.openOnce(ctx, o)
}

// openOnce opens a reader that can be read once.
func (r *Reader) openOnce(ctx context.Context, o Options) (*Content, error) {
	if o.Stated >= 0 {
		return once(r.reader, o.Stated), nil
	}
	switch sized := r.reader.(type) {
	case *os.File: // may be a pipe, which cannot seek
	case io.Seeker:
		_, size, err := remaining(sized)
		if err != nil {
			return nil, err
		}
		return once(r.reader, size), nil
	case interface{ Len() int }:
		if length := sized.Len(); length >= 0 {
			return once(r.reader, int64(length)), nil
		}
		return nil, misuse("the reader of the source has a negative length")
	}
	return unsized(ctx, r.reader, o)
}

// replayable returns the content of a reader that can be read again, or nil if it cannot.
func replayable(r io.Reader) (*Content, error) {
	switch r := r.(type) {
	case *os.File:
		return regular(r)
	case *bytes.Buffer:
		return inMemory(r.Bytes()), nil
	case interface {
		io.ReaderAt
		io.Seeker
	}:
		offset, size, err := remaining(r)
		if err != nil {
			return nil, err
		}
		c := nonBlocking(r, offset, size)
		plain := c.reader
		c.reader = func(ctx context.Context) io.Reader { return newEndingReader(ctx, plain(ctx)) }
		return c, nil
	default:
		return nil, nil //nolint:nilnil // such a reader is not an error
	}
}

// regular returns the content of a regular file from its current offset, or nil for any
// other file.
func regular(file *os.File) (*Content, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, misuse("%s is a directory, not a file", file.Name())
	}
	if !info.Mode().IsRegular() {
		return nil, nil //nolint:nilnil // a pipe is not an error
	}
	offset, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil, err
	}
	return nonBlocking(file, offset, max(info.Size()-offset, 0)), nil
}

// remaining returns the offset of a seeker and the number of bytes after it.
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

// nonBlocking returns content that can be read again and whose reads do not block for
// long, such as a file or memory.
func nonBlocking(r io.ReaderAt, offset, size int64) *Content {
	return &Content{
		Size: size, Replayable: true,
		reader: func(context.Context) io.Reader { return io.NewSectionReader(r, offset, math.MaxInt64-offset) },
	}
}

// once returns content that can be read once.
func once(r io.Reader, size int64) *Content {
	return &Content{Size: size, reader: func(ctx context.Context) io.Reader { return newEndingReader(ctx, r) }}
}

// unsized returns content of unknown length. It is kept in memory if it is short, and
// written to a temporary file otherwise.
func unsized(ctx context.Context, r io.Reader, o Options) (*Content, error) {
	ending := newEndingReader(ctx, r)
	var start bytes.Buffer
	if _, err := io.Copy(&start, io.LimitReader(ending, o.Memory+1)); err != nil {
		return nil, fmt.Errorf("read the source to learn its length: %w", err)
	}
	if int64(start.Len()) <= o.Memory {
		return Bytes(start.Bytes(), o)
	}
	c, err := stored(io.MultiReader(&start, ending), o.TempDir)
	if err != nil {
		return nil, err
	}
	if err := c.checkStated(o); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// stored writes content to a temporary file, which Close removes.
func stored(r io.Reader, dir string) (*Content, error) {
	file, err := os.CreateTemp(dir, "cloudconvert-upload-*")
	if err != nil {
		return nil, err
	}
	remove := func() error { return errors.Join(file.Close(), os.Remove(file.Name())) }
	size, err := io.CopyBuffer(struct{ io.Writer }{file}, struct{ io.Reader }{r}, make([]byte, readSize))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store the source to learn its length: %w", err), remove())
	}
	c := nonBlocking(file, 0, size)
	c.close = remove
	return c, nil
}
