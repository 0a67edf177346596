package otel

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/cloudconvert/cloudconvert-go"
)

const (
	kindKey   = attribute.Key("cloudconvert.kind")
	statusKey = attribute.Key("cloudconvert.status")
)

type metrics struct {
	duration metric.Float64Histogram
	jobs     metric.Int64Counter
	credits  metric.Int64Counter
	bytes    metric.Int64Counter
	retries  metric.Int64Counter
	refusals metric.Int64Counter
	counted  recentJobs
}

func newMetrics(meter metric.Meter) *metrics {
	counter := func(name, unit, description string) metric.Int64Counter {
		c, err := meter.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
		if err != nil {
			otel.Handle(err)
		}
		return c
	}
	duration, err := meter.Float64Histogram("cloudconvert.activity.duration",
		metric.WithUnit("s"), metric.WithDescription("Duration of the activities of a client."),
		metric.WithExplicitBucketBoundaries(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600))
	if err != nil {
		otel.Handle(err)
	}
	return &metrics{
		duration: duration,
		jobs:     counter("cloudconvert.jobs", "{job}", "Jobs that have ended."),
		credits:  counter("cloudconvert.credits", "{credit}", "Credits that the ended jobs have cost."),
		bytes:    counter("cloudconvert.bytes", "By", "Bytes uploaded and downloaded."),
		retries:  counter("cloudconvert.retries", "{retry}", "Attempts of a request or a transfer after its first."),
		refusals: counter("cloudconvert.refusals", "{response}", "Responses 402 and 429."),
		counted:  recentJobs{ids: map[string]bool{}},
	}
}

// record records an activity that has ended.
func (m *metrics) record(ctx context.Context, a cloudconvert.Activity, took time.Duration) {
	kind := kindKey.String(string(a.Kind))
	attrs := []attribute.KeyValue{kind}
	if a.Err != nil {
		attrs = append(attrs, semconv.ErrorTypeKey.String(errorType(a.Err)))
	}
	m.duration.Record(ctx, took.Seconds(), metric.WithAttributes(attrs...))
	// The response of CreateForURL does not have the id of the job, which ends only once.
	if a.TaskID == "" && a.Status.Terminal() && (a.JobID == "" || m.counted.add(a.JobID)) {
		m.jobs.Add(ctx, 1, metric.WithAttributes(statusKey.String(string(a.Status))))
		m.credits.Add(ctx, int64(a.Credits))
	}
	if a.Kind == cloudconvert.ActivityDownload || a.Kind == cloudconvert.ActivityUpload && a.Err == nil {
		m.bytes.Add(ctx, a.Bytes, metric.WithAttributes(kind))
	}
	if a.Attempts > 1 {
		m.retries.Add(ctx, int64(a.Attempts-1), metric.WithAttributes(kind))
	}
	if a.RateLimited > 0 {
		m.refusals.Add(ctx, int64(a.RateLimited), metric.WithAttributes(semconv.HTTPResponseStatusCode(http.StatusTooManyRequests)))
	}
	if a.StatusCode == http.StatusPaymentRequired {
		m.refusals.Add(ctx, 1, metric.WithAttributes(semconv.HTTPResponseStatusCode(a.StatusCode), semconv.ErrorTypeKey.String(errorType(a.Err))))
	}
}

// recentJobs is a set of the most recently added jobs. The client has an internal package
// for that, which may change with any version: this module must compile with later ones.
type recentJobs struct {
	mu    sync.Mutex
	ids   map[string]bool
	order []string // oldest first
}

// maxRecentJobs bounds the memory of the jobs that were counted.
const maxRecentJobs = 4096

// add adds a job and reports whether it was not in the set.
func (r *recentJobs) add(id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[id] {
		return false
	}
	if len(r.order) == maxRecentJobs {
		delete(r.ids, r.order[0])
		r.order = r.order[1:]
	}
	r.ids[id] = true
	r.order = append(r.order, id)
	return true
}
