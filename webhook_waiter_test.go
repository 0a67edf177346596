package cloudconvert_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// jobAPI is an API with one job, whose status can be set.
type jobAPI struct {
	mu     sync.Mutex
	status cloudconvert.Status
	broken bool
	calls  []string
}

func (a *jobAPI) set(status cloudconvert.Status) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status = status
}

func (a *jobAPI) fail(broken bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.broken = broken
}

func (a *jobAPI) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.calls)
}

func (a *jobAPI) respond(r *http.Request) (int, string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, r.Method+" "+r.URL.Path)
	if a.broken {
		return http.StatusBadGateway, "<html>"
	}
	id := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	return http.StatusOK, `{"data": {"id": "` + id + `", "status": "` + string(a.status) + `", "tasks": [
		{"id": "1", "name": "in", "operation": "import/upload", "status": "waiting", "result": {"form": {"url": "https://example.com", "parameters": {}}}}
	]}}`
}

// waited is the result of a wait.
type waited struct {
	job   *cloudconvert.Job
	err   error
	after time.Duration
}

// clientWaiter is a waiter and its client.
type clientWaiter struct {
	*cloudconvert.WebhookWaiter

	client *cloudconvert.Client
}

func (w clientWaiter) wait(ctx context.Context, id string, opts ...cloudconvert.WaitOption) (*cloudconvert.Job, error) {
	return w.client.Jobs.Wait(ctx, id, append(opts, cloudconvert.WithSignal(w))...)
}

// awaitBubble runs a test in a synctest bubble with an API and a waiter for it.
func awaitBubble(t *testing.T, test func(t *testing.T, api *jobAPI, waiter clientWaiter)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		api := &jobAPI{status: cloudconvert.StatusProcessing}
		client := testkit.NewClient(t, api.respond)
		test(t, api, clientWaiter{client.Webhooks.NewWaiter(), client})
	})
}

// await starts a wait.
func await(ctx context.Context, waiter clientWaiter, id string, opts ...cloudconvert.WaitOption) <-chan waited {
	start := time.Now()
	result := make(chan waited, 1)
	go func() {
		job, err := waiter.wait(ctx, id, append(opts, cloudconvert.WithPendingUpload())...)
		result <- waited{job, err, time.Since(start)}
	}()
	return result
}

// elapse advances the time of a bubble.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestWebhookWaiterReturnsWhenTheEndIsDelivered(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		var results []<-chan waited
		for range 3 {
			results = append(results, await(t.Context(), waiter, "a"))
		}
		elapse(3 * time.Second)
		assert.Equal(t, 6, api.count(), "one read each at the beginning, and one after two seconds")
		api.set(cloudconvert.StatusFinished)
		require.NoError(t, waiter.Deliver(t.Context(), eventOf("b")))
		require.NoError(t, waiter.Deliver(t.Context(), &cloudconvert.WebhookEvent{
			Event: cloudconvert.EventJobCreated, Job: cloudconvert.Job{ID: "a"},
		}))
		elapse(time.Second)
		assert.Equal(t, 6, api.count(), "none of these events ends the job")
		require.NoError(t, waiter.Deliver(t.Context(), eventOf("a")))
		require.NoError(t, waiter.Deliver(t.Context(), eventOf("a")), "a repeat")
		for _, result := range results {
			got := <-result
			require.NoError(t, got.err)
			assert.Equal(t, cloudconvert.StatusFinished, got.job.Status)
			assert.Equal(t, 4*time.Second, got.after)
		}
		assert.Equal(t, 9, api.count(), "and one to confirm the end")
	})
}

func TestWebhookWaiterReturnsTheErrorOfTheJob(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		result := await(t.Context(), waiter, "a")
		elapse(time.Second)
		api.set(cloudconvert.StatusError)
		require.NoError(t, waiter.Deliver(t.Context(), &cloudconvert.WebhookEvent{
			Event: cloudconvert.EventJobFailed, Job: cloudconvert.Job{ID: "a"},
		}))
		got := <-result
		require.ErrorIs(t, got.err, cloudconvert.ErrJobFailed)
		assert.Equal(t, "a", got.job.ID)
		assert.Equal(t, time.Second, got.after)
	})
}

// A delivery could be replayed, so the job is read.
func TestWebhookWaiterDoesNotTrustEvents(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		result := await(t.Context(), waiter, "a")
		elapse(time.Second)
		event := eventOf("a")
		event.Job.Status = cloudconvert.StatusFinished
		require.NoError(t, waiter.Deliver(t.Context(), event))
		elapse(20 * time.Second)
		assert.Empty(t, result)
		assert.Greater(t, api.count(), 3, "after an event the job is read often")
		api.set(cloudconvert.StatusFinished)
		got := <-result
		require.NoError(t, got.err)
		assert.Less(t, got.after, 40*time.Second)
	})
}

func TestWebhookWaiterReturnsWithoutDelivery(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		result := await(t.Context(), waiter, "a")
		elapse(time.Hour)
		assert.LessOrEqual(t, api.count(), 130)
		api.set(cloudconvert.StatusFinished)
		elapse(time.Minute)
		require.NotEmpty(t, result)
		require.NoError(t, (<-result).err)
	})
}

func TestWebhookWaiterRemembersEarlierDeliveries(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		require.NoError(t, waiter.Deliver(t.Context(), eventOf("a")))
		// The API may be behind the delivery.
		result := await(t.Context(), waiter, "a")
		elapse(500 * time.Millisecond)
		api.set(cloudconvert.StatusFinished)
		got := <-result
		require.NoError(t, got.err)
		assert.Less(t, got.after, 5*time.Second)
	})
}

func TestWebhookWaiterReturnsEndedJobAtOnce(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		api.set(cloudconvert.StatusFinished)
		got := <-await(t.Context(), waiter, "a")
		require.NoError(t, got.err)
		assert.Zero(t, got.after)
		assert.Equal(t, 1, api.count())
	})
}

func TestWebhookWaiterEndsWithTheContext(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{2 * time.Second, 90 * time.Second} {
		t.Run(limit.String(), func(t *testing.T) {
			t.Parallel()
			awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), limit)
				defer cancel()
				got := <-await(ctx, waiter, "a", cloudconvert.WithDeleteOnCancel())
				failure := new(cloudconvert.WaitError)
				require.ErrorAs(t, got.err, &failure)
				require.ErrorIs(t, got.err, context.DeadlineExceeded)
				assert.Equal(t, "a", failure.ID)
				assert.Equal(t, cloudconvert.StatusProcessing, failure.Status)
				require.NotNil(t, got.job)
				assert.Equal(t, "a", got.job.ID)
				assert.Equal(t, limit, got.after)
				assert.Equal(t, "DELETE /v2/jobs/a", api.calls[len(api.calls)-1])
			})
		})
	}
}

func TestWebhookWaiterSurvivesServiceFailure(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		result := await(t.Context(), waiter, "a")
		elapse(time.Second)
		api.fail(true)
		require.NoError(t, waiter.Deliver(t.Context(), eventOf("a")))
		elapse(time.Minute)
		assert.Empty(t, result)
		api.fail(false)
		api.set(cloudconvert.StatusFinished)
		got := <-result
		require.NoError(t, got.err)
		assert.Less(t, got.after, 80*time.Second)
	})
}

func TestWebhookWaiterRefusesJobsThatNeverEnd(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, _ *jobAPI, waiter clientWaiter) {
		t.Helper()
		_, err := waiter.wait(t.Context(), "a")
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		_, err = waiter.wait(t.Context(), "..")
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	})
}

// Deliveries and waits come in any order.
func TestWebhookWaiterWaitsForManyJobs(t *testing.T) {
	t.Parallel()
	awaitBubble(t, func(t *testing.T, api *jobAPI, waiter clientWaiter) {
		t.Helper()
		var results []<-chan waited
		for i := range 200 {
			id := "job-" + string(rune('a'+i%26))
			if i%3 == 0 {
				go func() { assert.NoError(t, waiter.Deliver(t.Context(), eventOf(id))) }()
			}
			results = append(results, await(t.Context(), waiter, id))
		}
		elapse(time.Second)
		api.set(cloudconvert.StatusFinished)
		for _, result := range results {
			require.NoError(t, (<-result).err)
		}
	})
}
