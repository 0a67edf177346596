package content

import (
	"context"
	"io"
)

// untilDone returns the result of f. If the context ends first, it returns the error of
// the context: f is not called then, or its result is passed to discard.
func untilDone[T any](ctx context.Context, f func() (T, error), discard func(T)) (T, error) {
	if err := ctx.Err(); err != nil {
		return *new(T), err
	}
	type result struct {
		value T
		err   error
	}
	done := make(chan result) // unbuffered: a value that is sent is also received
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

// endingReader is a reader whose reads end with a context, even while the underlying
// reader blocks. net/http waits for reads of a body, and so does not wait any longer. Its
// reads also end if the underlying reader keeps returning nothing.
type endingReader struct {
	ctx    context.Context //nolint:containedctx // Read has no parameter for it.
	reader io.Reader
	buffer []byte // separate, because an abandoned read may still write to it
}

// readSize is the most that is read from a reader at once. Each read takes a goroutine.
const readSize = 64 << 10

func newEndingReader(ctx context.Context, r io.Reader) io.Reader {
	return &endingReader{ctx: ctx, reader: Steady(r), buffer: make([]byte, readSize)}
}

// Read implements [io.Reader].
func (e *endingReader) Read(p []byte) (int, error) {
	buffer := e.buffer[:min(len(p), len(e.buffer))]
	n, err := untilDone(e.ctx, func() (int, error) { return e.reader.Read(buffer) }, func(int) {})
	return copy(p, buffer[:n]), err
}
