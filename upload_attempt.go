package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
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
	content *content.Content
	meter   *meter
	stall   time.Duration

	// connected reports that the transport has a connection.
	connected atomic.Bool
	// reading is read-locked while the transport reads the source.
	reading sync.RWMutex

	watchdog *watchdog

	mu     sync.Mutex // the transport reads in a goroutine of its own
	sent   int64      // bytes of the form
	broken error      // why the source could not be read
	over   bool
}

// run sends the file. The answer is open if sending it again may help.
func (a *uploadAttempt) run(ctx context.Context) engine.Answer {
	attempt, cancel := context.WithCancelCause(ctx)
	a.watchdog = newWatchdog(a.stall, cancel)
	defer a.finish(cancel)
	attempt = httptrace.WithClientTrace(attempt, a.watchdog.trace(a.core.config.transfer))
	attempt = httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { a.connected.Store(true) },
	})
	req, err := a.request(attempt)
	if err != nil {
		return engine.Answer{Err: err}
	}
	answer := a.exchange(req)
	switch {
	case answer.Err == nil:
	case ctx.Err() != nil:
		return engine.Answer{Err: ctx.Err()}
	case attempt.Err() == nil && a.sourceError() != nil && (answer.Status == 0 || isTaken(answer.Status, http.MethodPost)):
		return engine.Answer{Err: a.sourceError()}
	default:
		answer.Err = explainAttempt(attempt, answer.Err)
	}
	return answer
}

func (a *uploadAttempt) request(ctx context.Context) (*http.Request, error) {
	body := func() io.ReadCloser {
		return &uploadBody{ReadCloser: a.form.Body(a.content.Reader(ctx)), attempt: a}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.target.String(), body())
	if err != nil {
		return nil, errors.New("the address of the form is no URL")
	}
	if a.content.Replayable {
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
	body, _ := io.ReadAll(io.LimitReader(content.Steady(resp.Body), maxErrorBody))
	answer := engine.Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	answer.Open = isTemporary(resp.StatusCode)
	switch status := resp.StatusCode; {
	case isTaken(status, http.MethodPost):
		answer.Err = a.checkResponse(resp)
		answer.Open = answer.Err != nil
	case !a.content.Replayable && (status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect):
		answer.Err = errors.New("redirected, and the source can be read only once")
	}
	return answer
}

// checkResponse returns why a success does not prove that storage has the file.
//
// A response that came before the file was read proves nothing. That of a recorder
// or mock is taken as it is: these may read nothing and have no connection, whereas
// package net/http has read something when a response comes over a network.
func (a *uploadAttempt) checkResponse(resp *http.Response) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent != a.form.Size() && (a.sent > 0 || a.connected.Load()) {
		return fmt.Errorf("storage answered after %d of %d bytes", a.sent, a.form.Size())
	}
	if isSuccess(resp.StatusCode) && isPage(resp.Header) {
		return errors.New("a page of HTML came instead of storage's answer, as from a network that wants a login")
	}
	return nil
}

// isPage reports whether an answer is one for people.
func isPage(header http.Header) bool {
	kind, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return kind == "text/html"
}

func (a *uploadAttempt) isOver() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.over
}

func (a *uploadAttempt) sourceError() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.broken
}

// onRead records a read of the form, of which sent bytes were read by now. Only if
// bytes have moved the watchdog starts anew.
func (a *uploadAttempt) onRead(sent int64, moved bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		return
	}
	a.sent = sent
	if err != nil && !errors.Is(err, io.EOF) {
		a.broken = err
	}
	if moved {
		patience := a.stall
		if sent == a.form.Size() {
			patience += answerTime
		}
		a.watchdog.start(patience)
	}
	a.meter.set(min(sent, a.content.Size))
}

// finish ends the attempt. The transport may go on to read the body, but gets
// nothing more of the source, which belongs to the caller again.
func (a *uploadAttempt) finish(cancel context.CancelCauseFunc) {
	cancel(nil)
	a.reading.Lock()
	defer a.reading.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.watchdog.stop()
}

// uploadBody reports what is read of it.
type uploadBody struct {
	io.ReadCloser

	attempt *uploadAttempt
	sent    int64
	closed  atomic.Bool // transports close from another goroutine
}

// Read reads from the form, until the attempt is over.
func (b *uploadBody) Read(p []byte) (int, error) {
	b.attempt.reading.RLock()
	defer b.attempt.reading.RUnlock()
	if b.attempt.isOver() {
		return 0, fs.ErrClosed
	}
	n, err := b.ReadCloser.Read(p)
	b.sent += int64(n)
	if !b.closed.Load() {
		b.attempt.onRead(b.sent, n > 0, err)
	}
	return n, err
}

// Close stops the reading. What reads fail with after that is no fault of the source.
func (b *uploadBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}
