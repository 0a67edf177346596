// Package webhook has the webhooks of the account, and delivers events of jobs to them and
// to the webhook_url of jobs.
package webhook

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/newest"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
)

// Events are the events of the webhooks of the account.
var Events = []string{"job.created", "job.finished", "job.failed"}

// maxSize is the total size of the deliveries that are kept.
const maxSize = 64 << 20

// Hook is a webhook of the account.
type Hook struct {
	ID       string
	URL      string
	Events   []string
	Secret   string
	Disabled bool
	Failing  bool
	Created  time.Time
	Updated  time.Time
}

// Config configures [Hooks].
type Config struct {
	Delays []time.Duration // before the second and each further attempt
	Keep   int             // how many deliveries are kept
	Log    *slog.Logger
	Clock  *clock.Clock
	// Send sends a request without following redirects.
	Send func(*http.Request) (*http.Response, error)
	// Go runs a function in a goroutine. The context ends with the server.
	Go func(func(ctx context.Context))
}

// Hooks are the webhooks of the account and the deliveries to them.
type Hooks struct {
	cfg Config

	mu         sync.Mutex
	hooks      []*Hook // the oldest first
	deliveries newest.Values[Delivery]
}

// New returns hooks without a webhook.
func New(cfg Config) *Hooks {
	return &Hooks{cfg: cfg, deliveries: newest.Values[Delivery]{
		Limit: cfg.Keep, MaxSize: maxSize, Size: func(d Delivery) int { return len(d.URL) + len(d.Body) },
	}}
}

// Create adds a webhook.
func (h *Hooks) Create(url string, events []string) Hook {
	now := h.cfg.Clock.Now()
	hook := &Hook{ID: random.ID(), URL: url, Events: events, Secret: random.Secret(32), Created: now, Updated: now}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hooks = append(h.hooks, hook)
	return *hook
}

// List returns the webhooks, the newest first.
func (h *Hooks) List() []Hook {
	h.mu.Lock()
	defer h.mu.Unlock()
	hooks := make([]Hook, 0, len(h.hooks))
	for _, hook := range slices.Backward(h.hooks) {
		hooks = append(hooks, *hook)
	}
	return hooks
}

// Delete removes a webhook. A running delivery is not retried. It returns false if there
// is no such webhook.
func (h *Hooks) Delete(id string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := slices.IndexFunc(h.hooks, func(hook *Hook) bool { return hook.ID == id })
	if i < 0 {
		return false
	}
	h.hooks[i].Disabled = true
	h.hooks = slices.Delete(h.hooks, i, i+1)
	return true
}

// Deliveries returns the newest attempts to deliver, the oldest first.
func (h *Hooks) Deliveries() []Delivery {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]Delivery, h.deliveries.Len())
	for i, d := range h.deliveries.All() {
		out[i] = d
	}
	return out
}

// record keeps an attempt.
func (h *Hooks) record(d Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deliveries.Add(d)
}
