package cloudconvert

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// downloadAttempt is one request for a file and its answer. It ends with an
// error when nothing moves for a while. The time that the caller takes between
// reads does not count.
type downloadAttempt struct {
	ctx      context.Context // of this attempt
	cancel   context.CancelCauseFunc
	watchdog *watchdog
	stall    time.Duration
	resp     *http.Response
	body     io.Reader
	partial  bool  // the answer is a part of the file
	left     int64 // bytes of that part
	skip     int64 // bytes of the answer that were delivered before
	err      error // how the body ended
}

func newDownloadAttempt(ctx context.Context, stall time.Duration, transport http.RoundTripper) *downloadAttempt {
	attempt, cancel := context.WithCancelCause(ctx)
	watchdog := newWatchdog(stall, cancel)
	attempt = httptrace.WithClientTrace(attempt, watchdog.trace(transport))
	return &downloadAttempt{ctx: attempt, cancel: cancel, stall: stall, watchdog: watchdog}
}

// send sends the request. A nil answer means that the body can be read.
func (a *downloadAttempt) send(client *http.Client, req *http.Request, trail *trail) *engine.Answer {
	resp, err := trail.do(client, req.WithContext(a.ctx)) //nolint:bodyclose // close does.
	a.watchdog.stop()
	if err != nil {
		failed := trail.failure(err)
		failed.Err = explainAttempt(a.ctx, err)
		return &failed
	}
	a.resp, a.body = resp, content.Steady(resp.Body)
	return nil
}

// Read reads the part of the body that was not delivered before.
func (a *downloadAttempt) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	a.watchdog.start(a.stall)
	n, err := a.body.Read(p)
	a.watchdog.stop()
	a.err = err
	if known := min(a.skip, int64(n)); known > 0 {
		a.skip -= known
		n = copy(p, p[known:n])
	}
	if n > 0 {
		return n, nil // and the error next time
	}
	return 0, err
}

// refusal reads the answer of a request that did not get the file.
func (a *downloadAttempt) refusal() *engine.Answer {
	// What is wrong says the status: a broken body is no failure of its own.
	body, _ := io.ReadAll(io.LimitReader(a, maxErrorBody))
	status := a.resp.StatusCode
	return &engine.Answer{Status: status, Header: a.resp.Header, Body: body, Open: isTemporary(status)}
}

// answer describes an answer that is not what it should be.
func (a *downloadAttempt) answer(err error, again bool) *engine.Answer {
	return &engine.Answer{Status: a.resp.StatusCode, Header: a.resp.Header, Err: err, Open: again}
}

// close ends the attempt.
func (a *downloadAttempt) close() {
	a.watchdog.stop()
	a.cancel(nil)
	if a.resp != nil {
		// It was only read, and maybe not to its end.
		_ = a.resp.Body.Close()
	}
}
