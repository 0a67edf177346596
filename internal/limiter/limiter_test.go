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
	return limiter.Answer{Accepted: true, Counted: true, Remaining: uint32(w.limit - w.used)}
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
	return enterWith(t, l, l.Ticket())
}

func enterWith(t *testing.T, l *limiter.Limiter, ticket uint64) limiter.Pass {
	t.Helper()
	pass, err := l.Enter(t.Context(), ticket)
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
		l.Leave(enter(t, &l), limiter.Answer{Accepted: true})
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
				pass := enterWith(t, &l, ticket)
				order = append(order, i)
				l.Leave(pass, limiter.Answer{Counted: true, Remaining: 1})
			})
		}
		l.Leave(first, limiter.Answer{Refused: true, RetryAfter: time.Minute})
		advance(10 * time.Second)
		senders.Go(func() {
			pass := enterWith(t, &l, refused)
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

// Who waits already need not wait in vain either.
func TestDeadlineOfThoseInTheQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Answer{Accepted: true, Counted: true})
		probe := enter(t, &l)
		start := time.Now()
		var waiters sync.WaitGroup
		queue := func(timeout, after time.Duration, want error) {
			ticket := l.Ticket()
			waiters.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				pass, err := l.Enter(ctx, ticket)
				assert.Equal(t, want, err)
				assert.Equal(t, after, time.Since(start))
				if err == nil {
					l.Leave(pass, limiter.Answer{Accepted: true, Counted: true, Remaining: 9})
				}
			})
		}
		sentAway := &limiter.BlockedError{For: time.Minute}
		queue(2*time.Minute, 65*time.Second, nil)
		queue(10*time.Second, 5*time.Second, sentAway)
		queue(time.Hour, 65*time.Second, nil)
		queue(20*time.Second, 5*time.Second, sentAway)
		advance(5 * time.Second)
		l.Leave(probe, limiter.Answer{Refused: true, RetryAfter: time.Minute})
		waiters.Wait()
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

// What an answer tells after the service had no room left.
func TestAfterTheLastRoom(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer limiter.Answer
		open   bool
	}{
		"accepted, not counted": {limiter.Answer{Accepted: true}, true},
		"accepted and counted":  {limiter.Answer{Accepted: true, Counted: true, Remaining: 9}, true},
		"the last one":          {limiter.Answer{Accepted: true, Counted: true}, false},
		"lost":                  {limiter.Answer{}, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var l limiter.Limiter
			l.Leave(enter(t, &l), limiter.Answer{Accepted: true, Counted: true, Remaining: 0})
			l.Leave(enter(t, &l), tt.answer)
			assert.Equal(t, tt.open, l.Try())
			enter(t, &l)
			assert.Equal(t, tt.open, l.Try(), "one is on its way")
		})
	}
}

// An answer to a request from before a refusal says nothing about the time after it.
func TestStaleAnswersOpenNothing(t *testing.T) {
	t.Parallel()
	for name, stale := range map[string]limiter.Answer{
		"not counted": {Accepted: true},
		"counted":     {Accepted: true, Counted: true, Remaining: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var l limiter.Limiter
				first, second := enter(t, &l), enter(t, &l)
				l.Leave(second, limiter.Answer{Refused: true, RetryAfter: time.Minute})
				l.Leave(first, stale)
				advance(time.Minute)
				assert.False(t, l.Try())
				enter(t, &l)
				assert.False(t, l.Try())
			})
		})
	}
}

// A request that hangs since before the refusal does not keep the others from
// finding out that there is room again.
func TestHangingRequestHoldsNobodyBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		hanging := enter(t, &l)
		l.Leave(enter(t, &l), limiter.Answer{Refused: true, RetryAfter: time.Minute})
		start := time.Now()
		probe := enter(t, &l)
		assert.Equal(t, time.Minute, time.Since(start))
		l.Leave(hanging, limiter.Answer{})
		assert.False(t, l.Try(), "the probe is still on its way")
		l.Leave(probe, limiter.Answer{Accepted: true, Counted: true, Remaining: 5})
		assert.True(t, l.Try())
	})
}

func TestLateRequestsDoNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		assert.True(t, l.Try(), "nothing is known")
		l.Leave(enter(t, &l), limiter.Answer{Accepted: true, Counted: true, Remaining: 2})
		assert.True(t, l.Try())
		assert.True(t, l.Try())
		assert.False(t, l.Try(), "no room is left")
		l.Leave(enter(t, &l), limiter.Answer{Accepted: true, Counted: true, Remaining: 9})
		assert.True(t, l.Try())
		l.LeaveLate(limiter.Answer{Refused: true, RetryAfter: time.Minute})
		assert.False(t, l.Try(), "refused")
		start := time.Now()
		enter(t, &l)
		assert.Equal(t, time.Minute, time.Since(start))
		assert.False(t, l.Try(), "the one that finds out is on its way")
	})
}

// Before anything is known, only so many go ahead.
func TestLateRequestsInAFirstBurst(t *testing.T) {
	t.Parallel()
	var l limiter.Limiter
	passed := 0
	for range 100 {
		if l.Try() {
			passed++
		}
	}
	assert.Equal(t, 16, passed)
	l.LeaveLate(limiter.Answer{Accepted: true})
	assert.True(t, l.Try(), "one was accepted")
}

// late is a context that is slow to end: its deadline is over.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-1500 * time.Millisecond), true }

// Nobody is sent away because of a pause that is over.
func TestEnterAfterThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		pass, err := l.Enter(t.Context(), l.Ticket())
		require.NoError(t, err)
		l.Leave(pass, limiter.Answer{Refused: true, RetryAfter: time.Second})
		advance(2 * time.Second)
		_, err = l.Enter(late{t.Context()}, l.Ticket())
		require.NoError(t, err)
	})
}
