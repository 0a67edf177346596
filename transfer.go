package cloudconvert

import (
	"errors"
	"fmt"
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
	// has two minutes more to answer.
	StallTimeout time.Duration
	// Resumptions is how often in a row a broken transfer is taken up again without
	// getting any further. The default is 5. A negative number means never.
	Resumptions int
	// Parallel is how many files [Client.Save] fetches at a time. The default is 4.
	Parallel int
	// Overwrite lets [Client.Save] replace files that exist. By default they
	// are left alone and the error matches [fs.ErrExist].
	Overwrite bool
	// TempDir is where an upload of unknown length is stored first, to learn its
	// length. By default it is [os.TempDir].
	TempDir string
	// Progress is told how uploads, waits and downloads get on, at most a few
	// times a second for each of them, and always when one has ended well. It is
	// called from the goroutine that does the work and must return soon. An upload
	// of unknown length is stored first, which is not reported. Transfers that run
	// at the same time call it one after the other.
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
	p.StallTimeout = or(p.StallTimeout, 30*time.Second)
	p.Resumptions = max(or(p.Resumptions, 5), 0)
	p.Parallel = or(p.Parallel, 4)
	return p
}

// Phase is what a [Progress] is about.
type Phase string

// The phases of a conversion.
const (
	PhaseUpload   Phase = "upload"
	PhaseProcess  Phase = "process" // the service works on the file
	PhaseDownload Phase = "download"
)

// Progress tells how far something has got.
type Progress struct {
	Phase Phase
	// Name is the file that is transferred. It is empty in [PhaseProcess].
	Name string
	// Done and Total are bytes. Total is 0 while it is unknown. Both are 0 in
	// [PhaseProcess].
	Done, Total int64
	// Percent is how far the tasks of the job have got, in [PhaseProcess].
	Percent int
}

// progressInterval is how often progress is reported at most.
const progressInterval = 100 * time.Millisecond

// meter reports the progress of one transfer at a bounded rate. A nil meter
// reports nothing.
type meter struct {
	report   func(Progress)
	progress Progress
	reported time.Time
}

// meter returns the meter of a transfer, or nil if nobody wants to know.
func (c *core) meter(phase Phase, name string, total int64) *meter {
	if c.config.transfers.Progress == nil {
		return nil
	}
	return &meter{report: c.report, progress: Progress{Phase: phase, Name: name, Total: total}}
}

// report calls the callback, which need not be safe for concurrent use.
func (c *core) report(p Progress) {
	c.reporting.Lock()
	defer c.reporting.Unlock()
	c.config.transfers.Progress(p)
}

// setTotal tells how many bytes there are in all.
func (m *meter) setTotal(total int64) {
	if m != nil {
		m.progress.Total = total
	}
}

// set tells how many bytes are done.
func (m *meter) set(done int64) {
	if m == nil {
		return
	}
	m.progress.Done = done
	if now := time.Now(); now.Sub(m.reported) >= progressInterval {
		m.reported = now
		m.report(m.progress)
	}
}

// end reports the final state.
func (m *meter) end(done int64) {
	if m == nil {
		return
	}
	m.progress.Done = done
	m.report(m.progress)
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
			if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
				return errors.New("redirected from https to http")
			}
			return c.checkStorageURL(req.URL)
		},
	}
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

// withoutAddress takes addresses, whose queries are secrets, out of an error.
func withoutAddress(err error) error {
	err = engine.WithoutURL(err)
	if strings.HasPrefix(err.Error(), "failed to parse Location header") {
		return errors.New("redirected to what is no address")
	}
	return err
}
