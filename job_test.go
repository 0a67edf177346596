package cloudconvert_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestRecordedCreatedJob(t *testing.T) {
	t.Parallel()
	job := testkit.RecordedJob(t, "job-created.json")
	assert.Equal(t, "0f3a2c1e-5b6d-4c7e-8f90-1a2b3c4d5e6f", job.ID)
	assert.Equal(t, "invoice-42", job.Tag)
	assert.Equal(t, cloudconvert.StatusWaiting, job.Status)
	assert.Equal(t, time.Date(2026, 9, 14, 8, 15, 30, 0, time.UTC), job.CreatedAt)
	assert.Zero(t, job.StartedAt)
	assert.Zero(t, job.EndedAt)
	assert.Equal(t, "https://api.cloudconvert.com/v2/jobs/0f3a2c1e-5b6d-4c7e-8f90-1a2b3c4d5e6f", job.Links.Self)
	require.Len(t, job.Tasks, 3)
	assert.Empty(t, job.Files())

	in, ok := job.Task("in")
	require.True(t, ok)
	assert.Equal(t, cloudconvert.OperationImportUpload, in.Operation)
	assert.Equal(t, "Waiting for file upload", in.Message)
	assert.Equal(t, 100, in.Percent)
	assert.Equal(t, job.ID, in.JobID)
	assert.Equal(t, "4711", in.UserID)
	assert.Equal(t, -10, in.Priority)
	assert.Equal(t, cloudconvert.RegionEUCentral, in.Region)
	out, ok := job.Task("out")
	require.True(t, ok)
	assert.Equal(t, []string{"11111111-aaaa-4bbb-8ccc-000000000002"}, out.DependsOnTaskIDs)
}

func TestRecordedFinishedJob(t *testing.T) {
	t.Parallel()
	job := testkit.RecordedJob(t, "job-finished.json")
	assert.Equal(t, cloudconvert.StatusFinished, job.Status)
	assert.Empty(t, job.Tag)
	assert.Empty(t, job.Links.Self)
	pdf, ok := job.Task("pdf")
	require.True(t, ok)
	assert.Equal(t, "File size reduced by 12%", pdf.Message)
	assert.Equal(t, "2016", pdf.EngineVersion)
	assert.Equal(t, 1, pdf.Credits)
	assert.Equal(t, []cloudconvert.File{
		{
			Filename: "report.pdf", Size: 20460, TaskID: "11111111-aaaa-4bbb-8ccc-000000000004",
			URL: "https://eu-central.storage.example/tasks/4/report.pdf?X-Amz-Expires=86400&X-Amz-Signature=0123456789abcdef" +
				"&response-content-disposition=attachment%3B%20filename%3D%22report.pdf%22",
		},
		{
			Filename: "report.png", Dir: "pages/", Size: 512, TaskID: "11111111-aaaa-4bbb-8ccc-000000000004",
			URL: "https://eu-central.storage.example/tasks/4/report.png?X-Amz-Signature=fedcba9876543210",
		},
	}, job.Files(), "as they came, of export/url tasks alone")
}

func TestRecordedSandboxRefusal(t *testing.T) {
	t.Parallel()
	task, ok := testkit.RecordedJob(t, "job-sandbox-refusal.json").Task("import")
	require.True(t, ok)
	assert.Equal(t, cloudconvert.CodeSandboxFileNotAllowed, task.Code)
	assert.Equal(t, []cloudconvert.File{{
		Filename: "film.mp4", MD5: "0123456789abcdef0123456789abcdef", TaskID: "33333333-aaaa-4bbb-8ccc-000000000001",
	}}, task.Result.Files)
}

func TestJobTask(t *testing.T) {
	t.Parallel()
	job := cloudconvert.Job{Tasks: []cloudconvert.Task{{ID: "1", Name: "b"}, {ID: "2", Name: "a"}}}
	task, ok := job.Task("a")
	require.True(t, ok)
	assert.Equal(t, "2", task.ID)
	task, ok = job.Task("c")
	assert.False(t, ok)
	assert.Zero(t, task)
	_, ok = (&cloudconvert.Job{}).Task("")
	assert.False(t, ok)
}

func TestJobFilesAreSorted(t *testing.T) {
	t.Parallel()
	export := func(name string, status cloudconvert.Status, files ...string) cloudconvert.Task {
		task := cloudconvert.Task{ID: "id-" + name, Name: name, Operation: cloudconvert.OperationExportURL, Status: status}
		for _, file := range files {
			task.Result.Files = append(task.Result.Files, cloudconvert.File{Filename: file})
		}
		return task
	}
	a, b := export("a", cloudconvert.StatusFinished, "2", "1"), export("b", cloudconvert.StatusFinished, "3")
	failed := export("c", cloudconvert.StatusError, "4")
	other := export("d", cloudconvert.StatusFinished, "5")
	other.Operation = cloudconvert.OperationExportS3
	for _, tasks := range [][]cloudconvert.Task{{a, b, failed, other}, {other, b, failed, a}} {
		job := cloudconvert.Job{Tasks: tasks}
		var names []string
		for _, file := range job.Files() {
			names = append(names, file.Filename)
		}
		assert.Equal(t, []string{"2", "1", "3"}, names)
		assert.Equal(t, tasks[0].Name, job.Tasks[0].Name, "the job stays as it is")
	}
	assert.Empty(t, (&cloudconvert.Job{}).Files())
}

func TestJobCredits(t *testing.T) {
	t.Parallel()
	assert.Zero(t, (&cloudconvert.Job{}).Credits())
	job := cloudconvert.Job{Tasks: []cloudconvert.Task{{Credits: 1}, {}, {Credits: 4, Status: cloudconvert.StatusError}}}
	assert.Equal(t, 5, job.Credits())
}

func TestJobToleratesOddShapes(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]cloudconvert.Job{
		`{"id": 12}`: {ID: "12"},
		`{"id": "1", "tag": 42, "status": "something new"}`:                                       {ID: "1", Tag: "42", Status: "something new"},
		`{"id": "1", "tag": " a ", "tasks": null, "links": []}`:                                   {ID: "1", Tag: " a "},
		`{"id": "1", "tag": {}, "status": [], "tasks": {}, "created_at": {}, "ended_at": "soon"}`: {ID: "1"},
		`{"id": "1", "tasks": [null, {}, "a", {"id": "2", "extra": {}}]}`:                         {ID: "1", Tasks: []cloudconvert.Task{{ID: "2"}}},
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			var job cloudconvert.Job
			require.NoError(t, json.Unmarshal([]byte(data), &job))
			assert.Equal(t, want, job)
		})
	}
	for _, data := range []string{`{}`, `{"id": null}`, `{"id": {}}`, `[]`, `"1"`} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			var job cloudconvert.Job
			require.Error(t, json.Unmarshal([]byte(data), &job))
		})
	}
	job := cloudconvert.Job{ID: "before"}
	require.NoError(t, json.Unmarshal([]byte(`null`), &job))
	assert.Equal(t, "before", job.ID)
}

func TestDecodingReplacesTheWholeJob(t *testing.T) {
	t.Parallel()
	job := testkit.RecordedJob(t, "job-finished.json")
	require.NoError(t, json.Unmarshal([]byte(`{"id": "2"}`), job))
	assert.Equal(t, &cloudconvert.Job{ID: "2"}, job)
}

// jobFixtures are the recorded jobs.
var jobFixtures = []string{
	"job-created.json", "job-finished.json", "job-failed.json", "job-sandbox-refusal.json",
	"2019-job-failed.json", "2021-job-finished.json", "2023-job-failed.json",
}

func TestJobRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range jobFixtures {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := testkit.RecordedJob(t, name)
			again, ok := testkit.Stable[cloudconvert.Job](t, []byte(testkit.Encode(t, job)))
			require.True(t, ok)
			for i := range job.Tasks {
				job.Tasks[i].Result.Raw, again.Tasks[i].Result.Raw = nil, nil // they are kept as sent
			}
			assert.Equal(t, *job, again)
		})
	}
}

func FuzzJob(f *testing.F) {
	for _, name := range jobFixtures {
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		require.NoError(f, json.Unmarshal([]byte(testkit.Recorded(f, name)), &envelope))
		f.Add([]byte(envelope.Data))
	}
	f.Add([]byte(`{"id": 1, "tag": 2, "status": 3, "tasks": {"id": 4}, "links": 5}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		job, ok := testkit.Stable[cloudconvert.Job](t, data)
		if !ok {
			return
		}
		require.NotEmpty(t, job.ID)
		for _, file := range job.Files() {
			require.NotEmpty(t, file.TaskID)
		}
		for _, task := range job.Tasks {
			found, ok := job.Task(task.Name)
			require.True(t, ok)
			require.Equal(t, task.Name, found.Name)
		}
	})
}
