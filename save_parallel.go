package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
)

// errGoroutineEnded is all that is known of work that never came back.
var errGoroutineEnded = errors.New("cloudconvert: a function that was called, such as Progress, has ended its goroutine")

// each does something with all items, so many at a time. The first error ends
// it and is returned, as is the end of the context. Something that does not come
// back, as a function of the caller's may end its goroutine, is an error too.
func each[T any](ctx context.Context, parallel int, items []T, do func(context.Context, T) error) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		workers sync.WaitGroup
		next    atomic.Int64
		done    atomic.Int64
		once    sync.Once
		failure error
	)
	work := func() {
		for i := next.Add(1) - 1; i < int64(len(items)) && inner.Err() == nil; i = next.Add(1) - 1 {
			if err := do(inner, items[i]); err != nil {
				once.Do(func() { failure = err })
				cancel()
			}
			done.Add(1)
		}
	}
	for range min(parallel, len(items)) {
		workers.Go(work)
	}
	workers.Wait()
	switch {
	case failure != nil:
		return failure
	case ctx.Err() != nil:
		return fmt.Errorf("cloudconvert: %w", ctx.Err())
	case done.Load() < int64(len(items)):
		return errGoroutineEnded
	}
	return nil
}
