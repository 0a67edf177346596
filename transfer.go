package cloudconvert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// TransferPolicy says how files are uploaded and downloaded, see
// [WithTransfers]. The zero value of each field means its default.
type TransferPolicy struct {
	// StallTimeout ends an upload or a download attempt when no byte has moved
	// for this long. The default is 30 seconds. When an upload is sent, storage
	// has two minutes more to answer. The time in which a transfer waits for one of
	// the connections that [http.Transport.MaxConnsPerHost] allows does not count.
	StallTimeout time.Duration
	// Resumptions is how often in a row a broken transfer is taken up again without
	// getting any further. The default is 5. A negative number means never. The
	// pauses before are those of [RetryPolicy].
	Resumptions int
	// Parallel is how many files [Client.Save] fetches at a time. The default is 4.
	Parallel int
	// TempDir is where an upload of unknown length is stored first, to learn its
	// length. By default it is [os.TempDir].
	TempDir string
	// Progress is called with the progress of uploads, waits and downloads: at most ten
	// times a second for each transfer, every two seconds in [PhaseProcess], and always
	// when one has ended well. It is called from the goroutine that does the work and
	// must return soon. An upload of unknown length is stored first, which is not
	// reported. Transfers that run concurrently call it one after the other.
	Progress func(Progress)
}

// WithTransfers replaces the transfer policy.
func WithTransfers(policy TransferPolicy) Option {
	return func(c *config) error {
		if policy.StallTimeout < 0 || policy.Parallel < 0 {
			return errors.New("WithTransfers: a value is negative: 0 stands for the default")
		}
		c.transfers = policy
		return nil
	}
}

// withDefaults fills in what is zero.
func (p TransferPolicy) withDefaults() TransferPolicy {
	p.StallTimeout = cmp.Or(p.StallTimeout, 30*time.Second)
	p.Resumptions = max(cmp.Or(p.Resumptions, 5), 0)
	p.Parallel = cmp.Or(p.Parallel, 4)
	return p
}

// backOff returns how long to wait before a transfer is retried: what the response
// asks for, or a random part of a time that grows with each failure. It reports
// whether that ends before the context's deadline.
func (c *core) backOff(ctx context.Context, header http.Header, failures int) (time.Duration, bool) {
	policy := c.config.retry.withDefaults()
	wait := rand.N(max(min(policy.MinWait<<min(failures, 8), policy.MaxWait), 1))
	if asked, ok := engine.RetryAfter(header, time.Now()); ok {
		// A little jitter keeps many clients from coming back at the same moment.
		wait = min(asked, policy.MaxRetryAfter) + min(wait, time.Second)
	}
	deadline, limited := ctx.Deadline()
	return wait, !limited || time.Until(deadline) > wait
}

// leaveSilent closes idle connections after an attempt that stalled: those to the
// same network may be as silent as the one of the attempt, and over HTTP/2 that one
// survives it.
func (c *core) leaveSilent(failed error) {
	if errors.Is(failed, errStalled) {
		c.storage.CloseIdleConnections()
	}
}

// isTemporary reports whether a transfer that got this status may be retried.
func isTemporary(status int) bool {
	return status == http.StatusRequestTimeout || status == http.StatusTooManyRequests ||
		status >= http.StatusInternalServerError && status != http.StatusNotImplemented
}

// explainAttempt returns why an attempt failed. A deadline in an error of the
// transport is not that of the caller's context, and must not match it.
func explainAttempt(attempt context.Context, err error) error {
	switch {
	case attempt.Err() != nil:
		return context.Cause(attempt)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fmt.Errorf("%w: %s", errStalled, err.Error())
	default:
		return err
	}
}

// maxRedirects bounds how often a storage address may lead to another.
const maxRedirects = 10

// newStorageClient returns the client for uploads and downloads, which has
// neither the cookies nor the time limit of the one for the API. It never goes from
// https to http, and tells no host of the address that led to it.
func newStorageClient(c config) *http.Client {
	return &http.Client{
		Transport: storageTransport{c.transfer},
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			req.Header.Del("Referer")
			if len(via) >= maxRedirects {
				return fmt.Errorf("more than %d redirects", maxRedirects)
			}
			last := via[len(via)-1]
			switch {
			case isTaken(req.Response.StatusCode, last.Method):
				return http.ErrUseLastResponse
			case last.URL.Scheme == "https" && req.URL.Scheme != "https":
				return errors.New("redirected from https to http")
			case last.Method != req.Method:
				return errors.New("redirected to a page that takes no upload")
			}
			return c.checkStorageURL(req.URL)
		},
	}
}

// isTaken reports whether a response says that storage has taken the file that was sent.
// 303 See Other does, as with success_action_redirect of S3: what it leads to is a page
// for people, which may fail and proves nothing.
func isTaken(status int, method string) bool {
	return isSuccess(status) || status == http.StatusSeeOther && method == http.MethodPost
}

// storageTransport makes round trips in the way of the engine.
type storageTransport struct{ next http.RoundTripper }

// RoundTrip makes a round trip.
func (t storageTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	return engine.RoundTrip(t.next, req)
}

// CloseIdleConnections closes the idle connections, if the transport can.
func (t storageTransport) CloseIdleConnections() {
	if pool, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		pool.CloseIdleConnections()
	}
}

// checkStorageURL refuses addresses that files must not be sent to or fetched from.
func (c *config) checkStorageURL(address *url.URL) error {
	switch {
	case address.Hostname() == "":
		return errors.New("the storage address has no host")
	case address.Scheme == "https":
		return nil
	case address.Scheme == "http" && (c.plainHTTP || isLoopback(address.Hostname())):
		return nil
	default:
		return fmt.Errorf("the storage address of %s is not https", address.Host)
	}
}

// storagePath names a storage address in errors: without its query, which is a
// secret.
func storagePath(address *url.URL) string { return address.Host + address.EscapedPath() }

// A trail follows the attempts of one transfer from redirect to redirect.
type trail struct {
	next     http.RoundTripper
	request  *http.Request   // sent last
	response *http.Response  // to it, or nil
	secrets  map[string]bool // of all URLs that were requested or redirected to
}

// do sends a request by a client and follows redirects.
func (t *trail) do(client *http.Client, req *http.Request) (*http.Response, error) {
	traced := *client
	t.next, traced.Transport = client.Transport, t
	resp, err := traced.Do(req)
	switch {
	case err == nil:
		return resp, nil
	case resp == nil && t.response != nil: // the error quotes the Location header
		return nil, errors.New("redirected to an invalid URL")
	default:
		return nil, engine.WithoutURL(err)
	}
}

// RoundTrip sends one request. Responses need not say what they are the response to.
func (t *trail) RoundTrip(req *http.Request) (*http.Response, error) {
	t.request, t.response = req, nil
	t.add(append(engine.URLSecrets(req.URL), req.URL.RawQuery))
	resp, err := t.next.RoundTrip(req)
	if err == nil {
		t.response = resp
		t.add(locationSecrets(req.URL, resp.Header.Get("Location")))
	}
	return resp, err
}

func (t *trail) add(secrets []string) {
	if t.secrets == nil {
		t.secrets = map[string]bool{}
	}
	for _, secret := range secrets {
		t.secrets[secret] = true
	}
}

// failure describes an error of do. A redirect that was not followed would not be
// followed the next time either.
func (t *trail) failure(err error) engine.Answer {
	if t.response != nil {
		return engine.Answer{Status: t.response.StatusCode, Header: t.response.Header, Err: err}
	}
	return engine.Answer{Err: err, Open: !engine.IsPermanent(err)}
}

// locationSecrets does the same for a Location header, which may not be a URL.
func locationSecrets(base *url.URL, location string) []string {
	if u, err := base.Parse(location); err == nil {
		return engine.URLSecrets(u)
	}
	_, query, _ := strings.Cut(location, "?")
	return append(engine.QuerySecrets(query), location)
}
