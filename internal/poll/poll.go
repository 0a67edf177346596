// Package poll has what waits have in common: pauses that end with a context or a
// wake-up, backoff, and the time to clean up after a context has ended.
package poll

import (
	"context"
	"math/rand/v2"
	"time"
)

// Pause waits for d. If the context ends first, it returns its error.
func Pause(ctx context.Context, d time.Duration) error {
	_, err := PauseOr[struct{}](ctx, nil, d)
	return err
}

// PauseOr waits for d, or until wake receives a value or is closed. It reports whether
// wake ended the pause. If the context ends first, it returns its error.
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

// Backoff is a series of pauses that double, from First up to Longest.
type Backoff struct{ First, Longest time.Duration }

// Ceiling returns the maximum of pause n. The first pause is pause 0.
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

// Random returns a random duration between half the ceiling of pause n and the ceiling.
// Callers that wait for the same thing then do not poll at the same moment.
func (b Backoff) Random(n int) time.Duration {
	half := b.Ceiling(n) / 2
	return half + rand.N(half+1)
}
