package engine

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"slices"
	"strings"
	"sync/atomic"
)

// RoundTrip sends a request, at most once, over a transport. A nil transport is the
// default one. It completes responses as [http.Client] does. If the body of a response is
// a connection for another protocol, which no context would end, it is closed and
// replaced by an empty one.
func RoundTrip(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(nonReplayable(req))
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport returned neither a response nor an error")
	case resp.StatusCode < 100:
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		return nil, errors.New("the response has an invalid status")
	case resp.Body == nil:
		resp.Body = http.NoBody
	case resp.StatusCode == http.StatusSwitchingProtocols, resp.StatusCode == http.StatusNoContent:
		// No other protocol was requested. Over HTTP/2 the end of a response without
		// content may arrive late, or be lost.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}

// nonReplayable returns the request with a body that net/http cannot send a second time.
//
// net/http resends a request that has no body, or has GetBody: over HTTP/2, after GOAWAY
// and some RST_STREAM frames, on new connections, without a pause or a limit, and even if
// nothing proves that the request was not processed; over HTTP/1.1, a GET on a reused
// connection. The protocol of the next connection is not known beforehand, so every
// request has a body and none has GetBody.
func nonReplayable(req *http.Request) *http.Request {
	sent := req.WithContext(req.Context()) // a copy: the caller may need GetBody for a redirect
	sent.GetBody = nil
	if sent.Body == nil || sent.Body == http.NoBody {
		sent.Body = emptyBody{}
	}
	return sent
}

// emptyBody is a body that net/http does not recognize as empty before reading it. Over
// HTTP/1.1 the request then has no body and no length. Over HTTP/2 it ends with an empty
// frame.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }

func (emptyBody) Close() error { return nil }

// isIdempotent reports whether repeating a request has no further effect.
func isIdempotent(method string) bool { return method == http.MethodGet || method == http.MethodDelete }

// isUnprocessed reports whether an error of net/http proves that the server did not
// process the request: HTTP/2 says so for the stream, or the connection ended before
// anything was written to it. These errors can be recognized only by their texts.
func isUnprocessed(err error) bool {
	text := err.Error()
	if failure, ok := strings.CutPrefix(text, "http2: Transport: cannot retry err ["); ok {
		return strings.Contains(failure, "REFUSED_STREAM") || strings.Contains(failure, "graceful shutdown GOAWAY")
	}
	return strings.HasPrefix(text, "http2: Transport received GOAWAY from server ErrCode:") || // for streams after the last one processed
		strings.HasPrefix(text, "readLoopPeekFailLocked: ") || // of a reused connection
		slices.Contains([]string{
			"http: server closed idle connection",
			"http2: client conn could not be established",
			"http2: client conn not usable",
		}, text)
}

// A trace records what net/http does during one attempt.
type trace struct {
	asked       atomic.Bool  // a connection was requested
	connections atomic.Int32 // obtained
	connected   atomic.Bool  // since a connection was last requested
	unused      atomic.Int32 // connections requested since the request was last written
	reused      atomic.Bool  // the last connection was reused
}

// maxUnused bounds how many connections an attempt makes without sending anything. Over
// HTTP/2, net/http makes another one, without a pause or a limit, if the server closes
// the connection first.
const maxUnused = 3

// errTurnedAway is the cause of an attempt that got no usable connection.
var errTurnedAway = errors.New("the server closed connections before it accepted a request")

// newTrace returns a trace and a context that updates it. It calls cancel if the attempt
// gets no usable connection.
func newTrace(ctx context.Context, cancel context.CancelCauseFunc) (*trace, context.Context) {
	t := &trace{}
	return t, httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			t.asked.Store(true)
			t.connected.Store(false)
			if t.unused.Add(1) > maxUnused {
				cancel(errTurnedAway)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			t.connections.Add(1)
			t.connected.Store(true)
			t.reused.Store(info.Reused)
		},
		WroteHeaders: func() { t.unused.Store(0) },
	})
}
