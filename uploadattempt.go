package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

// answerTime is how long storage may take to answer once it has the file,
// beyond the time after which a transfer counts as stalled.
const answerTime = 2 * time.Minute

// uploadAttempt sends a file once.
type uploadAttempt struct {
	core    *core
	target  *url.URL
	form    *multipart.Form
	content *content
	meter   *meter
	stall   time.Duration

	mu       sync.Mutex // the transport may read on after it returned
	watchdog *time.Timer
	broken   error // why the source could not be read
}

// errStalled ends a transfer in which nothing moves.
var errStalled = errors.New("no byte moved in time")

// run sends the file. The answer is open if sending it again may help.
func (a *uploadAttempt) run(ctx context.Context) engine.Answer {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.watchdog = time.AfterFunc(a.stall, func() { cancel(fmt.Errorf("%w (%s)", errStalled, a.stall)) })
	defer a.watchdog.Stop()
	req, err := a.request(attempt)
	if err != nil {
		return engine.Answer{Err: err}
	}
	answer := a.exchange(req)
	switch {
	case ctx.Err() != nil && answer.Err != nil:
		return engine.Answer{Err: ctx.Err()}
	case a.sourceError() != nil && answer.Status == 0:
		return engine.Answer{Err: a.sourceError()}
	case attempt.Err() != nil && answer.Err != nil:
		answer.Err = context.Cause(attempt)
	}
	return answer
}

func (a *uploadAttempt) request(ctx context.Context) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.target.String(), a.body())
	if err != nil {
		return nil, errors.New("the address of the form is no URL")
	}
	if a.content.replay {
		req.GetBody = func() (io.ReadCloser, error) { return a.body(), nil }
	}
	req.ContentLength = a.form.Size()
	req.Header.Set("Content-Type", a.form.ContentType())
	req.Header.Set("User-Agent", a.core.config.userAgentHeader())
	return req, nil
}

// exchange posts the form and reads storage's answer.
func (a *uploadAttempt) exchange(req *http.Request) engine.Answer {
	resp, err := a.core.storage.Do(req)
	if err != nil {
		return engine.Answer{Err: withoutAddress(err), Open: !engine.IsPermanent(err)}
	}
	defer resp.Body.Close()
	// Storage has said all that counts in its status: a broken body is no failure.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	open := resp.StatusCode >= http.StatusInternalServerError ||
		resp.StatusCode == http.StatusRequestTimeout || resp.StatusCode == http.StatusTooManyRequests
	return engine.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body, Open: open}
}

func (a *uploadAttempt) body() io.ReadCloser {
	return &uploadBody{ReadCloser: a.form.Body(a.content.reader()), attempt: a}
}

func (a *uploadAttempt) sourceError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broken
}

// moved takes note of what was read to be sent.
func (a *uploadAttempt) moved(sent int64, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil && !errors.Is(err, io.EOF) {
		a.broken = err
	}
	patience := a.stall
	if sent == a.form.Size() {
		patience += answerTime
	}
	a.watchdog.Reset(patience)
	a.meter.set(min(sent, a.content.size))
}

// uploadBody reports what is read of it.
type uploadBody struct {
	io.ReadCloser

	attempt *uploadAttempt
	sent    int64
}

// Read reads from the form.
func (b *uploadBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sent += int64(n)
	b.attempt.moved(b.sent, err)
	return n, err
}
