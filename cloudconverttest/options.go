package cloudconverttest

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Option changes how a [Server] behaves. Without options it is an account with
// one key, no limits and no delays.
type Option func(*config)

type config struct {
	inProcess         bool
	http2             bool
	apiAddr, syncAddr string
	eventsAddr        string
	keys              map[string][]string
	anyKey            bool
	taskDuration      func(operation string) time.Duration
	uploadSettle      time.Duration
	whitelist         []string
	sandbox           bool
	credits           int
	limitCredits      bool
	parallelJobs      int
	rateLimit         int
	rateWindow        time.Duration
	oldForm           bool
	formExpiry        time.Duration
	maxUpload         int64
	downloadExpiry    time.Duration
	tokenLifetime     time.Duration
	syncDrop          time.Duration
	syncTimeout       time.Duration
	webhookDelays     []time.Duration
	jobWebhookSecret  string
	log               *slog.Logger
	network           bool
	importHosts       []string
	outbound          http.RoundTripper
	perPage           int
	requestLog        int
}

func newConfig(opts []Option) config {
	c := config{
		keys:           map[string][]string{},
		taskDuration:   func(string) time.Duration { return 0 },
		credits:        1000,
		formExpiry:     6 * time.Hour,
		maxUpload:      10_000_000_000,
		downloadExpiry: 24 * time.Hour,
		tokenLifetime:  15 * 24 * time.Hour,
		webhookDelays:  []time.Duration{time.Second, 2 * time.Second, 4 * time.Second},
		log:            slog.New(slog.DiscardHandler),
		perPage:        100,
		requestLog:     10_000,
	}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// WithInProcess makes the server work without sockets: connections are pipes in
// memory, and only [Server.HTTPClient] (and so [Server.Client]) reaches its
// addresses. Everything else is the same, real HTTP included. It is what a test
// inside a testing/synctest bubble needs; create and close the server inside
// the bubble.
func WithInProcess() Option { return func(c *config) { c.inProcess = true } }

// WithHTTP2 makes the server speak TLS and offer HTTP/2 besides HTTP/1.1, with
// or without [WithInProcess]; its addresses begin with https. The clients of
// [Server.HTTPClient] and [Server.Client] trust its certificate and choose
// HTTP/2. A client of your own must trust the certificate: make its
// transport of that of HTTPClient.
//
//	transport := server.HTTPClient().Transport.(*http.Transport).Clone()
//
// A [Fault] that ends a connection ends all requests on it, which are many over
// HTTP/2.
func WithHTTP2() Option { return func(c *config) { c.http2 = true } }

// WithAddr sets the addresses to listen on, "127.0.0.1:8080" for example, for a
// program that runs the server on known ports. An empty one means a free port
// of the loopback interface. It has no effect together with [WithInProcess].
func WithAddr(api, sync string) Option {
	return func(c *config) { c.apiAddr, c.syncAddr = api, sync }
}

// WithEventsAddr sets the address to listen on for the event socket, see
// [WithAddr].
func WithEventsAddr(addr string) Option { return func(c *config) { c.eventsAddr = addr } }

// WithKey adds an API key that is valid besides the one of [Server.Key]. The
// scopes limit what it may do, "task.read" for example; without any it may do
// everything. A key that starts with "invalid" is refused all the same.
func WithKey(key string, scopes ...string) Option {
	return func(c *config) { c.keys[key] = scopes }
}

// WithKeys adds API keys that may do everything, see [WithKey].
func WithKeys(keys ...string) Option {
	return func(c *config) {
		for _, key := range keys {
			c.keys[key] = nil
		}
	}
}

// WithAnyKey accepts every API key except the empty one and those that start
// with "invalid". It is for programs that bring a key of their own. Without it
// a key must be [Server.Key] or one of [WithKey].
func WithAnyKey() Option { return func(c *config) { c.anyKey = true } }

// WithTaskDuration makes every task take at least d, from the start of the work
// to its end. The default is no delay.
func WithTaskDuration(d time.Duration) Option {
	return WithTaskDurationFunc(func(string) time.Duration { return d })
}

// WithTaskDurationFunc is like [WithTaskDuration] with a duration for each
// operation. The function is called once for each task, possibly from several
// goroutines.
func WithTaskDurationFunc(d func(operation string) time.Duration) Option {
	return func(c *config) { c.taskDuration = d }
}

// WithUploadSettle sets how long an upload task is still answered as waiting
// after the storage has its file. The default is zero; the real service takes
// some seconds.
func WithUploadSettle(d time.Duration) Option { return func(c *config) { c.uploadSettle = d } }

// WithWhitelist makes the server a sandbox: it takes no credits, imports list
// the MD5 of their files in place of the size, and a file whose hexadecimal MD5
// is not on the list fails its import with SANDBOX_FILE_NOT_ALLOWED.
func WithWhitelist(md5 ...string) Option {
	return func(c *config) {
		c.sandbox = true
		for _, sum := range md5 {
			c.whitelist = append(c.whitelist, strings.ToLower(sum))
		}
	}
}

// WithCredits gives the account n credits, which processing tasks use up. When
// none is left new jobs and tasks are refused with 402 CREDITS_EXCEEDED.
// Without this option the account has 1000 credits that never become fewer.
func WithCredits(n int) Option {
	return func(c *config) { c.credits, c.limitCredits = max(n, 0), true }
}

// WithParallelJobs refuses a new job with 402 PARALLEL_JOB_LIMIT_EXCEEDED while
// n jobs have not ended. Zero is no limit.
func WithParallelJobs(n int) Option { return func(c *config) { c.parallelJobs = n } }

// WithRateLimit allows limit creations of jobs and tasks in each window of
// time; further ones are refused with 429 and a Retry-After. Answers to
// creations on the API host carry X-RateLimit headers. A window begins with the
// first creation after the end of the last one, on the clock of the server. A
// limit of zero is no limit.
func WithRateLimit(limit int, window time.Duration) Option {
	return func(c *config) { c.rateLimit, c.rateWindow = limit, window }
}

// WithOldUploadForm gives upload tasks the form of 2019: four parameters, three
// of them numbers, and an address with a query.
func WithOldUploadForm() Option { return func(c *config) { c.oldForm = true } }

// WithUploadExpiry sets how long an upload form can be used; the default is six
// hours. An upload task without a file fails when its form has expired.
func WithUploadExpiry(d time.Duration) Option { return func(c *config) { c.formExpiry = d } }

// WithMaxUpload sets the largest upload in bytes; the default is ten billion. A
// larger one is refused with EntityTooLarge.
func WithMaxUpload(bytes int64) Option { return func(c *config) { c.maxUpload = bytes } }

// WithDownloadExpiry sets how long the address of a result can be used; the
// default is 24 hours. When half of this time is over, asking for the task again
// gives a fresh address.
func WithDownloadExpiry(d time.Duration) Option { return func(c *config) { c.downloadExpiry = d } }

// WithTokenLifetime sets how long an OAuth access token is valid; the default
// is 15 days.
func WithTokenLifetime(d time.Duration) Option { return func(c *config) { c.tokenLifetime = d } }

// WithSyncDrop makes the sync host close the connection, without an answer,
// when the job or task has not ended after d.
func WithSyncDrop(d time.Duration) Option { return func(c *config) { c.syncDrop = d } }

// WithSyncTimeout makes the sync host answer the job or task as it is, not
// ended, after d. The default is to wait for ever.
func WithSyncTimeout(d time.Duration) Option { return func(c *config) { c.syncTimeout = d } }

// WithWebhookRetryDelays sets the pauses before the second and each further
// attempt to deliver a webhook. The default is one, two and four seconds, so
// four attempts in all.
func WithWebhookRetryDelays(delays ...time.Duration) Option {
	return func(c *config) { c.webhookDelays = slices.Clone(delays) }
}

// WithJobWebhookSecret signs deliveries to the webhook_url of a job with
// secret. Without it they carry no signature: the service does not document
// one.
func WithJobWebhookSecret(secret string) Option {
	return func(c *config) { c.jobWebhookSecret = secret }
}

// WithLogger logs every request and every ended job at debug level. The default
// is silence.
func WithLogger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

// WithNetworkImports lets the server call any address: for import/url,
// export/upload and webhooks. Without this it calls the loopback interface, the
// hosts of [WithImportHosts] and what [Server.HandleURL] registered, and
// nothing else.
func WithNetworkImports(allow bool) Option { return func(c *config) { c.network = allow } }

// WithImportHosts adds host names the server may call, see
// [WithNetworkImports].
func WithImportHosts(hosts ...string) Option {
	return func(c *config) { c.importHosts = append(c.importHosts, hosts...) }
}

// WithTransport sets what carries the requests the server itself makes: for
// import/url, export/upload and webhooks. In a testing/synctest bubble, where
// real sockets do not work, it can hand them to a handler. All hosts are then
// allowed.
func WithTransport(rt http.RoundTripper) Option { return func(c *config) { c.outbound = rt } }

// WithPerPage sets the length of a page of a list that was asked for without
// per_page. The default is 100.
func WithPerPage(n int) Option { return func(c *config) { c.perPage = max(n, 1) } }

// WithRequestLog sets how many requests [Server.Requests] and deliveries
// [Server.Deliveries] remember, the newest ones. The default is 10,000.
func WithRequestLog(n int) Option { return func(c *config) { c.requestLog = max(n, 0) } }
