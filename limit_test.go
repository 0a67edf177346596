package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// createMany creates so many jobs from 64 goroutines.
func createMany(t *testing.T, jobs int, create func(ctx context.Context, r *cloudconvert.JobRequest) error) {
	t.Helper()
	next := make(chan int, jobs)
	for i := range jobs {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range 64 {
		workers.Go(func() {
			for range next {
				assert.NoError(t, create(t.Context(), textJob()))
			}
		})
	}
	workers.Wait()
}

// refusals returns when requests were refused with a status.
func refusals(server *cloudconverttest.Server, status int) []time.Time {
	var times []time.Time
	for _, request := range server.Requests() {
		if request.Status == status {
			times = append(times, request.Time)
		}
	}
	return times
}

func assertDistinctJobs(t *testing.T, server *cloudconverttest.Server, want int) {
	t.Helper()
	tags := map[string]bool{}
	for _, job := range server.Jobs() {
		tags[job.Tag] = true
	}
	assert.Equal(t, want, jobCount(server))
	assert.Len(t, tags, want, "each exactly once")
}

// A window that is used up costs one refused request, not one for each goroutine.
func TestRateLimitOfManyGoroutines(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const limit, window, jobs = 60, time.Minute, 500
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				start := time.Now()
				createMany(t, jobs, func(ctx context.Context, r *cloudconvert.JobRequest) error {
					_, err := create(ctx, client, r)
					return err
				})
				assertDistinctJobs(t, server, jobs)
				assert.Less(t, time.Since(start), 10*window, "no window is left out")
				refused := refusals(server, http.StatusTooManyRequests)
				later := 0
				for _, at := range refused {
					if at.After(refused[0]) {
						later++
					}
				}
				assert.LessOrEqual(t, later, jobs/limit, "after the first refusal at most one for each window")
				assert.Less(t, len(refused)-later, 64, "those that were under way")
			}, cloudconverttest.WithRateLimit(limit, window), cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

func TestRateLimitLongerThanTheContext(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				runJob(t, client)
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				start := time.Now()
				for range 2 { // refused by the service, and by the limiter
					_, err := create(ctx, client, textJob())
					require.ErrorIs(t, err, cloudconvert.ErrRateLimited)
					require.NotErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
					assert.True(t, cloudconvert.IsRetryable(err))
				}
				assert.Zero(t, time.Since(start), "it does not wait in vain")
				assert.Equal(t, 1, jobCount(server))
				assert.LessOrEqual(t, creations(server), 3)
			}, cloudconverttest.WithRateLimit(1, time.Minute))
		})
	}
}

// Nor do those wait in vain who were in the queue when the service refused another one.
func TestRateLimitLongerThanTheContextsOfManyGoroutines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := newScripted(t, func(req *http.Request) (*http.Response, error) {
			advance(time.Second)
			return says(http.StatusTooManyRequests, "", "Retry-After", "60")(req)
		})
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		var creations sync.WaitGroup
		for range 64 {
			creations.Go(func() {
				_, err := client.Jobs.Create(ctx, textJob())
				limited := errors.Is(err, cloudconvert.ErrRateLimited) && !errors.Is(err, cloudconvert.ErrOutcomeUnknown)
				assert.True(t, limited && cloudconvert.IsRetryable(err), "%v", err)
			})
		}
		creations.Wait()
		assert.Equal(t, time.Second, time.Since(start))
		assert.Len(t, script.requests, 1, "one finds out for all")
	})
}

// Reads and waits go on while creations are held back.
func TestRateLimitHoldsOnlyCreationsBack(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := runJob(t, client)
		ctx, cancel := context.WithCancel(t.Context())
		var held sync.WaitGroup
		for range 3 {
			held.Go(func() {
				_, err := client.Jobs.Create(ctx, textJob())
				assert.ErrorIs(t, err, context.Canceled)
			})
		}
		advance(time.Second)
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Zero(t, time.Since(start))
		cancel()
		held.Wait()
		assert.Zero(t, time.Since(start))
		assert.Equal(t, 1, jobCount(server))
		limit, known := client.RateLimit()
		assert.True(t, known)
		assert.Equal(t, 1, limit.Limit)
	}, cloudconverttest.WithRateLimit(1, time.Hour))
}

// What the service limits is held back, and nothing else.
func TestRateLimitHoldsTasksBack(t *testing.T) {
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
			_, err := client.Jobs.Create(ctx, textJob())
			return err
		}, true},
		"Tasks.Create": {func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Tasks.Create(ctx, textTask)
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
				client, _ := newScriptedWith(t, []cloudconvert.Option{onlyOnce()},
					says(http.StatusTooManyRequests, "", "Retry-After", "60"), says(http.StatusOK, `{"data": {"id": "some"}}`))
				_, err := client.Jobs.Create(t.Context(), textJob())
				require.ErrorIs(t, err, cloudconvert.ErrRateLimited)
				start := time.Now()
				require.NoError(t, tt.call(t.Context(), client))
				assert.Equal(t, tt.held, time.Since(start) > 50*time.Second, "after %s", time.Since(start))
			})
		})
	}
}

func TestTooManyJobs(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				runJob(t, client)
				_, err := create(t.Context(), client, textJob())
				require.ErrorIs(t, err, cloudconvert.ErrTooManyJobs)
				require.NotErrorIs(t, err, cloudconvert.ErrCreditsExceeded)
				assert.True(t, cloudconvert.IsRetryable(err))
				assert.Equal(t, 2, creations(server))
			}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

func TestOutOfCredits(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				_, err := create(t.Context(), server.Client(), textJob(), cloudconvert.WithQueueing())
				require.ErrorIs(t, err, cloudconvert.ErrCreditsExceeded)
				require.NotErrorIs(t, err, cloudconvert.ErrTooManyJobs)
				assert.False(t, cloudconvert.IsRetryable(err))
				assert.Equal(t, 1, creations(server), "nothing that waiting helps against")
			}, cloudconverttest.WithCredits(0))
		})
	}
}

// Creations wait for room, and none of them is refused for good.
func TestQueueing(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const parallel, jobs = 5, 50
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				start := time.Now()
				createMany(t, jobs, func(ctx context.Context, r *cloudconvert.JobRequest) error {
					job, err := create(ctx, client, r, cloudconvert.WithQueueing())
					if err == nil {
						_, err = client.Jobs.Wait(ctx, job.ID)
					}
					return err
				})
				assertDistinctJobs(t, server, jobs)
				best := jobs / parallel * jobTime
				assert.Less(t, time.Since(start), best+best/10, "a job that ends makes room for the next at once")
				pauses := int(time.Since(start) / (7 * time.Second))
				assert.LessOrEqual(t, len(refusals(server, http.StatusPaymentRequired)), 64+jobs+pauses, "one asks, not all")
			}, cloudconverttest.WithParallelJobs(parallel), cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

// While nothing is known to end, one creation asks in growing pauses for all.
func TestQueueingAsksOneAtATime(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, other := server.Client(), server.Client()
		runJob(t, other)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		failures := make(chan error, 20)
		start := time.Now()
		for range cap(failures) {
			go func() {
				_, err := client.Run(ctx, textJob(), cloudconvert.WithQueueing())
				failures <- err
			}()
		}
		for range cap(failures) {
			err := <-failures
			require.ErrorIs(t, err, cloudconvert.ErrTooManyJobs)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NotErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
		}
		assert.Equal(t, 10*time.Minute, time.Since(start))
		asked := refusals(server, http.StatusPaymentRequired)
		atOnce := 0
		for _, at := range asked {
			if at.Equal(start) {
				atOnce++
			}
		}
		assert.LessOrEqual(t, atOnce, 2*20+1, "each tries the host that waits, and then this one")
		var longest time.Duration
		for i := atOnce; i < len(asked); i++ {
			longest = max(longest, asked[i].Sub(asked[i-1]))
		}
		assert.LessOrEqual(t, longest, 15*time.Second)
		assert.Greater(t, longest, 7*time.Second)
		assert.InDelta(t, 600/11, len(asked)-atOnce, 12)
	}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(time.Hour))
}

// What makes room for a job wakes the one that asks.
func TestQueueingIsWokenByTheEndOfAJob(t *testing.T) {
	t.Parallel()
	ends := map[string]func(ctx context.Context, client *cloudconvert.Client, id string) error{
		"wait": func(ctx context.Context, client *cloudconvert.Client, id string) error {
			_, err := client.Jobs.Wait(ctx, id)
			return err
		},
		"watch": func(ctx context.Context, client *cloudconvert.Client, id string) error {
			_, err := watchAll(ctx, client, id)
			return err
		},
		"delete": func(ctx context.Context, client *cloudconvert.Client, id string) error {
			advance(jobTime)
			return client.Jobs.Delete(ctx, id)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				running := runJob(t, client)
				var ended time.Time
				var other sync.WaitGroup
				other.Go(func() {
					err := end(t.Context(), client, running.ID)
					ended = time.Now()
					assert.NoError(t, err)
				})
				_, err := client.Jobs.Create(t.Context(), textJob(), cloudconvert.WithQueueing())
				require.NoError(t, err)
				created := time.Now()
				other.Wait()
				assert.LessOrEqual(t, created.Sub(ended), time.Duration(0))
			}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

func TestQueueingSettlesLostAnswers(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		server.Inject(onCreation(cloudconverttest.After, cloudconverttest.Fault{Kind: cloudconverttest.Reset}))
		for i := range 3 {
			_, err := client.Jobs.Create(t.Context(), textJob(), cloudconvert.WithQueueing())
			require.NoError(t, err, fmt.Sprint("job ", i))
		}
		assertDistinctJobs(t, server, 3)
	}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(5*time.Second))
}

// What is refused without a request says how long to wait, like what the service refuses.
func TestRefusalOfTheLimiterSaysHowLong(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, client *cloudconvert.Client) error{
		"create": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Jobs.Create(ctx, textJob())
			return err
		},
		"run": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Run(ctx, textJob())
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
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
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
				assert.Len(t, server.Requests(), 1, "one is enough to know")
			})
		})
	}
}
