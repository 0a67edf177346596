package webhook

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// timeout bounds an attempt.
const timeout = 30 * time.Second

// Delivery is an attempt to deliver an event. The public type of the same name describes
// the fields.
type Delivery struct {
	Event     string
	URL       string
	JobID     string
	Attempt   int
	Body      []byte
	Signature string
	Status    int
	Err       error
	Time      time.Time
}

type wireEvent struct {
	Event string   `json:"event"`
	Job   wire.Job `json:"job"`
}

// target is a receiver of an event.
type target struct {
	url    string
	secret string
	hook   *Hook // nil for the webhook_url of a job
}

// Notify sends an event with the current state of a job to all webhooks for it and to
// jobURL, the webhook_url of the job, which may be empty.
func (h *Hooks) Notify(event, jobID, jobURL string, job func() wire.Job) {
	targets := h.targets(event, jobURL)
	if len(targets) == 0 {
		return
	}
	shown := job()
	for _, to := range targets {
		h.cfg.Go(func(ctx context.Context) {
			body, err := wire.Encode(wireEvent{event, shown})
			if err != nil {
				h.cfg.Log.ErrorContext(ctx, "encode a webhook", "error", err)
				return
			}
			h.deliver(ctx, to, Delivery{Event: event, URL: to.url, JobID: jobID, Body: wire.EscapeSlashes(body)})
		})
	}
}

func (h *Hooks) targets(event, jobURL string) []target {
	h.mu.Lock()
	defer h.mu.Unlock()
	var targets []target
	for _, hook := range h.hooks {
		if !hook.Disabled && slices.Contains(hook.Events, event) {
			targets = append(targets, target{hook.URL, hook.Secret, hook})
		}
	}
	if jobURL != "" && event != "job.created" {
		targets = append(targets, target{jobURL, "", nil})
	}
	return targets
}

// deliver retries until the receiver responds with success, or there are no attempts
// left.
func (h *Hooks) deliver(ctx context.Context, to target, d Delivery) {
	if to.secret != "" {
		d.Signature = signature.Sign([]byte(to.secret), string(d.Body))
	}
	for d.Attempt = 1; ; d.Attempt++ {
		d.Time = h.cfg.Clock.Now()
		d.Status, d.Err = h.attempt(ctx, d)
		if ctx.Err() != nil {
			return
		}
		h.record(d)
		h.log(ctx, d)
		again := d.Err != nil || d.Status >= http.StatusInternalServerError
		if !again || d.Attempt > len(h.cfg.Delays) || sleep(ctx, h.cfg.Delays[d.Attempt-1]) != nil || h.off(to) {
			h.delivered(to, d)
			return
		}
	}
}

// log logs an attempt with the host of its URL, which may hold a secret.
func (h *Hooks) log(ctx context.Context, d Delivery) {
	attrs := []any{"job", d.JobID, "event", d.Event, "attempt", d.Attempt, "status", d.Status}
	if u, err := url.Parse(d.URL); err == nil {
		attrs = append(attrs, "host", u.Host)
	}
	if d.Err != nil {
		cause := d.Err
		if failed, ok := errors.AsType[*url.Error](cause); ok {
			cause = failed.Err
		}
		attrs = append(attrs, "error", cause)
	}
	h.cfg.Log.DebugContext(ctx, "webhook", attrs...)
}

func (h *Hooks) off(to target) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return to.hook != nil && to.hook.Disabled
}

// delivered records the result of the last delivery in the webhook.
func (h *Hooks) delivered(to target, d Delivery) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if to.hook == nil {
		return
	}
	to.hook.Failing = d.Err != nil || d.Status >= http.StatusMultipleChoices
	if d.Status == http.StatusGone {
		to.hook.Disabled, to.hook.Updated = true, h.cfg.Clock.Now()
	}
}

func (h *Hooks) attempt(ctx context.Context, d Delivery) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "CloudConvert")
	if d.Signature != "" {
		req.Header.Set("CloudConvert-Signature", d.Signature)
	}
	resp, err := h.cfg.Send(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()                     // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // only the status matters
	return resp.StatusCode, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
