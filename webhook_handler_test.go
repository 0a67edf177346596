package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// delivery returns a signed request like those of the service.
func delivery(tb testing.TB, body []byte) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodPost, "/hook", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("CloudConvert-Signature", cloudconvert.SignWebhook(body, webhookSecret))
	return r
}

func TestParseWebhook(t *testing.T) {
	t.Parallel()
	for event, status := range map[string]cloudconvert.Status{
		"job.created": cloudconvert.StatusWaiting, "job.finished": cloudconvert.StatusFinished, "job.failed": cloudconvert.StatusError,
	} {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			got, err := cloudconvert.ParseWebhook(delivery(t, webhookBody(t, event)), "replaced", webhookSecret)
			require.NoError(t, err)
			assert.Equal(t, cloudconvert.Event(event), got.Event)
			assert.Equal(t, "7c0d1b44-3a52-4d0e-9d8f-6f5a5d1c2b3e", got.Job.ID)
			assert.Equal(t, status, got.Job.Status)
			assert.NotEmpty(t, got.Job.Tasks)
		})
	}
}

func TestParseWebhookDecodesWholeJob(t *testing.T) {
	t.Parallel()
	finished, err := cloudconvert.ParseWebhook(delivery(t, webhookBody(t, "job.finished")), webhookSecret)
	require.NoError(t, err)
	require.Len(t, finished.Job.Files(), 1)
	assert.Equal(t, "résumé.pdf", finished.Job.Files()[0].Filename)
	assert.Contains(t, finished.Job.Files()[0].URL, "https://eu-central.storage.cloudconvert.com/")

	created, err := cloudconvert.ParseWebhook(delivery(t, webhookBody(t, "job.created")), webhookSecret)
	require.NoError(t, err)
	require.Len(t, created.Job.Tasks, 1)
	assert.NotNil(t, created.Job.Tasks[0].Result.Form)
}

func TestParseWebhookRefusesEmptySecrets(t *testing.T) {
	t.Parallel()
	for _, secrets := range [][]string{nil, {""}, {webhookSecret, ""}} {
		_, err := cloudconvert.ParseWebhook(delivery(t, webhookBody(t, "job.finished")), secrets...)
		require.ErrorIs(t, err, cloudconvert.ErrNoSecret)
		_, err = cloudconvert.WebhookHandler(func(context.Context, *cloudconvert.WebhookEvent) error { return nil }, secrets...)
		require.ErrorIs(t, err, cloudconvert.ErrNoSecret)
	}
	_, err := cloudconvert.WebhookHandler(nil, webhookSecret)
	require.Error(t, err)
}

func TestParseWebhookRefusesRequestWithoutBody(t *testing.T) {
	t.Parallel()
	r := delivery(t, nil)
	r.Body = nil
	_, err := cloudconvert.ParseWebhook(r, webhookSecret)
	require.Error(t, err)
}

func TestWebhookHandlerStatuses(t *testing.T) {
	t.Parallel()
	const event = `{"event":"job.new","job":{"id":"1"}}`
	tests := map[string]struct {
		body    string
		change  func(*http.Request)
		result  error
		status  int
		handled bool
	}{
		"handled":                    {body: event, status: http.StatusNoContent, handled: true},
		"failed":                     {body: event, result: errors.New("s3cr3t"), status: http.StatusInternalServerError, handled: true},
		"failed with ErrNoSignature": {body: event, result: cloudconvert.ErrNoSignature, status: http.StatusInternalServerError, handled: true},
		"a status of null":           {body: `{"event":"job.finished","job":{"id":"1","status":null}}`, status: http.StatusNoContent, handled: true},
		"JSON with a character set":  {body: event, change: header("Content-Type", "Application/JSON; charset=utf-8"), status: http.StatusNoContent, handled: true},
		"an upper-case signature": {
			body: event, change: header("CloudConvert-Signature", strings.ToUpper(cloudconvert.SignWebhook([]byte(event), webhookSecret))),
			status: http.StatusNoContent, handled: true,
		},
		"not signed":                {body: event, change: header("CloudConvert-Signature", ""), status: http.StatusBadRequest},
		"wrong signature":           {body: event, change: header("CloudConvert-Signature", "00"), status: http.StatusBadRequest},
		"malformed signature":       {body: event, change: header("CloudConvert-Signature", "nonsense"), status: http.StatusBadRequest},
		"wrong signature, not JSON": {body: "{", change: header("CloudConvert-Signature", "00"), status: http.StatusBadRequest},
		"GET":                       {body: event, change: method(http.MethodGet), status: http.StatusMethodNotAllowed},
		"PUT":                       {body: event, change: method(http.MethodPut), status: http.StatusMethodNotAllowed},
		"HEAD":                      {body: event, change: method(http.MethodHead), status: http.StatusMethodNotAllowed},
		"no content type":           {body: event, change: header("Content-Type", ""), status: http.StatusUnsupportedMediaType},
		"a form":                    {body: event, change: header("Content-Type", "application/x-www-form-urlencoded"), status: http.StatusUnsupportedMediaType},
		"text":                      {body: event, change: header("Content-Type", "text/json"), status: http.StatusUnsupportedMediaType},
		"a malformed type":          {body: event, change: header("Content-Type", ";;"), status: http.StatusUnsupportedMediaType},
		"signed, empty":             {body: "", status: http.StatusInternalServerError},
		"signed, cut":               {body: event[:20], status: http.StatusInternalServerError},
		"signed list":               {body: "[]", status: http.StatusInternalServerError},
		"signed null":               {body: "null", status: http.StatusInternalServerError},
		"no event":                  {body: `{"job":{"id":"1"}}`, status: http.StatusInternalServerError},
		"no job":                    {body: `{"event":"job.finished","job":null}`, status: http.StatusInternalServerError},
		"a job without id":          {body: `{"event":"job.finished","job":{}}`, status: http.StatusInternalServerError},
		"a lost connection":         {body: event, change: brokenBody, status: http.StatusInternalServerError},
		"too large":                 {body: `"` + strings.Repeat("x", 8<<20) + `"`, status: http.StatusRequestEntityTooLarge},
		"of the maximum size": {
			body: event + strings.Repeat(" ", 8<<20-len(event)), status: http.StatusNoContent, handled: true,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := delivery(t, []byte(tt.body))
			if tt.change != nil {
				tt.change(r)
			}
			handled := false
			handler, err := cloudconvert.WebhookHandler(func(ctx context.Context, event *cloudconvert.WebhookEvent) error {
				handled = true
				assert.Equal(t, r.Context(), ctx)
				assert.Equal(t, "1", event.Job.ID)
				return tt.result
			}, webhookSecret)
			require.NoError(t, err)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			assert.Equal(t, tt.status, w.Code)
			assert.Equal(t, tt.handled, handled)
			assert.NotContains(t, w.Body.String(), "s3cr3t")
			assert.Equal(t, tt.status == http.StatusMethodNotAllowed, w.Header().Get("Allow") == http.MethodPost)
		})
	}
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func method(name string) func(*http.Request) {
	return func(r *http.Request) { r.Method = name }
}

func brokenBody(r *http.Request) {
	r.Body = io.NopCloser(iotest.TimeoutReader(iotest.OneByteReader(r.Body)))
}

// The handler stops reading when the body is too large.
func TestWebhookHandlerLimitsBody(t *testing.T) {
	t.Parallel()
	endless := &countingReader{}
	r := delivery(t, nil)
	r.Body = io.NopCloser(endless)
	_, err := cloudconvert.ParseWebhook(r, webhookSecret)
	require.Error(t, err)
	assert.LessOrEqual(t, endless.read, 16<<20)
}

type countingReader struct{ read int }

func (r *countingReader) Read(p []byte) (int, error) {
	r.read += len(p)
	return len(p), nil
}

func TestWebhookHandlerRecoversPanics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value  any
		logged bool
	}{
		"a text":              {"some failure", true},
		"an error":            {errors.New("some failure"), true},
		"an aborted response": {http.ErrAbortHandler, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, err := cloudconvert.WebhookHandler(func(context.Context, *cloudconvert.WebhookEvent) error {
				panic(tt.value) //nolint:forbidigo // what is tested
			}, webhookSecret)
			require.NoError(t, err)
			logged := &lockedBuffer{}
			server := httptest.NewUnstartedServer(handler)
			server.Config.ErrorLog = log.New(logged, "", 0)
			server.Start()
			t.Cleanup(server.Close)
			r := delivery(t, webhookBody(t, "job.finished"))
			sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, r.Body)
			require.NoError(t, err)
			sent.Header = r.Header
			resp, err := server.Client().Do(sent)
			require.NoError(t, err)
			defer resp.Body.Close()
			assert.Equal(t, http.StatusInternalServerError, resp.StatusCode)
			assert.Equal(t, tt.logged, strings.Contains(logged.String(), "some failure"))
			assert.Equal(t, tt.logged, strings.Contains(logged.String(), "webhook_handler_test.go"), "the log has the stack")
		})
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// Changing the slice of secrets later has no effect.
func TestWebhookHandlerCopiesSecrets(t *testing.T) {
	t.Parallel()
	secrets := []string{webhookSecret}
	handler, err := cloudconvert.WebhookHandler(func(context.Context, *cloudconvert.WebhookEvent) error { return nil }, secrets...)
	require.NoError(t, err)
	secrets[0] = ""
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, delivery(t, webhookBody(t, "job.finished")))
	assert.Equal(t, http.StatusNoContent, w.Code)
}

func FuzzParseWebhook(f *testing.F) {
	for _, event := range webhookFixtures {
		f.Add(webhookBody(f, event))
	}
	f.Add([]byte(`{"event":"job.finished","job":null}`))
	f.Add([]byte(`{"event":"","job":{"id":[]}}`))
	f.Add([]byte("null"))
	f.Fuzz(func(t *testing.T, body []byte) {
		event, err := cloudconvert.ParseWebhook(delivery(t, body), webhookSecret)
		if err != nil {
			assert.Nil(t, event)
			assert.NotErrorIs(t, err, cloudconvert.ErrSignatureMismatch)
			return
		}
		assert.NotEmpty(t, event.Event)
		assert.NotEmpty(t, event.Job.ID)
	})
}

// hook is a webhook of the local sandbox.
type hook struct {
	server  *cloudconverttest.Server
	client  *cloudconvert.Client
	webhook *cloudconvert.Webhook
	handler atomic.Pointer[http.Handler]
}

// newHook registers a webhook. Its deliveries go to the handler set by use.
func newHook(t *testing.T) *hook {
	t.Helper()
	h := &hook{server: cloudconverttest.NewServer(cloudconverttest.WithWebhookRetryDelays(time.Millisecond, time.Millisecond, time.Millisecond))}
	t.Cleanup(h.server.Close)
	public := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(*h.handler.Load()).ServeHTTP(w, r)
	}))
	t.Cleanup(public.Close)
	h.client = h.server.Client()
	var err error
	h.webhook, err = h.client.Webhooks.Create(t.Context(), cloudconvert.WebhookRequest{
		URL: public.URL, Events: []cloudconvert.Event{cloudconvert.EventJobFinished, cloudconvert.EventJobFailed},
	})
	require.NoError(t, err)
	return h
}

func (h *hook) use(t *testing.T, handle func(context.Context, *cloudconvert.WebhookEvent) error, secrets ...string) {
	t.Helper()
	handler, err := cloudconvert.WebhookHandler(handle, secrets...)
	require.NoError(t, err)
	h.handler.Store(&handler)
}

// run runs a job and returns the statuses of the responses to its deliveries.
func (h *hook) run(t *testing.T, input string) []int {
	t.Helper()
	_, err := h.client.Run(t.Context(), cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "text", Filename: input}, cloudconvert.Convert{OutputFormat: "jpg"}, cloudconvert.ExportURL{},
	))
	if err != nil {
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	}
	require.NoError(t, h.server.WaitIdle(t.Context()))
	var statuses []int
	for _, delivery := range h.server.Deliveries() {
		statuses = append(statuses, delivery.Status)
	}
	return statuses
}

func TestWebhookHandlerHandlesDeliveries(t *testing.T) {
	t.Parallel()
	flaky := func(failures int32) func(context.Context, *cloudconvert.WebhookEvent) error {
		var calls atomic.Int32
		return func(context.Context, *cloudconvert.WebhookEvent) error {
			if calls.Add(1) <= failures {
				return errors.New("the database is down")
			}
			return nil
		}
	}
	for name, c := range map[string]struct {
		input    string
		handle   func(context.Context, *cloudconvert.WebhookEvent) error
		secrets  func(valid string) []string
		statuses []int
	}{
		"success":                {"a.txt", flaky(0), nil, []int{204}},
		"failure of the job":     {"a.png", flaky(0), nil, []int{204}},
		"error, then success":    {"a.txt", flaky(1), nil, []int{500, 204}},
		"always errors":          {"a.txt", flaky(9), nil, []int{500, 500, 500, 500}},
		"error, success, repeat": {"a.txt", cloudconvert.OncePerEvent(flaky(1), 10), nil, []int{500, 204}},
		"wrong secret":           {"a.txt", flaky(0), func(string) []string { return []string{"a guess"} }, []int{400}},
		"rotation":               {"a.txt", flaky(0), func(valid string) []string { return []string{"the new one", valid} }, []int{204}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHook(t)
			h.server.HandleConvert("txt", "jpg", func(_ context.Context, run *cloudconverttest.Run) error {
				return run.Write("a.jpg", []byte("picture"))
			})
			secrets := []string{h.webhook.SigningSecret}
			if c.secrets != nil {
				secrets = c.secrets(secrets[0])
			}
			var events []cloudconvert.Event
			h.use(t, func(ctx context.Context, event *cloudconvert.WebhookEvent) error {
				events = append(events, event.Event)
				return c.handle(ctx, event)
			}, secrets...)
			assert.Equal(t, c.statuses, h.run(t, c.input))
			want := map[bool]cloudconvert.Event{true: cloudconvert.EventJobFailed, false: cloudconvert.EventJobFinished}[c.input == "a.png"]
			for _, event := range events {
				assert.Equal(t, want, event)
			}
			assert.Equal(t, c.statuses[0] == http.StatusBadRequest, len(events) == 0)
		})
	}
}

func TestWebhookHandlerDropsRepeatedDeliveries(t *testing.T) {
	t.Parallel()
	h := newHook(t)
	var calls atomic.Int32
	once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
		calls.Add(1)
		return nil
	}, 10)
	first := true
	h.use(t, func(ctx context.Context, event *cloudconvert.WebhookEvent) error {
		err := once(ctx, event)
		if first { // the response is lost, so the service retries
			first = false
			return errors.New("lost")
		}
		return err
	}, h.webhook.SigningSecret)
	assert.Equal(t, []int{500, 204}, h.run(t, "a.png"))
	assert.Equal(t, int32(1), calls.Load())
}
