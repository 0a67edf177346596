package transfer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// responseTime is how much longer than the stall timeout storage may take to respond
// after it has received the file.
const responseTime = 2 * time.Minute

// uploadAttempt is one request to upload a file.
type uploadAttempt struct {
	Upload

	client    *Client
	redirects *redirects
	meter     *meter

	// connected reports whether the transport got a connection.
	connected atomic.Bool
	// reading is read-locked while the transport reads the source.
	reading sync.RWMutex

	watchdog *watchdog

	mu     sync.Mutex // the transport reads in a separate goroutine
	sent   int64      // number of bytes of the form read
	broken error      // error of reading the source
	over   bool
}

// run makes the attempt.
func (a *uploadAttempt) run(ctx context.Context) Outcome {
	attempt, cancel := context.WithCancelCause(ctx)
	a.watchdog = newWatchdog(a.client.config.StallTimeout, cancel)
	defer a.finish(cancel)
	attempt = httptrace.WithClientTrace(attempt, a.watchdog.trace(a.client.config.Transport))
	attempt = httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { a.connected.Store(true) },
	})
	req, err := a.request(attempt)
	if err != nil {
		return errorOutcome(err)
	}
	outcome := a.exchange(req)
	switch {
	case outcome.Err == nil:
	case ctx.Err() != nil:
		return errorOutcome(ctx.Err())
	case attempt.Err() == nil && a.sourceError() != nil && (outcome.Status == 0 || isStored(outcome.Status, http.MethodPost)):
		return errorOutcome(a.sourceError())
	default:
		outcome.Err = explainAttempt(attempt, outcome.Err)
	}
	return outcome
}

func (a *uploadAttempt) request(ctx context.Context) (*http.Request, error) {
	body := func() io.ReadCloser {
		return &uploadBody{ReadCloser: a.Form.Body(a.Content.Reader(ctx)), attempt: a}
	}
	req, err := a.client.newRequest(ctx, http.MethodPost, a.URL)
	if err != nil {
		return nil, err
	}
	req.Body = body()
	if a.Content.Replayable {
		req.GetBody = func() (io.ReadCloser, error) { return body(), nil }
	}
	req.ContentLength = a.Form.Size()
	req.Header.Set("Content-Type", a.Form.ContentType())
	return req, nil
}

// exchange posts the form and reads the response.
func (a *uploadAttempt) exchange(req *http.Request) Outcome {
	resp, err := a.redirects.do(req)
	if err != nil {
		return a.redirects.failure(err)
	}
	defer resp.Body.Close()
	outcome := responseOutcome(resp)
	outcome.Body = readExcerpt(content.Steady(resp.Body))
	switch status := resp.StatusCode; {
	case isStored(status, http.MethodPost):
		outcome.Err = a.checkResponse(resp)
		outcome.Retryable = outcome.Err != nil
	case !a.Content.Replayable && (status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect):
		outcome.Err = errors.New("redirected, but the source can be read only once")
	}
	return outcome
}

// checkResponse returns why a success does not prove that storage has the file.
//
// A response that arrives before the whole file was read proves nothing. However, mocks
// and recorders may read nothing and have no connection, and their responses are
// accepted. With net/http, something was read before a response arrives from the network.
func (a *uploadAttempt) checkResponse(resp *http.Response) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.sent != a.Form.Size() && (a.sent > 0 || a.connected.Load()) {
		return fmt.Errorf("storage responded after %d of %d bytes", a.sent, a.Form.Size())
	}
	if kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); engine.IsSuccess(resp.StatusCode) && kind == "text/html" {
		return errors.New("the response is an HTML page, as from a network that requires a login")
	}
	return nil
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

// onRead records a read of the form, of which sent bytes have been read so far. It resets
// the watchdog only if bytes have moved.
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
		patience := a.client.config.StallTimeout
		if sent == a.Form.Size() {
			patience += responseTime
		}
		a.watchdog.start(patience)
	}
	a.meter.moved(min(sent, a.Content.Size), a.Content.Size)
}

// finish ends the attempt. The transport may still read the body, but no longer reaches
// the source, which the caller may now close.
func (a *uploadAttempt) finish(cancel context.CancelCauseFunc) {
	cancel(nil)
	a.reading.Lock()
	defer a.reading.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	a.watchdog.stop()
}

// uploadBody reports reads to its attempt.
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

// Close closes the body. Errors of later reads do not count as errors of the source.
func (b *uploadBody) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}
