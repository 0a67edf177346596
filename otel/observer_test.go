package otel_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	otelapi "go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/otel"
)

// TestMain fails if a test leaves a goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a service and what was exported of its client.
type world struct {
	t      *testing.T
	server *cloudconverttest.Server
	client *cloudconvert.Client
	tracer *sdktrace.TracerProvider
	traces *tracetest.InMemoryExporter
	reader *metric.ManualReader
}

func newWorld(t *testing.T, opts ...cloudconverttest.Option) *world {
	t.Helper()
	w := &world{t: t, server: cloudconverttest.NewServer(opts...), traces: tracetest.NewInMemoryExporter(), reader: metric.NewManualReader()}
	t.Cleanup(w.server.Close)
	w.tracer = sdktrace.NewTracerProvider(sdktrace.WithSyncer(w.traces))
	w.client = w.server.Client(cloudconvert.WithObserver(otel.NewObserver(
		otel.WithTracerProvider(w.tracer),
		otel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(w.reader))),
	)))
	return w
}

// tree returns the names of the spans in the order of their starts, indented by their depth.
func (w *world) tree() string {
	spans := w.traces.GetSpans()
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var text strings.Builder
	var write func(parent trace.SpanID, indent string)
	write = func(parent trace.SpanID, indent string) {
		for _, span := range spans {
			if span.Parent.SpanID() == parent {
				fmt.Fprintf(&text, "%s%s\n", indent, strings.TrimPrefix(span.Name, "cloudconvert."))
				write(span.SpanContext.SpanID(), indent+"  ")
			}
		}
	}
	write(trace.SpanID{}, "")
	return text.String()
}

// spans returns the spans of a kind of activity.
func (w *world) spans(kind cloudconvert.ActivityKind) tracetest.SpanStubs {
	return slices.DeleteFunc(w.traces.GetSpans(), func(s tracetest.SpanStub) bool { return s.Name != "cloudconvert."+string(kind) })
}

// attributes returns the attributes of a span, without ids and times.
func attributes(span tracetest.SpanStub) map[string]any {
	attrs := map[string]any{}
	for _, attr := range span.Attributes {
		attrs[string(attr.Key)] = attr.Value.AsInterface()
	}
	return attrs
}

// metrics returns the values of all counters, and the counts of the histogram, such as
// cloudconvert.jobs{cloudconvert.status=finished}.
func (w *world) metrics() map[string]int64 {
	w.t.Helper()
	var collected metricdata.ResourceMetrics
	require.NoError(w.t, w.reader.Collect(w.t.Context(), &collected))
	values := map[string]int64{}
	add := func(name string, attrs attribute.Set, value int64) {
		text := attrs.Encoded(attribute.DefaultEncoder())
		values[strings.ReplaceAll(name+"{"+text+"}", "cloudconvert.", "")] = value
	}
	for _, scope := range collected.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, point := range data.DataPoints {
					add(m.Name, point.Attributes, point.Value)
				}
			case metricdata.Histogram[float64]:
				for _, point := range data.DataPoints {
					add(m.Name, point.Attributes, int64(point.Count))
				}
			default:
				assert.Fail(w.t, "unexpected metric", "%s: %T", m.Name, data)
			}
		}
	}
	return values
}

const photo = "../testdata/photo.png"

func textJob(name string) *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(cloudconvert.FromBytes(name, []byte("text")), cloudconvert.ExportURL{})
}

func TestSpansOfSmallFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dst := filepath.Join(t.TempDir(), "photo.jpg")
	_, err := w.client.ConvertFile(t.Context(), photo, dst)
	require.NoError(t, err)
	assert.Equal(t, "run\n  create\n    request\n  download\n", w.tree())

	job := w.server.Jobs()[0]
	result, err := os.Stat(dst)
	require.NoError(t, err)
	tasks := map[string]string{}
	for _, task := range job.Tasks {
		tasks[task.Operation] = task.ID
	}
	run, create := w.spans(cloudconvert.ActivityRun)[0], w.spans(cloudconvert.ActivityCreate)[0]
	request, download := w.spans(cloudconvert.ActivityRequest)[0], w.spans(cloudconvert.ActivityDownload)[0]
	assert.Equal(t, map[string]any{
		"cloudconvert.name": photo, "cloudconvert.job.id": job.ID, "cloudconvert.job.tag": job.Tag,
		"cloudconvert.operations": []string{"convert", "export/url"},
		"cloudconvert.status":     "finished", "cloudconvert.credits": int64(1),
	}, attributes(run))
	assert.Equal(t, map[string]any{
		"cloudconvert.job.id": job.ID, "cloudconvert.job.tag": job.Tag,
		"cloudconvert.operations": []string{"convert", "export/url", "import/base64"},
		"cloudconvert.status":     "finished", "cloudconvert.credits": int64(1),
	}, attributes(create))
	assert.Equal(t, map[string]any{
		"http.request.method": "POST", "url.path": "/v2/jobs", "http.response.status_code": int64(http.StatusCreated),
		"cloudconvert.attempts": int64(1),
	}, attributes(request))
	assert.Equal(t, map[string]any{
		"cloudconvert.name": "photo.jpg", "cloudconvert.task.id": tasks["export/url"],
		"cloudconvert.bytes": result.Size(), "cloudconvert.attempts": int64(1),
	}, attributes(download))
	kinds := []trace.SpanKind{run.SpanKind, create.SpanKind, request.SpanKind, download.SpanKind}
	assert.Equal(t, []trace.SpanKind{trace.SpanKindInternal, trace.SpanKindInternal, trace.SpanKindClient, trace.SpanKindClient}, kinds)
	assert.Equal(t, codes.Unset, run.Status.Code)

	assert.Equal(t, map[string]int64{
		"activity.duration{kind=run}": 1, "activity.duration{kind=create}": 1,
		"activity.duration{kind=request}": 1, "activity.duration{kind=download}": 1,
		"jobs{status=finished}": 1, "credits{}": 1, "bytes{kind=download}": result.Size(),
	}, w.metrics())
}

func TestSpansOfUploadedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.client.ConvertFile(t.Context(), photo, filepath.Join(t.TempDir(), "photo.jpg"), cloudconvert.WithInlineLimit(0))
	require.NoError(t, err)
	assert.Equal(t, "run\n  create\n    request\n  upload\n  wait\n    request\n  download\n", w.tree())
	upload := w.spans(cloudconvert.ActivityUpload)[0]
	source, err := os.Stat(photo)
	require.NoError(t, err)
	assert.Equal(t, source.Size(), attributes(upload)["cloudconvert.bytes"])
	assert.Equal(t, trace.SpanKindClient, upload.SpanKind)
	assert.Equal(t, source.Size(), w.metrics()["bytes{kind=upload}"])
	assert.EqualValues(t, 1, w.metrics()["jobs{status=finished}"])
}

func TestSpansOfBatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 30
	var works []cloudconvert.Work
	for i := range n {
		works = append(works, cloudconvert.Work{Request: cloudconvert.Pipeline(
			cloudconvert.FromBytes(fmt.Sprintf("%d.txt", i), []byte("text")), cloudconvert.Archive{OutputFormat: "zip"})})
	}
	ctx, batch := w.tracer.Tracer("test").Start(t.Context(), "batch")
	for result := range w.client.RunAll(ctx, slices.Values(works), cloudconvert.WithOutputDir(t.TempDir())) {
		require.NoError(t, result.Err)
	}
	batch.End()
	parents := map[trace.SpanID]tracetest.SpanStub{}
	for _, span := range w.traces.GetSpans() {
		parents[span.SpanContext.SpanID()] = span
	}
	for kind, parent := range map[cloudconvert.ActivityKind]string{
		cloudconvert.ActivityRun: "batch", cloudconvert.ActivityCreate: "cloudconvert.run", cloudconvert.ActivityDownload: "cloudconvert.run",
	} {
		spans := w.spans(kind)
		assert.Len(t, spans, n, kind)
		distinct := map[trace.SpanID]bool{}
		for _, span := range spans {
			assert.Equal(t, parent, parents[span.Parent.SpanID()].Name)
			distinct[span.Parent.SpanID()] = true
		}
		if kind != cloudconvert.ActivityRun {
			assert.Len(t, distinct, n, "each run has one %s", kind)
		}
	}
	assert.EqualValues(t, n, w.metrics()["jobs{status=finished}"])
	assert.EqualValues(t, n, w.metrics()["credits{}"])
}

func TestRefusedCreation(t *testing.T) {
	t.Parallel()
	w := newWorld(t, cloudconverttest.WithCredits(0))
	_, err := w.client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromFile(photo), cloudconvert.Convert{OutputFormat: "jpg"}))
	require.ErrorIs(t, err, cloudconvert.ErrCreditsExceeded)
	assert.Equal(t, "run\n  create\n    request\n", w.tree())
	for _, span := range w.traces.GetSpans() {
		assert.Equal(t, codes.Error, span.Status.Code, span.Name)
		assert.Contains(t, span.Status.Description, "402", span.Name)
		assert.Equal(t, "CREDITS_EXCEEDED", attributes(span)["error.type"], span.Name)
	}
	assert.Equal(t, map[string]int64{
		"activity.duration{kind=run,error.type=CREDITS_EXCEEDED}":             1,
		"activity.duration{kind=create,error.type=CREDITS_EXCEEDED}":          1,
		"activity.duration{kind=request,error.type=CREDITS_EXCEEDED}":         1,
		"refusals{error.type=CREDITS_EXCEEDED,http.response.status_code=402}": 1,
	}, w.metrics())
}

func TestRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, cloudconverttest.WithInProcess())
		w.server.Inject(cloudconverttest.Fault{Path: "/v2/users/me", Times: 2, Status: http.StatusTooManyRequests})
		w.server.Inject(cloudconverttest.Fault{Path: "/v2/users/me", Nth: 3, Status: http.StatusServiceUnavailable})
		w.server.Inject(cloudconverttest.Fault{Path: "/v2/users/me/webhooks", Nth: 1, Status: http.StatusTooManyRequests})
		w.server.Inject(cloudconverttest.Fault{Path: "storage:upload", Nth: 1, Kind: cloudconverttest.Reset})
		_, err := w.client.Users.Me(t.Context())
		require.NoError(t, err)
		_, err = w.client.Webhooks.List(t.Context(), cloudconvert.WebhookListOptions{})
		require.NoError(t, err)
		attrs := attributes(w.spans(cloudconvert.ActivityRequest)[0])
		assert.Equal(t, []any{int64(4), int64(http.StatusOK)}, []any{attrs["cloudconvert.attempts"], attrs["http.response.status_code"]})
		_, err = w.client.Run(t.Context(), textJob("a.txt"), cloudconvert.WithInlineLimit(0))
		require.NoError(t, err)
		metrics := w.metrics()
		assert.EqualValues(t, 3, metrics["refusals{http.response.status_code=429}"])
		assert.EqualValues(t, 4, metrics["retries{kind=request}"])
		assert.EqualValues(t, 1, metrics["retries{kind=upload}"])
		assert.EqualValues(t, 4, metrics["bytes{kind=upload}"])
	})
}

func TestFailedUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.Inject(cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden})
	_, err := w.client.Run(t.Context(), textJob("a.txt"), cloudconvert.WithInlineLimit(0))
	require.Error(t, err)
	assert.Equal(t, "403", attributes(w.spans(cloudconvert.ActivityUpload)[0])["error.type"])
	assert.NotContains(t, w.metrics(), "bytes{kind=upload}")
}

func TestFailedJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.server.HandleConvert("png", "jpg", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("OPEN_FAILED", "not an image")
	})
	_, err := w.client.Run(t.Context(), cloudconvert.Pipeline(cloudconvert.FromFile(photo), cloudconvert.Convert{OutputFormat: "jpg"}))
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	run := w.spans(cloudconvert.ActivityRun)[0]
	assert.Equal(t, codes.Error, run.Status.Code)
	assert.Equal(t, "OPEN_FAILED", run.Status.Description)
	assert.Equal(t, []any{"error", "OPEN_FAILED"}, []any{attributes(run)["cloudconvert.status"], attributes(run)["error.type"]})
	assert.EqualValues(t, 1, w.metrics()["jobs{status=error}"])
}

// A context that has ended must not lose the metrics of what it ended.
func TestCanceledRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	w.server.Handle("archive", func(ctx context.Context, _ *cloudconverttest.Run) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	_, err := w.client.Run(ctx, cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Archive{OutputFormat: "zip"}))
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "canceled", attributes(w.spans(cloudconvert.ActivityRun)[0])["error.type"])
	assert.EqualValues(t, 1, w.metrics()["activity.duration{kind=run,error.type=canceled}"])
}

// Several calls see the end of one job.
func TestJobCountsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	job, err := w.client.Start(t.Context(), cloudconvert.Pipeline(
		cloudconvert.FromBytes("a.txt", []byte("text")), cloudconvert.Archive{OutputFormat: "zip"}))
	require.NoError(t, err)
	for range 2 {
		_, err = w.client.Jobs.Wait(t.Context(), job.ID)
		require.NoError(t, err)
	}
	for _, task := range job.Tasks {
		_, err = w.client.Tasks.Wait(t.Context(), task.ID)
		require.NoError(t, err)
	}
	metrics := w.metrics()
	assert.EqualValues(t, 1, metrics["jobs{status=finished}"])
	assert.EqualValues(t, 1, metrics["credits{}"])
}

// The response of CreateForURL says that the job has finished, but not which one and what
// it cost.
func TestJobsOfCreateForURLAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 2 {
		_, err := w.client.Jobs.CreateForURL(t.Context(), cloudconvert.Pipeline(
			cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{}))
		require.NoError(t, err)
	}
	_, err := w.client.Jobs.ResultURL(t.Context(), w.server.Jobs()[0].ID)
	require.NoError(t, err)
	assert.Equal(t, map[string]int64{
		"activity.duration{kind=create}": 2, "activity.duration{kind=request}": 3, "jobs{status=finished}": 2, "credits{}": 0,
	}, w.metrics())
	for _, span := range w.traces.GetSpans() {
		assert.Equal(t, codes.Unset, span.Status.Code, span.Name)
	}
}

// tracedTransport is an instrumented transport.
type tracedTransport struct {
	http.RoundTripper

	tracer trace.Tracer
}

func (t tracedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx, span := t.tracer.Start(req.Context(), "http")
	defer span.End()
	return t.RoundTripper.RoundTrip(req.WithContext(ctx))
}

func TestSpansOfTransportNest(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	client, err := w.client.With(cloudconvert.WithHTTPClient(&http.Client{
		Transport: tracedTransport{w.server.HTTPClient().Transport, w.tracer.Tracer("http")},
	}))
	require.NoError(t, err)
	_, err = client.ConvertFile(t.Context(), photo, filepath.Join(t.TempDir(), "photo.jpg"), cloudconvert.WithInlineLimit(0))
	require.NoError(t, err)
	assert.Equal(t, "run\n  create\n    request\n      http\n  upload\n    http\n  wait\n    request\n      http\n  download\n    http\n", w.tree())
}

// What the global providers have exported. They are set once: OpenTelemetry passes only the
// first ones to observers that were made before.
var (
	globalTraces = tracetest.NewInMemoryExporter()
	globalReader = metric.NewManualReader()
	setGlobal    = sync.OnceFunc(func() {
		otelapi.SetTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(globalTraces)))
		otelapi.SetMeterProvider(metric.NewMeterProvider(metric.WithReader(globalReader)))
	})
)

// The providers may be set after the observer was made.
func TestDefaultsAreGlobalProviders(t *testing.T) { //nolint:paralleltest // it uses the global providers.
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	client := server.Client(cloudconvert.WithObserver(otel.NewObserver()))
	setGlobal()
	w := &world{t: t, reader: globalReader}
	before := w.metrics()["activity.duration{kind=request}"]
	globalTraces.Reset()
	_, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	require.Len(t, globalTraces.GetSpans(), 1)
	assert.Equal(t, "github.com/cloudconvert/cloudconvert-go/otel", globalTraces.GetSpans()[0].InstrumentationScope.Name)
	assert.Equal(t, before+1, w.metrics()["activity.duration{kind=request}"])
}

// sampler drops spans by their attributes.
type sampler func(attrs attribute.Set) bool

func (s sampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	if s(attribute.NewSet(p.Attributes...)) {
		return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.Drop}
}

func (sampler) Description() string { return "a function" }

func TestSamplersGetAttributes(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	traces := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(traces), sdktrace.WithSampler(sampler(func(attrs attribute.Set) bool {
		path, _ := attrs.Value("url.path")
		return path.AsString() != "/v2/users/me"
	})))
	client := server.Client(cloudconvert.WithObserver(otel.NewObserver(otel.WithTracerProvider(provider))))
	_, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	_, err = client.Webhooks.List(t.Context(), cloudconvert.WebhookListOptions{})
	require.NoError(t, err)
	require.Len(t, traces.GetSpans(), 1)
	assert.Equal(t, "/v2/users/me/webhooks", attributes(traces.GetSpans()[0])["url.path"])
}

// The buckets distinguish requests, and jobs of minutes.
func TestBucketsOfDurations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader := metric.NewManualReader()
		observe := otel.NewObserver(otel.WithMeterProvider(metric.NewMeterProvider(metric.WithReader(reader))))
		durations := []time.Duration{80 * time.Millisecond, 400 * time.Millisecond, 3 * time.Second, 20 * time.Second, 4 * time.Minute, 20 * time.Minute}
		for _, took := range durations {
			_, end := observe(t.Context(), cloudconvert.Activity{Kind: cloudconvert.ActivityRun})
			time.Sleep(took) //nolint:forbidigo // in a bubble
			end(cloudconvert.Activity{Kind: cloudconvert.ActivityRun})
		}
		var collected metricdata.ResourceMetrics
		require.NoError(t, reader.Collect(t.Context(), &collected))
		data, ok := collected.ScopeMetrics[0].Metrics[0].Data.(metricdata.Histogram[float64])
		require.True(t, ok)
		used := slices.DeleteFunc(data.DataPoints[0].BucketCounts, func(n uint64) bool { return n == 0 })
		assert.Len(t, used, len(durations))
	})
}

func TestErrorTypes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, invalid := w.client.Jobs.Get(t.Context(), "")
	for _, c := range []struct {
		want string
		err  error
	}{
		{"canceled", errors.Join(&cloudconvert.Error{}, context.Canceled)},
		{"timeout", fmt.Errorf("stopped: %w", context.DeadlineExceeded)},
		{"OPEN_FAILED", &cloudconvert.JobError{Job: &cloudconvert.Job{}, Tasks: []*cloudconvert.TaskError{{Code: cloudconvert.CodeOpenFailed}}}},
		{"INVALID_DATA", &cloudconvert.Error{Code: cloudconvert.CodeInvalidData, StatusCode: http.StatusUnprocessableEntity}},
		{"503", &cloudconvert.Error{StatusCode: http.StatusServiceUnavailable}},
		{"422", &cloudconvert.Error{Code: "CODE_1", StatusCode: http.StatusUnprocessableEntity}},
		{"422", &cloudconvert.Error{Code: cloudconvert.Code(strings.Repeat("A", 65)), StatusCode: http.StatusUnprocessableEntity}},
		{"job_failed", &cloudconvert.JobError{Job: &cloudconvert.Job{}, Tasks: []*cloudconvert.TaskError{{Code: "cannot open s3cr3t"}}}},
		{"invalid_response", &cloudconvert.Error{StatusCode: http.StatusOK}},
		{"no_response", &cloudconvert.Error{}},
		{"job_failed", &cloudconvert.JobError{Job: &cloudconvert.Job{}}},
		{"invalid_request", invalid},
		{"unsaved", &cloudconvert.UnsavedError{}},
		{"_OTHER", errors.New("something else")},
	} {
		traces := tracetest.NewInMemoryExporter()
		observe := otel.NewObserver(otel.WithTracerProvider(sdktrace.NewTracerProvider(sdktrace.WithSyncer(traces))))
		_, end := observe(t.Context(), cloudconvert.Activity{Kind: cloudconvert.ActivityRun})
		end(cloudconvert.Activity{Kind: cloudconvert.ActivityRun, Err: c.err})
		assert.Equal(t, c.want, attributes(traces.GetSpans()[0])["error.type"])
	}
}
