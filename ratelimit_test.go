package cloudconvert_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		headers []string
		want    cloudconvert.RateLimit
		seen    bool
	}{
		"nothing":        {200, nil, cloudconvert.RateLimit{}, false},
		"both":           {200, []string{"X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "499"}, cloudconvert.RateLimit{Limit: 500, Remaining: 499}, true},
		"any case":       {200, []string{"x-ratelimit-limit", "500", "X-RATELIMIT-REMAINING", "0"}, cloudconvert.RateLimit{Limit: 500}, true},
		"only the limit": {200, []string{"X-RateLimit-Limit", "500"}, cloudconvert.RateLimit{Limit: 500}, true},
		"only the rest":  {404, []string{"X-RateLimit-Remaining", "3"}, cloudconvert.RateLimit{Remaining: 3}, true},
		"refused":        {429, []string{"Retry-After", "60"}, cloudconvert.RateLimit{RetryAfter: time.Minute}, true},
		"refused, bare":  {429, nil, cloudconvert.RateLimit{}, true},
		"refused, with all": {
			429,
			[]string{"Retry-After", "60", "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "0"},
			cloudconvert.RateLimit{Limit: 500, RetryAfter: time.Minute},
			true,
		},
		"refused, nonsense": {429, []string{"Retry-After", "-60"}, cloudconvert.RateLimit{}, true},
		"no refusal": {
			200, []string{"Retry-After", "60", "X-RateLimit-Limit", "500"}, cloudconvert.RateLimit{Limit: 500}, true,
		},
		"maintenance": {503, []string{"Retry-After", "60"}, cloudconvert.RateLimit{}, false},
		"negative":    {200, []string{"X-RateLimit-Limit", "-1"}, cloudconvert.RateLimit{}, false},
		"text":        {200, []string{"X-RateLimit-Limit", "many"}, cloudconvert.RateLimit{}, false},
		"fraction":    {200, []string{"X-RateLimit-Remaining", "1.5"}, cloudconvert.RateLimit{}, false},
		"too large":   {200, []string{"X-RateLimit-Limit", "99999999999"}, cloudconvert.RateLimit{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(c.status, `{}`, c.headers...))
				_, seen := client.RateLimit()
				require.False(t, seen)
				var response cloudconvert.Response
				_ = client.Do(t.Context(), http.MethodGet, "/jobs", nil, nil, cloudconvert.CaptureResponse(&response))
				if c.seen {
					c.want.At = time.Now()
				}
				got, seen := client.RateLimit()
				assert.Equal(t, c.seen, seen)
				assert.Equal(t, c.want, got)
				assert.Equal(t, c.want, response.RateLimit)
			})
		})
	}
}

func TestRateLimitIsTheLastOneSeen(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := testkit.NewScript(t,
			testkit.Says(http.StatusOK, `{}`, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "9"),
			testkit.Says(http.StatusOK, `{}`),
			testkit.Says(http.StatusOK, `{}`, "X-RateLimit-Limit", "600", "X-RateLimit-Remaining", "8"))
		for _, want := range []int{9, 9, 8} {
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/jobs", nil, nil))
			limit, seen := client.RateLimit()
			require.True(t, seen)
			assert.Equal(t, want, limit.Remaining)
		}
	})
}

// RateLimit returns the limit of a refusal while the refused call waits to retry.
func TestRateLimitIsKnownDuringRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := testkit.NewScript(t,
			testkit.Says(http.StatusTooManyRequests, `{}`, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "0", "Retry-After", "60"),
			testkit.Says(http.StatusCreated, testkit.RunningJob))
		refused := cloudconvert.RateLimit{Limit: 500, RetryAfter: time.Minute, At: time.Now()}
		var creation sync.WaitGroup
		creation.Go(func() {
			_, err := client.Jobs.Create(t.Context(), testkit.TextJob())
			assert.NoError(t, err)
		})
		synctest.Wait()
		limit, seen := client.RateLimit()
		assert.True(t, seen)
		assert.Equal(t, refused, limit)
		creation.Wait()
		limit, _ = client.RateLimit()
		assert.Equal(t, refused, limit, "the last response had no rate limit")
	})
}

func FuzzRateLimitHeaders(f *testing.F) {
	f.Add(200, "500", "499", "60")
	f.Add(429, "-1", "1e3", "Mon, 23 Nov 2026 12:00:30 GMT")
	f.Add(429, "99999999999999999999", "0x10", "NaN")
	f.Fuzz(func(t *testing.T, status int, limit, remaining, retryAfter string) {
		if status < 200 || status > 999 {
			return
		}
		client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(status, `{}`,
			"X-RateLimit-Limit", limit, "X-RateLimit-Remaining", remaining, "Retry-After", retryAfter))
		_ = client.Do(t.Context(), http.MethodGet, "/jobs", nil, nil)
		seen, ok := client.RateLimit()
		require.GreaterOrEqual(t, seen.Limit, 0)
		require.GreaterOrEqual(t, seen.Remaining, 0)
		require.GreaterOrEqual(t, seen.RetryAfter, time.Duration(0))
		require.Equal(t, ok, !seen.At.IsZero())
	})
}

func TestRunWaitsForRoomOnAPIHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := testkit.NewScript(t, testkit.Says(http.StatusTooManyRequests, `{}`, "Retry-After", "60"), testkit.Says(http.StatusCreated, testkit.EndedJob))
		start := time.Now()
		job, err := client.Run(t.Context(), &cloudconvert.JobRequest{
			Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://example.com/a.txt"}},
		})
		require.NoError(t, err)
		assert.Equal(t, "job-1", job.ID)
		assert.Equal(t, []string{"POST https://sync.example.com/base/v2/jobs", "POST https://api.example.com/base/v2/jobs"}, script.URLs())
		assert.JSONEq(t, script.Bodies[0], script.Bodies[1], "both requests have the same body")
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestRateLimitCostsOneRefusal(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit, window, jobs = 60, time.Minute, 500
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				start := time.Now()
				createMany(t, jobs, func(ctx context.Context, r *cloudconvert.JobRequest) error {
					_, err := create(ctx, client, r)
					return err
				})
				assertDistinctJobs(t, server, jobs)
				assert.Less(t, time.Since(start), 10*window, "no window is left out")
				refused := testkit.Refusals(server, http.StatusTooManyRequests)
				later := 0
				for _, at := range refused {
					if at.After(refused[0]) {
						later++
					}
				}
				assert.LessOrEqual(t, later, jobs/limit, "after the first refusal at most one for each window")
				assert.Less(t, len(refused)-later, 64, "requests that were in flight")
			}, cloudconverttest.WithRateLimit(limit, window), cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

func TestRateLimitLongerThanContextFailsAtOnce(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				testkit.RunJob(t, client)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				start := time.Now()
				for range 2 { // refused by the service, and by the limiter
					_, err := create(ctx, client, testkit.TextJob())
					require.ErrorIs(t, err, cloudconvert.ErrRateLimited)
					require.NotErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
					assert.True(t, cloudconvert.IsRetryable(err))
				}
				assert.Zero(t, time.Since(start), "it does not wait")
				assert.Equal(t, 1, testkit.JobCount(server))
				assert.LessOrEqual(t, creations(server), 3)
			}, cloudconverttest.WithRateLimit(1, time.Minute))
		})
	}
}

// Creations that are queued when the service refuses another one fail at once, too.
func TestRateLimitLongerThanContextFailsQueuedCreations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := testkit.NewScript(t, func(req *http.Request) (*http.Response, error) {
			testkit.Advance(time.Second)
			return testkit.Says(http.StatusTooManyRequests, "", "Retry-After", "60")(req)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		var creations sync.WaitGroup
		for range 64 {
			creations.Go(func() {
				_, err := client.Jobs.Create(ctx, testkit.TextJob())
				limited := errors.Is(err, cloudconvert.ErrRateLimited) && !errors.Is(err, cloudconvert.ErrOutcomeUnknown)
				assert.True(t, limited && cloudconvert.IsRetryable(err), "%v", err)
			})
		}
		creations.Wait()
		assert.Equal(t, time.Second, time.Since(start))
		assert.Len(t, script.Requests, 1, "only one is sent")
	})
}

func TestRateLimitDoesNotHoldReads(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
		ctx, cancel := context.WithCancel(t.Context())
		var held sync.WaitGroup
		for range 3 {
			held.Go(func() {
				_, err := client.Jobs.Create(ctx, testkit.TextJob())
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		testkit.Advance(time.Second)
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Zero(t, time.Since(start))
		cancel()
		held.Wait()
		assert.Zero(t, time.Since(start))
		assert.Equal(t, 1, testkit.JobCount(server))
		limit, known := client.RateLimit()
		assert.True(t, known)
		assert.Equal(t, 1, limit.Limit)
	}, cloudconverttest.WithRateLimit(1, time.Hour))
}

// The limiter holds back what the service limits, and nothing else.
func TestRateLimitHoldsCreationsOfJobsAndTasks(t *testing.T) {
	t.Parallel()
	post := func(path string) func(context.Context, *cloudconvert.Client) error {
		return func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Do(ctx, http.MethodPost, path, struct{}{}, nil)
		}
	}
	calls := map[string]struct {
		call func(ctx context.Context, client *cloudconvert.Client) error
		held bool
	}{
		"Jobs.Create": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Jobs.Create(ctx, testkit.TextJob())
			return err
		}, true},
		"Tasks.Create": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Tasks.Create(ctx, testkit.TextTask)
			return err
		}, true},
		"Tasks.Retry": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Tasks.Retry(ctx, "some-task")
			return err
		}, true},
		"Tasks.Cancel": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Tasks.Cancel(ctx, "some-task")
			return err
		}, false},
		"Tasks.Delete": {func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Tasks.Delete(ctx, "some-task")
		}, false},
		"Webhooks.Create": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{
				URL: "https://example.com/hook", Events: []cloudconvert.Event{cloudconvert.EventJobFinished},
			})
			return err
		}, false},
		"Do: a job":          {post("/jobs"), true},
		"Do: a task":         {post("/import/upload"), true},
		"Do: a retry":        {post("/tasks/some-task/retry"), true},
		"Do: a cancellation": {post("/tasks/some-task/cancel"), false},
		"Do: a webhook":      {post("/webhooks/"), false},
		"Do: a list": {func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Do(ctx, http.MethodGet, "/jobs", nil, nil)
		}, false},
	}
	for name, tt := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()},
					testkit.Says(http.StatusTooManyRequests, "", "Retry-After", "60"), testkit.Says(http.StatusOK, `{"data": {"id": "some"}}`))
				_, err := client.Jobs.Create(t.Context(), testkit.TextJob())
				require.ErrorIs(t, err, cloudconvert.ErrRateLimited)
				start := time.Now()
				require.NoError(t, tt.call(t.Context(), client))
				assert.Equal(t, tt.held, time.Since(start) > 50*time.Second, "after %s", time.Since(start))
			})
		})
	}
}

func TestLimiterRefusalHasRetryAfter(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, client *cloudconvert.Client) error{
		"create": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Jobs.Create(ctx, testkit.TextJob())
			return err
		},
		"run": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Run(ctx, testkit.TextJob())
			return err
		},
		"convert": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Convert(ctx, cloudconvert.FromBytes("a.txt", []byte("a")), "pdf")
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				server.Inject(cloudconverttest.Fault{Method: http.MethodPost, Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {"50"}}})
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				for range 2 {
					err := call(ctx, client)
					require.ErrorIs(t, err, cloudconvert.ErrRateLimited)
					var failure *cloudconvert.Error
					require.ErrorAs(t, err, &failure)
					assert.InDelta(t, 50, failure.RetryAfter.Seconds(), 2)
				}
				assert.Len(t, server.Requests(), 1, "only one is sent")
			})
		})
	}
}
