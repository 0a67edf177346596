// Package limiter lets requests pass while the service has room for them, and
// holds them back in the order they came while it has not. All goroutines of a
// client share one limiter, so that a used-up window costs a single refused
// request, not one for each goroutine.
package limiter

import (
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
	inFlight           int

	until   time.Time // nothing passes before
	counted bool      // horizon is known
	horizon uint64    // how many requests in all the service surely has room for
	newest  uint64    // the request that said so
}

// waiter is a request that is held back.
type waiter struct {
	ticket uint64
	passed chan Pass
}

// Pass allows one request to be sent.
type Pass struct {
	number   uint64 // of the request
	answered uint64 // how many requests had been answered when it was admitted
}

// Answer is what the answer to a request says about limits.
type Answer struct {
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
// context does, Enter does not begin it and returns a [*BlockedError].
func (l *Limiter) Enter(ctx context.Context, ticket uint64) (Pass, error) {
	if err := ctx.Err(); err != nil {
		return Pass{}, err
	}
	w := &waiter{ticket: ticket, passed: make(chan Pass, 1)}
	if err := l.queue(ctx, w); err != nil {
		return Pass{}, err
	}
	select {
	case pass := <-w.passed:
		return pass, nil
	case <-ctx.Done():
		l.giveUp(w)
		return Pass{}, ctx.Err()
	}
}

// queue puts a waiter in its place, unless it would wait in vain.
func (l *Limiter) queue(ctx context.Context, w *waiter) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	deadline, limited := ctx.Deadline()
	if limited && l.until.After(deadline) {
		return &BlockedError{For: time.Until(l.until)}
	}
	place, _ := slices.BinarySearchFunc(l.waiting, w.ticket, func(w *waiter, ticket uint64) int {
		return int(int64(w.ticket - ticket)) //nolint:gosec // the sign is all that counts.
	})
	l.waiting = slices.Insert(l.waiting, place, w)
	l.admit()
	return nil
}

// giveUp takes a waiter out of the queue. If it has its pass already, its
// request counts as answered.
func (l *Limiter) giveUp(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, w); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
		return
	}
	l.depart()
	l.admit()
}

// Leave takes a pass back, with the answer to its request or the lack of one.
func (l *Limiter) Leave(pass Pass, answer Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depart()
	l.note(pass, answer)
	l.admit()
}

// Depart is for requests whose answer comes late, because it waits for a job
// to end: nobody else need wait for that. The answer goes to Note.
func (l *Limiter) Depart() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.depart()
	l.admit()
}

// Note takes the answer to a request that departed.
func (l *Limiter) Note(pass Pass, answer Answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note(pass, answer)
	l.admit()
}

// Busy tells whether a request would have to wait, or to find out whether
// there is room.
func (l *Limiter) Busy() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0 || time.Now().Before(l.until) || l.counted && l.admitted >= l.horizon
}

func (l *Limiter) depart() {
	l.inFlight--
	l.answered++
}

func (l *Limiter) note(pass Pass, answer Answer) {
	switch {
	case answer.Refused:
		l.counted, l.horizon, l.newest = true, l.admitted, l.admitted
		if until := time.Now().Add(answer.RetryAfter); until.After(l.until) {
			l.until = until
		}
	case answer.Counted && pass.number > l.newest:
		// What had been answered before is surely counted. What was under way
		// at the same time may be: better too few than too many.
		l.counted, l.horizon, l.newest = true, pass.answered+1+uint64(answer.Remaining), pass.number
	case !answer.Counted && l.inFlight == 0:
		l.counted = false // nobody says that there is no room
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
