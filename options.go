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

// Option changes how a [Client] is built, see [NewClient] and [Client.With].
type Option func(*config) error

// Region is where the service stores and processes files. The empty region
// lets the service choose the one nearest to the caller, or the one set for
// the account.
type Region string

// The regions known when this version was made. Others pass through.
const (
	RegionEUCentral Region = "eu-central" // Germany
	RegionUSEast    Region = "us-east"    // Virginia, USA
)

// config is what options write to.
type config struct {
	apiKey    secret
	tokens    *engine.Tokens // in place of the key; set by WithTokenSource
	sandbox   bool
	region    Region
	custom    *hosts // set by WithBaseURLs
	plainHTTP bool
	client    *http.Client
	transfer  http.RoundTripper // of uploads and downloads
	retry     RetryPolicy
	transfers TransferPolicy
	logger    *slog.Logger
	userAgent string
}

// A secret does not print itself. It is a function because fmt prints the
// unexported fields of structs without asking them.
type secret func() string

func newSecret(value string) secret { return func() string { return value } }

// value returns what is secret: of the zero value, nothing.
func (s secret) value() string {
	if s == nil {
		return ""
	}
	return s()
}

// hosts are the base addresses of the API.
type hosts struct {
	api  *url.URL // answers at once
	sync *url.URL // answers when a job or task has ended
}

// WithAPIKey replaces the API key, or the token source of [WithTokenSource]. With
// [Client.With] it makes the clients of further accounts, which share connections.
func WithAPIKey(key string) Option {
	return func(c *config) error {
		c.apiKey, c.tokens = newSecret(key), nil
		return nil
	}
}

// WithSandbox uses the sandbox of the service instead of the service. It is
// free of charge, needs a key of its own, and processes only files whose MD5
// was entered in the dashboard. It has no regions.
//
// To work without any account, see the package cloudconverttest.
func WithSandbox() Option {
	return func(c *config) error {
		c.sandbox = true
		return nil
	}
}

var regionName = regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)+$`)

// WithRegion keeps files and processing in a region.
func WithRegion(region Region) Option {
	return func(c *config) error {
		if !regionName.MatchString(string(region)) {
			return fmt.Errorf("WithRegion: %q is no region: use %q or %q, or leave the option out",
				region, RegionEUCentral, RegionUSEast)
		}
		c.region = region
		return nil
	}
}

// WithBaseURLs replaces the addresses of the API, for a proxy or a local
// sandbox. Both include the version, as in https://api.cloudconvert.com/v2 and
// https://sync.api.cloudconvert.com/v2. The second is the host that answers
// when a job has ended. Only loopback addresses may be plain http, see
// [WithPlainHTTP].
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

func parseBaseURL(role, address string) (*url.URL, error) {
	base, err := url.Parse(strings.TrimRight(address, "/"))
	if err != nil {
		return nil, fmt.Errorf("WithBaseURLs: the %s address is no URL", role)
	}
	switch {
	case base.User != nil, base.RawQuery != "", base.Fragment != "", base.Opaque != "":
		return nil, fmt.Errorf("WithBaseURLs: the %s address may have no user, query or fragment, only the form https://host/v2", role)
	case base.Scheme != "https" && base.Scheme != "http", base.Hostname() == "":
		return nil, fmt.Errorf("WithBaseURLs: the %s address needs the form https://host/v2", role)
	case !versionedPath.MatchString(base.Path):
		return nil, fmt.Errorf("WithBaseURLs: the %s address on %s must end with the version of the API: /v2", role, base.Host)
	}
	return base, nil
}

// WithPlainHTTP allows http addresses that are no loopback addresses, for the
// API as well as for transfers. It is meant for a sandbox in a private test
// network: the API key and all files go over the network in the clear.
func WithPlainHTTP() Option {
	return func(c *config) error {
		c.plainHTTP = true
		return nil
	}
}

// WithHTTPClient sends everything through a copy of the given client, and so
// through its transport and proxy. Its redirect policy is replaced. Its cookies
// and its Timeout apply to API requests but not to transfers, which take the
// time they take.
//
// Without this option, or if the client has no transport, the client has its own
// transport: a clone of [http.DefaultTransport] with larger buffers and more idle
// connections that speaks HTTP/1.1, which is the faster choice for transfers.
//
// An [*http.Transport] that speaks HTTP/2 is copied: its connections are not
// shared with others that use it, and protocols registered with it are not known.
// One copy serves the API, and closes connections that have been silent for 15
// seconds; a transport that has SendPingTimeout in its HTTP2 field serves the API
// itself. The other copy serves transfers and speaks HTTP/1.1, unless
// DialTLSContext is set or Protocols excludes HTTP/1.1.
// [Client.CloseIdleConnections] closes the idle connections of both.
//
// Any other [http.RoundTripper] is used as it is:
//   - It must not send a request twice. A transport that repeats requests by
//     itself, such as StandardClient of package retryablehttp, creates, and pays
//     for, a second job whenever the response to a creation is lost.
//   - It must pass on the context of the request, in which connections are noted,
//     and the errors of the transport below it, wrapped with %w or as they are. Of a
//     creation that failed, these are what proves that it was not sent, see
//     docs/faults.md.
//   - It should have a method CloseIdleConnections, which closes those of the
//     transport below it. It is called after a connection went silent.
//   - If an [*http.Transport] below it speaks HTTP/2, as [http.DefaultTransport]
//     does, set SendPingTimeout in the HTTP2 field of a clone of it. Otherwise a
//     connection that went silent is used until the system gives it up, after about
//     15 minutes. Transfers are faster if its Protocols allow HTTP/1.1 only.
//   - If it traces or logs requests, as that of an OpenTelemetry package does, it
//     sees their URLs. Those of transfers are secrets: with the URL of a file
//     anyone can fetch it for 24 hours. Trace the API alone, as in the example,
//     and leave out the Authorization header.
//
// The client's own transport uses the proxy that the environment names, in
// HTTPS_PROXY for example. When a proxy refuses to connect, its status is known only
// if this package can set OnProxyConnectResponse: on its own transport and on a copy
// of yours that speaks HTTP/2. On others the refusal is known by its reason phrase, if
// that is the usual one. If it is another, a request is retried, and a creation behind
// another RoundTripper fails with [ErrOutcomeUnknown]. There, set it yourself:
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

// useTransport sends everything through a transport.
func (c *config) useTransport(transport http.RoundTripper) {
	c.client.Transport, c.transfer = transport, transport
	if t, ok := transport.(*http.Transport); ok {
		c.client.Transport, c.transfer = engine.LeavingSilent(t), engine.OverHTTP1(t)
	}
}

// RetryPolicy says how often and how patiently a request is sent again, see
// [WithRetry]. What may be sent again at all is no matter of policy, see the
// package documentation. The zero value of each field means its default.
type RetryPolicy struct {
	// Attempts is how often a request is sent at most, the first time
	// included. The default is 5, and 1 sends nothing again.
	Attempts int
	// MinWait is the longest first pause. The limit doubles with each further
	// pause, and each pause is a random part of it. The default is 500 ms.
	MinWait time.Duration
	// MaxWait is the longest pause if the answer asks for none. The default is
	// 20 s.
	MaxWait time.Duration
	// MaxRetryAfter is the longest pause if the answer asks for one: a longer
	// one is cut to it. The default is 2 minutes.
	MaxRetryAfter time.Duration
}

// WithRetry replaces the retry policy.
func WithRetry(policy RetryPolicy) Option {
	return func(c *config) error {
		if policy.Attempts < 0 || policy.MinWait < 0 || policy.MaxWait < 0 || policy.MaxRetryAfter < 0 {
			return errors.New("WithRetry: a value is negative: 0 stands for the default")
		}
		c.retry = policy
		return nil
	}
}

// withDefaults fills in what is zero.
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

// TransferPolicy says how files are uploaded and downloaded, see
// [WithTransfers]. The zero value of each field means its default.
type TransferPolicy struct {
	// StallTimeout ends an upload or a download attempt when no byte has moved
	// for this long. The default is 30 seconds. When an upload is sent, storage
	// has two minutes more to respond. The time in which a transfer waits for one of
	// the connections that [http.Transport.MaxConnsPerHost] allows does not count.
	StallTimeout time.Duration
	// Resumptions is how many times in a row a broken transfer is resumed without
	// getting any further. The default is 5. A negative number means never. The
	// pauses are those of [RetryPolicy].
	Resumptions int
	// Parallel is how many files of a job are transferred concurrently. The default is 4.
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

// WithLogger logs to the given logger: a debug record for each attempt, and a
// warning for each retry and each job creation whose outcome had to be found out.
// Records hold method, path, status, attempt and duration, never bodies, queries
// or credentials. By default nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil: leave the option out to log nothing")
		}
		c.logger = logger
		return nil
	}
}

// WithUserAgent puts the name of your program, as in "invoices/2.1", before
// this package's own in the User-Agent header.
func WithUserAgent(name string) Option {
	return func(c *config) error {
		if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r > '~' }) {
			return errors.New("WithUserAgent: the name may have printable ASCII characters only")
		}
		c.userAgent = name
		return nil
	}
}

// hosts returns the base addresses that the options amount to.
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
		return hosts{}, fmt.Errorf("%s: each chooses the address of the API: use one of them", strings.Join(chosen, " and "))
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
	return fmt.Errorf("WithBaseURLs: http://%s would get the API key in the clear: use https, or WithPlainHTTP in a private test network", base.Host)
}

// allowsHTTP reports whether a host may be reached without TLS.
func (c *config) allowsHTTP(host string) bool { return c.plainHTTP || isLoopback(host) }

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
