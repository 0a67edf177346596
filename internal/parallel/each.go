// Package parallel bounds what runs concurrently.
package parallel

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Each calls do for all items, at most parallel of them concurrently. The first error
// ends it and is returned, as is the end of the context unless all are done.
func Each[T any](ctx context.Context, parallel int, items []T, do func(context.Context, T) error) error {
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
			} else {
				done.Add(1)
			}
		}
	}
	for range min(parallel, len(items)) - 1 {
		workers.Go(work)
	}
	work() // a single item takes no other goroutine
	workers.Wait()
	switch {
	case failure != nil:
		return failure
	case done.Load() < int64(len(items)):
		return fmt.Errorf("cloudconvert: %w", ctx.Err())
	}
	return nil
}
