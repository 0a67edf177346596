package cloudconvert_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// createMany creates the given number of jobs from 64 goroutines.
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
				assert.NoError(t, create(t.Context(), testkit.TextJob()))
			}
		})
	}
	workers.Wait()
}

func assertDistinctJobs(t *testing.T, server *cloudconverttest.Server, want int) {
	t.Helper()
	tags := map[string]bool{}
	for _, job := range server.Jobs() {
		tags[job.Tag] = true
	}
	assert.Equal(t, want, testkit.JobCount(server))
	assert.Len(t, tags, want, "each exactly once")
}

func TestTooManyJobsIsRetryable(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				testkit.RunJob(t, client)
				_, err := create(t.Context(), client, testkit.TextJob())
				require.ErrorIs(t, err, cloudconvert.ErrTooManyJobs)
				require.NotErrorIs(t, err, cloudconvert.ErrCreditsExceeded)
				assert.True(t, cloudconvert.IsRetryable(err))
				assert.Equal(t, 2, creations(server))
			}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(time.Second))
		})
	}
}

func TestQueueingDoesNotWaitForCredits(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				_, err := create(t.Context(), server.Client(), testkit.TextJob(), cloudconvert.WithQueueing())
				require.ErrorIs(t, err, cloudconvert.ErrCreditsExceeded)
				require.NotErrorIs(t, err, cloudconvert.ErrTooManyJobs)
				assert.False(t, cloudconvert.IsRetryable(err))
				assert.Equal(t, 1, creations(server), "nothing that waiting helps against")
			}, cloudconverttest.WithCredits(0))
		})
	}
}

func TestQueueingRefusesNoCreation(t *testing.T) {
	t.Parallel()
	for name, create := range jobCreators() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const parallel, jobs = 5, 50
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
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
				best := jobs / parallel * testkit.JobTime
				assert.Less(t, time.Since(start), best+best/10, "a job that ends makes room for the next at once")
				pauses := int(time.Since(start) / (7 * time.Second))
				assert.LessOrEqual(t, len(testkit.Refusals(server, http.StatusPaymentRequired)), 64+jobs+pauses, "one asks, not all")
			}, cloudconverttest.WithParallelJobs(parallel), cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// While no job is known to end, only one creation is retried, with growing pauses.
func TestQueueingRetriesOneCreationAtATime(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, other := server.Client(), server.Client()
		testkit.RunJob(t, other)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		failures := make(chan error, 20)
		start := time.Now()
		for range cap(failures) {
			go func() {
				_, err := client.Run(ctx, testkit.TextJob(), cloudconvert.WithQueueing())
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
		asked := testkit.Refusals(server, http.StatusPaymentRequired)
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

func TestQueueingContinuesWhenAJobEnds(t *testing.T) {
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
			testkit.Advance(testkit.JobTime)
			return client.Jobs.Delete(ctx, id)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				running := testkit.RunJob(t, client)
				var ended time.Time
				var other sync.WaitGroup
				other.Go(func() {
					err := end(t.Context(), client, running.ID)
					ended = time.Now()
					assert.NoError(t, err)
				})
				_, err := client.Jobs.Create(t.Context(), testkit.TextJob(), cloudconvert.WithQueueing())
				require.NoError(t, err)
				created := time.Now()
				other.Wait()
				assert.LessOrEqual(t, created.Sub(ended), time.Duration(0))
			}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestQueueingFindsJobsOfLostResponses(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		server.Inject(onCreation(cloudconverttest.After, cloudconverttest.Fault{Kind: cloudconverttest.Reset}))
		for i := range 3 {
			_, err := client.Jobs.Create(t.Context(), testkit.TextJob(), cloudconvert.WithQueueing())
			require.NoError(t, err, fmt.Sprint("job ", i))
		}
		assertDistinctJobs(t, server, 3)
	}, cloudconverttest.WithParallelJobs(1), cloudconverttest.WithTaskDuration(5*time.Second))
}
