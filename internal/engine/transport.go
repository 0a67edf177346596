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

// RoundTrip sends a request by a transport, which may be nil for the default
// one. It completes responses as [http.Client] does, and takes the body from
// those whose body is a connection for another protocol: no context ends a read
// of it. Package net/http sends the request at most once.
func RoundTrip(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(unrepeatable(req))
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport gave neither an answer nor an error")
	case resp.StatusCode < 100:
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		return nil, errors.New("the status of the answer is none")
	case resp.Body == nil:
		resp.Body = http.NoBody
	case resp.StatusCode == http.StatusSwitchingProtocols, resp.StatusCode == http.StatusNoContent:
		// Nobody asked for that protocol, and nothing was said in it. Over HTTP/2 the
		// end of a response without content may come late, or be lost.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}

// unrepeatable returns the request with a body that cannot be made anew.
//
// Package net/http repeats what it can: a request without a body, or with
// GetBody, after GOAWAY and some RST_STREAM over HTTP/2, on new connections,
// without pause or bound, also if nothing proves that the request was not
// carried out; and over HTTP/1.1 a GET on a connection that was idle. Which
// protocol the next connection speaks cannot be known, so no request may have
// either.
func unrepeatable(req *http.Request) *http.Request {
	sent := req.WithContext(req.Context()) // a copy: the caller may follow a redirect with GetBody
	sent.GetBody = nil
	if sent.Body == nil || sent.Body == http.NoBody {
		sent.Body = emptyBody{}
	}
	return sent
}

// emptyBody is a body that package net/http does not recognize as empty before
// it reads it. Over HTTP/1.1 the request then has no body and no length. Over
// HTTP/2 it ends with an empty frame.
type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }

func (emptyBody) Close() error { return nil }

// isRead reports whether a request may be made any number of times.
func isRead(method string) bool { return method == http.MethodGet || method == http.MethodDelete }

// isUnprocessed reports whether an error of package net/http, which has only a
// text, proves that the server did not process the request: HTTP/2 says so of
// the stream, or the connection ended before anything was written to it.
func isUnprocessed(err error) bool {
	text := err.Error()
	if failure, ok := strings.CutPrefix(text, "http2: Transport: cannot retry err ["); ok {
		return strings.Contains(failure, "REFUSED_STREAM") || strings.Contains(failure, "graceful shutdown GOAWAY")
	}
	return strings.HasPrefix(text, "http2: Transport received GOAWAY from server ErrCode:") || // for the streams above the last one processed
		strings.HasPrefix(text, "readLoopPeekFailLocked: ") || // of a connection that was idle
		slices.Contains([]string{
			"http: server closed idle connection",
			"http2: client conn could not be established",
			"http2: client conn not usable",
		}, text)
}

// A trace records what package net/http does for one attempt.
type trace struct {
	asked       atomic.Bool  // for a connection
	connections atomic.Int32 // obtained
	connected   atomic.Bool  // since a connection was last asked for
	unused      atomic.Int32 // requests for a connection since the request was last written
	reused      atomic.Bool  // the last connection was idle before
}

// maxUnused bounds how many connections one attempt makes without sending
// anything. Over HTTP/2 package net/http makes another one, without pause or
// bound, if the server closes it first.
const maxUnused = 3

// errTurnedAway ends an attempt that gets no usable connection.
var errTurnedAway = errors.New("the server closes connections before it accepts a request")

// newTrace returns a trace and a context that feeds it. It calls cancel when the
// attempt gets no usable connection.
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
