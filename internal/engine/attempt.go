package engine

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// state is what the attempts of one call know of each other.
type state struct {
	call       Call
	ticket     uint64 // of a limited call
	attempts   int
	last       Outcome
	pause      time.Duration
	openBefore bool
	heldBack   bool // the limiter did not let the next attempt pass
	refusals   int  // of other calls for the same limit, right before the last attempt
}

type stateKey struct{}

// attempts is the transport below the loop: each round trip is one attempt. It
// reads the answer to its end, so that a broken body is a failed attempt. It
// has no CloseIdleConnections, which keeps the loop from closing connections
// that other calls use.
type attempts struct {
	engine *Engine
	next   http.RoundTripper
}

// RoundTrip makes one attempt and records what came of it.
func (a *attempts) RoundTrip(req *http.Request) (*http.Response, error) {
	state, ok := req.Context().Value(stateKey{}).(*state)
	if !ok {
		return nil, errors.New("request was not made by the engine")
	}
	call, leave, err := a.engine.enter(req.Context(), state)
	if err != nil {
		state.heldBack = true
		return nil, err
	}
	defer leave() // also if the transport panics or ends the goroutine
	a.engine.leaveSilent(a.next)
	state.attempts++
	state.openBefore = state.openBefore || state.last.Open
	state.last = Outcome{}
	start := time.Now()
	if call.URL != state.call.URL {
		req = withURL(req, call.URL)
	}
	resp, answer := a.engine.attempt(req, a.next, call)
	credentials := req.Header.Get("Authorization")
	answer = answer.Without(credentials, strings.TrimPrefix(credentials, "Bearer "), req.URL.RawQuery)
	state.last = answer
	a.engine.config.Observe(answer)
	a.engine.log(req.Context(), state, time.Since(start))
	if answer.Status == 0 {
		return nil, answer.Err
	}
	return resp, nil
}

// withURL returns the request with another URL.
func withURL(req *http.Request, u *url.URL) *http.Request {
	changed, target := *req, *u
	changed.URL, changed.Host = &target, u.Host
	return &changed
}

// attempt sends the request once and reads the whole answer.
func (e *Engine) attempt(req *http.Request, next http.RoundTripper, call Call) (*http.Response, Outcome) {
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	ctx, stop := withTimeout(ctx, shorter(call.Timeout, e.timeout))
	defer stop()
	if ctx.Err() != nil {
		return nil, Outcome{Err: explain(ctx, req.Context(), ctx.Err())}
	}
	trace, ctx := newTrace(ctx, cancel)
	resp, err := RoundTrip(next, req.WithContext(ctx))
	if err != nil {
		if !call.Late && trace.reused.Load() && errors.Is(context.Cause(ctx), errNoAnswer) {
			e.silent.Store(true)
		}
		return nil, Outcome{Err: explain(ctx, req.Context(), err), Open: !e.isUnsent(trace, err)}
	}
	body, err := readAll(resp.Body, e.config.MaxAnswer)
	answer := Outcome{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if err != nil && isSuccess(resp.StatusCode) {
		answer.Err = explain(ctx, req.Context(), err)
	}
	answer.Open = answer.Err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout
	return forLoop(resp), answer
}

// isUnsent reports whether an attempt that failed proves that the server did not
// process the request. A protocol that was registered with the transport may not
// report the connections it makes, and a transport around another may make several.
func (e *Engine) isUnsent(trace *trace, err error) bool {
	if e.observable {
		unmade := neverConnected(err) || trace.asked.Load()
		return unmade && !trace.connected.Load() || isUnprocessed(err)
	}
	switch trace.connections.Load() {
	case 0:
		return neverConnected(err)
	case 1:
		return isUnprocessed(err)
	default:
		return false
	}
}

// leaveSilent closes the idle connections if an attempt on one that was idle
// before got no response in time: that one, and others to the same network, may
// have gone silent. Over HTTP/2 a connection survives the requests on it.
func (e *Engine) leaveSilent(next http.RoundTripper) {
	if !e.silent.Swap(false) {
		return
	}
	if pool, ok := next.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// forLoop returns what the loop gets to see of an answer: no body, which has
// been read, and no address to follow or to quote in an error.
func forLoop(resp *http.Response) *http.Response {
	seen := *resp
	seen.Body = http.NoBody
	seen.Header = resp.Header.Clone()
	seen.Header.Del("Location")
	return &seen
}

// errNoAnswer ends an attempt that takes too long.
var errNoAnswer = errors.New("no answer in time")

func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%w (%s)", errNoAnswer, timeout))
}

// shorter returns the shorter of two timeouts, of which 0 is none.
func shorter(a, b time.Duration) time.Duration {
	if a <= 0 || b <= 0 {
		return max(a, b)
	}
	return min(a, b)
}

// explain makes sure that an error matches those of a context exactly if the
// caller's context ended. The deadline of an attempt is none of its concern,
// and a transport may give no more than the cause.
func explain(attempt, call context.Context, err error) error {
	err = WithoutURL(err)
	switch {
	case call.Err() != nil && !errors.Is(err, call.Err()):
		return fmt.Errorf("%w: %w", call.Err(), err)
	case call.Err() != nil:
		return err
	case attempt.Err() != nil:
		return context.Cause(attempt)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return transportError{err}
	default:
		return err
	}
}

// A transportError hides that timeouts of the network, while connecting for
// example, match the error of a context that ended.
type transportError struct{ error }

// As finds what is hidden.
func (e transportError) As(target any) bool { return errors.As(e.error, target) }

// errTooLong tells that an answer exceeds what the engine reads.
var errTooLong = errors.New("the response is too long")

// readAll reads and closes a body of at most limit bytes.
func readAll(body io.ReadCloser, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if int64(len(data)) > limit {
		data, err = data[:limit], fmt.Errorf("%w (over %d bytes)", errTooLong, limit)
	}
	// Nothing depends on the rest of a body that was read as far as wanted.
	_ = body.Close()
	return data, err
}

// neverConnected reports whether an error proves that no connection was made
// that a request could be sent on.
func neverConnected(err error) bool {
	if first, ok := errors.AsType[tls.RecordHeaderError](err); ok && first.Conn != nil || isUntrusted(err) || isProxyError(err) {
		return true
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok && lookup != nil {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && (op.Op == "dial" || op.Op == "proxyconnect")
}

// WithoutURL takes the address, which may hold a secret, out of an error.
func WithoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

func isSuccess(status int) bool { return status >= 200 && status < 300 }

// log writes the debug record of one attempt.
func (e *Engine) log(ctx context.Context, state *state, took time.Duration) {
	if !e.config.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := append(describe(state),
		slog.Duration("duration", took),
		slog.String("request_id", state.last.Hide(state.last.Header.Get("X-Request-Id"))))
	e.config.Logger.LogAttrs(ctx, slog.LevelDebug, "cloudconvert: request", attrs...)
}

// describe returns what every record about an attempt says.
func describe(state *state) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", state.call.Method),
		slog.String("path", state.call.URL.EscapedPath()),
		slog.Int("attempt", state.attempts),
		slog.Int("status", state.last.Status),
	}
	if state.last.Err != nil {
		attrs = append(attrs, slog.String("error", state.last.Err.Error()))
	}
	return attrs
}
