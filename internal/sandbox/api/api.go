// Package api has the routes of the API, of the sync host and of signed URLs, and shows
// jobs and tasks as the API does.
package api

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/limits"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/webhook"
)

// Config configures an [API].
type Config struct {
	Jobs    *jobs.Jobs
	Storage *storage.Storage
	Hooks   *webhook.Hooks
	Keys    *limits.Keys
	Rate    *limits.Rate
	Account *limits.Account
	Clock   *clock.Clock
	Log     *slog.Logger

	PerPage     int           // length of a page without per_page
	SyncDrop    time.Duration // when the sync host closes a connection, if not 0
	SyncTimeout time.Duration // when the sync host responds without the end, if not 0
	Sandbox     bool          // imports list the MD5 of their files in place of the size
	// UnsupportedHint is added to the message for an unsupported conversion.
	UnsupportedHint string
	// Formats lists the catalog.
	Formats func(catalog.Query) []catalog.Entry
	Closed  <-chan struct{} // when the server has closed
}

// API is the API of a server.
type API struct {
	cfg    Config
	origin string // of the API host, without a path
	url    string
	since  time.Time // creation of the account

	signedPath   string
	signedSecret string
	cacheMu      sync.Mutex
	cached       map[string]cachedJob // of signed URLs, by cache key
}

// New returns an API. Its origin is set by [API.SetOrigin].
func New(cfg Config) *API {
	return &API{
		cfg: cfg, since: time.Now(), signedPath: "/s/" + random.ID(), signedSecret: random.Secret(32),
		cached: map[string]cachedJob{},
	}
}

// SetOrigin sets the scheme and the host of the URLs.
func (a *API) SetOrigin(origin string) { a.origin, a.url = origin, origin+"/v2" }

// Handler handles requests to the API host, and signed URLs.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	a.handle(mux, false, "GET /v2/jobs", "task.read", (*API).listJobs)
	a.handle(mux, false, "POST /v2/jobs", "task.write", (*API).createJob)
	a.handle(mux, false, "GET /v2/jobs/{id}", "task.read", (*API).showJob)
	a.handle(mux, false, "GET /v2/jobs/{id}/wait", "task.read", (*API).waitJob)
	a.handle(mux, false, "DELETE /v2/jobs/{id}", "task.write", (*API).deleteJob)
	a.handle(mux, false, "GET /v2/tasks", "task.read", (*API).listTasks)
	a.handle(mux, false, "GET /v2/tasks/{id}", "task.read", (*API).showTask)
	a.handle(mux, false, "GET /v2/tasks/{id}/wait", "task.read", (*API).waitTask)
	a.handle(mux, false, "POST /v2/tasks/{id}/cancel", "task.write", (*API).cancelTask)
	a.handle(mux, false, "POST /v2/tasks/{id}/retry", "task.write", (*API).retryTask)
	a.handle(mux, false, "DELETE /v2/tasks/{id}", "task.write", (*API).deleteTask)
	a.handle(mux, false, "POST /v2/{operation...}", "task.write", (*API).createTask)
	a.handle(mux, false, "GET /v2/operations", public, (*API).listOperations)
	a.handle(mux, false, "GET /v2/convert/formats", public, (*API).listConvertFormats)
	a.handle(mux, false, "GET /v2/users/me", "user.read", (*API).showUser)
	a.handle(mux, false, "POST /v2/webhooks", "webhook.write", (*API).createWebhook)
	a.handle(mux, false, "GET /v2/users/me/webhooks", "webhook.read", (*API).listWebhooks)
	a.handle(mux, false, "DELETE /v2/webhooks/{id}", "webhook.write", (*API).deleteWebhook)
	a.handle(mux, false, "/", public, (*API).unknown)
	a.handle(mux, false, "GET /s/{id}", public, (*API).signedURL)
	return mux
}

// SyncHandler handles requests to the sync host, which responds when the job or task has
// ended.
func (a *API) SyncHandler() http.Handler {
	mux := http.NewServeMux()
	a.handle(mux, true, "POST /v2/jobs", "task.write", (*API).createJob)
	a.handle(mux, true, "GET /v2/jobs/{id}", "task.read", (*API).waitJob)
	a.handle(mux, true, "GET /v2/tasks/{id}", "task.read", (*API).waitTask)
	a.handle(mux, true, "/", public, (*API).unknown)
	return mux
}

func (a *API) handle(mux *http.ServeMux, sync bool, pattern, scope string, h func(*API, *call) error) {
	mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
		c := &call{api: a, w: w, r: r, sync: sync}
		c.finish(c.run(scope, h))
	})
}

func (a *API) unknown(*call) error { return errNotFound }
