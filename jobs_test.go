package cloudconvert_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// chain is a job that the sandbox can do.
func chain() *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(
		cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
		cloudconvert.Archive{OutputFormat: "zip"},
		cloudconvert.ExportURL{},
	)
}

func TestJobsCancel(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer(cloudconverttest.WithTaskDuration(time.Hour))
	t.Cleanup(server.Close)
	client := server.Client()
	job, err := client.Jobs.Create(t.Context(), chain())
	require.NoError(t, err)
	require.NoError(t, client.Jobs.Cancel(t.Context(), job.ID))
	job, err = client.Jobs.Wait(t.Context(), job.ID)
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
	for _, task := range job.Tasks {
		assert.Equal(t, cloudconvert.StatusError, task.Status, task.Name)
	}
	require.NoError(t, client.Jobs.Cancel(t.Context(), job.ID), "there is nothing left to cancel")
	require.ErrorIs(t, client.Jobs.Cancel(t.Context(), "4b6ee8e2-e293-4805-b48e-a03876d1ec66"), cloudconvert.ErrNotFound)
}

// One task that cannot be cancelled does not keep the others from it, and a
// task that has ended meanwhile is no failure.
func TestJobsCancelJoinsFailures(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer(cloudconverttest.WithTaskDuration(time.Hour))
	t.Cleanup(server.Close)
	client := server.Client()
	request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"one": cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
		"two": cloudconvert.ImportRaw{File: "text", Filename: "b.txt"},
	}}
	job, err := client.Jobs.Create(t.Context(), request)
	require.NoError(t, err)
	one, _ := job.Task("one")
	two, _ := job.Task("two")
	server.Inject(cloudconverttest.Fault{
		Method: http.MethodPost, Path: "/v2/tasks/" + one.ID + "/cancel",
		Kind: cloudconverttest.Status, Status: http.StatusForbidden,
	})
	err = client.Jobs.Cancel(t.Context(), job.ID)
	require.ErrorIs(t, err, cloudconvert.ErrForbidden)
	require.ErrorContains(t, err, `"one"`)
	task, err := client.Tasks.Get(t.Context(), two.ID)
	require.NoError(t, err)
	assert.Equal(t, cloudconvert.StatusError, task.Status)
}

func TestJobsResultURL(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	client := server.Client()
	job, err := client.Jobs.CreateAndWait(t.Context(), chain())
	require.NoError(t, err)
	before := len(server.Requests())
	address, err := client.Jobs.ResultURL(t.Context(), job.ID)
	require.NoError(t, err)
	assert.Contains(t, address, "archive.zip")
	assert.Len(t, server.Requests(), before+1, "the address is not followed")
	_, err = client.Jobs.ResultURL(t.Context(), "..")
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
}

func TestJobsResultURLWithoutAResult(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer(cloudconverttest.WithTaskDuration(time.Hour))
	t.Cleanup(server.Close)
	client := server.Client()
	job, err := client.Jobs.Create(t.Context(), chain())
	require.NoError(t, err)
	_, err = client.Jobs.ResultURL(t.Context(), job.ID)
	require.ErrorContains(t, err, "no redirection")
}

func TestJobsDelete(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	client := server.Client()
	job, err := client.Jobs.CreateAndWait(t.Context(), chain())
	require.NoError(t, err)
	require.NoError(t, client.Jobs.Delete(t.Context(), job.ID))
	_, err = client.Jobs.Get(t.Context(), job.ID)
	require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	require.ErrorIs(t, client.Jobs.Delete(t.Context(), job.ID), cloudconvert.ErrNotFound)
}

func TestTasksAlone(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	client := server.Client()
	source, err := client.Tasks.Create(t.Context(), cloudconvert.ImportRaw{File: "text", Filename: "a.txt"})
	require.NoError(t, err)
	packed, err := client.Tasks.Create(t.Context(), cloudconvert.Archive{Input: []string{source.ID}, OutputFormat: "zip"})
	require.NoError(t, err)
	packed, err = client.Tasks.Wait(t.Context(), packed.ID)
	require.NoError(t, err)
	assert.Empty(t, packed.JobID)
	assert.Len(t, packed.Result.Files, 1)

	retried, err := client.Tasks.Retry(t.Context(), packed.ID)
	require.NoError(t, err)
	assert.Equal(t, packed.ID, retried.RetryOfTaskID)
	packed, err = client.Tasks.Get(t.Context(), packed.ID,
		cloudconvert.WithInclude(cloudconvert.IncludeRetries, cloudconvert.IncludePayload))
	require.NoError(t, err)
	assert.Len(t, packed.Retries, 1)
	assert.Contains(t, string(packed.Payload), "zip")
	require.NoError(t, client.Tasks.Delete(t.Context(), packed.ID))

	_, err = client.Tasks.Create(t.Context(), cloudconvert.Archive{OutputFormat: "zip"})
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
}
