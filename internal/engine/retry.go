package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
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
func Repeatable(method string, answer Outcome) bool {
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
func (e *Engine) limits(ctx context.Context, state *state) limiter.Outcome {
	if state.last.Status == http.StatusTooManyRequests {
		return limiter.Outcome{Refused: true, RetryAfter: e.pause(state)}
	}
	remaining, err := strconv.ParseUint(state.last.Header.Get("X-Ratelimit-Remaining"), 10, 32)
	// A service that fails is not limited: no one need wait for the next to find out.
	accepted := state.last.Status != 0 || ctx.Err() == nil
	return limiter.Outcome{Accepted: accepted, Remaining: uint32(remaining), Counted: err == nil}
}

// pause returns how long to wait before the next attempt. The pauses of calls that find
// out one after the other grow like those of one.
func (e *Engine) pause(state *state) time.Duration {
	return e.config.After(state.last.Header, max(state.attempts-1, state.refusals))
}
