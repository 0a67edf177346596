package transfer

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// errStalled ends a transfer in which nothing moves.
var errStalled = errors.New("no byte moved in time")

// watchdog cancels an attempt when no byte moves for a while. It does not count the
// time in which the request waits for one of the connections that its transport allows,
// which others use: those may be transfers of the same client.
type watchdog struct {
	mu       sync.Mutex
	timer    *time.Timer
	patience time.Duration
	running  bool
	queued   bool // the request may be waiting for a connection of others
}

// newWatchdog returns a running watchdog.
func newWatchdog(stall time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{
		timer:    time.AfterFunc(stall, func() { cancel(fmt.Errorf("%w (%s)", errStalled, stall)) }),
		patience: stall, running: true,
	}
}

// start begins to wait anew.
func (w *watchdog) start(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience, w.running = patience, true
	if !w.queued {
		w.timer.Reset(patience)
	}
}

// stop waits no more, until the next start.
func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.queued = false, false
	w.timer.Stop()
}

// trace returns what the transport reports to when a request waits for a connection. Where
// nothing is reported, all time counts.
//
// Package net/http does not report the wait itself. It has begun when a connection was
// asked for, and is over as soon as there is any sign of one being made or used. Some
// dialers give no sign, so a wait is assumed only where there may be one.
func (w *watchdog) trace(transport http.RoundTripper) *httptrace.ClientTrace {
	if t, ok := transport.(*http.Transport); ok && t.MaxConnsPerHost <= 0 {
		return &httptrace.ClientTrace{}
	}
	return &httptrace.ClientTrace{
		GetConn:           func(string) { w.queue() },
		DNSStart:          func(httptrace.DNSStartInfo) { w.leaveQueue() },
		ConnectStart:      func(string, string) { w.leaveQueue() },
		TLSHandshakeStart: w.leaveQueue,
		GotConn:           func(httptrace.GotConnInfo) { w.leaveQueue() },
	}
}

func (w *watchdog) queue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running {
		w.queued = true
		w.timer.Stop()
	}
}

func (w *watchdog) leaveQueue() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.queued {
		w.queued = false
		w.timer.Reset(w.patience)
	}
}
