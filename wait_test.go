package cloudconvert_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// runJob creates a job, which takes some time.
func runJob(t *testing.T, client *cloudconvert.Client) *cloudconvert.Job {
	t.Helper()
	job, err := client.Jobs.Create(t.Context(), textJob())
	require.NoError(t, err)
	return job
}

// uploadJob creates a job that waits for a file.
func uploadJob(t *testing.T, client *cloudconvert.Client) (*cloudconvert.Job, cloudconvert.Task) {
	t.Helper()
	job, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	task, found := job.Task("import-upload")
	require.True(t, found)
	return job, task
}

// taskTime is how long a task takes in these tests, and jobTime their jobs of two.
const (
	taskTime = 100 * time.Second
	jobTime  = 2 * taskTime
)

func TestWaitSurvives(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{
		"nothing":     {Status: http.StatusTeapot, Nth: 1_000_000},
		"reset":       {Kind: cloudconverttest.Reset},
		"lost":        {Kind: cloudconverttest.Reset, Phase: cloudconverttest.After},
		"cut":         {Kind: cloudconverttest.Truncate},
		"half":        {Kind: cloudconverttest.WrongLength},
		"garbage":     {Kind: cloudconverttest.Garbage},
		"empty":       {Kind: cloudconverttest.Garbage, Body: " "},
		"never":       {Kind: cloudconverttest.Stall},
		"trickle":     {Kind: cloudconverttest.Slow, Phase: cloudconverttest.During, Bytes: 1, Delay: time.Second},
		"not ended":   {Kind: cloudconverttest.Garbage, Body: `{"data": {"id": "job", "status": "processing"}}`},
		"new status":  {Kind: cloudconverttest.Garbage, Body: `{"data": {"id": "job", "status": "dreaming"}}`},
		"another job": {Kind: cloudconverttest.Garbage, Body: `{"data": {"id": "job", "status": "finished"}}`},
		"not there":   {Status: http.StatusNotFound, Code: "NOT_FOUND"},
		"no entrance": {Status: http.StatusUnauthorized, Code: "UNAUTHENTICATED"},
	}
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		faults[http.StatusText(status)] = cloudconverttest.Fault{Status: status}
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				fault.Role, fault.Times = cloudconverttest.RoleSync, 2
				server.Inject(fault)
				client := server.Client()
				start := time.Now()
				created := runJob(t, client)
				job, err := client.Jobs.Wait(t.Context(), created.ID)
				require.NoError(t, err)
				assert.Equal(t, created.ID, job.ID)
				assert.Equal(t, cloudconvert.StatusFinished, job.Status)
				assert.Len(t, job.Files(), 1)
				assert.GreaterOrEqual(t, time.Since(start), jobTime)
				assert.Less(t, time.Since(start), jobTime+15*time.Second)
				assert.Equal(t, 1, jobCount(server))
			}, cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

// Trouble of the host that tells the state is nothing that ends a wait, even at its beginning.
func TestWaitBeginsInTrouble(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{
		"reset":   {Kind: cloudconverttest.Reset},
		"garbage": {Kind: cloudconverttest.Garbage},
		"never":   {Kind: cloudconverttest.Stall},
		"502":     {Status: http.StatusBadGateway},
		"429":     {Status: http.StatusTooManyRequests},
		"418":     {Status: http.StatusTeapot},
		"302":     {Status: http.StatusFound},
		"101":     {Status: http.StatusSwitchingProtocols},
		"other":   {Kind: cloudconverttest.Garbage, Body: `{"data": {"id": "other", "status": "finished", "tasks": []}}`},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created := runJob(t, client)
				fault.Role = cloudconverttest.RoleAPI
				server.Inject(fault) // until the end: the other host knows
				_, err := client.Jobs.Wait(t.Context(), created.ID)
				require.NoError(t, err)
			}, cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

// What ends a wait is what the host says that tells the state.
func TestWaitEnds(t *testing.T) {
	t.Parallel()
	for status, sentinel := range map[int]error{
		http.StatusNotFound:     cloudconvert.ErrNotFound,
		http.StatusUnauthorized: cloudconvert.ErrUnauthorized,
		http.StatusForbidden:    cloudconvert.ErrForbidden,
	} {
		for name, nth := range map[string]int{"at once": 1, "later": 2} {
			t.Run(http.StatusText(status)+"/"+name, func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					client := server.Client()
					created := runJob(t, client)
					server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleSync, Kind: cloudconverttest.Reset})
					server.Inject(cloudconverttest.Fault{Status: status, Role: cloudconverttest.RoleAPI, Nth: nth})
					start := time.Now()
					_, err := client.Jobs.Wait(t.Context(), created.ID)
					require.ErrorIs(t, err, sentinel)
					assert.Less(t, time.Since(start), 5*time.Second)
				}, cloudconverttest.WithTaskDuration(taskTime))
			})
		}
	}
}

func TestWaitInvalidID(t *testing.T) {
	t.Parallel()
	client, script := newScripted(t, says(http.StatusOK, endedJob))
	_, err := client.Jobs.Wait(t.Context(), "..")
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	_, err = client.Tasks.Wait(t.Context(), "")
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	assert.Empty(t, script.urls())
}

// A long job is waited for in requests of a bounded length.
func TestWaitInSlices(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), runJob(t, client).ID)
		require.NoError(t, err)
		assert.InDelta(t, jobTime*18, time.Since(start), float64(time.Second), "it knows at once")
		assert.InDelta(t, 60, countRequests(server, "GET sync"), 1, "one a minute")
		assert.InDelta(t, 60, countRequests(server, "GET api"), 1, "one between each two")
	}, cloudconverttest.WithTaskDuration(18*taskTime))
}

// intervals returns the times between the requests to a host.
func intervals(server *cloudconverttest.Server, role cloudconverttest.Role) []time.Duration {
	var gaps []time.Duration
	var last time.Time
	for _, request := range server.Requests() {
		if request.Role != role || request.Method != http.MethodGet {
			continue
		}
		if !last.IsZero() {
			gaps = append(gaps, request.Time.Sub(last))
		}
		last = request.Time
	}
	return gaps
}

// While one host fails the other one is asked, less and less often.
func TestWaitPolls(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := runJob(t, client)
		server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleSync, Status: http.StatusBadGateway})
		_, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		gaps := intervals(server, cloudconverttest.RoleAPI)
		assert.Less(t, gaps[1], 3*time.Second, "at first it asks often")
		assert.Less(t, len(gaps), 30)
		for _, gap := range gaps[6:] {
			assert.Greater(t, gap, 7*time.Second)
			assert.LessOrEqual(t, gap, 15*time.Second)
		}
		assert.Greater(t, countRequests(server, "GET sync"), 4, "the host that fails gets another chance")
		assert.Less(t, countRequests(server, "GET sync"), countRequests(server, "GET api")/2)
	}, cloudconverttest.WithTaskDuration(taskTime))
}

func TestWaitReturnsToTheSyncHost(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := runJob(t, client)
		server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleSync, Status: http.StatusBadGateway, Times: 3})
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Equal(t, jobTime, time.Since(start), "it knows at once")
		requests := outline(server)
		assert.Equal(t, "GET sync", requests[len(requests)-1])
	}, cloudconverttest.WithTaskDuration(taskTime))
}

// A host that never makes anybody wait is not asked all the time.
func TestWaitForAHostThatDoesNotWait(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, err := client.Jobs.Wait(t.Context(), runJob(t, client).ID)
		require.NoError(t, err)
		assert.Less(t, countRequests(server, "GET sync"), 30)
	}, cloudconverttest.WithTaskDuration(taskTime), cloudconverttest.WithSyncTimeout(time.Millisecond))
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{
		"in a request": {Nth: 1_000_000},
		"in a pause":   {Status: http.StatusBadGateway},
		"in a hang":    {Kind: cloudconverttest.Stall},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created := runJob(t, client)
				fault.Role = cloudconverttest.RoleSync
				server.Inject(fault)
				ctx, cancel := context.WithTimeout(t.Context(), 33*time.Second)
				defer cancel()
				start := time.Now()
				job, err := client.Jobs.Wait(ctx, created.ID)
				assert.Equal(t, 33*time.Second, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.False(t, cloudconvert.IsRetryable(err))
				var stopped *cloudconvert.WaitError
				require.ErrorAs(t, err, &stopped)
				assert.Equal(t, created.ID, stopped.ID)
				assert.Equal(t, cloudconvert.StatusProcessing, stopped.Status)
				assert.Equal(t, created.ID, job.ID, "as last seen")
				assert.Contains(t, err.Error(), created.ID)
				assert.Contains(t, err.Error(), "processing")
				assert.Equal(t, 1, jobCount(server), "the job goes on")
			}, cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

func TestWaitThatNeverSawTheJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		server.Inject(cloudconverttest.Fault{Kind: cloudconverttest.Stall})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		start := time.Now()
		job, err := server.Client().Jobs.Wait(ctx, "some-job")
		assert.Equal(t, 5*time.Minute, time.Since(start))
		assert.Nil(t, job)
		var stopped *cloudconvert.WaitError
		require.ErrorAs(t, err, &stopped)
		assert.Empty(t, stopped.Status)
		assert.Contains(t, err.Error(), "never seen")
	})
}

func TestDeleteOnCancel(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		deletion cloudconverttest.Fault
		left     int
		late     time.Duration
	}{
		"deleted":   {cloudconverttest.Fault{Nth: 1_000_000}, 0, 0},
		"refused":   {cloudconverttest.Fault{Status: http.StatusForbidden}, 1, 0},
		"no answer": {cloudconverttest.Fault{Kind: cloudconverttest.Stall}, 1, 900 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				tt.deletion.Method = http.MethodDelete
				server.Inject(tt.deletion)
				client := server.Client()
				created := runJob(t, client)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				_, err := client.Jobs.Wait(ctx, created.ID, cloudconvert.WithDeleteOnCancel())
				assert.Equal(t, 10*time.Second+tt.late, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var stopped *cloudconvert.WaitError
				require.ErrorAs(t, err, &stopped)
				assert.Equal(t, tt.left, jobCount(server))
				if tt.left > 0 {
					assert.Contains(t, err.Error(), "could not be deleted")
				}
				assert.Equal(t, tt.left == 0, strings.Contains(err.Error(), "(last seen processing; deleted)"), "%v", err)
			}, cloudconverttest.WithTaskDuration(taskTime))
		})
	}
}

// A job that ended on its own, or is not there, is not deleted.
func TestDeleteOnCancelOnlyOnCancel(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, err := client.Jobs.Wait(t.Context(), runJob(t, client).ID, cloudconvert.WithDeleteOnCancel())
		require.NoError(t, err)
		_, err = client.Jobs.Wait(t.Context(), "another", cloudconvert.WithDeleteOnCancel())
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
		assert.Zero(t, countRequests(server, "DELETE api"))
	})
}

func TestWaitForAnUploadThatNobodyMakes(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, task := uploadJob(t, client)
		start := time.Now()
		job, err := client.Jobs.Wait(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		assert.Contains(t, err.Error(), "WithPendingUpload")
		assert.Equal(t, created.ID, job.ID)
		_, err = client.Tasks.Wait(t.Context(), task.ID)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		for job, err := range client.Jobs.Watch(t.Context(), created.ID) {
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Equal(t, created.ID, job.ID)
		}
		assert.Zero(t, time.Since(start))
	})
}

func TestWaitForAnUploadThatSomebodyElseMakes(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, other := server.Client(), server.Client()
		created, task := uploadJob(t, client)
		uploaded := make(chan error, 1)
		go func() {
			advance(5 * time.Minute)
			uploaded <- other.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte("text")))
		}()
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), created.ID, cloudconvert.WithPendingUpload())
		require.NoError(t, err)
		assert.Equal(t, 5*time.Minute, time.Since(start))
		require.NoError(t, <-uploaded)
	})
}

// The service says for some seconds that a file is missing which it has.
func TestWaitAfterTheUpload(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, task := uploadJob(t, client)
		require.NoError(t, client.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte("text"))))
		seen, err := client.Tasks.Get(t.Context(), task.ID)
		require.NoError(t, err)
		require.NotNil(t, seen.Result.Form, "the server does say so")
		again, err := client.With()
		require.NoError(t, err)
		job, err := again.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Len(t, job.Files(), 1)
		done, err := client.Tasks.Wait(t.Context(), task.ID)
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, done.Status)
	}, cloudconverttest.WithUploadSettle(8*time.Second))
}

func TestWaitForAJobThatFails(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"in":      cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
			"ignored": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "bad", IgnoreError: true},
			"bad":     cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "bad"},
			"a":       cloudconvert.ExportURL{Input: []string{"bad"}},
		}})
		require.NoError(t, err)
		for range 2 { // while it runs, and when it has ended
			job, err := client.Jobs.Wait(t.Context(), created.ID)
			require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
			require.ErrorIs(t, err, cloudconvert.CodeOpenFailed)
			assert.Equal(t, cloudconvert.StatusError, job.Status)
			assert.Contains(t, err.Error(), "OPEN_FAILED")
			assert.NotContains(t, err.Error(), "INPUT_TASK_FAILED")
		}
	}, cloudconverttest.WithTaskDuration(taskTime))
}

func TestWaitForAJobWithAnErrorThatIsIgnored(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		job, err := server.Client().Run(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"in":      cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
			"ignored": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "bad", IgnoreError: true},
			"out":     cloudconvert.ExportURL{Input: []string{"in"}},
		}})
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		ignored, _ := job.Task("ignored")
		assert.Equal(t, cloudconvert.CodeOpenFailed, ignored.Code)
	})
}

// A wait in vain says why it saw nothing.
func TestWaitTellsWhyItSawNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := clientOf(t, func(*http.Request) (int, string) {
			return http.StatusOK, `{"data": {"id": "b", "status": "finished", "tasks": []}}`
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := client.Jobs.Wait(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "cloudconvert: stopped waiting for a (never seen; the last look failed: "+
			`GET /v2/jobs/a: 200: the response is about "b"): context deadline exceeded`)
	})
}
