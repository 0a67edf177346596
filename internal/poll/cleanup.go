package poll

import (
	"context"
	"time"
)

// CleanupTime is how long after its context ended a call may still remove what nothing
// else would. A little is left of the second that all calls end in.
const CleanupTime = 900 * time.Millisecond

type cleanupKey struct{}

// WithCleanup prepares a context for [Cleanup]. The call that does so releases it.
func WithCleanup(ctx context.Context) (prepared context.Context, release func()) {
	outer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = Pause(outer, CleanupTime)
		cancel()
	})
	return context.WithValue(ctx, cleanupKey{}, outer), func() {
		stop()
		cancel()
	}
}

// Cleanup returns a context that ends [CleanupTime] after that of the call, however many
// things there are to be removed.
func Cleanup(ctx context.Context) context.Context {
	if outer, ok := ctx.Value(cleanupKey{}).(context.Context); ok {
		return outer
	}
	return ctx
}
