package acceptance_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// The responses of the API have changed over the years, and old ones are still in
// the databases of users. These have the shapes of the year in their name.

func recordedTask(t *testing.T, name string) *cloudconvert.Task {
	t.Helper()
	client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.Recorded(t, name)))
	task, err := client.Tasks.Get(t.Context(), "1")
	require.NoError(t, err)
	return task
}

func TestJobsOfEveryGeneration(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"2019-job-failed.json": "job a1000000-2019-4000-8000-000000000001 error [" +
			"task import-1 (import/url) error SANDBOX_FILE_NOT_ALLOWED The file letter.docx is not whitelisted for sandbox use, " +
			"task task-1 (convert) error INPUT_TASK_FAILED Input task has failed]",
		"2021-job-finished.json": "job a5000000-2021-4000-8000-000000000001 finished [" +
			"task export_it (export/url) finished, task import_it (import/upload) finished]",
		"2023-job-failed.json": "job a6000000-2023-4000-8000-000000000001 error [" +
			"task convert-file (convert) error INPUT_TASK_FAILED Input task has failed, " +
			"task import-file (import/url) error SANDBOX_FILE_NOT_ALLOWED The file talk.mp4 is not whitelisted for sandbox use]",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := testkit.RecordedJob(t, name)
			assert.Equal(t, want, fmt.Sprint(job))
			assert.True(t, job.StartedAt.After(time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC)))
			assert.False(t, job.EndedAt.Before(job.StartedAt))
			for _, task := range job.Tasks {
				assert.True(t, task.Status.Terminal())
				assert.False(t, task.EndedAt.IsZero())
			}
			_, ok := testkit.Stable[cloudconvert.Job](t, []byte(testkit.Encode(t, job)))
			assert.True(t, ok)
		})
	}
	old := testkit.RecordedJob(t, "2019-job-failed.json")
	assert.Empty(t, old.Tag)
	assert.Zero(t, old.Links)
	assert.JSONEq(t, `{"operation": "convert", "input": ["import-1"], "output_format": "pdf"}`, string(old.Tasks[1].Payload))
	assert.Zero(t, old.Tasks[1].StartedAt)

	files := testkit.RecordedJob(t, "2021-job-finished.json").Files()
	require.Len(t, files, 1)
	assert.Equal(t, "https://storage.cloudconvert.com/tasks/a5000000/input.pdf?AWSAccessKeyId=cloudconvert-production&Expires=1614449630&"+
		"Signature=inv%2Bented%3D&response-content-disposition=attachment%3B%20filename%3D%22input.pdf%22&"+
		"response-content-type=application%2Fpdf", files[0].URL, "not encoded anew")

	latest := testkit.RecordedJob(t, "2023-job-failed.json")
	assert.Equal(t, cloudconvert.RegionEUCentral, latest.Tasks[0].Region)
	assert.Equal(t, "0123456789abcdef0123456789abcdef", latest.Tasks[1].Result.Files[0].MD5)
	assert.Equal(t, "5.1.2", latest.Tasks[0].EngineVersion)
}

func TestTasksOfEveryGeneration(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"2019-task-export.json":  "task a2000000-2019-4000-8000-000000000002 (export/url) error INPUT_TASK_FAILED Input task has failed",
		"2020-task-alone.json":   "task a3000000-2020-4000-8000-000000000002 (convert) waiting",
		"2020-task-retried.json": "task a4000000-2020-4000-8000-000000000002 (convert) waiting",
		"2024-task-upload.json":  "task upload (import/upload) waiting  Waiting for file upload",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task := recordedTask(t, name)
			assert.Equal(t, want, fmt.Sprint(task))
			assert.False(t, task.CreatedAt.IsZero())
			_, ok := testkit.Stable[cloudconvert.Task](t, []byte(testkit.Encode(t, task)))
			assert.True(t, ok)
		})
	}
	assert.Equal(t, []cloudconvert.Task{{ID: "a2000000-2019-4000-8000-000000000003", Name: "task-1"}},
		recordedTask(t, "2019-task-export.json").DependsOnTasks)

	alone := recordedTask(t, "2020-task-alone.json")
	assert.Equal(t, []string{"a3000000-2020-4000-8000-000000000001"}, alone.DependsOnTaskIDs)
	assert.Empty(t, alone.JobID+alone.Name)
	assert.Equal(t, []string{"qpdf", "8.2.1"}, []string{alone.Engine, alone.EngineVersion})

	retried := recordedTask(t, "2020-task-retried.json")
	assert.Equal(t, "a4000000-2020-4000-8000-000000000001", retried.RetryOfTaskID)
	assert.Equal(t, retried.RetryOfTaskID, retried.CopyOfTaskID)
	assert.Zero(t, retried.Result)

	upload := recordedTask(t, "2024-task-upload.json")
	require.NotNil(t, upload.Result.Form)
	assert.Equal(t, "https://cloudconvert-files-us-east.s3.amazonaws.com/", upload.Result.Form.URL)
	assert.Len(t, upload.Result.Form.Fields, 9)
	assert.Equal(t, "X-Amz-Security-Token", upload.Result.Form.Fields[3].Name)
	assert.Equal(t, cloudconvert.RegionUSEast, upload.Region)
}
