package cloudconvert_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// jobFailure waits for a job that has ended in error.
func jobFailure(t *testing.T, body string) *cloudconvert.JobError {
	t.Helper()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, body))
	job, err := client.Jobs.Wait(t.Context(), idIn(t, body))
	var failure *cloudconvert.JobError
	require.ErrorAs(t, err, &failure)
	require.NotNil(t, job, "the job is returned with the error")
	assert.Same(t, job, failure.Job)
	assert.Len(t, script.Requests, 1)
	return failure
}

// idIn returns the id in the response of a single job or task.
func idIn(t *testing.T, body string) string {
	t.Helper()
	var response struct {
		Data struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &response))
	return response.Data.ID
}

func taskNames(failure *cloudconvert.JobError) []string {
	var names []string
	for _, task := range failure.Tasks {
		names = append(names, task.Name)
	}
	return names
}

func TestJobErrorWithoutACode(t *testing.T) {
	t.Parallel()
	failure := jobFailure(t, testkit.Recorded(t, "job-failed.json"))
	require.ErrorIs(t, failure, cloudconvert.ErrJobFailed)
	require.ErrorIs(t, fmt.Errorf("wrapped: %w", failure), cloudconvert.ErrJobFailed)
	require.ErrorIs(t, failure, cloudconvert.CodeInputTaskFailed)
	require.NotErrorIs(t, failure, cloudconvert.CodeOpenFailed)
	require.NotErrorIs(t, failure, cloudconvert.Code(""))
	assertOnly(t, cloudconvert.ErrJobFailed, failure)
	assert.False(t, cloudconvert.IsRetryable(failure))
	require.EqualError(t, failure, "cloudconvert: job 2b4d6f80-1357-4ace-9bdf-0246813579bd failed: "+
		"task convert (convert) failed: can't find PDF header")
	assert.Equal(t, []string{"convert", "a-export"}, taskNames(failure), "the cause comes first")

	var first *cloudconvert.TaskError
	require.ErrorAs(t, failure, &first)
	assert.Equal(t, &cloudconvert.TaskError{
		ID: "22222222-aaaa-4bbb-8ccc-000000000002", Name: "convert", Operation: cloudconvert.OperationConvert,
		Message: "can't find PDF header.",
	}, first)
}

func TestJobErrorOfSandboxRefusal(t *testing.T) {
	t.Parallel()
	failure := jobFailure(t, testkit.Recorded(t, "job-sandbox-refusal.json"))
	require.ErrorIs(t, failure, cloudconvert.CodeSandboxFileNotAllowed)
	require.EqualError(t, failure, "cloudconvert: job 3c5e7092-2468-4bdf-8ace-135792468ace failed: task import (import/url) failed: "+
		"SANDBOX_FILE_NOT_ALLOWED: The file film.mp4 is not whitelisted for sandbox use")
	assert.Equal(t, []string{"import", "convert"}, taskNames(failure))
}

func TestJobErrorPutsCausesFirst(t *testing.T) {
	t.Parallel()
	type task struct {
		ID      string   `json:"id"`
		Name    string   `json:"name"`
		Status  string   `json:"status"`
		Code    string   `json:"code,omitzero"`
		EndedAt string   `json:"ended_at,omitzero"`
		Needs   []string `json:"depends_on_task_ids,omitzero"`
	}
	const early, late = "2026-09-29T10:00:01+00:00", "2026-09-29T10:00:09+00:00"
	for name, c := range map[string]struct {
		tasks []task
		want  []string
	}{
		"none": {[]task{{ID: "1", Name: "a", Status: "finished"}}, nil},
		"the earlier one": {
			[]task{{ID: "1", Name: "a", Status: "error", EndedAt: late}, {ID: "2", Name: "b", Status: "error", EndedAt: early}},
			[]string{"b", "a"},
		},
		"of the same time, by name": {
			[]task{{ID: "1", Name: "b", Status: "error", EndedAt: late}, {ID: "2", Name: "a", Status: "error", EndedAt: late}},
			[]string{"a", "b"},
		},
		"by its code": {
			[]task{{ID: "1", Name: "a", Status: "error", Code: "INPUT_TASK_FAILED", EndedAt: early}, {ID: "2", Name: "b", Status: "error", EndedAt: late}},
			[]string{"b", "a"},
		},
		"by what it depends on": {
			[]task{{ID: "1", Name: "a", Status: "error", Code: "OTHER", EndedAt: early, Needs: []string{"2"}}, {ID: "2", Name: "b", Status: "error", EndedAt: late}},
			[]string{"b", "a"},
		},
		"depends on a finished task": {
			[]task{{ID: "1", Name: "a", Status: "error", EndedAt: early, Needs: []string{"3"}}, {ID: "2", Name: "b", Status: "error", EndedAt: late}, {ID: "3", Name: "c", Status: "finished"}},
			[]string{"a", "b"},
		},
		"only dependent failures": {
			[]task{{ID: "1", Name: "a", Status: "error", Code: "INPUT_TASK_FAILED"}}, []string{"a"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := testkit.Encode(t, map[string]any{"data": map[string]any{"id": "j", "status": "error", "tasks": c.tasks}})
			failure := jobFailure(t, body)
			assert.Equal(t, c.want, taskNames(failure))
			if c.want == nil {
				assert.EqualError(t, failure, "cloudconvert: job j failed without a failed task")
			}
		})
	}
}

func TestTaskError(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"id": "1", "status": "error", "operation": "convert", "code": "OPEN_FAILED", "message": "Broken."}`: "cloudconvert: task 1 (convert) failed: OPEN_FAILED: Broken",
		`{"id": "1", "status": "error", "operation": "convert", "name": "a", "message": "..."}`:               "cloudconvert: task a (convert) failed",
	} {
		client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, `{"data": `+data+`}`))
		task, err := client.Tasks.Wait(t.Context(), "1")
		require.NotNil(t, task)
		require.EqualError(t, err, want)
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		require.NotErrorIs(t, err, cloudconvert.Code(""))
		if task.Code != "" {
			require.ErrorIs(t, err, task.Code)
		}
	}
}

func TestFinishedJobHasNoError(t *testing.T) {
	t.Parallel()
	body := testkit.Recorded(t, "job-finished.json")
	client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, body))
	job, err := client.Jobs.Wait(t.Context(), idIn(t, body))
	require.NoError(t, err)
	assert.Len(t, job.Files(), 2)
	require.NoError(t, job.Err())
	for _, task := range job.Tasks {
		require.NoError(t, task.Err(), task.Name)
	}
}

// A handler of webhooks has a job that nothing has waited for.
func TestErrOfJobAndTask(t *testing.T) {
	t.Parallel()
	task := cloudconvert.Task{Name: "convert", Status: cloudconvert.StatusError, Code: "OPEN_FAILED"}
	job := &cloudconvert.Job{ID: "j", Status: cloudconvert.StatusError, Tasks: []cloudconvert.Task{task}}
	require.ErrorIs(t, job.Err(), cloudconvert.ErrJobFailed)
	require.ErrorIs(t, job.Err(), cloudconvert.Code("OPEN_FAILED"))
	require.ErrorIs(t, task.Err(), cloudconvert.Code("OPEN_FAILED"))
}

func TestIgnoredTaskErrorIsNotAJobError(t *testing.T) {
	t.Parallel()
	body, err := json.Marshal(map[string]any{"data": map[string]any{"id": "j", "status": "finished", "tasks": []any{
		map[string]any{"id": "1", "name": "a", "status": "error", "code": "OPEN_FAILED"},
	}}})
	require.NoError(t, err)
	client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, string(body)))
	_, err = client.Jobs.Wait(t.Context(), "j")
	require.NoError(t, err, "the job continued without it")
}
