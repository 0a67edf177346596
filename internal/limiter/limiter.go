// Package limiter lets requests pass while the service has room for them, and
// holds them back in the order they came while it has not. All goroutines of a
// client share one limiter, so that a used-up window costs a single refused
// request, not one for each goroutine.
//
// The limiter knows how many more requests the service surely takes. When there
// are none, which is so at first, a single request, the scout, finds out, and the
// others wait for its response. If the service counts, the response says how many
// may follow. If the service refuses, nothing passes for a while, and then there
// is another scout. If it does neither, all may follow, or after a refusal as many
// as passed before it, and then a few more at a time.
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
	// company is how long a request whose response would be late waits for others
	// to come, while nothing is known: with others behind it, it is sent where the
	// response comes at once, and alone it is not worth that second request.
	company = 100 * time.Microsecond
	// refusalTime is how soon a refusal comes where responses are late. A request
	// that was not refused by then counts as passed.
	refusalTime = time.Second
	// burst bounds how many requests follow a scout once a service has refused
	// that does not count.
	burst = 16
	// growth bounds them to a part of those that have passed, when these are as
	// many as passed before the last refusal.
	growth = 8
)

// Limiter is a gate for requests. The zero value is ready for use.
type Limiter struct {
	mu      sync.Mutex
	tickets uint64
	waiting []*waiter // by ticket
	timer   *time.Timer

	until    time.Time // nothing passes before
	refusals int       // in a row, the last of which began the window
	window   *window
	last     *window // the window before it in which requests passed, nil before the first refusal
}

// window counts the requests sent between two refusals.
type window struct {
	sent    uint64
	settled uint64 // sent, and not under way any more
	passed  uint64 // settled without a refusal
	room    uint64 // how many may be sent in all before a scout
	newest  uint64 // the number of the request whose response said so
}

// waiter is a request that is held back.
type waiter struct {
	ticket   uint64
	request  Request
	lone     time.Time     // until when it waits for company, zero if it was not alone
	deadline time.Time     // of its context, zero if there is none
	passed   chan *Pass    // closed if it would wait in vain
	pause    time.Duration // how long nothing passes, if it was sent away
}

// Pass allows one request to be sent.
type Pass struct {
	// Late reports that the request may be sent to where its response is late.
	// It is false if the request did not ask for that, or is a scout.
	Late bool
	// Refusals is how many requests in a row were refused before this one.
	Refusals int

	window    *window
	number    uint64 // of the request in its window
	before    uint64 // how many requests of the window were settled before it was sent
	scout     bool
	isSettled bool
	timer     *time.Timer // settles a late request
}

// Outcome is what the response to a request says about limits. The zero value is
// one that says nothing: the caller gave up.
type Outcome struct {
	// Accepted reports that no limit was in the way of the request, whatever
	// became of it.
	Accepted bool
	// Remaining is what is left in the window, if Counted.
	Remaining uint32
	Counted   bool
	// Refused reports that there was no room. Nothing passes for RetryAfter.
	Refused    bool
	RetryAfter time.Duration
}

// Request says what kind of request wants to pass. The zero value is one whose
// response comes at once.
type Request struct {
	// Late reports that the response comes when a job has ended, unless it is a refusal.
	Late bool
	// Accompanied reports that a late request is one of many, which should not wait for it.
	Accompanied bool
}

// BlockedError reports that a request would be held back for longer than its
// context lasts.
type BlockedError struct {
	// For is how long nothing passes.
	For time.Duration
}

// Error says for how long.
func (e *BlockedError) Error() string {
	return fmt.Sprintf("too many requests: the service asks to wait %s, which is longer than the context lasts", e.For.Round(time.Millisecond))
}

// Ticket returns a place in the queue. A request that was refused keeps it.
func (l *Limiter) Ticket() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tickets++
	return l.tickets
}

// Enter waits until the holder of a ticket may send a request, which [Pass] says
// where to send. The pass goes back by Leave when the response is there. If the
// wait cannot end before the context does, Enter returns a [*BlockedError] as
// soon as that is known.
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

// queue puts a waiter in its place.
func (l *Limiter) queue(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.window == nil {
		l.window = &window{}
	}
	if w.request.Late && !w.request.Accompanied && len(l.waiting) == 0 && !l.isUnderWay() && l.last == nil && l.window.newest == 0 {
		w.lone = time.Now().Add(company)
	}
	place, _ := slices.BinarySearchFunc(l.waiting, w.ticket, func(w *waiter, ticket uint64) int {
		return cmp.Compare(w.ticket, ticket)
	})
	l.waiting = slices.Insert(l.waiting, place, w)
	l.sendAway()
	l.admit(time.Now())
}

// sendAway takes those out of the queue whose contexts end before anything passes.
// Once the pause is over nobody is: a context may have a deadline behind it and not
// have ended yet.
func (l *Limiter) sendAway() {
	pause := time.Until(l.until)
	if pause <= 0 {
		return
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(w *waiter) bool {
		inVain := !w.deadline.IsZero() && l.until.After(w.deadline)
		if inVain {
			w.pause = pause
			close(w.passed)
		}
		return inVain
	})
}

// giveUp takes a waiter out of the queue. If it has its pass already, its
// request counts as sent and settled.
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

// admit lets as many waiters pass as there is room for. It reads the clock once: if the
// time of a waiter came between the decision to hold it back and the setting of its timer,
// no timer would be set.
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

// pass returns the pass of the first waiter, or nil if it has to wait.
func (l *Limiter) pass(w *waiter, now time.Time) *Pass {
	scout := l.window.sent >= l.window.room
	lone := !w.lone.IsZero() && len(l.waiting) == 1
	switch {
	case now.Before(l.until), scout && l.isUnderWay(), scout && lone && now.Before(w.lone):
		return nil
	}
	l.window.sent++
	pass := &Pass{
		Late:   w.request.Late && (!scout || lone),
		window: l.window, number: l.window.sent, before: l.window.settled, scout: scout,
	}
	if l.window.passed == 0 {
		pass.Refusals = l.refusals
	}
	if pass.Late {
		pass.timer = time.AfterFunc(refusalTime, func() { l.outlast(pass) })
	}
	return pass
}

// isUnderWay reports whether a request was sent after the last refusal whose
// response may still say something.
func (l *Limiter) isUnderWay() bool { return l.window.sent > l.window.settled }

// wake makes sure that waiters are admitted when their time has come.
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

// outlast records that a late request was not refused in time.
func (l *Limiter) outlast(pass *Pass) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pass.settle(true)
	l.admit(time.Now())
}

// Leave takes a pass back, with the response to its request or the lack of one.
func (l *Limiter) Leave(pass *Pass, answer Outcome) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pass.settle(answer.Accepted)
	switch {
	case answer.Refused:
		l.close(pass, answer.RetryAfter)
	case pass.window == l.window && pass.number > l.window.newest:
		l.learn(pass, answer)
	}
	l.admit(time.Now())
}

// settle counts what became of a request, once.
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

// close lets nothing pass for a while, and begins a new window. What was sent in
// an earlier one tells nothing about this one.
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
		return // the requests that followed know better
	}
	if until := time.Now().Add(retryAfter); until.After(l.until) {
		l.until = until
	}
	l.sendAway()
}

// learn records what a response says that is newer than what is known.
func (l *Limiter) learn(pass *Pass, answer Outcome) {
	w := l.window
	switch {
	case answer.Counted:
		// What had been settled before is surely counted. What was under way
		// at the same time may be: better too few than too many.
		w.newest, w.room = pass.number, pass.before+1+uint64(answer.Remaining)
	case !answer.Accepted || !pass.scout || pass.Late:
		// Where responses are late, they never count.
	case l.last == nil:
		w.room = math.MaxUint64
	case w.passed < l.last.passed:
		w.room = w.sent + min(l.last.passed-w.passed, burst)
	default:
		w.room = w.sent + min(w.passed/growth, burst)
	}
}
