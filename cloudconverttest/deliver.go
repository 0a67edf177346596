package cloudconverttest

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// deliveryTimeout bounds an attempt.
const deliveryTimeout = 30 * time.Second

// Delivery is an attempt to deliver a webhook.
type Delivery struct {
	Event string
	URL   string
	JobID string
	// Attempt is 1 for the first one.
	Attempt int
	// Body is the body that was sent, and Signature its signature. The latter is
	// empty for the webhook_url of a job, unless [WithJobWebhookSecret] is used.
	Body      []byte
	Signature string
	// Status is the status of the response, or 0 with an Err.
	Status int
	Err    error
	Time   time.Time
}

// Deliveries returns the attempts to deliver webhooks, the oldest first. Only
// the newest ones are kept, see [WithRequestLog].
func (s *Server) Deliveries() []Delivery { return s.deliveries.all() }

type deliveryLog struct {
	mu      sync.Mutex
	limit   int
	entries []Delivery
}

func (l *deliveryLog) add(d Delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) >= 2*l.limit+1 {
		l.entries = slices.Clone(l.entries[len(l.entries)-l.limit:])
	}
	l.entries = append(l.entries, d)
}

func (l *deliveryLog) all() []Delivery {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries[max(0, len(l.entries)-l.limit):])
}

type wireEvent struct {
	Event string   `json:"event"`
	Job   wire.Job `json:"job"`
}

// target is a receiver of an event.
type target struct {
	url    string
	secret string
	hook   *webhook // nil for the webhook_url of a job
}

// notify sends an event with the current state of a job to all webhooks and to the event
// socket.
func (s *Server) notify(event string, j *job) {
	s.emitJob(event, j)
	targets := s.targets(event, j)
	if len(targets) == 0 {
		return
	}
	shown, id := s.wireJob(j, true), j.id
	for _, to := range targets {
		s.spawn(func(ctx context.Context) {
			body, err := wire.Encode(wireEvent{event, shown})
			if err != nil {
				s.log.ErrorContext(ctx, "encode a webhook", "error", err)
				return
			}
			s.deliver(ctx, to, Delivery{Event: event, URL: to.url, JobID: id, Body: wire.EscapeSlashes(body)})
		})
	}
}

func (s *Server) targets(event string, j *job) []target {
	var targets []target
	for h := range s.webhooks.oldestFirst() {
		if !h.disabled && slices.Contains(h.events, event) {
			targets = append(targets, target{h.url, h.secret, h})
		}
	}
	if j.webhookURL != "" && event != "job.created" {
		targets = append(targets, target{j.webhookURL, s.cfg.jobWebhookSecret, nil})
	}
	return targets
}

// deliver retries until the receiver responds with success, or there are no attempts
// left.
func (s *Server) deliver(ctx context.Context, to target, d Delivery) {
	if to.secret != "" {
		d.Signature = signature.Sign([]byte(to.secret), string(d.Body))
	}
	for d.Attempt = 1; ; d.Attempt++ {
		d.Time = s.clock.Now()
		d.Status, d.Err = s.attempt(ctx, d)
		if ctx.Err() != nil {
			return
		}
		s.deliveries.add(d)
		again := d.Err != nil || d.Status >= http.StatusInternalServerError
		if !again || d.Attempt > len(s.cfg.webhookDelays) || s.take(ctx, s.cfg.webhookDelays[d.Attempt-1]) != nil || s.off(to) {
			s.delivered(to, d)
			return
		}
	}
}

func (s *Server) off(to target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return to.hook != nil && to.hook.disabled
}

// delivered records the result of the last delivery in the webhook.
func (s *Server) delivered(to target, d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if to.hook == nil {
		return
	}
	to.hook.failing = d.Err != nil || d.Status >= http.StatusMultipleChoices
	if d.Status == http.StatusGone {
		to.hook.disabled, to.hook.updated = true, s.clock.Now()
	}
}

func (s *Server) attempt(ctx context.Context, d Delivery) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, deliveryTimeout)
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
	resp, err := s.outbound.doOnce(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()                     // it was only read
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20)) // only the status matters
	return resp.StatusCode, nil
}
