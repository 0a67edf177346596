// Package limiter delays requests while the service accepts no more, and lets them pass
// in the order in which they came. All goroutines of a client share one limiter, so that
// an exhausted rate limit window costs one refused request, not one for each goroutine.
//
// The limiter tracks how many more requests the service certainly accepts. When that
// number is zero, as it is at first, it lets a single request pass, the scout, and the
// others wait for its response. If the response has a count of remaining requests, that
// many may follow. If the service refuses the scout, nothing passes until the pause that
// it asks for is over, and then there is another scout. If the response has no count, all
// may follow; after a refusal, as many as passed before that refusal, and then a few more
// at a time.
package limiter

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// company is how long a slow request waits for other requests while nothing is known
	// about limits. If others come, it is sent where the response is immediate, for their
	// sake. A single one is not worth that second request.
	company = 100 * time.Microsecond
	// refusalTime is how long a refusal of a slow request may take. A request that was
	// not refused by then counts as passed.
	refusalTime = time.Second
	// burst bounds how many requests follow a scout, if the service has refused a request
	// and sends no counts.
	burst = 16
	// growth bounds that number to a fraction of the requests that have passed, once as
	// many have passed as before the last refusal.
	growth = 8
)

// Limiter delays requests. The zero value is ready to use. A Limiter is safe for
// concurrent use, and must not be copied.
type Limiter struct {
	mu      sync.Mutex
	tickets uint64
	waiting []*waiter // by ticket
	timer   *time.Timer

	until    time.Time // nothing passes before this time
	refusals int       // consecutive refusals, the last of which began the window
	window   *window
	last     *window // the last window in which requests passed, nil before the first refusal
}

// window counts the requests between two refusals.
type window struct {
	sent    uint64
	settled uint64 // sent, and no longer in flight
	passed  uint64 // settled without a refusal
	room    uint64 // how many may be sent in total before the next scout
	newest  uint64 // number of the request whose response set room
}

// waiter is a delayed request.
type waiter struct {
	ticket   uint64
	request  Request
	lone     time.Time     // until when it waits for other requests, zero if there were any
	deadline time.Time     // of its context, zero if there is none
	passed   chan *Pass    // closed if the pause outlasts the deadline
	pause    time.Duration // the pause that outlasts the deadline
}

// Pass permits sending one request.
type Pass struct {
	// Slow reports whether the request may be sent where its response is slow. It is
	// false if the request is not slow, or is a scout.
	Slow bool
	// Refusals is the number of consecutive refusals before this request.
	Refusals int

	window    *window
	number    uint64 // of the request in its window
	before    uint64 // number of requests of the window settled before it was sent
	scout     bool
	isSettled bool
	timer     *time.Timer // settles a slow request
}

// Outcome is what the response to a request says about limits. The zero value says
// nothing, as when the caller gave up.
type Outcome struct {
	// Accepted reports whether the request was not rate limited, whatever its result.
	Accepted bool
	// Remaining is the number of requests left in the window, if Counted.
	Remaining uint32
	Counted   bool
	// Refused reports whether the request was rate limited. If so, nothing passes for
	// RetryAfter.
	Refused    bool
	RetryAfter time.Duration
}

// Request describes a request that wants to pass. The zero value is a request whose
// response is immediate.
type Request struct {
	// Slow reports whether the response arrives when a job has ended, unless it is a
	// refusal.
	Slow bool
	// InBatch reports whether a slow request is one of many, and does not have to
	// wait for others.
	InBatch bool
}

// BlockedError is returned for a request whose context would end before it may pass.
type BlockedError struct {
	// For is how long nothing passes.
	For time.Duration
}

// Error returns the message of the error.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("too many requests: the service asks to wait %s, which is longer than the context lasts", e.For.Round(time.Millisecond))
}

// Ticket returns a place in the queue. A request keeps it for its retries.
func (l *Limiter) Ticket() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tickets++
	return l.tickets
}

// Enter waits until the holder of a ticket may send a request. The caller must pass the
// [Pass] to Leave once it has the response. If the context ends first, Enter returns its
// error. If it is certain that the deadline of the context is too soon, Enter returns a
// [*BlockedError] at once.
func (l *Limiter) Enter(ctx context.Context, ticket uint64, r Request) (*Pass, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	deadline, _ := ctx.Deadline()
	w := &waiter{ticket: ticket, request: r, deadline: deadline, passed: make(chan *Pass, 1)}
	l.queue(w)
	select {
	case pass, ok := <-w.passed:
		if !ok {
			return nil, &BlockedError{For: w.pause}
		}
		return pass, nil
	case <-ctx.Done():
		l.giveUp(w)
		return nil, ctx.Err()
	}
}

// queue inserts a waiter, in the order of tickets.
func (l *Limiter) queue(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.window == nil {
		l.window = &window{}
	}
	if w.request.Slow && !w.request.InBatch && len(l.waiting) == 0 && !l.isInFlight() && l.last == nil && l.window.newest == 0 {
		w.lone = time.Now().Add(company)
	}
	place, _ := slices.BinarySearchFunc(l.waiting, w.ticket, func(w *waiter, ticket uint64) int {
		return cmp.Compare(w.ticket, ticket)
	})
	l.waiting = slices.Insert(l.waiting, place, w)
	l.rejectExpiring()
	l.admit(time.Now())
}

// rejectExpiring removes the waiters whose deadlines are before the end of the pause.
// Once the pause is over it removes none: a context whose deadline has passed may not
// have ended yet.
func (l *Limiter) rejectExpiring() {
	pause := time.Until(l.until)
	if pause <= 0 {
		return
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(w *waiter) bool {
		tooLate := !w.deadline.IsZero() && l.until.After(w.deadline)
		if tooLate {
			w.pause = pause
			close(w.passed)
		}
		return tooLate
	})
}

// giveUp removes a waiter from the queue. If it already has a pass, its request counts as
// sent and settled.
func (l *Limiter) giveUp(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case pass, ok := <-w.passed:
		if ok {
			pass.settle(false)
		}
	default:
		l.waiting = slices.DeleteFunc(l.waiting, func(other *waiter) bool { return other == w })
	}
	l.admit(time.Now())
}

// admit lets as many waiters pass as there is room for. It reads the clock only once: if
// a waiter became due between the decision to delay it and the start of its timer, no
// timer would be started.
func (l *Limiter) admit(now time.Time) {
	for len(l.waiting) > 0 {
		w := l.waiting[0]
		pass := l.pass(w, now)
		if pass == nil {
			break
		}
		l.waiting = slices.Delete(l.waiting, 0, 1)
		w.passed <- pass
	}
	l.wake(now)
}

// pass returns a pass for the first waiter, or nil if it has to wait.
func (l *Limiter) pass(w *waiter, now time.Time) *Pass {
	scout := l.window.sent >= l.window.room
	lone := !w.lone.IsZero() && len(l.waiting) == 1
	switch {
	case now.Before(l.until), scout && l.isInFlight(), scout && lone && now.Before(w.lone):
		return nil
	}
	l.window.sent++
	pass := &Pass{
		Slow:   w.request.Slow && (!scout || lone),
		window: l.window, number: l.window.sent, before: l.window.settled, scout: scout,
	}
	if l.window.passed == 0 {
		pass.Refusals = l.refusals
	}
	if pass.Slow {
		pass.timer = time.AfterFunc(refusalTime, func() { l.outlast(pass) })
	}
	return pass
}

// isInFlight reports whether a request that was sent after the last refusal has not been
// settled.
func (l *Limiter) isInFlight() bool { return l.window.sent > l.window.settled }

// wake starts the timer for the first waiter.
func (l *Limiter) wake(now time.Time) {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if len(l.waiting) == 0 {
		return
	}
	if pause := max(l.until.Sub(now), l.waiting[0].lone.Sub(now)); pause > 0 {
		l.timer = time.AfterFunc(pause, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.admit(time.Now())
		})
	}
}

// outlast records that a slow request was not refused within refusalTime.
func (l *Limiter) outlast(pass *Pass) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pass.settle(true)
	l.admit(time.Now())
}

// Leave returns a pass, with the outcome of its request.
func (l *Limiter) Leave(pass *Pass, outcome Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pass.settle(outcome.Accepted)
	switch {
	case outcome.Refused:
		l.close(pass, outcome.RetryAfter)
	case pass.window == l.window && pass.number > l.window.newest:
		l.learn(pass, outcome)
	}
	l.admit(time.Now())
}

// settle counts the outcome of a request, once.
func (p *Pass) settle(passed bool) {
	if p.isSettled {
		return
	}
	p.isSettled = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.window.settled++
	if passed {
		p.window.passed++
	}
}

// close lets nothing pass for retryAfter, and begins a new window. Requests of earlier
// windows say nothing about the new one.
func (l *Limiter) close(pass *Pass, retryAfter time.Duration) {
	switch {
	case pass.window == l.window:
		if l.window.passed > 0 {
			l.refusals = 0
		}
		if l.window.passed > 0 || l.last == nil {
			l.last = l.window
		}
		l.refusals++
		l.window = &window{}
	case !time.Now().Before(l.until):
		return // later requests have said more
	}
	if until := time.Now().Add(retryAfter); until.After(l.until) {
		l.until = until
	}
	l.rejectExpiring()
}

// learn records what a response says, if it is newer than what is known.
func (l *Limiter) learn(pass *Pass, outcome Outcome) {
	w := l.window
	switch {
	case outcome.Counted:
		// The count accounts for the requests settled before this one was sent. It may
		// not account for those in flight at the same time. Assume that it does not: too
		// few requests are better than too many.
		w.newest, w.room = pass.number, pass.before+1+uint64(outcome.Remaining)
	case !outcome.Accepted || !pass.scout || pass.Slow:
		// Slow responses never have counts.
	case l.last == nil:
		w.room = math.MaxUint64
	case w.passed < l.last.passed:
		w.room = w.sent + min(l.last.passed-w.passed, burst)
	default:
		w.room = w.sent + min(w.passed/growth, burst)
	}
}
