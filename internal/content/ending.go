package content

import (
	"context"
	"fmt"
	"io"
)

// untilDone returns what f returns, or the error of the context if that ends first:
// f is not begun then, or left alone. What it returns later is discarded.
func untilDone[T any](ctx context.Context, f func() (T, error), discard func(T)) (T, error) {
	if err := ctx.Err(); err != nil {
		return *new(T), err
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result) // without a buffer: what is sent is also received
	go func() {
		value, err := f()
		select {
		case done <- result{value, err}:
		case <-ctx.Done():
			if err == nil {
				discard(value)
			}
		}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return *new(T), ctx.Err()
	}
}

// endingReader is a reader that ends with a context, even while the reader
// behind it blocks: nothing that waits for a read of a body, as package
// net/http does, waits any longer than that. It also ends when reads return nothing
// again and again, which would be repeated for ever.
type endingReader struct {
	ctx    context.Context //nolint:containedctx // a reader has no other way to know it.
	reader io.Reader
	buffer []byte // of its own, because an abandoned read may still write to it
}

func newEndingReader(ctx context.Context, r io.Reader) io.Reader {
	return &endingReader{ctx: ctx, reader: Steady(r), buffer: make([]byte, 64<<10)}
}

// Read reads as much as the buffer takes.
func (e *endingReader) Read(p []byte) (int, error) {
	buffer := e.buffer[:min(len(p), len(e.buffer))]
	n, err := untilDone(e.ctx, func() (int, error) { return e.reader.Read(buffer) }, func(int) {})
	if n < 0 || n > len(buffer) {
		return 0, fmt.Errorf("the reader of the source returned an invalid count: %d bytes read of %d", n, len(buffer))
	}
	return copy(p, buffer[:n]), err
}
