package cloudconverttest

import (
	"net/http"
	"slices"
	"time"
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
	now := s.clock.now()
	h := &webhook{id: newID(), url: hookURL, events: events, secret: newSecret(32), created: now, updated: now}
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

func (s *Server) wireWebhook(h *webhook) wireWebhook {
	return wireWebhook{
		ID: h.id, URL: h.url, Events: h.events, Disabled: h.disabled, Failing: h.failing, SigningSecret: h.secret,
		CreatedAt: timestamp(h.created), UpdatedAt: timestamp(h.updated), Links: wireSelf{s.URL + "/webhooks/" + h.id},
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
	data := make([]wireWebhook, len(hooks))
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
