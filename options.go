package cloudconvert

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Option configures a [Client], see [NewClient] and [Client.With].
type Option func(*config) error

// Region is where the service stores and processes files. With the zero value the
// service chooses the nearest region, or that of the account's settings.
type Region string

// The known regions. Other values are passed through.
const (
	RegionEUCentral Region = "eu-central" // Germany
	RegionUSEast    Region = "us-east"    // Virginia, USA
)

// config is the configuration that options change.
type config struct {
	apiKey    secret
	tokens    *engine.Tokens // used instead of the key; set by WithTokenSource
	sandbox   bool
	region    Region
	custom    *hosts // set by WithBaseURLs
	plainHTTP bool
	client    *http.Client
	transfer  http.RoundTripper // for uploads and downloads
	retry     RetryPolicy
	transfers TransferPolicy
	logger    *slog.Logger
	observer  Observer // nil if activities are not observed
	userAgent string
}

// A secret is a function so that it is not printed: fmt prints unexported fields
// of structs without calling their methods.
type secret func() string

func newSecret(value string) secret { return func() string { return value } }

// value returns the secret, or "" for the zero value.
func (s secret) value() string {
	if s == nil {
		return ""
	}
	return s()
}

// hosts are the base URLs of the API.
type hosts struct {
	api  *url.URL // responds at once
	sync *url.URL // responds when a job or task has ended
}

// WithAPIKey replaces the API key, or the token source of [WithTokenSource]. With
// [Client.With] it makes clients for other accounts that share connections.
func WithAPIKey(key string) Option {
	return func(c *config) error {
		c.apiKey, c.tokens = newSecret(key), nil
		return nil
	}
}

// WithSandbox uses the sandbox of the service. The sandbox is free of charge,
// needs a separate key, and processes only files whose MD5 hashes were entered in
// the dashboard. It has no regions.
//
// To work without an account, see package cloudconverttest.
func WithSandbox() Option {
	return func(c *config) error {
		c.sandbox = true
		return nil
	}
}

var regionName = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)

// WithRegion stores and processes files in a region.
func WithRegion(region Region) Option {
	return func(c *config) error {
		if !regionName.MatchString(string(region)) {
			return fmt.Errorf("WithRegion: invalid region %q: use %q or %q, or omit the option",
				region, RegionEUCentral, RegionUSEast)
		}
		c.region = region
		return nil
	}
}

// WithBaseURLs replaces the base URLs of the API, for a proxy or a local sandbox.
// Both include the version, as in https://api.cloudconvert.com/v2 and
// https://sync.api.cloudconvert.com/v2. The second is the host that responds when a
// job has ended. Plain http is allowed for loopback hosts only, see [WithPlainHTTP].
func WithBaseURLs(api, sync string) Option {
	return func(c *config) error {
		apiURL, err := parseBaseURL("API", api)
		if err != nil {
			return err
		}
		syncURL, err := parseBaseURL("sync", sync)
		if err != nil {
			return err
		}
		c.custom = &hosts{api: apiURL, sync: syncURL}
		return nil
	}
}

var versionedPath = regexp.MustCompile(`/v[0-9]+$`)

func parseBaseURL(role, rawURL string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(rawURL, "/"))
	if err != nil {
		return nil, fmt.Errorf("WithBaseURLs: invalid %s URL", role)
	}
	switch {
	case base.User != nil, base.RawQuery != "", base.Fragment != "", base.Opaque != "":
		return nil, fmt.Errorf("WithBaseURLs: invalid %s URL: it must have the form https://host/v2, without user, query or fragment", role)
	case base.Scheme != "https" && base.Scheme != "http", base.Hostname() == "":
		return nil, fmt.Errorf("WithBaseURLs: invalid %s URL: it must have the form https://host/v2", role)
	case !versionedPath.MatchString(base.Path):
		return nil, fmt.Errorf("WithBaseURLs: invalid %s URL on host %s: it must end with the API version: /v2", role, base.Host)
	}
	return base, nil
}

// WithPlainHTTP allows plain http for all hosts, not only loopback ones, for the
// API and for transfers. It is meant for a sandbox in a private test network: the
// API key and all files are sent unencrypted.
func WithPlainHTTP() Option {
	return func(c *config) error {
		c.plainHTTP = true
		return nil
	}
}

// WithHTTPClient sends all requests with a copy of client, and so through its transport
// and proxy. The redirect policy of the copy is replaced. The cookie jar and the
// Timeout apply to API requests, but not to transfers, whose duration is not limited.
//
// Without this option, or if client has no transport, the transport is a clone of
// [http.DefaultTransport] with larger buffers, more idle connections, and
// HTTP/1.1 only, which is faster for transfers.
//
// An [*http.Transport] that supports HTTP/2 is cloned. The clones do not share
// its connections, and do not have the protocols that were registered with it.
// One clone is for the API, and closes connections that have been silent for 15
// seconds. If the transport has SendPingTimeout set in its HTTP2 field, it is
// used for the API as it is. The other clone is for transfers, and uses HTTP/1.1
// unless DialTLSContext is set or Protocols excludes HTTP/1.1.
// [Client.CloseIdleConnections] closes the idle connections of both.
//
// Any other [http.RoundTripper] is used as it is:
//   - It must not send a request twice. A transport that retries requests, such as
//     StandardClient of package retryablehttp, creates a second job, and costs credits
//     for it, whenever the response to a creation is lost.
//   - It must pass on the context of the request, which records connections. It must
//     return the errors of the transport that it wraps as they are, or wrap them with %w.
//     If a creation fails, only these can prove that it was not sent, see docs/faults.md.
//   - It should have a method CloseIdleConnections that closes those of the transport that
//     it wraps. The method is called after a connection has gone silent.
//   - If it wraps an [*http.Transport] that supports HTTP/2, as [http.DefaultTransport]
//     does, set SendPingTimeout in the HTTP2 field of a clone. Otherwise a connection that
//     has gone silent is used until the operating system closes it, after about 15 minutes.
//     Transfers are faster if Protocols allows only HTTP/1.1.
//   - If it traces or logs requests, as those of OpenTelemetry packages do, it sees their
//     URLs. The URLs of transfers are secrets: anyone who has the URL of a file can
//     download it for 24 hours. [WithObserver] reports requests and transfers without
//     secrets.
//
// The default transport uses the proxy of the environment, for example HTTPS_PROXY.
// If a proxy refuses to connect, its status is known only where this package can set
// OnProxyConnectResponse: on the default transport, and on clones of a transport that
// supports HTTP/2. On other transports, a refusal is recognized by the usual reason
// phrase. With another phrase, a request is retried, and a creation through another
// RoundTripper fails with [ErrOutcomeUnknown]. In this case, set it on the transport:
//
//	transport.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
//		if resp.StatusCode == http.StatusOK {
//			return nil
//		}
//		return &net.OpError{Op: "proxyconnect", Err: errors.New(http.StatusText(resp.StatusCode))}
//	}
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		clone := *client
		c.client = &clone
		if clone.Transport != nil {
			c.useTransport(clone.Transport)
		}
		return nil
	}
}

// useTransport sets the transports of the API and of transfers.
func (c *config) useTransport(transport http.RoundTripper) {
	c.client.Transport, c.transfer = transport, transport
	if t, ok := transport.(*http.Transport); ok {
		c.client.Transport, c.transfer = engine.WithHealthChecks(t), engine.OverHTTP1(t)
	}
}

// RetryPolicy sets the number of attempts of a request and the pauses between
// them, see [WithRetry]. It does not change which requests are retried, see the
// package documentation. The zero value of each field means its default.
type RetryPolicy struct {
	// Attempts is the maximum number of attempts, including the first. The
	// default is 5, and 1 disables retries.
	Attempts int
	// MinWait is the limit of the first pause. The limit doubles with each pause,
	// and each pause is a random part of it. The default is 500 ms.
	MinWait time.Duration
	// MaxWait is the longest pause unless the response has a Retry-After header.
	// The default is 20 s.
	MaxWait time.Duration
	// MaxRetryAfter is the longest pause if the response has a Retry-After
	// header. A longer one is reduced to it. The default is 2 minutes.
	MaxRetryAfter time.Duration
}

// WithRetry replaces the retry policy.
func WithRetry(policy RetryPolicy) Option {
	return func(c *config) error {
		if policy.Attempts < 0 || policy.MinWait < 0 || policy.MaxWait < 0 || policy.MaxRetryAfter < 0 {
			return errors.New("WithRetry: negative value: use 0 for the default")
		}
		c.retry = policy
		return nil
	}
}

// withDefaults replaces zero values by the defaults.
func (p RetryPolicy) withDefaults() RetryPolicy {
	p.Attempts = cmp.Or(p.Attempts, 5)
	p.MinWait = cmp.Or(p.MinWait, 500*time.Millisecond)
	p.MaxWait = max(cmp.Or(p.MaxWait, 20*time.Second), p.MinWait)
	p.MaxRetryAfter = cmp.Or(p.MaxRetryAfter, 2*time.Minute)
	return p
}

func (p RetryPolicy) pauses() engine.Pauses {
	return engine.Pauses{MinWait: p.MinWait, MaxWait: p.MaxWait, MaxRetryAfter: p.MaxRetryAfter}
}

// TransferPolicy sets how files are uploaded and downloaded, see [WithTransfers].
// The zero value of each field means its default.
type TransferPolicy struct {
	// StallTimeout ends an attempt of an upload or a download when no byte has
	// been transferred for this long. The default is 30 seconds. After an upload
	// has been sent, storage has two more minutes to respond. Waiting for a
	// connection because of [http.Transport.MaxConnsPerHost] does not count.
	StallTimeout time.Duration
	// Resumptions is how many times in a row a broken transfer is resumed without
	// making progress. The default is 5. A negative number disables resuming. The
	// pauses are those of [RetryPolicy].
	Resumptions int
	// Parallel is the maximum number of files of a job that are transferred
	// concurrently. The default is 4.
	Parallel int
	// TempDir is the directory where an upload of unknown length is stored first,
	// to learn its length. The default is [os.TempDir].
	TempDir string
	// Progress is called with the progress of uploads, waits and downloads: at most
	// ten times a second for each transfer, every two seconds in [PhaseProcess],
	// and always on success. It is called from the goroutine that does the work,
	// and must return soon. Concurrent transfers do not call it concurrently.
	// Storing an upload of unknown length in TempDir is not reported.
	Progress func(Progress)
}

// WithTransfers replaces the transfer policy.
func WithTransfers(policy TransferPolicy) Option {
	return func(c *config) error {
		if policy.StallTimeout < 0 || policy.Parallel < 0 {
			return errors.New("WithTransfers: negative value: use 0 for the default")
		}
		c.transfers = policy
		return nil
	}
}

// withDefaults replaces zero values by the defaults.
func (p TransferPolicy) withDefaults() TransferPolicy {
	p.StallTimeout = cmp.Or(p.StallTimeout, 30*time.Second)
	p.Resumptions = max(cmp.Or(p.Resumptions, 5), 0)
	p.Parallel = cmp.Or(p.Parallel, 4)
	return p
}

// WithLogger logs a debug record for each attempt, and a warning for each retry
// and for each job creation whose outcome had to be looked up. Records have the
// method, path, status, attempt and duration, but never bodies, queries or
// credentials. By default nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil: omit the option to log nothing")
		}
		c.logger = logger
		return nil
	}
}

// WithUserAgent puts the name of your program, for example "invoices/2.1", before
// that of this package in the User-Agent header.
func WithUserAgent(name string) Option {
	return func(c *config) error {
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			return errors.New("WithUserAgent: invalid name: use only printable ASCII characters")
		}
		c.userAgent = name
		return nil
	}
}

// hosts returns the base URLs that the options select.
func (c *config) hosts() (hosts, error) {
	var chosen []string
	if c.sandbox {
		chosen = append(chosen, "WithSandbox")
	}
	if c.region != "" {
		chosen = append(chosen, "WithRegion")
	}
	if c.custom != nil {
		chosen = append(chosen, "WithBaseURLs")
	}
	if len(chosen) > 1 {
		return hosts{}, fmt.Errorf("%s: each sets the base URLs: use only one of them", strings.Join(chosen, " and "))
	}
	if c.custom != nil {
		return *c.custom, errors.Join(c.checkScheme(c.custom.api), c.checkScheme(c.custom.sync))
	}
	host := "api.cloudconvert.com"
	if c.sandbox {
		host = "api.sandbox.cloudconvert.com"
	}
	prefix := ""
	if c.region != "" {
		prefix = string(c.region) + "."
	}
	return hosts{
		api:  &url.URL{Scheme: "https", Host: prefix + host, Path: "/v2"},
		sync: &url.URL{Scheme: "https", Host: prefix + "sync." + host, Path: "/v2"},
	}, nil
}

func (c *config) checkScheme(base *url.URL) error {
	if base.Scheme == "https" || c.allowsHTTP(base.Hostname()) {
		return nil
	}
	return fmt.Errorf("WithBaseURLs: http://%s would receive the API key unencrypted: use https, or WithPlainHTTP in a private test network", base.Host)
}

// allowsHTTP reports whether a host may be reached without TLS.
func (c *config) allowsHTTP(host string) bool { return c.plainHTTP || isLoopback(host) }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
