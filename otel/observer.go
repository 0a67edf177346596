// Package otel reports what a CloudConvert client does to OpenTelemetry:
//
//	client, err := cloudconvert.NewClientFromEnv(cloudconvert.WithObserver(otel.NewObserver()))
//
// # Traces
//
// Each [cloudconvert.Activity] is a span named after its kind. Those of a file that is
// uploaded and converted:
//
//	cloudconvert.run
//	  cloudconvert.create
//	    cloudconvert.request
//	  cloudconvert.upload
//	  cloudconvert.wait
//	    cloudconvert.request
//	  cloudconvert.download
//
// Requests, uploads and downloads are of the kind client, and each includes all attempts.
// The other spans are internal. A span has the attributes that are known, and a sampler gets
// those that are known when the span starts:
//
//	cloudconvert.name          of the work, or of the file that is transferred
//	cloudconvert.job.id
//	cloudconvert.job.tag       or the key of cloudconvert.WithKey
//	cloudconvert.task.id
//	cloudconvert.operations    of the tasks of the job
//	cloudconvert.status        of the job or the task
//	cloudconvert.credits       that the job has cost
//	cloudconvert.bytes         of the upload or the download
//	cloudconvert.attempts      of the request, the upload or the download
//	http.request.method        of the request, with url.path and http.response.status_code
//	error.type                 if there was an error, which is the description of the status
//
// No span has the API key, the query of a URL, a header or a body. Of a job that failed, the
// description is only the code, because the message may quote the parameters of a task.
//
// # Metrics
//
//	cloudconvert.activity.duration  seconds, by cloudconvert.kind and error.type
//	cloudconvert.jobs               jobs that have ended, by cloudconvert.status
//	cloudconvert.credits            credits that these jobs have cost
//	cloudconvert.bytes              bytes uploaded and downloaded, by cloudconvert.kind
//	cloudconvert.retries            attempts of a request or a transfer after its first, by
//	                                cloudconvert.kind
//	cloudconvert.refusals           responses 402 and 429, by http.response.status_code,
//	                                and by error.type for the causes of a 402
//
// A job is counted once, when a run, a creation or a wait has seen its end, unless 4096 other
// jobs were counted in between. Another process counts it too if it finds the job under the
// same key, see cloudconvert.WithKey. A job that the process does not wait for, because a
// webhook reports its end for example, is not counted. Credits do not include jobs of
// CreateForURL whose cost is not in the response. Bytes do not include files that are sent
// within the request that creates the job. Retries do not include requests that a wait or a
// batch repeats, or that follow on the other host: each has its own span. Metrics have no
// ids, names or paths.
//
// The value of error.type is canceled or timeout if the context has ended. Otherwise it is
// the code of the service, such as CREDITS_EXCEEDED, or the status without a valid one, such
// as 503. Other errors are no_response, invalid_response, invalid_request, job_failed,
// unsaved and _OTHER.
package otel

import (
	"context"
	"errors"
	"regexp"
	"strconv"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/cloudconvert/cloudconvert-go"
)

// scope is the name of the tracer and the meter.
const scope = "github.com/cloudconvert/cloudconvert-go/otel"

// An Option configures [NewObserver].
type Option func(*config)

type config struct {
	tracers trace.TracerProvider
	meters  metric.MeterProvider
}

// WithTracerProvider sets the provider for traces. The default is the global one.
func WithTracerProvider(provider trace.TracerProvider) Option {
	return func(c *config) { c.tracers = provider }
}

// WithMeterProvider sets the provider for metrics. The default is the global one.
func WithMeterProvider(provider metric.MeterProvider) Option {
	return func(c *config) { c.meters = provider }
}

// NewObserver returns an observer for [cloudconvert.WithObserver]. Several clients may
// share it.
//
// The requests of an activity carry its span in their context, so that the spans of an
// instrumented transport nest under it. Such a transport sees the URLs of files, which are
// secrets, see [cloudconvert.WithHTTPClient].
func NewObserver(opts ...Option) cloudconvert.Observer {
	c := config{tracers: otel.GetTracerProvider(), meters: otel.GetMeterProvider()}
	for _, opt := range opts {
		opt(&c)
	}
	tracer := c.tracers.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))
	metrics := newMetrics(c.meters.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL)))
	return func(ctx context.Context, begun cloudconvert.Activity) (context.Context, func(cloudconvert.Activity)) {
		start := time.Now()
		ctx, span := tracer.Start(ctx, "cloudconvert."+string(begun.Kind),
			trace.WithSpanKind(spanKind(begun.Kind)), trace.WithAttributes(spanAttributes(begun)...))
		return ctx, func(ended cloudconvert.Activity) {
			metrics.record(ctx, ended, time.Since(start))
			endSpan(span, ended)
		}
	}
}

func spanKind(kind cloudconvert.ActivityKind) trace.SpanKind {
	switch kind {
	case cloudconvert.ActivityRequest, cloudconvert.ActivityUpload, cloudconvert.ActivityDownload:
		return trace.SpanKindClient
	default:
		return trace.SpanKindInternal
	}
}

func endSpan(span trace.Span, a cloudconvert.Activity) {
	span.SetAttributes(spanAttributes(a)...)
	if a.Err != nil {
		span.SetAttributes(semconv.ErrorTypeKey.String(errorType(a.Err)))
		span.SetStatus(codes.Error, description(a.Err))
	}
	span.End()
}

// description returns the text of an error for a span. The message of a failed task may
// quote the parameters of the task, such as a password.
func description(err error) string {
	if errors.Is(err, cloudconvert.ErrJobFailed) {
		return errorType(err)
	}
	return err.Error()
}

// spanAttributes returns what is known of an activity.
func spanAttributes(a cloudconvert.Activity) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	add := func(isKnown bool, attr attribute.KeyValue) {
		if isKnown {
			attrs = append(attrs, attr)
		}
	}
	var operations []string
	for _, operation := range a.Operations {
		operations = append(operations, string(operation))
	}
	add(a.Name != "", attribute.String("cloudconvert.name", a.Name))
	add(a.JobID != "", attribute.String("cloudconvert.job.id", a.JobID))
	add(a.Tag != "", attribute.String("cloudconvert.job.tag", a.Tag))
	add(a.TaskID != "", attribute.String("cloudconvert.task.id", a.TaskID))
	add(len(operations) > 0, attribute.StringSlice("cloudconvert.operations", operations))
	add(a.Status != "", statusKey.String(string(a.Status)))
	add(a.Credits != 0, attribute.Int("cloudconvert.credits", a.Credits))
	add(a.Bytes != 0, attribute.Int64("cloudconvert.bytes", a.Bytes))
	add(a.Attempts != 0, attribute.Int("cloudconvert.attempts", a.Attempts))
	add(a.Method != "", semconv.HTTPRequestMethodKey.String(a.Method))
	add(a.Path != "", semconv.URLPath(a.Path))
	add(a.StatusCode != 0, semconv.HTTPResponseStatusCode(a.StatusCode))
	return attrs
}

// code matches a code of the service. Other texts would make a time series each.
var code = regexp.MustCompile(`^[A-Z][A-Z_]{0,63}$`)

func isCode(c cloudconvert.Code) bool { return code.MatchString(string(c)) }

// errorType returns the value of error.type.
func errorType(err error) string {
	task, isTask := errors.AsType[*cloudconvert.TaskError](err)
	request, isRequest := errors.AsType[*cloudconvert.Error](err)
	_, isUnsaved := errors.AsType[*cloudconvert.UnsavedError](err)
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case isTask && isCode(task.Code):
		return string(task.Code)
	case isRequest && isCode(request.Code):
		return string(request.Code)
	case isRequest && request.StatusCode >= 300:
		return strconv.Itoa(request.StatusCode)
	case isRequest && request.StatusCode != 0:
		return "invalid_response"
	case isRequest:
		return "no_response"
	case errors.Is(err, cloudconvert.ErrJobFailed):
		return "job_failed"
	case errors.Is(err, cloudconvert.ErrInvalid):
		return "invalid_request"
	case isUnsaved:
		return "unsaved"
	default:
		return "_OTHER"
	}
}
