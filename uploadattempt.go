package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
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
	trail   *trail
	form    *multipart.Form
	content *content
	meter   *meter
	stall   time.Duration

	mu       sync.Mutex // the transport reads in a goroutine of its own
	watchdog *time.Timer
	sent     int64 // bytes of the form
	broken   error // why the source could not be read
	over     bool
}

// errStalled ends a transfer in which nothing moves.
var errStalled = errors.New("no byte moved in time")

// run sends the file. The answer is open if sending it again may help.
func (a *uploadAttempt) run(ctx context.Context) engine.Answer {
	attempt, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	a.watchdog = time.AfterFunc(a.stall, func() { cancel(fmt.Errorf("%w (%s)", errStalled, a.stall)) })
	defer a.finish()
	req, err := a.request(attempt)
	if err != nil {
		return engine.Answer{Err: err}
	}
	answer := a.exchange(req)
	switch {
	case answer.Err == nil:
	case ctx.Err() != nil:
		return engine.Answer{Err: ctx.Err()}
	case attempt.Err() == nil && a.sourceError() != nil && (answer.Status == 0 || isSuccess(answer.Status)):
		return engine.Answer{Err: a.sourceError()}
	default:
		answer.Err = explainAttempt(attempt, answer.Err)
	}
	return answer
}

func (a *uploadAttempt) request(ctx context.Context) (*http.Request, error) {
	body := func() io.ReadCloser {
		return &uploadBody{ReadCloser: a.form.Body(a.content.reader(ctx)), attempt: a}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.target.String(), body())
	if err != nil {
		return nil, errors.New("the address of the form is no URL")
	}
	if a.content.replay {
		req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
	}
	req.ContentLength = a.form.Size()
	req.Header.Set("Content-Type", a.form.ContentType())
	req.Header.Set("User-Agent", a.core.config.userAgentHeader())
	return req, nil
}

// exchange posts the form and reads storage's answer.
func (a *uploadAttempt) exchange(req *http.Request) engine.Answer {
	resp, err := a.trail.do(a.core.storage, req)
	if err != nil {
		return a.trail.failure(err)
	}
	defer resp.Body.Close()
	// Storage has said all that counts in its status: a broken body is no failure.
	body, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	answer := engine.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	answer.Open = isTemporary(resp.StatusCode)
	switch status := resp.StatusCode; {
	case isSuccess(status):
		answer.Err = a.doubt(resp)
		answer.Open = answer.Err != nil
	case !a.content.replay && (status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect):
		answer.Err = errors.New("redirected, and the source can be read only once")
	}
	return answer
}

// doubt tells why a good answer is none.
func (a *uploadAttempt) doubt(resp *http.Response) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent != a.form.Size() {
		return fmt.Errorf("storage answered after %d of %d bytes", a.sent, a.form.Size())
	}
	if a.trail.request.Method == http.MethodPost && isPage(resp.Header) {
		return errors.New("a page of HTML came instead of storage's answer, as from a network that wants a login")
	}
	return nil
}

// isPage tells whether an answer is one for people.
func isPage(header http.Header) bool {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return kind == "text/html"
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
	if a.over {
		return
	}
	a.sent = sent
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

// finish ends the attempt. The transport may still be within a read, of which
// nothing is taken note of any more.
func (a *uploadAttempt) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.watchdog.Stop()
}

// uploadBody reports what is read of it.
type uploadBody struct {
	io.ReadCloser

	attempt *uploadAttempt
	sent    int64
	closed  atomic.Bool // transports close from another goroutine
}

// Read reads from the form.
func (b *uploadBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sent += int64(n)
	if !b.closed.Load() {
		b.attempt.moved(b.sent, err)
	}
	return n, err
}

// Close stops the reading. What reads fail with after that is no fault of the source.
func (b *uploadBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}
