package cloudconvert_test

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

func TestRateLimit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status  int
		headers []string
		want    cloudconvert.RateLimit
		seen    bool
	}{
		"nothing":       {200, nil, cloudconvert.RateLimit{}, false},
		"both":          {200, []string{"X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "499"}, cloudconvert.RateLimit{Limit: 500, Remaining: 499}, true},
		"any case":      {200, []string{"x-ratelimit-limit", "500", "X-RATELIMIT-REMAINING", "0"}, cloudconvert.RateLimit{Limit: 500}, true},
		"limit alone":   {200, []string{"X-RateLimit-Limit", "500"}, cloudconvert.RateLimit{Limit: 500}, true},
		"rest alone":    {404, []string{"X-RateLimit-Remaining", "3"}, cloudconvert.RateLimit{Remaining: 3}, true},
		"refused":       {429, []string{"Retry-After", "60"}, cloudconvert.RateLimit{RetryAfter: time.Minute}, true},
		"refused, bare": {429, nil, cloudconvert.RateLimit{}, true},
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
				client, _ := newScriptedWith(t, []cloudconvert.Option{onlyOnce()}, says(c.status, `{}`, c.headers...))
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
		client, _ := newScripted(t,
			says(http.StatusOK, `{}`, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "9"),
			says(http.StatusOK, `{}`),
			says(http.StatusOK, `{}`, "X-RateLimit-Limit", "600", "X-RateLimit-Remaining", "8"))
		for _, want := range []int{9, 9, 8} {
			require.NoError(t, client.Do(t.Context(), http.MethodGet, "/jobs", nil, nil))
			limit, seen := client.RateLimit()
			require.True(t, seen)
			assert.Equal(t, want, limit.Remaining)
		}
	})
}

// A refusal is told as soon as it came, not when the call is over that waits for room.
func TestRateLimitOfARefusalThatIsWaitedOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := newScripted(t,
			says(http.StatusTooManyRequests, `{}`, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "0", "Retry-After", "60"),
			says(http.StatusCreated, runningJob))
		refused := cloudconvert.RateLimit{Limit: 500, RetryAfter: time.Minute, At: time.Now()}
		var creation sync.WaitGroup
		creation.Go(func() {
			_, err := client.Jobs.Create(t.Context(), textJob())
			assert.NoError(t, err)
		})
		synctest.Wait()
		limit, seen := client.RateLimit()
		assert.True(t, seen)
		assert.Equal(t, refused, limit)
		creation.Wait()
		limit, _ = client.RateLimit()
		assert.Equal(t, refused, limit, "the last answer said nothing")
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
		client, _ := newScriptedWith(t, []cloudconvert.Option{onlyOnce()}, says(status, `{}`,
			"X-RateLimit-Limit", limit, "X-RateLimit-Remaining", remaining, "Retry-After", retryAfter))
		_ = client.Do(t.Context(), http.MethodGet, "/jobs", nil, nil)
		seen, ok := client.RateLimit()
		require.GreaterOrEqual(t, seen.Limit, 0)
		require.GreaterOrEqual(t, seen.Remaining, 0)
		require.GreaterOrEqual(t, seen.RetryAfter, time.Duration(0))
		require.Equal(t, ok, !seen.At.IsZero())
	})
}

func TestRunGoesOnWhereItCanWaitForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := newScripted(t, says(http.StatusTooManyRequests, `{}`, "Retry-After", "60"), says(http.StatusCreated, endedJob))
		start := time.Now()
		job, err := client.Run(t.Context(), &cloudconvert.JobRequest{
			Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://example.com/a.txt"}},
		})
		require.NoError(t, err)
		assert.Equal(t, "job-1", job.ID)
		assert.Equal(t, []string{"POST https://sync.example.com/base/v2/jobs", "POST https://api.example.com/base/v2/jobs"}, script.urls())
		assert.JSONEq(t, script.bodies[0], script.bodies[1], "it is the same job")
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}
