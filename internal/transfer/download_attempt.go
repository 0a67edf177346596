package transfer

import (
	"context"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
)

// downloadAttempt is one request for a file and its response. It fails if no bytes arrive
// for some time. The time between reads of the caller does not count.
type downloadAttempt struct {
	ctx      context.Context // of this attempt
	cancel   context.CancelCauseFunc
	watchdog *watchdog
	stall    time.Duration
	resp     *http.Response
	body     io.Reader
	partial  bool  // the response is a part of the file
	left     int64 // bytes left of that part
	skip     int64 // bytes of the response to discard, which were delivered before
	err      error // final error of the body
}

func (c *Client) newDownloadAttempt(ctx context.Context) *downloadAttempt {
	a := &downloadAttempt{stall: c.config.StallTimeout}
	ctx, a.cancel = context.WithCancelCause(ctx)
	a.watchdog = newWatchdog(a.stall, a.cancel)
	a.ctx = httptrace.WithClientTrace(ctx, a.watchdog.trace(c.config.Transport))
	return a
}

// send sends the request. If it returns nil, the body can be read.
func (a *downloadAttempt) send(req *http.Request, redirects *redirects) *Outcome {
	resp, err := redirects.do(req.WithContext(a.ctx)) //nolint:bodyclose // close does.
	a.watchdog.stop()
	if err != nil {
		failed := redirects.failure(err)
		failed.Err = explainAttempt(a.ctx, err)
		return &failed
	}
	a.resp, a.body = resp, content.Steady(resp.Body)
	return nil
}

// Read reads the body, except for the bytes that were delivered before.
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
		return n, nil // the next Read returns err
	}
	return 0, err
}

// refusal returns the outcome for a response that is not the file.
func (a *downloadAttempt) refusal() *Outcome {
	outcome := responseOutcome(a.resp)
	outcome.Body = readExcerpt(a)
	return &outcome
}

// failure returns the outcome for an unexpected response.
func (a *downloadAttempt) failure(err error, retryable bool) *Outcome {
	outcome := responseOutcome(a.resp)
	outcome.Err, outcome.Retryable = err, retryable
	return &outcome
}

// close ends the attempt.
func (a *downloadAttempt) close() {
	a.watchdog.stop()
	a.cancel(nil)
	if a.resp != nil {
		_ = a.resp.Body.Close()
	}
}
