package cloudconverttest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/webhook"
)

func TestWebhookEndpoints(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	create := func(url string) dict {
		return x.call(http.MethodPost, "/webhooks", dict{"url": url, "events": []string{"job.finished"}}).expect(http.StatusCreated).data()
	}
	first := create("https://example.com/a/b")
	assert.Len(t, first["signing_secret"], 32)
	assert.Equal(t, false, first["disabled"])
	assert.Equal(t, false, first["failing"])
	assert.Equal(t, []any{"job.finished"}, first["events"])
	assert.Equal(t, first["created_at"], first["updated_at"])
	second := create("https://example.com/c")
	all := x.call(http.MethodGet, "/users/me/webhooks", nil).expect(http.StatusOK).items()
	require.Len(t, all, 2)
	assert.Equal(t, first, all[1])
	some := x.call(http.MethodGet, "/users/me/webhooks?filter[url]=https://example.com/c", nil).expect(http.StatusOK).items()
	assert.Equal(t, []dict{second}, some)
	assert.Len(t, x.call(http.MethodGet, "/users/me/webhooks?per_page=1&page=2", nil).expect(http.StatusOK).items(), 1)
	x.call(http.MethodGet, "/users/me/webhooks?page=x", nil).wantInvalid("page", "The page must be an integer.")
	x.call(http.MethodDelete, "/webhooks/"+str(first["id"]), nil).expect(http.StatusNoContent)
	x.call(http.MethodDelete, "/webhooks/"+str(first["id"]), nil).expect(http.StatusNotFound)
	assert.Len(t, x.call(http.MethodGet, "/users/me/webhooks", nil).expect(http.StatusOK).items(), 1)

	for field, body := range map[string]dict{
		"url":    {"events": []string{"job.created"}},
		"events": {"url": "https://example.com"},
	} {
		x.call(http.MethodPost, "/webhooks", body).wantInvalid(field, "The "+field+" field is required.")
	}
	x.call(http.MethodPost, "/webhooks", dict{"url": "x", "events": []string{"job.created"}}).wantInvalid("url", "The url format is invalid.")
	for _, events := range []any{[]string{"task.created"}, []any{1}} {
		x.call(http.MethodPost, "/webhooks", dict{"url": "https://example.com", "events": events}).
			wantInvalid("events", "The selected events is invalid.")
	}
	x.call(http.MethodPost, "/webhooks", dict{"url": "https://example.com", "events": "job.created"}).
		wantInvalid("events", "The events must be an array.")
}

// event is a received delivery.
type event struct {
	signature string
	body      []byte
}

func (e event) content(t *testing.T) (name string, job dict) {
	t.Helper()
	var v struct {
		Event string `json:"event"`
		Job   dict   `json:"job"`
	}
	require.NoError(t, json.Unmarshal(e.body, &v))
	return v.Event, v.Job
}

func (e event) signedWith(secret string) bool {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write(e.body)
	return hex.EncodeToString(mac.Sum(nil)) == e.signature
}

func TestDeliveries(t *testing.T) {
	t.Parallel()
	events := make(chan event, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		events <- event{r.Header.Get("CloudConvert-Signature"), body}
	}))
	t.Cleanup(receiver.Close)
	x := newTester(t)
	hook := x.call(http.MethodPost, "/webhooks", dict{"url": receiver.URL, "events": webhook.Events}).expect(http.StatusCreated).data()

	job, task := x.uploading()
	e := <-events
	name, told := e.content(t)
	assert.Equal(t, "job.created", name)
	assert.Equal(t, job["id"], told["id"])
	assert.True(t, e.signedWith(str(hook["signing_secret"])))
	assert.Contains(t, string(e.body), `import\/upload`)
	assert.NotContains(t, string(e.body), "\n")
	_, fields := formOf(t, taskOf(t, told, "in"))
	assert.Len(t, fields, 8)

	x.upload(task, "a.txt", []byte("x")).expect(http.StatusCreated)
	name, told = (<-events).content(t)
	assert.Equal(t, "job.finished", name)
	assert.Equal(t, "finished", told["status"])
	assert.NotEmpty(t, filesOf(taskOf(t, told, "out"))[0]["url"])

	x.job(dict{"in": dict{"operation": "import/raw", "file": "x", "filename": "none"}}, dict{"webhook_url": receiver.URL})
	require.NoError(t, x.s.WaitIdle(t.Context()))
	unsigned := 0
	for range 3 {
		e := <-events
		name, _ = e.content(t)
		assert.Contains(t, []string{"job.created", "job.failed"}, name)
		if e.signature == "" {
			unsigned++
			assert.Equal(t, "job.failed", name)
		}
	}
	assert.Equal(t, 1, unsigned, "that of the job's webhook_url")
	seen := x.s.Deliveries()
	require.Len(t, seen, 5)
	assert.Equal(t, "job.created", seen[0].Event)
	assert.Equal(t, http.StatusOK, seen[0].Status)
	assert.Equal(t, 1, seen[0].Attempt)
	assert.Equal(t, e.signature, seen[0].Signature)

	x.call(http.MethodPost, "/jobs", dict{"tasks": quick, "webhook_url": "https://example.com/foreign"}).expect(http.StatusCreated)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestDeliveryRules checks which responses are retried, with pauses.
func TestDeliveryRules(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		statuses []int // 0 is a network error
		attempts int
		lasts    time.Duration
		failing  bool
		disabled bool
	}{
		"at once":         {[]int{200}, 1, 0, false, false},
		"created":         {[]int{204}, 1, 0, false, false},
		"second":          {[]int{500, 200}, 2, time.Minute, false, false},
		"network":         {[]int{0, 0, 0, 200}, 4, 111 * time.Minute, false, false},
		"never":           {[]int{503, 0, 500, 502}, 4, 111 * time.Minute, true, false},
		"client's fault":  {[]int{400}, 1, 0, true, false},
		"redirect":        {[]int{302}, 1, 0, true, false},
		"gone":            {[]int{410}, 1, 0, true, true},
		"gone in the end": {[]int{500, 410}, 2, time.Minute, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				rt := roundTrip(func(*http.Request) (*http.Response, error) {
					status := c.statuses[min(n, len(c.statuses)-1)]
					n++
					if status == 0 {
						return nil, errors.New("no network")
					}
					return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(nil))}, nil
				})
				s := NewServer(WithInProcess(), WithTransport(rt), WithWebhookRetryDelays(time.Minute, 10*time.Minute, 100*time.Minute))
				defer s.Close()
				x := &tester{t: t, s: s, key: s.Key()}
				hook := dict{"url": "https://example.com/hook", "events": []string{"job.finished"}}
				x.call(http.MethodPost, "/webhooks", hook).expect(http.StatusCreated)
				begin := time.Now()
				x.run(quick)
				require.NoError(t, s.WaitIdle(t.Context()))
				assert.Equal(t, c.lasts, time.Since(begin))
				assert.Len(t, s.Deliveries(), c.attempts)
				shown := x.call(http.MethodGet, "/users/me/webhooks", nil).items()[0]
				assert.Equal(t, c.failing, shown["failing"])
				assert.Equal(t, c.disabled, shown["disabled"])
				x.run(quick)
				require.NoError(t, s.WaitIdle(t.Context()))
				assert.Equal(t, c.disabled, len(s.Deliveries()) == c.attempts, "a disabled webhook gets no deliveries")
			})
		})
	}
}

func TestDeletedWebhookIsNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rt := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no network") })
		s := NewServer(WithInProcess(), WithTransport(rt), WithWebhookRetryDelays(time.Hour))
		defer s.Close()
		x := &tester{t: t, s: s, key: s.Key()}
		hook := x.call(http.MethodPost, "/webhooks", dict{"url": "https://example.com", "events": []string{"job.finished"}}).data()
		x.run(quick)
		synctest.Wait()
		x.call(http.MethodDelete, "/webhooks/"+str(hook["id"]), nil).expect(http.StatusNoContent)
		require.NoError(t, s.WaitIdle(t.Context()))
		assert.Len(t, s.Deliveries(), 1)
	})
}

func TestCloseStopsDeliveries(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithWebhookRetryDelays(time.Hour))
	x.run(quick, dict{"webhook_url": "http://127.0.0.1:1/unreachable"})
	x.s.Close()
	assert.LessOrEqual(t, len(x.s.Deliveries()), 1)
}

func TestWaitIdleEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess(), WithTaskDuration(time.Hour))
		defer s.Close()
		x := &tester{t: t, s: s, key: s.Key()}
		x.job(quick)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.Error(t, s.WaitIdle(ctx))
	})
}
