package cloudconverttest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/api"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/fault"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/limits"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/network"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/oauth"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/objects"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/outbound"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/record"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/socket"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/webhook"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// The addresses of a server in process. No socket listens on them.
const (
	inProcessAPI    = "127.0.0.1:1"
	inProcessSync   = "127.0.0.1:2"
	inProcessEvents = "127.0.0.1:3"
)

// Server is a fake CloudConvert. It is made by [NewServer], must be closed, and is safe
// for concurrent use.
type Server struct {
	// URL and SyncURL are the base URLs of the API and of its sync host. Both end in
	// /v2.
	URL, SyncURL string
	// EventsURL is the URL of the event socket: events.New(server.Client(),
	// events.WithURL(server.EventsURL)).
	EventsURL string

	cfg         config
	log         *slog.Logger
	origin      string // of the API host, without a path
	key         string
	dir         string
	tls         *tls.Config // nil without TLS
	clock       clock.Clock
	busy        activity
	conns       network.Connections
	storage     *storage.Storage
	jobs        *jobs.Jobs
	api         *api.API
	requests    *record.Log
	faults      fault.Table
	account     *limits.Account
	rate        *limits.Rate
	keys        *limits.Keys
	handlers    handlers
	formats     formats
	outbound    *outbound.Client
	objects     *objects.Store
	oauth       *oauth.Server
	webhooks    *webhook.Hooks
	events      *EventSocket
	conversions chan struct{} // bounds concurrent conversions

	ctx     context.Context //nolint:containedctx // the life of the server
	cancel  context.CancelFunc
	servers []*http.Server
	client  *http.Client

	lifeMu sync.Mutex
	closed bool
	wg     sync.WaitGroup
}

// NewServer starts a server. Like httptest.NewServer it panics if it cannot listen on an
// address or make its temporary directory.
func NewServer(opts ...Option) *Server {
	s, err := Start(opts...)
	if err != nil {
		panic("cloudconverttest: " + err.Error()) //nolint:forbidigo // as documented, in the manner of httptest
	}
	return s
}

// Start is like [NewServer] but returns an error instead of panicking.
func Start(opts ...Option) (*Server, error) {
	cfg := newConfig(opts)
	dir, err := os.MkdirTemp("", "cloudconverttest-")
	if err != nil {
		return nil, fmt.Errorf("make a directory for files: %w", err)
	}
	s := newServer(cfg, dir)
	if s.objects, err = objects.New(s.storage.Blobs, &s.clock, cfg.objects); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if cfg.http2 {
		if s.tls, err = network.ServerTLS(); err != nil {
			return nil, errors.Join(err, s.objects.Close(), os.RemoveAll(dir))
		}
	}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.objects.Close(), os.RemoveAll(dir))
	}
	return s, nil
}

func newServer(cfg config, dir string) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &Server{
		cfg:         cfg,
		log:         cfg.log,
		key:         random.Secret(40),
		dir:         dir,
		requests:    record.NewLog(cfg.requestLog),
		conversions: make(chan struct{}, parallelConversions),
		ctx:         ctx,
		cancel:      cancel,
	}
	s.storage = storage.New(storage.NewBlobs(dir), storage.Config{
		MaxUpload: cfg.maxUpload, FormLifetime: cfg.formExpiry, URLLifetime: cfg.downloadExpiry,
	}, &s.clock, func(taskID, filename string, b *storage.Blob) { s.jobs.Receive(taskID, filename, b) })
	cfg.keys[s.key] = nil
	s.keys = limits.NewKeys(cfg.keys, cfg.anyKey)
	s.rate = &limits.Rate{Limit: cfg.rateLimit, Window: cfg.rateWindow}
	s.account = &limits.Account{Limited: cfg.limitCredits, Free: cfg.sandbox, ParallelJobs: cfg.parallelJobs}
	s.account.SetCredits(cfg.credits)
	s.webhooks = webhook.New(webhook.Config{
		Delays: cfg.webhookDelays, Keep: cfg.requestLog, Log: cfg.log, Clock: &s.clock,
		Send: func(r *http.Request) (*http.Response, error) { return s.outbound.DoOnce(r) }, Go: s.spawn,
	})
	s.oauth = oauth.New(cfg.oauthClient[0], cfg.oauthClient[1], s.keys, cfg.tokenLifetime, &s.clock)
	s.jobs = jobs.New(jobs.Config{
		Storage: s.storage, Account: s.account, Clock: &s.clock, Log: cfg.log, Dir: dir, TaskDuration: cfg.taskDuration,
		UploadSettle: cfg.uploadSettle, Sandbox: cfg.sandbox, Whitelist: cfg.whitelist, Execute: s.executeInGoroutine,
		MayConvert: s.mayConvert, JobEvent: s.jobEvent, TaskEvent: s.taskEvent, Go: s.spawn,
	})
	s.api = api.New(api.Config{
		Jobs: s.jobs, Storage: s.storage, Hooks: s.webhooks, Keys: s.keys, Rate: s.rate, Account: s.account,
		Clock: &s.clock, Log: cfg.log, PerPage: cfg.perPage, SyncDrop: cfg.syncDrop, SyncTimeout: cfg.syncTimeout,
		Sandbox: cfg.sandbox, UnsupportedHint: s.hintOf("HandleConvert"), Formats: s.listFormats, Closed: ctx.Done(),
	})
	s.events = &EventSocket{socket.New(socket.Channels{
		UserID: strconv.Itoa(api.UserID), Keys: s.keys, Now: s.clock.Now,
		HasJob:  func(id string) bool { _, err := s.jobs.Find(id); return err == nil },
		HasTask: func(id string) bool { _, err := s.jobs.FindTask(id); return err == nil },
	})}
	return s
}

// listen starts all hosts.
func (s *Server) listen() error {
	api, err := s.listener(s.cfg.apiAddr, inProcessAPI)
	if err != nil {
		return err
	}
	syncHost, err := s.listener(s.cfg.syncAddr, inProcessSync)
	if err != nil {
		return errors.Join(err, api.Close())
	}
	socket, err := s.listener(s.cfg.eventsAddr, inProcessEvents)
	if err != nil {
		return errors.Join(err, api.Close(), syncHost.Close())
	}
	public, err := s.publicURL()
	if err != nil {
		return errors.Join(err, api.Close(), syncHost.Close(), socket.Close())
	}
	scheme := "http://"
	if s.tls != nil {
		scheme = "https://"
	}
	addr := network.Reachable(api.Addr(), "")
	s.origin = scheme + addr
	// Another name, since the storage of the service is another host.
	storageOrigin := scheme + network.StorageHost(addr)
	if public.Host != "" {
		s.origin = public.Scheme + "://" + public.Host
		storageOrigin = s.origin
	}
	s.URL = s.origin + "/v2"
	s.api.SetOrigin(s.origin)
	s.SyncURL = scheme + network.Reachable(syncHost.Addr(), public.Hostname()) + "/v2"
	s.EventsURL = scheme + network.Reachable(socket.Addr(), public.Hostname())
	s.storage.SetOrigin(storageOrigin)
	s.connect(public, api, syncHost, socket)
	s.serve(api, s.route(apiRole, s.apiRoutes()))
	s.serve(syncHost, s.route(func(string) Role { return RoleSync }, s.api.SyncHandler()))
	s.serve(socket, s.route(func(string) Role { return RoleEvents }, s.eventRoutes()))
	return nil
}

func (s *Server) listener(addr, inProcess string) (net.Listener, error) {
	if s.cfg.inProcess {
		return network.Pipes(inProcess, s.tls != nil), nil
	}
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	l, err := new(net.ListenConfig).Listen(s.ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// publicURL returns the URL of [WithPublicURL]. Its host is empty without one.
func (s *Server) publicURL() (*url.URL, error) {
	if s.cfg.publicURL == "" || s.cfg.inProcess {
		return &url.URL{}, nil
	}
	return network.ParsePublicURL(s.cfg.publicURL)
}

// connect makes the HTTP client of users and that of the server.
func (s *Server) connect(public *url.URL, listeners ...net.Listener) {
	dial := (&net.Dialer{}).DialContext
	var hosts []string
	if s.cfg.inProcess {
		dial = network.PipeDialer(dial, listeners...)
	}
	if public.Host != "" {
		dial = network.DirectDialer(dial, public, listeners...)
		hosts = []string{public.Hostname()}
	}
	s.client = &http.Client{Transport: &http.Transport{
		DialContext: dial, TLSClientConfig: network.ClientTLS(s.tls, nil), ForceAttemptHTTP2: s.tls != nil, MaxIdleConnsPerHost: 100,
	}}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = nil // the server still trusts itself
	}
	var transport http.RoundTripper = &http.Transport{DialContext: dial, TLSClientConfig: network.ClientTLS(s.tls, roots)}
	if s.cfg.outbound != nil {
		transport = s.cfg.outbound
	}
	s.outbound = outbound.New(transport, s.cfg.anyHost || s.cfg.outbound != nil, hosts, s.cfg.otherHostHint)
}

func (s *Server) serve(l net.Listener, h http.Handler) {
	srv := &http.Server{ //nolint:gosec // tests may stall a client
		Handler:     h,
		TLSConfig:   s.tls.Clone(),
		ErrorLog:    slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		ConnContext: network.WithConn,
		ConnState:   s.connState,
	}
	s.servers = append(s.servers, srv)
	counted := s.conns.Listener(l)
	s.wg.Go(func() { // always ends with ErrServerClosed
		if s.tls != nil {
			_ = srv.ServeTLS(counted, "", "")
		} else {
			_ = srv.Serve(counted)
		}
	})
}

// connState counts the goroutines of connections, which may outlive them: net/http sleeps
// for half a second after a request that it did not read to its end.
func (s *Server) connState(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.wg.Add(1)
	case http.StateHijacked, http.StateClosed:
		s.wg.Done()
	case http.StateActive, http.StateIdle:
	}
}

// Close closes all connections, stops tasks and pending deliveries, waits for all
// goroutines, and removes the files. Handlers must return when their context ends. A
// second Close does nothing.
func (s *Server) Close() {
	s.lifeMu.Lock()
	if s.closed {
		s.lifeMu.Unlock()
		return
	}
	s.closed = true
	s.lifeMu.Unlock()
	s.cancel()
	s.events.socket.Close()
	for _, srv := range s.servers {
		_ = srv.Close() // the listener is closed in any case
	}
	s.client.CloseIdleConnections()
	s.outbound.CloseIdleConnections()
	s.wg.Wait()
	if err := errors.Join(s.objects.Close(), os.RemoveAll(s.dir)); err != nil {
		s.log.Warn("remove the directory of the server", "error", err)
	}
}

// HTTPClient returns an HTTP client for the server. It works with [WithInProcess] and
// trusts the certificate of [WithHTTP2]. It sends no key. Its idle connections end with
// the server. Its transport is an [*http.Transport], which can be cloned:
//
//	transport := server.HTTPClient().Transport.(*http.Transport).Clone()
func (s *Server) HTTPClient() *http.Client { return s.client }

// Key returns an API key with all scopes. Each server has a random one.
func (s *Server) Key() string { return s.key }

// Advance moves the clock of the server forward by d. Jobs and exported objects expire after
// 24 hours. Upload forms, download URLs, cached results, access tokens and rate limit
// windows expire too. Timers are not affected: the duration of a task, of
// [WithUploadSettle] and of a webhook retry is real time, or the time of a
// testing/synctest bubble.
func (s *Server) Advance(d time.Duration) {
	s.clock.Advance(max(d, 0))
	s.jobs.Expire()
	s.objects.Expire()
}

// Connections returns the number of open connections.
func (s *Server) Connections() int { return s.conns.Open() }

// ConnectionsAccepted returns the number of connections since the start of the server.
func (s *Server) ConnectionsAccepted() int { return s.conns.Total() }

// RevokeKey revokes an API key or an OAuth access token.
func (s *Server) RevokeKey(key string) { s.keys.Revoke(key) }

// OAuthClient returns the id and the secret of the registered OAuth client. It may use any
// redirect URL of a page or of an app with its own scheme. An access token has the scopes
// that the client asks for, and none if it asks for none.
func (s *Server) OAuthClient() (id, secret string) { return s.oauth.Client() }

// OAuthURLs returns the URLs of the authorization page and of the token endpoint.
func (s *Server) OAuthURLs() (authorize, token string) {
	return s.origin + "/oauth/authorize", s.origin + "/oauth/token"
}

// SignedURLBase returns the base URL of signed URLs and their secret.
func (s *Server) SignedURLBase() (base, secret string) { return s.api.SignedURLBase() }

// jobEvent sends an event with the current state of a job to the event socket and the
// webhooks. The event job.updated is only for the socket.
func (s *Server) jobEvent(event string, j *jobs.Job) {
	err := s.events.socket.JobEvent(event, j.ID, func() any { return map[string]any{"job": s.api.Job(j, true)} })
	if err != nil {
		s.log.Error("encode an event", "event", event, "error", err)
	}
	if event != "job.updated" {
		s.webhooks.Notify(event, j.ID, j.WebhookURL, func() wire.Job { return s.api.Job(j, true) })
	}
}

// taskEvent sends an event with the current state of a task to the event socket.
func (s *Server) taskEvent(event string, t *jobs.Task) {
	jobID := ""
	if t.Job != nil {
		jobID = t.Job.ID
	}
	err := s.events.socket.TaskEvent(event, t.ID, jobID, func() any { return map[string]any{"task": s.api.Task(t, nil)} })
	if err != nil {
		s.log.Error("encode an event", "event", event, "error", err)
	}
}
