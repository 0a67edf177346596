package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// again decides whether a call is sent once more and for how long to pause
// before. It is the loop's only judge.
func (e *Engine) again(ctx context.Context, state *state) bool {
	if state.call.Once || state.heldBack || state.attempts == 0 || state.attempts >= e.config.Attempts {
		return false
	}
	if !Repeatable(state.call.Method, state.last) {
		return false
	}
	limited := state.call.Limited && state.last.Status == http.StatusTooManyRequests
	if limited && state.call.Late {
		return false // the caller sends it to the other host
	}
	if ctx.Err() != nil {
		state.last.Err = ended(ctx, state.last.Err)
		return false
	}
	state.pause = e.pause(state)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= state.pause {
		return false
	}
	attrs := append(describe(state), slog.Duration("pause", state.pause))
	e.config.Logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying", attrs...)
	if limited {
		// The limiter does the waiting: others may be before in the queue.
		state.pause = 0
	}
	return true
}

// ended adds to what went wrong that the context ended before another attempt.
func ended(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctx.Err()
	case errors.Is(err, ctx.Err()):
		return err
	default:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
}

// Repeatable reports whether an answer allows the same request to be sent again.
// A request that creates something may be repeated only when the answer proves
// that nothing was created:
//
//	                              GET, DELETE   POST
//	no connection was made        yes           yes
//	429                           yes           yes
//	connection lost, cut answer   yes           no
//	408, 5xx but 501              yes           no
//	everything else               no            no
func Repeatable(method string, answer Answer) bool {
	switch {
	case IsPermanent(answer.Err):
		return false
	case answer.Status == http.StatusTooManyRequests:
		return true
	case answer.Status == 0 && !answer.Open:
		return true
	case !isRead(method):
		return false
	default:
		return answer.Open && answer.Status != http.StatusNotImplemented
	}
}

// IsPermanent reports whether a failure would come again: the configuration of this
// program, of a proxy or of the server has to change first. It does not ask whether a
// context ended: timeouts of the network look the same.
func IsPermanent(err error) bool {
	if err == nil {
		return false
	}
	return errors.Is(err, errTooLong) || errors.Is(err, http.ErrSchemeMismatch) || isUntrusted(err) ||
		isRefusedByTLS(err) || isRefusedByProxy(err) || containsAny(err.Error(), unusable)
}

// enter waits until the limiter lets a limited call pass. It returns the call as
// the attempt makes it, and a function that hands the response to the limiter.
func (e *Engine) enter(ctx context.Context, state *state) (call Call, leave func(), err error) {
	call = state.call
	if !call.Limited {
		return call, func() {}, nil
	}
	pass, err := e.config.Limiter.Enter(ctx, state.ticket, limiter.Request{Late: call.Late, Accompanied: call.Accompanied})
	if err != nil {
		return call, nil, err
	}
	state.refusals = pass.Refusals
	if call.Late && !pass.Late {
		call.URL, call.Late = call.Prompt, false
	}
	return call, func() { e.config.Limiter.Leave(pass, e.limits(ctx, state)) }, nil
}

// limits returns what the limiter has to know of the last answer.
func (e *Engine) limits(ctx context.Context, state *state) limiter.Answer {
	if state.last.Status == http.StatusTooManyRequests {
		return limiter.Answer{Refused: true, RetryAfter: e.pause(state)}
	}
	remaining, err := strconv.ParseUint(state.last.Header.Get("X-Ratelimit-Remaining"), 10, 32)
	// A service that fails is not limited: no one need wait for the next to find out.
	accepted := state.last.Status != 0 || ctx.Err() == nil
	return limiter.Answer{Accepted: accepted, Remaining: uint32(remaining), Counted: err == nil}
}

// pause returns how long to wait before the next attempt: what the answer asks
// for, or else a random part of a growing time.
func (e *Engine) pause(state *state) time.Duration {
	// The pauses of calls that find out one after the other grow like those of one.
	jitter := e.jitter(max(state.attempts, state.refusals+1))
	asked, ok := RetryAfter(state.last.Header, time.Now())
	if !ok {
		return jitter
	}
	// A little jitter keeps many clients from coming back at the same moment.
	return min(asked, e.config.MaxRetryAfter) + min(jitter, time.Second)
}

func (e *Engine) jitter(attempt int) time.Duration {
	backoff := poll.Backoff{First: e.config.MinWait, Longest: e.config.MaxWait}
	return rand.N(max(backoff.Ceiling(attempt-1), 1))
}

// RetryAfter reads the header of that name, which gives seconds or a date. It
// reports false if there is none or it makes no sense. A date is compared with that
// of the response, since the clock of this machine may be wrong.
func RetryAfter(header http.Header, now time.Time) (time.Duration, bool) {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if seconds < 0 || math.IsNaN(seconds) {
			return 0, false
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second)), true
	}
	if date, err := http.ParseTime(value); err == nil {
		if sent, err := http.ParseTime(header.Get("Date")); err == nil && isPlausible(date.Sub(sent)) {
			now = sent
		}
		return min(max(date.Sub(now), 0), maxRetryAfter), true
	}
	return 0, false
}

// isPlausible reports whether a server with a clock can have asked for a wait of
// this length, on an occasion that may be over.
func isPlausible(wait time.Duration) bool { return -24*time.Hour <= wait && wait <= maxRetryAfter }

// maxRetryAfter keeps nonsense from overflowing a duration.
const maxRetryAfter = 365 * 24 * time.Hour
