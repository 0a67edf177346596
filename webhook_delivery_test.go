package cloudconvert_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// hook is a webhook that the sandbox delivers to.
type hook struct {
	server  *cloudconverttest.Server
	client  *cloudconvert.Client
	webhook *cloudconvert.Webhook
	handler atomic.Pointer[http.Handler]
}

// newHook registers a webhook whose deliveries go to the handler that use sets.
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

// run runs a job and returns the statuses that its deliveries were answered with.
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

func TestDeliveriesToTheHandler(t *testing.T) {
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
		"success":                   {"a.txt", flaky(0), nil, []int{204}},
		"failure of the job":        {"a.png", flaky(0), nil, []int{204}},
		"error, then success":       {"a.txt", flaky(1), nil, []int{500, 204}},
		"errors for ever":           {"a.txt", flaky(9), nil, []int{500, 500, 500, 500}},
		"error, remembered, repeat": {"a.txt", cloudconvert.OncePerEvent(flaky(1), 10), nil, []int{500, 204}},
		"wrong secret":              {"a.txt", flaky(0), func(string) []string { return []string{"a guess"} }, []int{400}},
		"rotation":                  {"a.txt", flaky(0), func(valid string) []string { return []string{"the new one", valid} }, []int{204}},
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

// A delivery that comes again after it was handled does not reach the function.
func TestRepeatedDelivery(t *testing.T) {
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
		if first { // the answer is lost: the service delivers again
			first = false
			return errors.New("lost")
		}
		return err
	}, h.webhook.SigningSecret)
	assert.Equal(t, []int{500, 204}, h.run(t, "a.png"))
	assert.Equal(t, int32(1), calls.Load())
}
