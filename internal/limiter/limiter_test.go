package limiter_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// window is a service that allows so many requests in each window.
type window struct {
	mu      sync.Mutex
	limit   int
	length  time.Duration
	ends    time.Time
	used    int
	done    int
	refused []time.Time
}

func (w *window) request() limiter.Answer {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	if !now.Before(w.ends) {
		w.ends, w.used = now.Add(w.length), 0
	}
	if w.used == w.limit {
		w.refused = append(w.refused, now)
		return limiter.Answer{Refused: true, RetryAfter: w.ends.Sub(now)}
	}
	w.used++
	w.done++
	return limiter.Answer{Counted: true, Remaining: uint32(w.limit - w.used)}
}

// send sends until it is not refused.
func send(ctx context.Context, l *limiter.Limiter, w *window) error {
	ticket := l.Ticket()
	for {
		pass, err := l.Enter(ctx, ticket)
		if err != nil {
			return err
		}
		advance(5 * time.Millisecond)
		answer := w.request()
		l.Leave(pass, answer)
		if !answer.Refused {
			return nil
		}
	}
}

// enter gets a pass at once, or fails the test.
func enter(t *testing.T, l *limiter.Limiter) limiter.Pass {
	t.Helper()
	pass, err := l.Enter(t.Context(), l.Ticket())
	assert.NoError(t, err)
	return pass
}

// advance lets time pass within a bubble.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the clock of a bubble, not a real one.
}

func TestWindowCostsOneRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		w := &window{limit: 60, length: time.Minute}
		requests := make(chan struct{}, 500)
		for range 500 {
			requests <- struct{}{}
		}
		close(requests)
		var senders sync.WaitGroup
		for range 64 {
			senders.Go(func() {
				for range requests {
					assert.NoError(t, send(t.Context(), &l, w))
				}
			})
		}
		senders.Wait()
		assert.Equal(t, 500, w.done)
		assert.LessOrEqual(t, len(w.refused), 9, "one for each window")
	})
}

func TestOpenWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Answer{Counted: true, Remaining: 1000})
		start := time.Now()
		for range 500 {
			enter(t, &l)
		}
		assert.Zero(t, time.Since(start))
	})
}

func TestOpenWithoutCounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Answer{})
		for range 500 {
			enter(t, &l)
		}
	})
}

func TestFirstComeFirstServed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		refused := l.Ticket()
		first, err := l.Enter(t.Context(), refused)
		require.NoError(t, err)
		var order []int
		var senders sync.WaitGroup
		for i := range 5 {
			ticket := l.Ticket()
			senders.Go(func() {
				advance(time.Duration(5-i) * time.Second)
				pass, err := l.Enter(t.Context(), ticket)
				assert.NoError(t, err)
				order = append(order, i)
				l.Leave(pass, limiter.Answer{Counted: true, Remaining: 1})
			})
		}
		l.Leave(first, limiter.Answer{Refused: true, RetryAfter: time.Minute})
		advance(10 * time.Second)
		senders.Go(func() {
			pass, err := l.Enter(t.Context(), refused)
			assert.NoError(t, err)
			order = append(order, -1)
			l.Leave(pass, limiter.Answer{Counted: true, Remaining: 1})
		})
		senders.Wait()
		assert.Equal(t, []int{-1, 0, 1, 2, 3, 4}, order)
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Answer{Refused: true, RetryAfter: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		var blocked *limiter.BlockedError
		_, err := l.Enter(ctx, l.Ticket())
		require.ErrorAs(t, err, &blocked)
		assert.Equal(t, time.Minute, blocked.For)
		assert.Zero(t, time.Since(start), "it does not wait in vain")
	})
}

func TestCancelledWaiterHandsItsPlaceOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Answer{Refused: true, RetryAfter: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		var waiters sync.WaitGroup
		waiters.Go(func() {
			_, err := l.Enter(ctx, l.Ticket())
			assert.ErrorIs(t, err, context.Canceled)
		})
		advance(time.Second)
		waiters.Go(func() { enter(t, &l) })
		advance(time.Second)
		cancel()
		start := time.Now()
		waiters.Wait()
		assert.Equal(t, 58*time.Second, time.Since(start))
	})
}

func TestLostAnswerOpensTheGateAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Answer{Counted: true, Remaining: 0})
		l.Leave(enter(t, &l), limiter.Answer{})
		enter(t, &l)
		enter(t, &l)
	})
}
