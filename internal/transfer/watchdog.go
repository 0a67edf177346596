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

// errStalled is the cause of an attempt that made no progress.
var errStalled = errors.New("no byte moved in time")

// watchdog cancels an attempt in which no bytes move for some time. It does not count the
// time in which the request waits for a connection because the transport limits their
// number: other transfers of the same client may use them.
type watchdog struct {
	mu       sync.Mutex
	timer    *time.Timer
	patience time.Duration
	running  bool
	queued   bool // the request may be waiting for a connection
}

// newWatchdog returns a running watchdog.
func newWatchdog(stall time.Duration, cancel context.CancelCauseFunc) *watchdog {
	return &watchdog{
		timer:    time.AfterFunc(stall, func() { cancel(fmt.Errorf("%w (%s)", errStalled, stall)) }),
		patience: stall, running: true,
	}
}

// start restarts the timer.
func (w *watchdog) start(patience time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.patience, w.running = patience, true
	if !w.queued {
		w.timer.Reset(patience)
	}
}

// stop stops the timer until the next start.
func (w *watchdog) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.queued = false, false
	w.timer.Stop()
}

// trace returns a trace that pauses the watchdog while a request waits for a connection.
// Transports that do not report to it get no pause.
//
// net/http does not report the wait itself. It may begin when a connection is requested,
// and has ended at the first sign that one is made or used. Some dialers give no sign, so
// a wait is assumed only if the transport may limit connections.
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
