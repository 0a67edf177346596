package cloudconvert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// WebhooksService manages webhooks: URLs that the service calls on events of the
// account's jobs. [WebhookHandler] handles these calls.
type WebhooksService service

// Event is the name of a job event. Unknown events are passed through.
type Event string

// The events of jobs.
const (
	EventJobCreated  Event = "job.created"
	EventJobFinished Event = "job.finished" // ended successfully
	EventJobFailed   Event = "job.failed"   // ended in error
)

// Webhook is a registered webhook. It is printed and logged without its secret
// and its URL, which only its JSON has.
type Webhook struct {
	ID     string  `json:"id"`
	URL    string  `json:"url"`
	Events []Event `json:"events"`
	// Disabled reports whether deliveries have stopped, because the webhook was
	// disabled or because its URL responded with 410.
	Disabled bool `json:"disabled"`
	// Failing reports whether the last deliveries failed.
	Failing bool `json:"failing"`
	// SigningSecret is the key that deliveries are signed with, see
	// [WebhookHandler]. Anyone who has it can sign.
	SigningSecret string    `json:"signing_secret,omitzero"`
	CreatedAt     time.Time `json:"created_at,omitzero"`
	UpdatedAt     time.Time `json:"updated_at,omitzero"`
	Links         Links     `json:"links,omitzero"`
}

// WebhookRequest describes a webhook to be created. Both fields are required.
type WebhookRequest struct {
	// URL is the URL to call. The service must be able to reach it.
	URL string `json:"url"`
	// Events are the events to deliver.
	Events []Event `json:"events"`
}

// Format prints the events without the URL, which may have a token in it, for any verb.
func (r WebhookRequest) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue returns the text that Format prints.
func (r WebhookRequest) LogValue() slog.Value { return slog.StringValue(r.outline()) }

func (r WebhookRequest) outline() string { return fmt.Sprintf("webhook request %q", r.Events) }

// Create registers a webhook. Store the SigningSecret of the response.
//
// If the response is lost or reports a failure of the service, the webhook may
// exist anyway. With a second one, each event would be delivered twice: look for
// the webhook with List before calling Create again.
func (s *WebhooksService) Create(ctx context.Context, r WebhookRequest, opts ...CallOption) (*Webhook, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	return object[Webhook](ctx, s.core, call{method: http.MethodPost, path: "/webhooks", in: r}, opts)
}

func (r WebhookRequest) validate() error {
	// The error of url.Parse has the URL in it, which may have a token in it.
	target, err := url.Parse(r.URL)
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || target.Hostname() == "" {
		return invalid(errors.New("the webhook URL must have the form https://host/path"))
	}
	if len(r.Events) == 0 {
		return invalid(fmt.Errorf("the webhook has no events: add %q, for example", EventJobFinished))
	}
	return nil
}

// WebhookListOptions selects webhooks. The zero value selects all.
type WebhookListOptions struct {
	// URL selects webhooks with exactly this URL.
	URL string `url:"filter[url],omitempty"`
	// PerPage is the number of webhooks on a page. By default the service chooses
	// 100.
	PerPage int `url:"per_page,omitempty"`
	// Page is the number of the page, from 1.
	Page int `url:"page,omitempty"`
}

// List returns one page of webhooks.
func (s *WebhooksService) List(ctx context.Context, options WebhookListOptions, opts ...CallOption) (*Page[Webhook], error) {
	query, err := queryOf(options)
	if err != nil {
		return nil, err
	}
	return list[Webhook](ctx, s.core, webhooksPath, query, opts)
}

// All iterates over all webhooks from the selected page on. It requests each page
// when it is needed. An error is yielded once and ends the iteration.
//
// No webhook is yielded twice, unless ten thousand others are created between two
// pages. If this client deletes webhooks in the loop, none are skipped: All reads
// the page again. For each webhook that is deleted elsewhere, or no longer
// matches the options, another may be skipped. Deleting more than a page of
// webhooks that were yielded earlier may also skip others: delete each webhook
// when it is yielded, or all after the loop.
func (s *WebhooksService) All(ctx context.Context, options WebhookListOptions, opts ...CallOption) iter.Seq2[*Webhook, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Webhook](err)
	}
	return all(ctx, s.core, webhooksPath, query, func(w *Webhook) any { return w.ID }, opts)
}

// webhooksPath lists webhooks. Another path creates them.
const webhooksPath = "/users/me/webhooks"

// Delete removes a webhook.
func (s *WebhooksService) Delete(ctx context.Context, id string, opts ...CallOption) error {
	path, err := pathOf("webhooks", id)
	if err != nil {
		return err
	}
	return remove(ctx, s.core, path, opts)
}

// String returns the id and the events of the webhook, without its secret and its URL.
func (w Webhook) String() string { return fmt.Sprintf("cloudconvert.Webhook(%s %s)", w.ID, w.Events) }

// Format prints the webhook as [Webhook.String] does, for any verb.
func (w Webhook) Format(s fmt.State, _ rune) {
	write(s, w.String())
}

// LogValue returns the webhook without its secret and its URL.
func (w Webhook) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", w.ID),
		slog.Any("events", w.Events),
		slog.Bool("disabled", w.Disabled),
		slog.Bool("failing", w.Failing),
	)
}

// UnmarshalJSON decodes a webhook. It tolerates fields of unexpected types. A
// webhook without an id is an error.
func (w *Webhook) UnmarshalJSON(data []byte) error {
	var wire struct {
		ID            lenient.String            `json:"id"`
		URL           lenient.String            `json:"url"`
		Events        lenient.Strings           `json:"events"`
		Disabled      lenient.Bool              `json:"disabled"`
		Failing       lenient.Bool              `json:"failing"`
		SigningSecret lenient.String            `json:"signing_secret"`
		CreatedAt     lenient.Time              `json:"created_at"`
		UpdatedAt     lenient.Time              `json:"updated_at"`
		Links         lenient.Object[linksWire] `json:"links"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	if wire.ID == "" {
		return errors.New("the webhook has no id")
	}
	*w = Webhook{
		ID:            string(wire.ID),
		URL:           string(wire.URL),
		Disabled:      bool(wire.Disabled),
		Failing:       bool(wire.Failing),
		SigningSecret: string(wire.SigningSecret),
		CreatedAt:     wire.CreatedAt.Time,
		UpdatedAt:     wire.UpdatedAt.Time,
		Links:         Links{Self: string(wire.Links.Value.Self)},
	}
	w.Events = slices.Grow(w.Events, len(wire.Events))
	for _, event := range wire.Events {
		w.Events = append(w.Events, Event(event))
	}
	return nil
}
