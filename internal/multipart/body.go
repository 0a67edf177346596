package multipart

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync/atomic"
)

// body is the body of a form upload. It has no WriteTo method: net/http wraps a body of
// known length in an [io.LimitedReader], which would hide it.
type body struct {
	prefix *strings.Reader
	file   io.Reader
	left   int64 // bytes of the file left to read
	size   int64 // announced size of the file
	ended  bool  // the file returned io.EOF
	suffix *strings.Reader
	err    error       // first error of Read
	closed atomic.Bool // transports may call Close concurrently
}

// Read reads the form. After an error it returns the same error again.
func (b *body) Read(p []byte) (n int, err error) {
	if b.closed.Load() {
		return 0, fmt.Errorf("upload body: %w", fs.ErrClosed)
	}
	if b.err == nil {
		n, b.err = b.next(p)
	}
	return n, b.err
}

// Close makes further reads fail. It does not close the file.
func (b *body) Close() error {
	b.closed.Store(true)
	return nil
}

// next reads from the prefix, then the file and, if the file ends where it should, the
// suffix.
func (b *body) next(p []byte) (int, error) {
	if b.prefix.Len() > 0 {
		return b.prefix.Read(p)
	}
	if b.left > 0 {
		return b.readFile(p)
	}
	if err := b.confirmEnd(); err != nil {
		return 0, err
	}
	return b.suffix.Read(p)
}

func (b *body) readFile(p []byte) (int, error) {
	n, err := b.file.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.ended = errors.Is(err, io.EOF)
	switch {
	case b.ended && b.left > 0:
		return n, fmt.Errorf("file ended after %d of %d bytes: %w", b.size-b.left, b.size, io.ErrUnexpectedEOF)
	case err != nil && !b.ended:
		return n, fmt.Errorf("read the file to upload: %w", err)
	}
	return n, nil
}

// confirmEnd checks that the file has no more bytes.
func (b *body) confirmEnd() error {
	if b.ended {
		return nil
	}
	n, err := io.ReadFull(b.file, make([]byte, 1))
	b.ended = errors.Is(err, io.EOF)
	switch {
	case n > 0:
		return fmt.Errorf("file is longer than the announced %d bytes", b.size)
	case !b.ended:
		return fmt.Errorf("read the file to upload: %w", err)
	}
	return nil
}
