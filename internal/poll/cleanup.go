package poll

import (
	"context"
	"time"
)

// CleanupTime is how long after the end of its context a call may clean up what nothing
// else would remove. All calls return within a second, which leaves some time for the
// rest.
const CleanupTime = 900 * time.Millisecond

type cleanupKey struct{}

// WithCleanup prepares a context for [Cleanup]. The caller must call release when its
// call ends.
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
// cleanups there are. A context that was not prepared is returned as it is.
func Cleanup(ctx context.Context) context.Context {
	if outer, ok := ctx.Value(cleanupKey{}).(context.Context); ok {
		return outer
	}
	return ctx
}
