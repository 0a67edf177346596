package cloudconverttest

import (
	"net/http"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/webhook"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

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
	return c.data(http.StatusCreated, s.showWebhook(s.webhooks.Create(hookURL, events)))
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
		if !slices.Contains(webhook.Events, name) {
			p.add("events", "The selected events is invalid.")
			return nil
		}
		events = append(events, name)
	}
	return events
}

func (s *Server) showWebhook(h webhook.Hook) wire.Webhook {
	return wire.Webhook{
		ID: h.ID, URL: h.URL, Events: h.Events, Disabled: h.Disabled, Failing: h.Failing, SigningSecret: h.Secret,
		CreatedAt: clock.Timestamp(h.Created), UpdatedAt: clock.Timestamp(h.Updated), Links: wire.Self{Self: s.URL + "/webhooks/" + h.ID},
	}
}

func (s *Server) listWebhooks(c *call) error {
	p := problems{}
	w, hookURL := c.window(p), c.filter(p, "url")
	if len(p) > 0 {
		return p.err()
	}
	hooks, more := pick(slices.Values(s.webhooks.List()), w, func(h webhook.Hook) bool { return hookURL == "" || h.URL == hookURL })
	data := make([]wire.Webhook, len(hooks))
	for i, h := range hooks {
		data[i] = s.showWebhook(h)
	}
	return c.page(data, len(data), w, more)
}

func (s *Server) deleteWebhook(c *call) error {
	if !s.webhooks.Delete(c.r.PathValue("id")) {
		return errNotFound
	}
	return c.noContent()
}
