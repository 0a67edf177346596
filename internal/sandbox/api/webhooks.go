package api

import (
	"net/http"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/webhook"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

func (a *API) createWebhook(c *call) error {
	fields, err := request.Fields(c.r)
	if err != nil {
		return err
	}
	hookURL, events, err := request.Webhook(fields, webhook.Events)
	if err != nil {
		return err
	}
	return c.data(http.StatusCreated, a.showWebhook(a.cfg.Hooks.Create(hookURL, events)))
}

func (a *API) showWebhook(h webhook.Hook) wire.Webhook {
	return wire.Webhook{
		ID: h.ID, URL: h.URL, Events: h.Events, Disabled: h.Disabled, Failing: h.Failing, SigningSecret: h.Secret,
		CreatedAt: clock.Timestamp(h.Created), UpdatedAt: clock.Timestamp(h.Updated), Links: wire.Self{Self: a.url + "/webhooks/" + h.ID},
	}
}

func (a *API) listWebhooks(c *call) error {
	p := request.Problems{}
	w, hookURL := c.window(p), c.filter(p, "url")
	if len(p) > 0 {
		return p.Err()
	}
	hooks, more := pick(slices.Values(a.cfg.Hooks.List()), w, func(h webhook.Hook) bool { return hookURL == "" || h.URL == hookURL })
	data := make([]wire.Webhook, len(hooks))
	for i, h := range hooks {
		data[i] = a.showWebhook(h)
	}
	return c.page(data, len(data), w, more)
}

func (a *API) deleteWebhook(c *call) error {
	if !a.cfg.Hooks.Delete(c.r.PathValue("id")) {
		return errNotFound
	}
	return c.noContent()
}
