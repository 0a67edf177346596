package acceptance_test

import (
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// A fault is a row of the table: what goes wrong.
type fault struct {
	name    string
	variant string // of a row that has several of them
	secure  bool   // the URLs are https, over HTTP/1.1 too
	used    bool   // the connections have been used before
	unsent  bool   // what an attempt sends does not pass on the wire
	// prepare is called before the connections are used; it may be nil.
	prepare func(w *world)
	// strike lets it go wrong so many times from now on, or always if that is 0.
	strike func(w *world, times int)
}

// injects is a fault of the server.
func injects(f cloudconverttest.Fault) func(*world, int) {
	return func(w *world, times int) {
		limited := f
		limited.Times = times
		w.server.Inject(limited)
	}
}

// connects is a fault of connections.
func connects(s spoiler) func(*world, int) {
	return func(w *world, times int) { w.network.fail(times, s) }
}

// breaks is a fault of the connections of requests, after so many bytes of them.
func breaks(bytes int64) func(*world, int) {
	return func(w *world, times int) { w.network.breakRequests(times, bytes) }
}

const loginPage = "<html><title>Sign in to the guest network</title></html>"

// commonFaults are those that all protocols have.
func commonFaults() []fault {
	retryAfter := http.Header{"Retry-After": {"20"}}
	return []fault{
		{name: "none", strike: func(*world, int) {}},
		{name: "dial refused", unsent: true, strike: connects(refused)},
		{name: "reset in the TLS handshake", secure: true, unsent: true, strike: connects(brokenAfter(100))},
		{name: "TLS: certificate of another host", secure: true, unsent: true, strike: connects(untrusted)},
		{name: "TLS: plaintext server", secure: true, unsent: true, strike: connects(withoutTLS)},
		{name: "reset before the request was read", strike: breaks(0)},
		{name: "reset while the request was read", strike: breaks(50)},
		{name: "reset before the response, not executed", strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Reset})},
		{
			name: "the same on a reused connection", used: true,
			strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Reset}),
		},
		{
			name:   "reset before the response, executed",
			strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.After}),
		},
		{
			name:   "reset in the response body",
			strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Reset, Phase: cloudconverttest.During}),
		},
		{name: "408", strike: injects(cloudconverttest.Fault{Status: http.StatusRequestTimeout})},
		{name: "429 with `Retry-After`", strike: injects(cloudconverttest.Fault{
			Status: http.StatusTooManyRequests, Code: "TOO_MANY_REQUESTS", Header: retryAfter,
		})},
		{name: "429 without `Retry-After`", strike: injects(cloudconverttest.Fault{Status: http.StatusTooManyRequests})},
		{name: "500, executed", strike: injects(cloudconverttest.Fault{Phase: cloudconverttest.After, Code: "INTERNAL_ERROR"})},
		{name: "500, not executed", strike: injects(cloudconverttest.Fault{Code: "INTERNAL_ERROR"})},
		{name: "502 as HTML", strike: injects(cloudconverttest.Fault{Status: http.StatusBadGateway})},
		{name: "503 with a date in `Retry-After`", strike: func(w *world, times int) {
			date := time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)
			injects(cloudconverttest.Fault{
				Status: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {date}},
			})(w, times)
		}},
		{name: "no response, not executed", strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Stall})},
		{
			name:   "no response, executed",
			strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Stall, Phase: cloudconverttest.After}),
		},
		{name: "response body stalls", strike: injects(cloudconverttest.Fault{
			Kind: cloudconverttest.Stall, Phase: cloudconverttest.During,
		})},
		{name: "a reused connection goes silent", used: true, unsent: true, strike: func(w *world, times int) { w.network.silence(times) }},
		{name: "response body trickles", strike: injects(cloudconverttest.Fault{
			Kind: cloudconverttest.Slow, Phase: cloudconverttest.During, Bytes: 1, Delay: time.Second,
		})},
		{name: "response body shorter than `Content-Length`", strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Truncate})},
		{name: "half the response body, matching `Content-Length`", strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.WrongLength})},
		{name: "200 with other content", strike: injects(cloudconverttest.Fault{Kind: cloudconverttest.Garbage})},
		{name: "200 with an HTML page", strike: injects(cloudconverttest.Fault{
			Kind: cloudconverttest.Garbage, Body: loginPage, Header: http.Header{"Content-Type": {"text/html"}},
		})},
		{name: "correct response labeled HTML", strike: injects(cloudconverttest.Fault{
			Kind: cloudconverttest.Headers, Header: http.Header{"Content-Type": {"text/html"}},
		})},
	}
}
