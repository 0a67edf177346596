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

	"github.com/cloudconvert/cloudconvert-go/internal/content"
)

// state is what the attempts of one call share.
type state struct {
	call          Call
	ticket        uint64 // of a limited call
	attempts      int
	rateLimited   int // attempts whose response was a 429
	last          Outcome
	pause         time.Duration // before the next attempt, for the log, the deadline and the limiter
	unknownBefore bool
	heldBack      bool // the limiter refused the next attempt
	refusals      int  // consecutive 429 responses, to any calls, before the last attempt
}

type stateKey struct{}

// attemptTransport is the transport of the retry loop: each round trip is one attempt. It
// reads the whole response, so that an incomplete body fails the attempt. It has no
// CloseIdleConnections method, which the loop would call on failure although other calls
// use the connections.
type attemptTransport struct {
	engine *Engine
	next   http.RoundTripper
}

// RoundTrip makes one attempt and records its outcome.
func (a *attemptTransport) RoundTrip(req *http.Request) (*http.Response, error) {
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
	a.engine.closeSilent(a.next)
	state.attempts++
	state.unknownBefore = state.unknownBefore || state.last.Unknown
	state.last = Outcome{}
	start := time.Now()
	if call.URL != state.call.URL {
		req = withURL(req, call.URL)
	}
	resp, outcome := a.engine.attempt(req, a.next, call)
	credentials := req.Header.Get("Authorization")
	outcome = outcome.Without(credentials, strings.TrimPrefix(credentials, "Bearer "), req.URL.RawQuery)
	state.last = outcome
	if outcome.Status == http.StatusTooManyRequests {
		state.rateLimited++
	}
	state.pause = a.engine.pause(state)
	a.engine.config.Record(outcome)
	a.engine.log(req.Context(), state, time.Since(start))
	if outcome.Status == 0 {
		return nil, outcome.Err
	}
	return resp, nil
}

func withURL(req *http.Request, u *url.URL) *http.Request {
	changed, target := *req, *u
	changed.URL, changed.Host = &target, u.Host
	return &changed
}

// attempt sends the request once and reads the whole response.
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
		if !call.Slow && trace.reused.Load() && errors.Is(context.Cause(ctx), errNoResponse) {
			e.silent.Store(true)
		}
		return nil, Outcome{Err: explain(ctx, req.Context(), err), Unknown: !e.isUnsent(trace, err)}
	}
	body, err := readAll(resp.Body, e.config.MaxResponse)
	outcome := Outcome{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if err != nil && IsSuccess(resp.StatusCode) {
		outcome.Err = explain(ctx, req.Context(), err)
	}
	outcome.Unknown = outcome.Err != nil || resp.StatusCode >= 500 || resp.StatusCode == http.StatusRequestTimeout
	return forLoop(resp), outcome
}

// isUnsent reports whether a failed attempt proves that the server did not process the
// request. Protocols registered with a transport may not report their connections, and a
// transport that wraps others may make several.
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

// closeSilent closes idle connections after an attempt on a reused connection timed out:
// that connection, and others on the same network path, may be dead. An HTTP/2 connection
// outlives the requests on it.
func (e *Engine) closeSilent(next http.RoundTripper) {
	if !e.silent.Swap(false) {
		return
	}
	if pool, ok := next.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// forLoop returns the response that the retry loop sees. It has no body, which has been
// read, and no Location header, which could be followed or quoted in an error.
func forLoop(resp *http.Response) *http.Response {
	seen := *resp
	seen.Body = http.NoBody
	seen.Header = resp.Header.Clone()
	seen.Header.Del("Location")
	return &seen
}

// errNoResponse is the cause of an attempt that timed out.
var errNoResponse = errors.New("no response in time")

func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return ctx, func() {}
	}
	return context.WithTimeoutCause(ctx, timeout, fmt.Errorf("%w (%s)", errNoResponse, timeout))
}

// shorter returns the shorter of two timeouts. Zero means no timeout.
func shorter(a, b time.Duration) time.Duration {
	if a <= 0 || b <= 0 {
		return max(a, b)
	}
	return min(a, b)
}

// explain returns an error that matches the error of the context of the call if and only
// if that context has ended. The timeout of an attempt is not the deadline of the caller,
// and a transport may return only the cause of a context.
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

// A transportError is a network timeout, while dialing for example. It hides that such an
// error matches a context error.
type transportError struct{ error }

// As implements errors.As for the wrapped error.
func (e transportError) As(target any) bool { return errors.As(e.error, target) }

var errTooLong = errors.New("the response is too long")

// readAll reads at most limit bytes of the body and closes it.
func readAll(body io.ReadCloser, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(content.Steady(body), limit+1))
	if int64(len(data)) > limit {
		data, err = data[:limit], fmt.Errorf("%w (over %d bytes)", errTooLong, limit)
	}
	// An error of Close says nothing about the bytes that were read.
	_ = body.Close()
	return data, err
}

// neverConnected reports whether an error proves that there was no connection to send the
// request on.
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

// WithoutURL removes the URL, which may hold a secret, from an error of net/http.
func WithoutURL(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}

// IsSuccess reports whether a status is 2xx.
func IsSuccess(status int) bool { return status >= 200 && status < 300 }

// IsTemporary reports whether a status says that the same request may succeed later. It
// does not say whether the request had an effect, see [Outcome].
func IsTemporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// log logs an attempt at debug level.
func (e *Engine) log(ctx context.Context, state *state, took time.Duration) {
	if !e.config.Logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attrs := append(state.attrs(),
		slog.Duration("duration", took),
		slog.String("request_id", state.last.Hide(state.last.Header.Get("X-Request-Id"))))
	e.config.Logger.LogAttrs(ctx, slog.LevelDebug, "cloudconvert: request", attrs...)
}

// attrs returns the log attributes of the last attempt.
func (s *state) attrs() []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", s.call.Method),
		slog.String("path", s.call.URL.EscapedPath()),
		slog.Int("attempt", s.attempts),
		slog.Int("status", s.last.Status),
	}
	if s.last.Err != nil {
		attrs = append(attrs, slog.String("error", s.last.Err.Error()))
	}
	return attrs
}
