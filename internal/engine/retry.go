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

// shouldRetry decides whether to make another attempt.
func (e *Engine) shouldRetry(ctx context.Context, state *state) bool {
	if state.call.Once || state.heldBack || state.attempts == 0 || state.attempts >= e.config.Attempts {
		return false
	}
	if !isRetryable(state.call.Method, state.last) {
		return false
	}
	limited := state.call.Limited && state.last.Status == http.StatusTooManyRequests
	if limited && state.call.Slow {
		return false // the caller retries it at the other host
	}
	if ctx.Err() != nil {
		state.last.Err = contextError(ctx, state.last.Err)
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= state.pause {
		return false
	}
	attrs := append(state.attrs(), slog.Duration("pause", state.pause))
	e.config.Logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying", attrs...)
	if limited {
		// The limiter waits instead: other calls may be first in the queue.
		state.pause = 0
	}
	return true
}

// contextError returns the error of the context that ended before another attempt,
// together with the error of the last attempt.
func contextError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return ctx.Err()
	case errors.Is(err, ctx.Err()):
		return err
	default:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
}

// isRetryable reports whether the outcome of an attempt allows a retry. A request that
// creates something may be retried only if the response proves that nothing was created:
//
//	                                   GET, DELETE   POST
//	no connection was made             yes           yes
//	429                                yes           yes
//	connection lost, response cut off  yes           no
//	408, 5xx except 501                yes           no
//	everything else                    no            no
func isRetryable(method string, outcome Outcome) bool {
	switch {
	case IsPermanent(outcome.Err):
		return false
	case outcome.Status == http.StatusTooManyRequests:
		return true
	case outcome.Status == 0 && !outcome.Unknown:
		return true
	case !isIdempotent(method):
		return false
	default:
		return outcome.Unknown && outcome.Status != http.StatusNotImplemented
	}
}

// IsPermanent reports whether a failure would repeat until the configuration of this
// program, of a proxy or of the server changes. It does not consider whether a context
// ended, since network timeouts look the same.
func IsPermanent(err error) bool {
	if err == nil {
		return false
	}
	return errors.Is(err, errTooLong) || errors.Is(err, http.ErrSchemeMismatch) || isUntrusted(err) ||
		isRefusedByTLS(err) || isRefusedByProxy(err) || containsAny(err.Error(), unusable)
}

// enter waits until the limiter admits a limited call. It returns the call to send, and a
// function that passes the response to the limiter.
func (e *Engine) enter(ctx context.Context, state *state) (call Call, leave func(), err error) {
	call = state.call
	if !call.Limited {
		return call, func() {}, nil
	}
	pass, err := e.config.Limiter.Enter(ctx, state.ticket, limiter.Request{Slow: call.Slow, InBatch: call.InBatch})
	if err != nil {
		return call, nil, err
	}
	state.refusals = pass.Refusals
	if call.Slow && !pass.Slow {
		call.URL, call.Slow = call.PromptURL, false
	}
	return call, func() { e.config.Limiter.Leave(pass, e.limits(ctx, state)) }, nil
}

// limits returns what the last response says about the rate limit.
func (e *Engine) limits(ctx context.Context, state *state) limiter.Outcome {
	if state.last.Status == http.StatusTooManyRequests {
		return limiter.Outcome{Refused: true, RetryAfter: state.pause}
	}
	remaining, err := strconv.ParseUint(state.last.Header.Get("X-Ratelimit-Remaining"), 10, 32)
	// A service that fails is not rate limiting: other calls do not wait for a scout.
	accepted := state.last.Status != 0 || ctx.Err() == nil
	return limiter.Outcome{Accepted: accepted, Remaining: uint32(remaining), Counted: err == nil}
}

// pause draws the pause before the next attempt. If calls get a 429 one after the
// other, their pauses grow like those of a single call.
func (e *Engine) pause(state *state) time.Duration {
	return e.config.After(state.last.Header, max(state.attempts-1, state.refusals))
}
