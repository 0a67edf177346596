package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	// cleanupTime is how long after its context ended a call may still remove what
	// nothing else would. A little is left of the second that all calls end in.
	cleanupTime = 900 * time.Millisecond
	// deleteTimeout bounds a deletion for which there is more time than that.
	deleteTimeout = 10 * time.Second
)

// lastingKey is the key of the context that [lasting] returns.
type lastingKey struct{}

// withLasting prepares a context for [lasting]. The call that does so ends it.
func withLasting(ctx context.Context) (context.Context, context.CancelFunc) {
	outer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = pause(outer, cleanupTime)
		cancel()
	})
	return context.WithValue(ctx, lastingKey{}, outer), func() {
		stop()
		cancel()
	}
}

// lasting returns a context that ends cleanupTime after that of the call did,
// however many things there are to be removed.
func lasting(ctx context.Context) context.Context {
	if outer, ok := ctx.Value(lastingKey{}).(context.Context); ok {
		return outer
	}
	return ctx
}

// removeLeft deletes a job or a task that is not wanted any more, even if the
// context ended. What is left is named in the error.
func removeLeft(ctx context.Context, path, id string, remove func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(lasting(ctx), deleteTimeout)
	defer cancel()
	err := remove(ctx)
	if err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	kind, remedy := "job", "Jobs.Delete"
	if path == "tasks" {
		kind, remedy = "task", "Tasks.Delete"
	}
	if ctx.Err() != nil {
		// Its error would pass for that of the caller's context.
		err = errors.New("no response in time")
	}
	return fmt.Errorf("cloudconvert: the %s %s could not be deleted, use %s: %w", kind, id, remedy, err)
}
