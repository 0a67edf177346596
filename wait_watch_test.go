package cloudconvert_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// watchAll returns the jobs that Watch yields, and its error.
func watchAll(ctx context.Context, client *cloudconvert.Client, id string) (seen []*cloudconvert.Job, failure error) {
	for job, err := range client.Jobs.Watch(ctx, id) {
		seen, failure = append(seen, job), err
	}
	return seen, failure
}

func TestWatchYieldsEachChange(t *testing.T) {
	t.Parallel()
	faults := map[string]cloudconverttest.Fault{
		"in peace":   {Nth: 1_000_000},
		"in trouble": {Role: cloudconverttest.RoleAPI, Method: http.MethodGet, Share: 0.5, Seed: 1, Kind: cloudconverttest.Reset},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created := testkit.RunJob(t, client)
				server.Inject(fault)
				seen, err := watchAll(t.Context(), client, created.ID)
				require.NoError(t, err)
				states := make([]string, 0, len(seen))
				for _, job := range seen {
					in, _ := job.Task("import-raw")
					out, _ := job.Task("export-url")
					states = append(states, fmt.Sprint(job.Status, " ", in.Status, " ", out.Status))
				}
				assert.Equal(t, []string{
					"processing processing waiting", "processing finished processing", "finished finished finished",
				}, states)
				assert.Zero(t, testkit.CountRequests(server, "GET sync"))
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

// A change that does not concern the status is a change too, except of URLs, which differ
// from read to read.
func TestWatchYieldsProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var replies []testkit.Reply
		for _, task := range []string{
			`"percent": 10`, `"percent": 10`, `"percent": 60`, `"percent": 60, "message": "page 3"`,
			`"percent": 60, "message": "page 3", "result": {"files": [{"filename": "a.pdf", "url": "https://a.example/1"}]}`,
			`"percent": 60, "message": "page 3", "result": {"files": [{"filename": "a.pdf", "url": "https://a.example/2"}]}`,
		} {
			replies = append(replies, testkit.Says(http.StatusOK, `{"data": {"id": "job-1", "status": "processing", "tasks": [{"id": "1", `+task+`}]}}`))
		}
		client, script := testkit.NewScript(t, append(replies, testkit.Says(http.StatusOK, testkit.EndedJob))...)
		seen, err := watchAll(t.Context(), client, "job-1")
		require.NoError(t, err)
		told := make([]string, 0, len(seen))
		for _, job := range seen {
			for _, task := range job.Tasks {
				told = append(told, fmt.Sprint(task.Percent, task.Message))
			}
		}
		assert.Equal(t, []string{"10", "60", "60page 3"}, told)
		assert.Equal(t, cloudconvert.StatusFinished, seen[len(seen)-1].Status)
		assert.Len(t, script.Requests, len(replies)+1)
	})
}

func TestWatchYieldsJobError(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(
			cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.Convert{OutputFormat: "bad"}))
		require.NoError(t, err)
		for range 2 { // while it runs, and when it has ended
			seen, err := watchAll(t.Context(), client, created.ID)
			require.ErrorIs(t, err, cloudconvert.CodeOpenFailed)
			assert.Equal(t, cloudconvert.StatusError, seen[len(seen)-1].Status)
		}
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestWatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunJob(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		start := time.Now()
		seen, err := watchAll(ctx, client, created.ID)
		assert.Equal(t, 30*time.Second, time.Since(start))
		var stopped *cloudconvert.WaitError
		require.ErrorAs(t, err, &stopped)
		require.Len(t, seen, 2)
		assert.Equal(t, created.ID, seen[1].ID, "the job as last seen")
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestWatchEndsWithItsConsumer(t *testing.T) {
	t.Parallel()
	for _, enough := range []int{1, 2} {
		t.Run(strconv.Itoa(enough), func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				created := testkit.RunJob(t, client)
				seen := 0
				for _, err := range client.Jobs.Watch(t.Context(), created.ID) {
					require.NoError(t, err)
					if seen++; seen == enough {
						break
					}
				}
				assert.Equal(t, enough, seen)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestWatchYieldsNotFound(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		seen, err := watchAll(t.Context(), server.Client(), "some-job")
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
		assert.Equal(t, []*cloudconvert.Job{nil}, seen)
	})
}

// The pauses grow while nothing changes.
func TestWatchPausesGrow(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		_, err := watchAll(t.Context(), client, testkit.RunJob(t, client).ID)
		require.NoError(t, err)
		gaps := intervals(server, cloudconverttest.RoleAPI)
		assert.Less(t, len(gaps), 40)
		assert.LessOrEqual(t, gaps[0], time.Second)
		short := 0
		for _, gap := range gaps {
			assert.LessOrEqual(t, gap, 15*time.Second)
			if gap <= time.Second {
				short++
			}
		}
		assert.Equal(t, 2, short, "at the beginning and after the change")
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}
