package cloudconvert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// WebhooksService registers addresses that the service calls when something
// happens to any job of the account. [WebhookHandler] answers such a call.
type WebhooksService service

// Event names what happened to a job. The set is open: unknown events pass
// through.
type Event string

// The events of jobs.
const (
	EventJobCreated  Event = "job.created"
	EventJobFinished Event = "job.finished" // ended well
	EventJobFailed   Event = "job.failed"   // ended badly
)

// Webhook is a registered address. Printing or logging it shows neither its
// secret nor its address; only its JSON has them.
type Webhook struct {
	ID     string  `json:"id"`
	URL    string  `json:"url"`
	Events []Event `json:"events"`
	// Disabled tells that nothing is delivered any more, because somebody disabled
	// the webhook or because the address answered 410.
	Disabled bool `json:"disabled"`
	// Failing tells that the last deliveries failed.
	Failing bool `json:"failing"`
	// SigningSecret is what deliveries are signed with, see [WebhookHandler].
	// Whoever knows it can sign.
	SigningSecret string    `json:"signing_secret,omitzero"`
	CreatedAt     time.Time `json:"created_at,omitzero"`
	UpdatedAt     time.Time `json:"updated_at,omitzero"`
	Links         Links     `json:"links,omitzero"`
}

// WebhookRequest describes a webhook to be created. Both fields are required.
type WebhookRequest struct {
	// URL is the address, which the service must be able to reach.
	URL string `json:"url"`
	// Events are what the address is told about.
	Events []Event `json:"events"`
}

// Format prints the events without the address, which may hold a token, whatever
// the verb.
func (r WebhookRequest) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue is what Format prints.
func (r WebhookRequest) LogValue() slog.Value { return slog.StringValue(r.outline()) }

func (r WebhookRequest) outline() string { return fmt.Sprintf("webhook request %q", r.Events) }

// Create registers an address. Keep the SigningSecret of the answer.
//
// If the answer is lost, or says that the service failed, the webhook may exist
// nevertheless, and a second Create would make the service tell the address
// everything twice: look for the webhook with List before you try again.
func (s *WebhooksService) Create(ctx context.Context, r WebhookRequest, opts ...CallOption) (*Webhook, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	return object[Webhook](ctx, s.core, call{method: http.MethodPost, path: "/webhooks", in: r}, opts)
}

func (r WebhookRequest) validate() error {
	// The parser's own error would show the address, which may hold a token.
	target, err := url.Parse(r.URL)
	if err != nil || target.Scheme != "https" && target.Scheme != "http" || target.Hostname() == "" {
		return invalid(errors.New("the webhook needs a URL of the form https://host/path"))
	}
	if len(r.Events) == 0 {
		return invalid(fmt.Errorf("the webhook needs events, %q for example", EventJobFinished))
	}
	return nil
}

// WebhookListOptions selects webhooks. The zero value selects all.
type WebhookListOptions struct {
	// URL selects webhooks with exactly this address.
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

// All iterates over all webhooks from the selected page on. It asks for a page
// when the one before is used up. An error is yielded once and ends the iteration.
//
// No webhook is yielded twice, unless ten thousand others are created between two
// pages. Webhooks that are deleted in the loop, by this client, make it skip none, since
// it reads the page again. Webhooks that are deleted elsewhere meanwhile, or cease to
// match the options, may make it skip as many others. So may the deletion of more
// than a page of webhooks that were yielded before: delete each when it is yielded, or all
// of them after the loop.
func (s *WebhooksService) All(ctx context.Context, options WebhookListOptions, opts ...CallOption) iter.Seq2[*Webhook, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Webhook](err)
	}
	return all(ctx, s.core, webhooksPath, query, func(w *Webhook) any { return w.ID }, opts)
}

// webhooksPath is where webhooks are listed, though not where they are created.
const webhooksPath = "/users/me/webhooks"

// Delete removes a webhook.
func (s *WebhooksService) Delete(ctx context.Context, id string, opts ...CallOption) error {
	path, err := pathOf("webhooks", id)
	if err != nil {
		return err
	}
	return remove(ctx, s.core, path, opts)
}

// String names the webhook without its secret and its address.
func (w Webhook) String() string { return fmt.Sprintf("cloudconvert.Webhook(%s %s)", w.ID, w.Events) }

// Format prints the webhook as [Webhook.String] does, whatever the verb.
func (w Webhook) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, w.String()) // fmt collects and never fails
}

// LogValue is the webhook without its secret and its address.
func (w Webhook) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("id", w.ID),
		slog.Any("events", w.Events),
		slog.Bool("disabled", w.Disabled),
		slog.Bool("failing", w.Failing),
	)
}

// UnmarshalJSON reads a webhook. Only an answer that is none at all is an error.
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
		return errors.New("a webhook has no id")
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
