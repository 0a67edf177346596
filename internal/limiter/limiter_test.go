package limiter_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// service accepts a limited number of requests in each window. The last limit applies to
// all windows that follow.
type service struct {
	limits  []int
	counts  bool
	used    int
	done    int
	ends    time.Time
	mu      sync.Mutex
	refused []int // by window
}

const windowLength = time.Minute

func (s *service) request() limiter.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if !now.Before(s.ends) {
		s.ends, s.used = now.Add(windowLength), 0
		s.refused = append(s.refused, 0)
	}
	limit := s.limits[min(len(s.refused), len(s.limits))-1]
	if s.used == limit {
		s.refused[len(s.refused)-1]++
		return limiter.Outcome{Refused: true, RetryAfter: s.ends.Sub(now)}
	}
	s.used++
	s.done++
	return limiter.Outcome{Accepted: true, Counted: s.counts, Remaining: uint32(limit - s.used)}
}

// use makes n requests from 64 goroutines, and retries those that are refused.
func (s *service) use(t *testing.T, l *limiter.Limiter, n int) {
	t.Helper()
	requests := make(chan struct{}, n)
	for range n {
		requests <- struct{}{}
	}
	close(requests)
	var senders sync.WaitGroup
	for range 64 {
		senders.Go(func() {
			for range requests {
				assert.NoError(t, send(t.Context(), l, s))
			}
		})
	}
	senders.Wait()
	assert.Equal(t, n, s.done)
}

// send sends a request until it is accepted.
func send(ctx context.Context, l *limiter.Limiter, s *service) error {
	ticket := l.Ticket()
	for {
		pass, err := l.Enter(ctx, ticket, limiter.Request{})
		if err != nil {
			return err
		}
		advance(rand.N(10 * time.Millisecond))
		outcome := s.request()
		advance(rand.N(10 * time.Millisecond))
		l.Leave(pass, outcome)
		if !outcome.Refused {
			return nil
		}
	}
}

// enter gets a pass at once, or fails the test.
func enter(t *testing.T, l *limiter.Limiter) *limiter.Pass {
	t.Helper()
	return enterWith(t, l, l.Ticket())
}

func enterWith(t *testing.T, l *limiter.Limiter, ticket uint64) *limiter.Pass {
	t.Helper()
	pass, err := l.Enter(t.Context(), ticket, limiter.Request{})
	assert.NoError(t, err)
	return pass
}

// advance lets time pass in a synctest bubble.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the clock of a bubble is not a real one.
}

func TestWindowCostsOneRefusal(t *testing.T) {
	t.Parallel()
	for _, limits := range [][]int{{1}, {20}, {60}, {1000}, {20, 40, 5, 100}} {
		t.Run(fmt.Sprint(limits), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{limits: limits, counts: true}
				s.use(t, &limiter.Limiter{}, requestsFor(limits, 10))
				assert.Equal(t, append(slices.Repeat([]int{1}, 9), 0), s.refused)
			})
		})
	}
}

// requestsFor returns how many requests fill n windows.
func requestsFor(limits []int, windows int) int {
	n := 0
	for i := range windows {
		n += limits[min(i, len(limits)-1)]
	}
	return n
}

// If the service sends no counts, the first window costs the requests in flight. From
// then on the limiter knows how many requests pass, and adapts.
func TestWindowsWithoutCounts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		limits []int
		most   []int // refused in each window from the second on, the last in all that follow
	}{
		"steady, small":    {[]int{5}, []int{1}},
		"steady":           {[]int{20}, []int{1}},
		"steady, large":    {[]int{1000}, []int{1}},
		"growing a little": {[]int{20, 20, 25}, []int{1, 3, 1}},
		"growing":          {[]int{20, 20, 40}, []int{1, 5, 1}},
		"growing a lot":    {[]int{20, 20, 1000}, []int{1, 16, 1}},
		"shrinking":        {[]int{60, 60, 20}, []int{1, 16, 1}},
		"shrinking a lot":  {[]int{1000, 1000, 20}, []int{1, 16, 1}},
		"up and down":      {[]int{40, 60, 30, 50, 20, 40}, []int{8, 16, 8, 16, 8, 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{limits: tt.limits}
				s.use(t, &limiter.Limiter{}, requestsFor(tt.limits, 10))
				assert.Less(t, s.refused[0], 64)
				for i, refused := range s.refused[1:9] {
					assert.LessOrEqual(t, refused, tt.most[min(i, len(tt.most)-1)], "in window %d of %v", i+1, s.refused)
				}
				assert.Len(t, s.refused, 10, "every window was used")
			})
		})
	}
}

// A window that was exhausted before the first request says nothing about its size.
func TestExhaustedWindowWithoutCounts(t *testing.T) {
	t.Parallel()
	for _, limit := range []int{20, 100, 1000} {
		t.Run(strconv.Itoa(limit), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &service{limits: []int{0, limit}}
				s.use(t, &limiter.Limiter{}, 3*limit)
				assert.Equal(t, 1, s.refused[0])
				assert.LessOrEqual(t, s.refused[1], min(limit/8, 16))
				assert.Equal(t, 1, s.refused[2])
				assert.Len(t, s.refused, 4)
			})
		})
	}
}

func TestOpenWhileThereIsRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Outcome{Counted: true, Remaining: 1000})
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
		l.Leave(enter(t, &l), limiter.Outcome{Accepted: true})
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
		first, err := l.Enter(t.Context(), refused, limiter.Request{})
		require.NoError(t, err)
		var order []int
		var senders sync.WaitGroup
		for i := range 5 {
			ticket := l.Ticket()
			senders.Go(func() {
				advance(time.Duration(5-i) * time.Second)
				pass := enterWith(t, &l, ticket)
				order = append(order, i)
				l.Leave(pass, limiter.Outcome{Counted: true, Remaining: 1})
			})
		}
		l.Leave(first, limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		advance(10 * time.Second)
		senders.Go(func() {
			pass := enterWith(t, &l, refused)
			order = append(order, -1)
			l.Leave(pass, limiter.Outcome{Counted: true, Remaining: 1})
		})
		senders.Wait()
		assert.Equal(t, []int{-1, 0, 1, 2, 3, 4}, order)
	})
}

func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		var blocked *limiter.BlockedError
		_, err := l.Enter(ctx, l.Ticket(), limiter.Request{})
		require.ErrorAs(t, err, &blocked)
		assert.Equal(t, time.Minute, blocked.For)
		assert.Zero(t, time.Since(start), "it does not wait")
	})
}

// Requests that are already in the queue fail early as well.
func TestDeadlineOfQueuedRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Outcome{Accepted: true, Counted: true})
		probe := enter(t, &l)
		start := time.Now()
		var waiters sync.WaitGroup
		queue := func(timeout, after time.Duration, want error) {
			ticket := l.Ticket()
			waiters.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				defer cancel()
				pass, err := l.Enter(ctx, ticket, limiter.Request{})
				assert.Equal(t, want, err)
				assert.Equal(t, after, time.Since(start))
				if err == nil {
					l.Leave(pass, limiter.Outcome{Accepted: true, Counted: true, Remaining: 9})
				}
			})
		}
		sentAway := &limiter.BlockedError{For: time.Minute}
		queue(2*time.Minute, 65*time.Second, nil)
		queue(10*time.Second, 5*time.Second, sentAway)
		queue(time.Hour, 65*time.Second, nil)
		queue(20*time.Second, 5*time.Second, sentAway)
		advance(5 * time.Second)
		l.Leave(probe, limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		waiters.Wait()
	})
}

func TestCancelledWaiterFreesItsPlace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		var waiters sync.WaitGroup
		waiters.Go(func() {
			_, err := l.Enter(ctx, l.Ticket(), limiter.Request{})
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

// passes reports whether a request may be sent at once. If so, the request is in flight.
func passes(t *testing.T, l *limiter.Limiter) bool {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	entered := make(chan error, 1)
	go func() {
		_, err := l.Enter(ctx, l.Ticket(), limiter.Request{})
		entered <- err
	}()
	synctest.Wait()
	cancel()
	return <-entered == nil
}

// The effect of a response after the service had no room left.
func TestResponsesAfterTheLastRoom(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome limiter.Outcome
		refused bool // before the request
		open    bool
	}{
		"accepted, not counted":                  {outcome: limiter.Outcome{Accepted: true}, open: true},
		"accepted, not counted, after a refusal": {outcome: limiter.Outcome{Accepted: true}, refused: true},
		"accepted and counted":                   {outcome: limiter.Outcome{Accepted: true, Counted: true, Remaining: 9}, open: true},
		"accepted and counted, after a refusal":  {outcome: limiter.Outcome{Accepted: true, Counted: true, Remaining: 9}, refused: true, open: true},
		"the last one":                           {outcome: limiter.Outcome{Accepted: true, Counted: true}},
		"given up":                               {outcome: limiter.Outcome{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var l limiter.Limiter
				l.Leave(enter(t, &l), limiter.Outcome{Accepted: !tt.refused, Counted: true, Refused: tt.refused})
				l.Leave(enter(t, &l), tt.outcome)
				enter(t, &l)
				assert.Equal(t, tt.open, passes(t, &l), "one is under way")
			})
		})
	}
}

// A response to a request sent before a refusal says nothing about the time after it.
func TestStaleResponsesOpenNothing(t *testing.T) {
	t.Parallel()
	for name, stale := range map[string]limiter.Outcome{
		"not counted": {Accepted: true},
		"counted":     {Accepted: true, Counted: true, Remaining: 100},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l, first := withRoom(t)
				l.Leave(enter(t, l), limiter.Outcome{Refused: true, RetryAfter: time.Minute})
				l.Leave(first, stale)
				advance(time.Minute)
				enter(t, l)
				assert.False(t, passes(t, l))
			})
		})
	}
}

// withRoom returns a limiter that knows of room, and a request that is in flight.
func withRoom(t *testing.T) (*limiter.Limiter, *limiter.Pass) {
	t.Helper()
	var l limiter.Limiter
	l.Leave(enter(t, &l), limiter.Outcome{Accepted: true, Counted: true, Remaining: 100})
	return &l, enter(t, &l)
}

// The first of several refusals begins the pause, others may extend it, and a refusal
// that arrives after the pause is too old.
func TestStaleRefusals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, first := withRoom(t)
		second, third := enter(t, l), enter(t, l)
		start := time.Now()
		l.Leave(first, limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		l.Leave(second, limiter.Outcome{Refused: true, RetryAfter: 2 * time.Minute})
		probe := enter(t, l)
		assert.Equal(t, 2*time.Minute, time.Since(start))
		l.Leave(third, limiter.Outcome{Refused: true, RetryAfter: time.Hour})
		l.Leave(probe, limiter.Outcome{Accepted: true, Counted: true, Remaining: 5})
		assert.True(t, passes(t, l))
	})
}

// A refused scout does not make the limiter forget how many requests passed before.
func TestRefusedScoutForgetsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		for range 10 {
			l.Leave(enter(t, &l), limiter.Outcome{Accepted: true})
		}
		for range 3 {
			l.Leave(enter(t, &l), limiter.Outcome{Refused: true})
		}
		l.Leave(enter(t, &l), limiter.Outcome{Accepted: true})
		for range 9 {
			assert.True(t, passes(t, &l))
		}
		assert.False(t, passes(t, &l))
	})
}

// A request that hangs since before the refusal does not keep others from finding out
// that there is room again.
func TestHangingRequestDelaysNoOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, hanging := withRoom(t)
		l.Leave(enter(t, l), limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		start := time.Now()
		probe := enter(t, l)
		assert.Equal(t, time.Minute, time.Since(start))
		l.Leave(hanging, limiter.Outcome{})
		assert.False(t, passes(t, l), "the probe is still under way")
		l.Leave(probe, limiter.Outcome{Accepted: true, Counted: true, Remaining: 5})
		assert.True(t, passes(t, l))
	})
}

// enterSlow gets a pass for a slow request, and returns how long that took.
func enterSlow(t *testing.T, l *limiter.Limiter) (*limiter.Pass, time.Duration) {
	t.Helper()
	start := time.Now()
	pass, err := l.Enter(t.Context(), l.Ticket(), limiter.Request{Slow: true})
	took := time.Since(start)
	assert.NoError(t, err)
	return pass, took
}

// aMoment is longer than a slow request waits for others.
const aMoment = time.Millisecond

// A slow request is sent as requested unless there are others.
func TestLoneSlowRequests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		for range 3 {
			pass, took := enterSlow(t, &l)
			assert.True(t, pass.Slow)
			assert.Less(t, took, aMoment)
			l.Leave(pass, limiter.Outcome{Accepted: true})
		}
		for range 3 {
			pass, took := enterSlow(t, &l)
			assert.True(t, pass.Slow)
			assert.Less(t, took, aMoment)
			advance(time.Minute) // its job takes longer
		}
	})
}

// A slow request in a batch does not wait for others, and they do not wait for it.
func TestSlowRequestInBatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		start := time.Now()
		first, err := l.Enter(t.Context(), l.Ticket(), limiter.Request{Slow: true, InBatch: true})
		require.NoError(t, err)
		assert.False(t, first.Slow, "its response comes at once")
		l.Leave(first, limiter.Outcome{Accepted: true})
		second, _ := enterSlow(t, &l)
		assert.True(t, second.Slow)
		assert.Zero(t, time.Since(start))
	})
}

// The first of several slow requests is sent where the response is immediate, and the
// others are sent as requested.
func TestSlowRequestsInCompany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		start := time.Now()
		var scouts, slow int
		var mu sync.Mutex
		var senders sync.WaitGroup
		for range 64 {
			senders.Go(func() {
				pass, _ := enterSlow(t, &l)
				mu.Lock()
				if pass.Slow {
					slow++
				} else {
					scouts++
				}
				mu.Unlock()
				advance(20 * time.Millisecond)
				l.Leave(pass, limiter.Outcome{Accepted: true, Counted: !pass.Slow, Remaining: 1000})
			})
		}
		senders.Wait()
		assert.Equal(t, 1, scouts)
		assert.Equal(t, 63, slow)
		assert.Equal(t, 40*time.Millisecond, time.Since(start), "one waited for, and then the others at once")
	})
}

// A request that comes while a slow one may still be refused waits for that, and not for
// the job.
func TestRequestsAfterSlowOne(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		outcome limiter.Outcome
		after   time.Duration // until the response to the first
		waits   time.Duration // how long the second is delayed
	}{
		"refused":          {limiter.Outcome{Refused: true, RetryAfter: time.Minute}, 100 * time.Millisecond, time.Minute + 100*time.Millisecond},
		"ended soon":       {limiter.Outcome{Accepted: true}, 300 * time.Millisecond, 300 * time.Millisecond},
		"counted":          {limiter.Outcome{Accepted: true, Counted: true, Remaining: 5}, 300 * time.Millisecond, 300 * time.Millisecond},
		"not refused soon": {limiter.Outcome{Accepted: true}, time.Hour, time.Second},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var l limiter.Limiter
				first, _ := enterSlow(t, &l)
				time.AfterFunc(tt.after, func() { l.Leave(first, tt.outcome) })
				second, took := enterSlow(t, &l)
				assert.InDelta(t, tt.waits, took, float64(aMoment))
				assert.Equal(t, tt.outcome.Counted, second.Slow, "it finds out for those that follow")
			})
		})
	}
}

// A refused slow request delays others like any request.
func TestRefusedSlowRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, _ := withRoom(t)
		slow, _ := enterSlow(t, l)
		assert.True(t, slow.Slow)
		advance(20 * time.Millisecond)
		l.Leave(slow, limiter.Outcome{Refused: true, RetryAfter: time.Minute})
		next, took := enterSlow(t, l)
		assert.Equal(t, time.Minute, took)
		assert.False(t, next.Slow, "it finds out")
	})
}

// Slow requests use room like all others.
func TestSlowRequestsUseRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		l.Leave(enter(t, &l), limiter.Outcome{Accepted: true, Counted: true, Remaining: 2})
		enterSlow(t, &l)
		enterSlow(t, &l)
		pass, took := enterSlow(t, &l)
		assert.Equal(t, time.Second, took, "as long as those may be refused")
		assert.False(t, pass.Slow)
	})
}

// late is a context whose deadline has passed and which has not ended yet.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-1500 * time.Millisecond), true }

// No request is refused because of a pause that is over.
func TestEnterAfterThePause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l limiter.Limiter
		pass, err := l.Enter(t.Context(), l.Ticket(), limiter.Request{})
		require.NoError(t, err)
		l.Leave(pass, limiter.Outcome{Refused: true, RetryAfter: time.Second})
		advance(2 * time.Second)
		_, err = l.Enter(late{t.Context()}, l.Ticket(), limiter.Request{})
		require.NoError(t, err)
	})
}
