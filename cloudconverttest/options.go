package cloudconverttest

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Option configures a [Server]. Without options it has an account with one key, no limits
// and no delays.
type Option func(*config)

type config struct {
	inProcess         bool
	http2             bool
	apiAddr, syncAddr string
	eventsAddr        string
	publicURL         string
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
	formExpiry        time.Duration
	maxUpload         int64
	downloadExpiry    time.Duration
	tokenLifetime     time.Duration
	oauthClient       [2]string // id and secret; random where empty
	syncDrop          time.Duration
	syncTimeout       time.Duration
	webhookDelays     []time.Duration
	log               *slog.Logger
	anyHost           bool
	objects           string
	outbound          http.RoundTripper
	standIns          bool
	unsupportedHint   string
	otherHostHint     string
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
		otherHostHint:  "use WithAnyHost or HandleURL",
		perPage:        100,
		requestLog:     10_000,
	}
	for _, opt := range opts {
		opt(&c)
	}
	return c
}

// WithInProcess makes the server work without sockets: connections are pipes in memory,
// which only [Server.HTTPClient] and [Server.Client] use. Everything else is the same.
// A test in a testing/synctest bubble needs it, and must create and close the server in
// the bubble.
func WithInProcess() Option { return func(c *config) { c.inProcess = true } }

// WithHTTP2 makes the server use TLS and offer HTTP/2 besides HTTP/1.1, with or without
// [WithInProcess]. Its URLs begin with https. [Server.HTTPClient] and [Server.Client]
// trust its certificate and choose HTTP/2. For another client, clone the transport of
// HTTPClient, which trusts the certificate.
//
//	transport := server.HTTPClient().Transport.(*http.Transport).Clone()
//
// A [Fault] that ends a connection ends all requests on it, which over HTTP/2 may be
// many.
func WithHTTP2() Option { return func(c *config) { c.http2 = true } }

// WithAddr sets the addresses to listen on, such as "127.0.0.1:8080", for a program that
// runs the server on known ports. An empty one means a free port of the loopback
// interface. [WithInProcess] ignores it.
func WithAddr(api, sync string) Option {
	return func(c *config) { c.apiAddr, c.syncAddr = api, sync }
}

// WithEventsAddr sets the address to listen on for the event socket, see
// [WithAddr].
func WithEventsAddr(addr string) Option { return func(c *config) { c.eventsAddr = addr } }

// WithPublicURL sets the URL at which clients reach the API, such as
// "http://sandbox:8080", for a server in a container or behind a proxy. The URLs in
// responses, events and webhooks begin with it. SyncURL and EventsURL have its host name
// and the ports of their listeners. [Server.HTTPClient], [Server.Client] and the requests
// of the server itself connect to the listeners, whatever the host name resolves to.
// [WithInProcess] ignores it. The certificate of [WithHTTP2] is not for other hosts.
func WithPublicURL(url string) Option { return func(c *config) { c.publicURL = url } }

// WithKey adds an API key besides that of [Server.Key]. It has the given scopes, such as
// "task.read", or all if there are none. A key that starts with "invalid" is refused in
// any case. All keys of a server are keys of one account, with the same jobs, credits and
// limits: for two accounts use two servers.
func WithKey(key string, scopes ...string) Option {
	return func(c *config) { c.keys[key] = scopes }
}

// WithAnyKey accepts every API key but the empty one and those that start with "invalid".
// It is for programs that choose the key themselves.
func WithAnyKey() Option { return func(c *config) { c.anyKey = true } }

// WithTaskDuration makes every task take at least d. The default is no delay.
func WithTaskDuration(d time.Duration) Option {
	return WithTaskDurationFunc(func(string) time.Duration { return d })
}

// WithTaskDurationFunc is like [WithTaskDuration] with a duration for each
// operation. The function is called once for each task, possibly from several
// goroutines.
func WithTaskDurationFunc(d func(operation string) time.Duration) Option {
	return func(c *config) { c.taskDuration = d }
}

// WithUploadSettle sets how long the API reports an upload task as waiting after its file
// was uploaded. The default is zero. The service takes some seconds.
func WithUploadSettle(d time.Duration) Option { return func(c *config) { c.uploadSettle = d } }

// WithWhitelist makes the server behave like the hosted sandbox: it takes no credits,
// imports list the MD5 of their files in place of the size, and the import of a file
// whose hexadecimal MD5 is not on the list fails with SANDBOX_FILE_NOT_ALLOWED.
func WithWhitelist(md5 ...string) Option {
	return func(c *config) {
		c.sandbox = true
		for _, sum := range md5 {
			c.whitelist = append(c.whitelist, strings.ToLower(sum))
		}
	}
}

// WithCredits gives the account n credits, which processing tasks use up. Without
// credits, new jobs and tasks are refused with 402 CREDITS_EXCEEDED. The default is 1000
// credits that are not used up.
func WithCredits(n int) Option {
	return func(c *config) { c.credits, c.limitCredits = max(n, 0), true }
}

// WithParallelJobs refuses a new job with 402 PARALLEL_JOB_LIMIT_EXCEEDED while n jobs
// have not ended. Zero means no limit.
func WithParallelJobs(n int) Option { return func(c *config) { c.parallelJobs = n } }

// WithRateLimit allows limit creations of jobs and tasks in each window of time. Further
// ones are refused with 429 and a Retry-After. Responses to creations on the API host
// have X-RateLimit headers. A window begins with the first creation after the end of the
// last one, on the clock of the server. A limit of zero means no limit.
func WithRateLimit(limit int, window time.Duration) Option {
	return func(c *config) { c.rateLimit, c.rateWindow = limit, window }
}

// WithUploadExpiry sets the lifetime of an upload form. The default is six hours. An
// upload task without a file fails when its form expires.
func WithUploadExpiry(d time.Duration) Option { return func(c *config) { c.formExpiry = d } }

// WithMaxUpload sets the size in bytes of the largest upload, and of the largest file of an
// import/url. The default is ten billion. A larger upload is refused with EntityTooLarge.
func WithMaxUpload(bytes int64) Option { return func(c *config) { c.maxUpload = bytes } }

// WithDownloadExpiry sets the lifetime of the URL of a result. The default is 24 hours.
// After half of this time, the API returns a fresh URL.
func WithDownloadExpiry(d time.Duration) Option { return func(c *config) { c.downloadExpiry = d } }

// WithTokenLifetime sets the lifetime of an OAuth access token. The default is 15 days.
func WithTokenLifetime(d time.Duration) Option { return func(c *config) { c.tokenLifetime = d } }

// WithOAuthClient sets the id and the secret of the registered OAuth client. The default
// are random ones, see [Server.OAuthClient].
func WithOAuthClient(id, secret string) Option {
	return func(c *config) { c.oauthClient = [2]string{id, secret} }
}

// WithSyncDrop makes the sync host close the connection without a response if the job or
// task has not ended after d.
func WithSyncDrop(d time.Duration) Option { return func(c *config) { c.syncDrop = d } }

// WithSyncTimeout makes the sync host respond with the current state of the job or task
// after d. The default is to wait for its end.
func WithSyncTimeout(d time.Duration) Option { return func(c *config) { c.syncTimeout = d } }

// WithWebhookRetryDelays sets the pauses before the second and each further attempt to
// deliver a webhook. The default is one, two and four seconds: four attempts in all.
func WithWebhookRetryDelays(delays ...time.Duration) Option {
	return func(c *config) { c.webhookDelays = slices.Clone(delays) }
}

// WithLogger logs every request and every ended job at debug level. The default is no
// log.
func WithLogger(log *slog.Logger) Option { return func(c *config) { c.log = log } }

// WithAnyHost lets the server send requests to any host, for import/url, export/upload and
// webhooks. The default is only the loopback interface.
func WithAnyHost() Option { return func(c *config) { c.anyHost = true } }

// WithTransport sets the transport of the requests that the server sends, for import/url,
// export/upload and webhooks. All hosts are then allowed. In a testing/synctest bubble,
// where sockets do not work, the transport can pass requests to a handler.
func WithTransport(rt http.RoundTripper) Option { return func(c *config) { c.outbound = rt } }

// WithStandIns finishes tasks that neither a handler nor a built-in conversion does, but
// the service would: their results are stand-ins, small valid files of the right type
// which say that the sandbox has made them. The engine of such a task is "stand-in". An
// import of an object that does not exist has one, too, unless [WithObjects] is given.
func WithStandIns() Option { return func(c *config) { c.standIns = true } }

// WithObjects makes a directory stand for the storage services: each folder in it is a
// bucket, a container or a host of any service. Imports read its files, and exports write
// them. After an export with the key reports/may.pdf to the bucket archive, a test finds
// the file archive/reports/may.pdf in the directory.
//
// The directory must exist. Exports create the folders in it. A task fails if its key leads
// out of the folder of the bucket, also by a symbolic link, or if a part of the key begins
// with a dot or cannot be the name of a file on Windows. Imports by a prefix skip files
// with such names. A leading slash is allowed in the paths of SFTP only.
//
// By default, the server keeps exported objects for 24 hours of its clock, by service,
// bucket and key. Other parameters, such as the account and the region, are ignored.
func WithObjects(dir string) Option { return func(c *config) { c.objects = dir } }

// WithHints sets what the messages of failed tasks advise, for a program whose users do not
// call this package: for a task that is not supported, and for a request to another host.
// By default they name the functions and options of this package.
func WithHints(unsupported, otherHost string) Option {
	return func(c *config) { c.unsupportedHint, c.otherHostHint = unsupported, otherHost }
}

// WithPerPage sets the length of a page of a list without per_page. The default is 100.
func WithPerPage(n int) Option { return func(c *config) { c.perPage = max(n, 1) } }

// WithRequestLog sets how many requests [Server.Requests] keeps, and how many deliveries
// [Server.Deliveries]: the newest ones. The default is 10,000. Of each, at most 64 MiB are
// kept.
func WithRequestLog(n int) Option { return func(c *config) { c.requestLog = max(n, 0) } }
