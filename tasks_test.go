package cloudconvert_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestTasksWithoutAJob(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		in := testkit.RunTask(t, client)
		assert.Equal(t, cloudconvert.OperationImportRaw, in.Operation)
		out, err := client.Tasks.Create(t.Context(), cloudconvert.Convert{Input: []string{in.ID}, OutputFormat: "pdf"})
		require.NoError(t, err)
		out, err = client.Tasks.Wait(t.Context(), out.ID)
		require.NoError(t, err)
		require.Len(t, out.Result.Files, 1)
		assert.Equal(t, "a.pdf", out.Result.Files[0].Filename)
		assert.Equal(t, "/v2/import/raw", server.Requests()[0].Path)

		got, err := client.Tasks.Get(t.Context(), out.ID, cloudconvert.WithInclude(cloudconvert.IncludePayload, cloudconvert.IncludeDependsOnTasks))
		require.NoError(t, err)
		assert.NotEmpty(t, got.Payload)
		require.Len(t, got.DependsOnTasks, 1)
		assert.Equal(t, in.ID, got.DependsOnTasks[0].ID)

		page, err := client.Tasks.List(t.Context(), cloudconvert.TaskListOptions{Operation: cloudconvert.OperationConvert})
		require.NoError(t, err)
		require.Len(t, page.Data, 1)
		assert.Equal(t, out.ID, page.Data[0].ID)

		again, err := client.Tasks.Retry(t.Context(), out.ID)
		require.NoError(t, err)
		assert.Equal(t, out.ID, again.RetryOfTaskID)

		require.NoError(t, client.Tasks.Delete(t.Context(), out.ID))
		_, err = client.Tasks.Get(t.Context(), out.ID)
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	}, cloudconverttest.WithTaskDuration(time.Second))
}

func TestAllTasks(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		for range 5 {
			testkit.RunTask(t, client)
		}
		count := 0
		for task, err := range client.Tasks.All(t.Context(), cloudconvert.TaskListOptions{PerPage: 2}) {
			require.NoError(t, err)
			assert.Equal(t, cloudconvert.OperationImportRaw, task.Operation)
			count++
		}
		assert.Equal(t, 5, count)
	})
}

func TestInvalidTasksAreRefused(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusCreated, `{"data": {"id": "task"}}`))
	for name, task := range map[string]cloudconvert.TaskRequest{
		"nil":          nil,
		"nil pointer":  (*cloudconvert.ImportRaw)(nil),
		"incomplete":   cloudconvert.ImportRaw{},
		"no operation": cloudconvert.RawTask{},
		"no path":      cloudconvert.RawTask{Op: "../jobs"},
	} {
		_, err := client.Tasks.Create(t.Context(), task)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid, name)
	}
	for _, call := range []func(id string) error{
		func(id string) error { _, err := client.Tasks.Get(t.Context(), id); return err },
		func(id string) error { _, err := client.Tasks.Cancel(t.Context(), id); return err },
		func(id string) error { _, err := client.Tasks.Retry(t.Context(), id); return err },
		func(id string) error { return client.Tasks.Delete(t.Context(), id) },
		func(id string) error { return client.Jobs.Delete(t.Context(), id) },
		func(id string) error { return client.Jobs.Cancel(t.Context(), id) },
		func(id string) error { _, err := client.Jobs.ResultURL(t.Context(), id); return err },
	} {
		for _, id := range []string{"", ".", ".."} {
			require.ErrorIs(t, call(id), cloudconvert.ErrInvalid)
		}
	}
	assert.Empty(t, script.URLs())
}

// A task has no tag, so it cannot be looked up.
func TestLostTaskCreationIsOutcomeError(t *testing.T) {
	t.Parallel()
	calls := map[string]func(ctx context.Context, client *cloudconvert.Client, id string) error{
		"create": func(ctx context.Context, client *cloudconvert.Client, _ string) error {
			_, err := client.Tasks.Create(ctx, testkit.TextTask)
			return err
		},
		"retry": func(ctx context.Context, client *cloudconvert.Client, id string) error {
			_, err := client.Tasks.Retry(ctx, id)
			return err
		},
	}
	for name, call := range calls {
		for fault, f := range openOutcomes() {
			t.Run(name+"/"+fault, func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					client := server.Client()
					before := testkit.RunTask(t, client)
					synctest.Wait() // until it has ended: only an ended task can be retried
					f.Phase, f.Method = cloudconverttest.After, http.MethodPost
					server.Inject(f)
					err := call(t.Context(), client, before.ID)
					require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
					assert.False(t, cloudconvert.IsRetryable(err))
					var outcome *cloudconvert.OutcomeError
					require.ErrorAs(t, err, &outcome)
					assert.Empty(t, outcome.Tag)
					assert.Len(t, server.Requests(), 2, "it is not retried")
					assert.Len(t, server.Tasks(), 2)
				})
			})
		}
	}
}

func TestTaskWait(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		server.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleSync, Kind: cloudconverttest.Reset, Times: 2})
		start := time.Now()
		task, err := client.Tasks.Wait(t.Context(), testkit.RunTask(t, client).ID)
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, task.Status)
		assert.Equal(t, testkit.TaskTime, time.Since(start))

		bad, err := client.Tasks.Create(t.Context(), cloudconvert.Convert{Input: []string{task.ID}, OutputFormat: "bad"})
		require.NoError(t, err)
		bad, err = client.Tasks.Wait(t.Context(), bad.ID)
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		require.ErrorIs(t, err, cloudconvert.CodeOpenFailed)
		assert.Equal(t, cloudconvert.StatusError, bad.Status)
		var failure *cloudconvert.TaskError
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, bad.ID, failure.ID)
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestTaskWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunTask(t, client)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		task, err := client.Tasks.Wait(ctx, created.ID, cloudconvert.WithDeleteOnCancel())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var stopped *cloudconvert.WaitError
		require.ErrorAs(t, err, &stopped)
		assert.Equal(t, created.ID, stopped.ID)
		assert.Equal(t, created.ID, task.ID)
		assert.Empty(t, server.Tasks())
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}

func TestTaskCancel(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := server.Client()
		created := testkit.RunTask(t, client)
		task, err := client.Tasks.Cancel(t.Context(), created.ID)
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusError, task.Status)
		_, err = client.Tasks.Cancel(t.Context(), created.ID)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid, "it has ended")
	}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
}
