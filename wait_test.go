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
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
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
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				fault.Role, fault.Times = cloudconverttest.RoleSync, 2
				server.Inject(fault)
				client := server.Client()
				start := time.Now()
				created := testkit.RunJob(t, client)
				job, err := client.Jobs.Wait(t.Context(), created.ID)
				require.NoError(t, err)
				assert.Equal(t, created.ID, job.ID)
				assert.Equal(t, cloudconvert.StatusFinished, job.Status)
				assert.Len(t, job.Files(), 1)
				assert.GreaterOrEqual(t, time.Since(start), testkit.JobTime)
				assert.Less(t, time.Since(start), testkit.JobTime+15*time.Second)
				assert.Equal(t, 1, testkit.JobCount(server))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestWaitSurvivesFailureOfTheFirstRequest(t *testing.T) {
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
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created := testkit.RunJob(t, client)
				fault.Role = cloudconverttest.RoleAPI
				server.Inject(fault) // for good: the other host responds
				_, err := client.Jobs.Wait(t.Context(), created.ID)
				require.NoError(t, err)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestWaitEndsAtPermanentErrors(t *testing.T) {
	t.Parallel()
	for status, sentinel := range map[int]error{
		http.StatusNotFound:     cloudconvert.ErrNotFound,
		http.StatusUnauthorized: cloudconvert.ErrUnauthorized,
		http.StatusForbidden:    cloudconvert.ErrForbidden,
	} {
		for name, nth := range map[string]int{"at once": 1, "later": 2} {
			t.Run(http.StatusText(status)+"/"+name, func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					client := server.Client()
					created := testkit.RunJob(t, client)
					server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleSync, Kind: cloudconverttest.Reset})
					server.Inject(cloudconverttest.Fault{Status: status, Role: cloudconverttest.RoleAPI, Nth: nth})
					start := time.Now()
					_, err := client.Jobs.Wait(t.Context(), created.ID)
					require.ErrorIs(t, err, sentinel)
					assert.Less(t, time.Since(start), 5*time.Second)
				}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
			})
		}
	}
}

func TestWaitRefusesInvalidIDs(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EndedJob))
	_, err := client.Jobs.Wait(t.Context(), "..")
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	_, err = client.Tasks.Wait(t.Context(), "")
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	assert.Empty(t, script.URLs())
}

func TestWaitSendsBoundedRequests(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), testkit.RunJob(t, client).ID)
		require.NoError(t, err)
		assert.InDelta(t, testkit.JobTime*18, time.Since(start), float64(time.Second), "it knows at once")
		assert.InDelta(t, 60, testkit.CountRequests(server, "GET sync"), 1, "one a minute")
		assert.InDelta(t, 60, testkit.CountRequests(server, "GET api"), 1, "one between each two")
	}, cloudconverttest.WithTaskDuration(18*testkit.TaskTime))
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

// The pauses grow.
func TestWaitPollsWhenTheSyncHostFails(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
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
		assert.Greater(t, testkit.CountRequests(server, "GET sync"), 4, "the host that fails gets another chance")
		assert.Less(t, testkit.CountRequests(server, "GET sync"), testkit.CountRequests(server, "GET api")/2)
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestWaitReturnsToTheSyncHost(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
		server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleSync, Status: http.StatusBadGateway, Times: 3})
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Equal(t, testkit.JobTime, time.Since(start), "it knows at once")
		requests := testkit.Outline(server)
		assert.Equal(t, "GET sync", requests[len(requests)-1])
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

// The sync host responds at once with a job that has not ended.
func TestWaitPausesWhenTheHostDoesNotWait(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, err := client.Jobs.Wait(t.Context(), testkit.RunJob(t, client).ID)
		require.NoError(t, err)
		assert.Less(t, testkit.CountRequests(server, "GET sync"), 30)
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime), cloudconverttest.WithSyncTimeout(time.Millisecond))
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
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created := testkit.RunJob(t, client)
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
				assert.Equal(t, 1, testkit.JobCount(server), "the job goes on")
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestWaitErrorWithoutAJob(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
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

func TestDeleteOnCancelDeletesTheJob(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		deletion cloudconverttest.Fault
		left     int
		late     time.Duration
	}{
		"deleted":     {cloudconverttest.Fault{Nth: 1_000_000}, 0, 0},
		"refused":     {cloudconverttest.Fault{Status: http.StatusForbidden}, 1, 0},
		"no response": {cloudconverttest.Fault{Kind: cloudconverttest.Stall}, 1, 900 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				tt.deletion.Method = http.MethodDelete
				server.Inject(tt.deletion)
				client := server.Client()
				created := testkit.RunJob(t, client)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
				defer cancel()
				start := time.Now()
				_, err := client.Jobs.Wait(ctx, created.ID, cloudconvert.WithDeleteOnCancel())
				assert.Equal(t, 10*time.Second+tt.late, time.Since(start))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				var stopped *cloudconvert.WaitError
				require.ErrorAs(t, err, &stopped)
				assert.Equal(t, tt.left, testkit.JobCount(server))
				if tt.left > 0 {
					assert.Contains(t, err.Error(), "could not be deleted")
				}
				assert.Equal(t, tt.left == 0, strings.Contains(err.Error(), "(last seen processing; deleted)"), "%v", err)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// A job that ended, or does not exist, is not deleted.
func TestDeleteOnCancelOnlyOnCancel(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, err := client.Jobs.Wait(t.Context(), testkit.RunJob(t, client).ID, cloudconvert.WithDeleteOnCancel())
		require.NoError(t, err)
		_, err = client.Jobs.Wait(t.Context(), "another", cloudconvert.WithDeleteOnCancel())
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
		assert.Zero(t, testkit.CountRequests(server, "DELETE api"))
	})
}

func TestWaitRefusesMissingUploads(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, task := testkit.UploadJob(t, client)
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

func TestWaitWithPendingUploadWaits(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client, other := server.Client(), server.Client()
		created, task := testkit.UploadJob(t, client)
		uploaded := make(chan error, 1)
		go func() {
			testkit.Advance(5 * time.Minute)
			uploaded <- other.Tasks.Upload(t.Context(), task, cloudconvert.FromBytes("a.txt", []byte("text")))
		}()
		start := time.Now()
		_, err := client.Jobs.Wait(t.Context(), created.ID, cloudconvert.WithPendingUpload())
		require.NoError(t, err)
		assert.Equal(t, 5*time.Minute, time.Since(start))
		require.NoError(t, <-uploaded)
	})
}

// For some seconds after an upload, the service may say that the file is missing.
func TestWaitToleratesLateUploadState(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, task := testkit.UploadJob(t, client)
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

func TestWaitReturnsJobError(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
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
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestWaitIgnoresIgnoredErrors(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
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

func TestWaitErrorHasTheCause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := testkit.NewClient(t, func(*http.Request) (int, string) {
			return http.StatusOK, `{"data": {"id": "b", "status": "finished", "tasks": []}}`
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := client.Jobs.Wait(ctx, "a")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "cloudconvert: stopped waiting for a (never seen; the last read failed: "+
			`GET /v2/jobs/a: 200: the response is about "b"): context deadline exceeded`)
	})
}
