package cloudconverttest

import (
	"net/http"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// webhookEvents are the events of the account webhooks.
var webhookEvents = []string{"job.created", "job.finished", "job.failed"}

type webhook struct {
	id       string
	url      string
	events   []string
	secret   string
	disabled bool
	failing  bool
	created  time.Time
	updated  time.Time
}

func (s *Server) createWebhook(c *call) error {
	fields, err := c.fields()
	if err != nil {
		return err
	}
	p := problems{}
	p.parameter("url", param{name: "url", kind: webURL, required: true}, decodeValue(fields["url"]))
	events := p.events(decodeValue(fields["events"]))
	if len(p) > 0 {
		return p.err()
	}
	hookURL, _ := asText(decodeValue(fields["url"]))
	now := s.clock.Now()
	h := &webhook{id: random.ID(), url: hookURL, events: events, secret: random.Secret(32), created: now, updated: now}
	s.mu.Lock()
	s.webhooks.add(h.id, h)
	shown := s.wireWebhook(h)
	s.mu.Unlock()
	return c.data(http.StatusCreated, shown)
}

func (p problems) events(v any) []string {
	list, ok := v.([]any)
	switch {
	case !present(v):
		p.required("events")
	case !ok:
		p.add("events", "The events must be an array.")
	}
	events := make([]string, 0, len(list))
	for _, e := range list {
		name, _ := e.(string)
		if !slices.Contains(webhookEvents, name) {
			p.add("events", "The selected events is invalid.")
			return nil
		}
		events = append(events, name)
	}
	return events
}

func (s *Server) wireWebhook(h *webhook) wire.Webhook {
	return wire.Webhook{
		ID: h.id, URL: h.url, Events: h.events, Disabled: h.disabled, Failing: h.failing, SigningSecret: h.secret,
		CreatedAt: clock.Timestamp(h.created), UpdatedAt: clock.Timestamp(h.updated), Links: wire.Self{Self: s.URL + "/webhooks/" + h.id},
	}
}

func (s *Server) listWebhooks(c *call) error {
	p := problems{}
	w, hookURL := c.window(p), c.filter(p, "url")
	if len(p) > 0 {
		return p.err()
	}
	s.mu.Lock()
	hooks, more := pick(s.webhooks.newestFirst(), w, func(h *webhook) bool { return hookURL == "" || h.url == hookURL })
	data := make([]wire.Webhook, len(hooks))
	for i, h := range hooks {
		data[i] = s.wireWebhook(h)
	}
	s.mu.Unlock()
	return c.page(data, len(data), w, more)
}

func (s *Server) deleteWebhook(c *call) error {
	s.mu.Lock()
	h, ok := s.webhooks.get(c.r.PathValue("id"))
	if ok {
		h.disabled = true // a running delivery is not retried
		s.webhooks.remove(h.id)
	}
	s.mu.Unlock()
	if !ok {
		return errNotFound
	}
	return c.noContent()
}
