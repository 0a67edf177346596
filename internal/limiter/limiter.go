// Package limiter lets requests pass while the service has room for them, and
// holds them back in the order they came while it has not. All goroutines of a
// client share one limiter, so that a used-up window costs a single refused
// request, not one for each goroutine.
package limiter

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// firstBurst is how many requests may be on their way before the first answer
// has told how many there is room for.
const firstBurst = 16

// Limiter is a gate for requests. The zero value is open.
type Limiter struct {
	mu      sync.Mutex
	tickets uint64
	waiting []*waiter // by ticket
	timer   *time.Timer

	admitted, answered uint64 // requests so far
	inFlight           int    // requests without an answer, sent after the last refusal
	late               int    // requests that passed by Try and have no answer yet
	heard              bool   // there was an answer

	until   time.Time // nothing passes before
	closed  uint64    // the last request that was sent before the last refusal
	counted bool      // horizon is known
	horizon uint64    // how many requests in all the service surely has room for
	newest  uint64    // the request that said so
}

// waiter is a request that is held back.
type waiter struct {
	ticket   uint64
	deadline time.Time     // of its context, zero if there is none
	passed   chan Pass     // closed if it would wait in vain
	pause    time.Duration // how long nothing passes, if it was sent away
}

// Pass allows one request to be sent.
type Pass struct {
	number   uint64 // of the request
	answered uint64 // how many requests had been answered when it was admitted
}

// Answer is what the answer to a request says about limits. The zero value is
// an answer that says nothing, or none at all.
type Answer struct {
	// Accepted tells that the service took the request.
	Accepted bool
	// Remaining is what is left in the window, if Counted.
	Remaining uint32
	Counted   bool
	// Refused tells that there was no room. Nothing passes for RetryAfter,
	// and then a single request finds out.
	Refused    bool
	RetryAfter time.Duration
}

// BlockedError tells that a request would be held back for longer than its
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

// Enter waits until the holder of a ticket may send a request. The pass goes
// back by Leave when the answer is there. If the wait cannot end before the
// context does, Enter returns a [*BlockedError] as soon as that is known.
func (l *Limiter) Enter(ctx context.Context, ticket uint64) (Pass, error) {
	if err := ctx.Err(); err != nil {
		return Pass{}, err
	}
	deadline, _ := ctx.Deadline()
	w := &waiter{ticket: ticket, deadline: deadline, passed: make(chan Pass, 1)}
	l.queue(w)
	select {
	case pass, ok := <-w.passed:
		if !ok {
			return Pass{}, &BlockedError{For: w.pause}
		}
		return pass, nil
	case <-ctx.Done():
		l.giveUp(w)
		return Pass{}, ctx.Err()
	}
}

// queue puts a waiter in its place.
func (l *Limiter) queue(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	place, _ := slices.BinarySearchFunc(l.waiting, w.ticket, func(w *waiter, ticket uint64) int {
		return cmp.Compare(w.ticket, ticket)
	})
	l.waiting = slices.Insert(l.waiting, place, w)
	l.sendAway()
	l.admit()
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
// request counts as sent and answered.
func (l *Limiter) giveUp(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case pass, ok := <-w.passed:
		if ok {
			l.depart(pass)
		}
	default:
		l.waiting = slices.DeleteFunc(l.waiting, func(other *waiter) bool { return other == w })
	}
	l.admit()
}

// Leave takes a pass back, with the answer to its request or the lack of one.
func (l *Limiter) Leave(pass Pass, answer Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depart(pass)
	switch {
	case answer.Refused:
		l.close(answer.RetryAfter)
	case pass.number > l.newest:
		l.learn(pass, answer)
	}
	l.admit()
}

// Try lets a request pass whose answer comes late, because it waits for a job
// to end, if there is room for it without waiting and without finding out.
// Nobody waits for its answer, which is told by LeaveLate.
func (l *Limiter) Try() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case len(l.waiting) > 0, time.Now().Before(l.until),
		l.counted && l.admitted >= l.horizon,
		!l.heard && l.late >= firstBurst:
		return false
	}
	l.admitted++
	l.answered++
	l.late++
	return true
}

// LeaveLate tells what became of a request that passed by Try.
func (l *Limiter) LeaveLate(answer Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.late--
	l.heard = true
	if answer.Refused {
		l.close(answer.RetryAfter)
		l.wake()
	}
}

// depart counts an answer. Requests from before a refusal hold nobody back:
// whoever finds out whether there is room again need not wait for them.
func (l *Limiter) depart(pass Pass) {
	l.heard = true
	l.answered++
	if pass.number > l.closed {
		l.inFlight--
	}
}

// close lets nothing pass for a while. What is under way tells nothing about
// the time after it.
func (l *Limiter) close(retryAfter time.Duration) {
	l.counted, l.horizon, l.newest, l.closed = true, l.admitted, l.admitted, l.admitted
	l.inFlight = 0
	if until := time.Now().Add(retryAfter); until.After(l.until) {
		l.until = until
	}
	l.sendAway()
}

// learn takes note of an answer that is newer than what is known.
func (l *Limiter) learn(pass Pass, answer Answer) {
	switch {
	case answer.Counted:
		// What had been answered before is surely counted. What was under way
		// at the same time may be: better too few than too many.
		l.counted, l.horizon, l.newest = true, pass.answered+1+uint64(answer.Remaining), pass.number
	case answer.Accepted && l.inFlight == 0:
		l.counted = false // the service took it and does not count any more
	}
}

// admit lets as many waiters pass as there is room for.
func (l *Limiter) admit() {
	for len(l.waiting) > 0 && l.hasRoom() {
		w := l.waiting[0]
		l.waiting = slices.Delete(l.waiting, 0, 1)
		l.inFlight++
		l.admitted++
		w.passed <- Pass{number: l.admitted, answered: l.answered}
	}
	l.wake()
}

// hasRoom tells whether a request may be sent now. Where there may be none, a
// single request finds out.
func (l *Limiter) hasRoom() bool {
	switch {
	case time.Now().Before(l.until):
		return false
	case l.inFlight == 0:
		return true
	case l.counted:
		return l.admitted < l.horizon
	default:
		return l.answered > 0 || l.inFlight < firstBurst
	}
}

// wake makes sure that waiters are admitted when the pause is over.
func (l *Limiter) wake() {
	if l.timer != nil {
		l.timer.Stop()
		l.timer = nil
	}
	if pause := time.Until(l.until); pause > 0 && len(l.waiting) > 0 {
		l.timer = time.AfterFunc(pause, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.admit()
		})
	}
}
