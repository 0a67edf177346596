// Package poll has what waits share: pauses that end with a context or a wake-up, pauses
// that grow, and the time for cleaning up after a context has ended.
package poll

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause waits for d. It returns the error of the context if that ends first.
func Pause(ctx context.Context, d time.Duration) error {
	_, err := PauseOr[struct{}](ctx, nil, d)
	return err
}

// PauseOr waits for d or until wake has a value or is closed. It reports whether wake
// ended the pause.
func PauseOr[T any](ctx context.Context, wake <-chan T, d time.Duration) (woken bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-wake:
		return true, nil
	case <-timer.C:
		return false, nil
	}
}

// Backoff is a series of pauses that double, from First to Longest.
type Backoff struct{ First, Longest time.Duration }

// Ceiling returns the longest that pause n may be. The first one is pause 0.
func (b Backoff) Ceiling(n int) time.Duration {
	ceiling := b.First
	for range n {
		if ceiling > b.Longest/2 {
			return b.Longest
		}
		ceiling *= 2
	}
	return ceiling
}

// Random returns a random duration up to the ceiling of pause n, and at least half of it:
// what waits for one thing does not look for it all at once.
func (b Backoff) Random(n int) time.Duration {
	half := b.Ceiling(n) / 2
	return half + rand.N(half+1)
}
