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
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// delivery returns a request as the service makes it.
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

func TestParseWebhookReadsTheWholeJob(t *testing.T) {
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

func TestParseWebhookNeedsEverySecret(t *testing.T) {
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

func TestParseWebhookOfARequestWithoutABody(t *testing.T) {
	t.Parallel()
	r := delivery(t, nil)
	r.Body = nil
	_, err := cloudconvert.ParseWebhook(r, webhookSecret)
	require.Error(t, err)
}

func TestWebhookHandlerAnswers(t *testing.T) {
	t.Parallel()
	const event = `{"event":"job.new","job":{"id":"1"}}`
	tests := map[string]struct {
		body    string
		change  func(*http.Request)
		result  error
		status  int
		handled bool
	}{
		"handled":                   {body: event, status: http.StatusNoContent, handled: true},
		"failed":                    {body: event, result: errors.New("s3cr3t"), status: http.StatusInternalServerError, handled: true},
		"failed as if not signed":   {body: event, result: cloudconvert.ErrNoSignature, status: http.StatusInternalServerError, handled: true},
		"a status of null":          {body: `{"event":"job.finished","job":{"id":"1","status":null}}`, status: http.StatusNoContent, handled: true},
		"JSON with a character set": {body: event, change: header("Content-Type", "Application/JSON; charset=utf-8"), status: http.StatusNoContent, handled: true},
		"an upper-case signature": {
			body: event, change: header("CloudConvert-Signature", strings.ToUpper(cloudconvert.SignWebhook([]byte(event), webhookSecret))),
			status: http.StatusNoContent, handled: true,
		},
		"not signed":        {body: event, change: header("CloudConvert-Signature", ""), status: http.StatusBadRequest},
		"signed wrongly":    {body: event, change: header("CloudConvert-Signature", "00"), status: http.StatusBadRequest},
		"no signature":      {body: event, change: header("CloudConvert-Signature", "nonsense"), status: http.StatusBadRequest},
		"bad and no JSON":   {body: "{", change: header("CloudConvert-Signature", "00"), status: http.StatusBadRequest},
		"GET":               {body: event, change: method(http.MethodGet), status: http.StatusMethodNotAllowed},
		"PUT":               {body: event, change: method(http.MethodPut), status: http.StatusMethodNotAllowed},
		"HEAD":              {body: event, change: method(http.MethodHead), status: http.StatusMethodNotAllowed},
		"no content type":   {body: event, change: header("Content-Type", ""), status: http.StatusUnsupportedMediaType},
		"a form":            {body: event, change: header("Content-Type", "application/x-www-form-urlencoded"), status: http.StatusUnsupportedMediaType},
		"text":              {body: event, change: header("Content-Type", "text/json"), status: http.StatusUnsupportedMediaType},
		"a nonsense type":   {body: event, change: header("Content-Type", ";;"), status: http.StatusUnsupportedMediaType},
		"signed nothing":    {body: "", status: http.StatusInternalServerError},
		"signed half":       {body: event[:20], status: http.StatusInternalServerError},
		"signed list":       {body: "[]", status: http.StatusInternalServerError},
		"signed null":       {body: "null", status: http.StatusInternalServerError},
		"no event":          {body: `{"job":{"id":"1"}}`, status: http.StatusInternalServerError},
		"no job":            {body: `{"event":"job.finished","job":null}`, status: http.StatusInternalServerError},
		"a job without id":  {body: `{"event":"job.finished","job":{}}`, status: http.StatusInternalServerError},
		"a lost connection": {body: event, change: brokenBody, status: http.StatusInternalServerError},
		"too long":          {body: `"` + strings.Repeat("x", 8<<20) + `"`, status: http.StatusRequestEntityTooLarge},
		"as long as may be": {
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

// The body must not be read further than is needed to know that it is too long.
func TestWebhookHandlerBoundsWhatItReads(t *testing.T) {
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

func TestWebhookHandlerContainsPanics(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		value  any
		logged bool
	}{
		"a text":            {"invented trouble", true},
		"an error":          {errors.New("invented trouble"), true},
		"an aborted answer": {http.ErrAbortHandler, false},
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
			assert.Equal(t, tt.logged, strings.Contains(logged.String(), "invented trouble"))
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

// Changing the slice of secrets afterwards must not open the door.
func TestWebhookHandlerKeepsItsSecrets(t *testing.T) {
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
