package engine

import (
	"errors"
	"net/http"
	"strings"
)

// RoundTrip makes a round trip by a transport, which may be nil for the default
// one. It mends answers as [http.Client] does, and takes the body from those
// whose body is a connection for another protocol: no context ends a read of it.
func RoundTrip(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
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
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// Nobody asked for that protocol, and nothing was said in it.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}

// once keeps package net/http from sending a request again by itself that must
// not be. Over HTTP/2 it does so after resets that prove nothing, if it can make
// the body anew. Over HTTP/1, where it only does after nothing was written, it may.
func (e *Engine) once(req *http.Request) *http.Request {
	protocol, known := e.protocols.Load(req.URL.Host)
	if isRead(req.Method) || known && protocol == 1 {
		return req
	}
	req.GetBody = nil
	return req
}

// isRead tells whether a request may be made any number of times.
func isRead(method string) bool { return method == http.MethodGet || method == http.MethodDelete }

// refusedByHTTP2 tells whether a server said that it has not begun with a
// request. Package net/http tells it by no more than a text.
func refusedByHTTP2(err error) bool {
	text := err.Error()
	return strings.Contains(text, "cannot retry err [") &&
		(strings.Contains(text, "REFUSED_STREAM") || strings.Contains(text, "graceful shutdown GOAWAY"))
}
