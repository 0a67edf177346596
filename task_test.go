package cloudconvert_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func decodeTask(t *testing.T, data string) cloudconvert.Task {
	t.Helper()
	var task cloudconvert.Task
	require.NoError(t, json.Unmarshal([]byte(data), &task))
	return task
}

func TestTaskDecodesAllFields(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.Recorded(t, "task-everything.json")))
	got, err := client.Tasks.Get(t.Context(), "1", cloudconvert.WithInclude(cloudconvert.IncludeRetries,
		cloudconvert.IncludeDependsOnTasks, cloudconvert.IncludePayload, cloudconvert.IncludeJob))
	require.NoError(t, err)
	assert.Equal(t, "retries,depends_on_tasks,payload,job", script.Requests[0].URL.Query().Get("include"))
	at := time.Date(2026, 9, 14, 8, 15, 30, 0, time.UTC)
	const prefix = "55555555-aaaa-4bbb-8ccc-00000000000"
	assert.Equal(t, &cloudconvert.Task{
		ID: prefix + "2", JobID: "66666666-aaaa-4bbb-8ccc-000000000001", Operation: "hologram/render",
		Status: cloudconvert.StatusError, Percent: 37, Code: "SOMETHING_NEW", Message: "Something new happened",
		Engine: "holo", EngineVersion: "12.07",
		Result:    cloudconvert.TaskResult{Raw: json.RawMessage(`{"hologram": {"depth": 3}}`)},
		CreatedAt: at, StartedAt: at.Add(time.Second), EndedAt: at.Add(2 * time.Second),
		DependsOnTaskIDs: []string{prefix + "1"},
		DependsOnTasks: []cloudconvert.Task{{
			ID: prefix + "1", Name: "in", Operation: cloudconvert.OperationImportS3, Status: cloudconvert.StatusFinished,
			Result: cloudconvert.TaskResult{
				Files: []cloudconvert.File{{Filename: "a.txt", Size: 3, TaskID: prefix + "1"}},
				Raw:   json.RawMessage(`{"files": [{"filename": "a.txt", "size": 3}]}`),
			},
		}},
		RetryOfTaskID: prefix + "0", CopyOfTaskID: prefix + "0",
		Retries: []cloudconvert.Task{{ID: prefix + "3", Operation: "hologram/render", Status: cloudconvert.StatusQueued}},
		Payload: json.RawMessage(`{"operation": "hologram/render", "input": ["55555555-aaaa-4bbb-8ccc-000000000001"], "depth": 3}`),
		Job:     &cloudconvert.Job{ID: "66666666-aaaa-4bbb-8ccc-000000000001", Status: cloudconvert.StatusError, Tag: "t"},
		UserID:  "4711", Priority: 50, HostName: "karla", Storage: "s3-us-east-1", Region: cloudconvert.RegionUSEast,
		Links: cloudconvert.Links{Self: "https://api.cloudconvert.com/v2/tasks/" + prefix + "2"},
	}, got)
}

func TestTaskToleratesNulls(t *testing.T) {
	t.Parallel()
	task := decodeTask(t, `{
		"id": "1", "name": null, "job_id": null, "status": null, "credits": null, "code": null, "message": null, "percent": null,
		"operation": null, "engine": null, "engine_version": null, "payload": null, "result": null, "created_at": null,
		"started_at": null, "ended_at": null, "retry_of_task_id": null, "copy_of_task_id": null, "retries": null, "user_id": null,
		"priority": null, "host_name": null, "storage": null, "region": null, "depends_on_task_ids": null,
		"depends_on_tasks": null, "job": null, "links": null
	}`)
	assert.Equal(t, cloudconvert.Task{ID: "1"}, task)
	assert.JSONEq(t, `{"id": "1", "operation": "", "status": "", "percent": 0}`, testkit.Encode(t, task))
}

func TestTaskToleratesOddShapes(t *testing.T) {
	t.Parallel()
	for _, odd := range []string{`[]`, `{}`, `[[1]]`, `{"a": {"b": []}}`} {
		t.Run(odd, func(t *testing.T) {
			t.Parallel()
			fields := map[string]json.RawMessage{"id": json.RawMessage(`12`)}
			for _, name := range []string{
				"name", "job_id", "status", "credits", "code", "message", "percent", "operation", "engine", "engine_version",
				"created_at", "started_at", "ended_at", "retry_of_task_id", "copy_of_task_id", "retries", "user_id",
				"priority", "host_name", "storage", "region", "depends_on_task_ids", "depends_on_tasks", "job", "links",
			} {
				fields[name] = json.RawMessage(odd)
			}
			assert.Equal(t, cloudconvert.Task{ID: "12"}, decodeTask(t, testkit.Encode(t, fields)))
		})
	}
}

func TestTaskNeedsAnID(t *testing.T) {
	t.Parallel()
	for _, data := range []string{`{}`, `{"id": null}`, `{"id": ""}`, `{"id": []}`, `[]`, `"1"`, `12`} {
		var task cloudconvert.Task
		require.Error(t, json.Unmarshal([]byte(data), &task), data)
	}
	task := cloudconvert.Task{ID: "before"}
	require.NoError(t, json.Unmarshal([]byte(`null`), &task))
	assert.Equal(t, "before", task.ID, "null is nothing, as everywhere")
}

func TestDependsOnTasks(t *testing.T) {
	t.Parallel()
	for data, want := range map[string][]cloudconvert.Task{
		`{"import": "1", "convert": "2"}`:     {{ID: "2", Name: "convert"}, {ID: "1", Name: "import"}},
		`{"import": 1, "b": null, "c": []}`:   {{ID: "1", Name: "import"}},
		`[{"id": "1", "name": "import"}]`:     {{ID: "1", Name: "import"}},
		`[{"id": "1"}, null, {"name": "b"}]`:  {{ID: "1"}},
		`[{"id": "2"}, {"id": "1"}, "text" ]`: {{ID: "2"}, {ID: "1"}},
		`{}`:                                  nil,
		`[]`:                                  nil,
		`null`:                                nil,
		`"import"`:                            nil,
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			task := decodeTask(t, `{"id": "3", "depends_on_tasks": `+data+`}`)
			assert.Equal(t, want, task.DependsOnTasks)
		})
	}
}

func TestDependsOnTaskIDs(t *testing.T) {
	t.Parallel()
	for data, want := range map[string][]string{
		`["1", "2"]`: {"1", "2"}, `{"b": "2", "a": "1"}`: {"1", "2"}, `"1"`: {"1"}, `[1, null]`: {"1"}, `[]`: nil, `{}`: nil, `null`: nil,
	} {
		assert.Equal(t, want, decodeTask(t, `{"id": "3", "depends_on_task_ids": `+data+`}`).DependsOnTaskIDs, data)
	}
}

func TestResults(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]cloudconvert.TaskResult{
		`null`:   {},
		`[]`:     {},
		`"done"`: {},
		`12`:     {},
		`{}`:     {},
		`{"files": [{"filename": "a.pdf", "size": 12, "url": "https://s.example/a?b=c&d", "dir": "x/", "inline": true}]}`: {
			Files: []cloudconvert.File{{Filename: "a.pdf", Size: 12, URL: "https://s.example/a?b=c&d", Dir: "x/", TaskID: "1"}},
		},
		`{"files": [{"filename": " a.pdf ", "size": "12", "md5": "abc"}, null, "b.pdf", {"filename": null, "size": -1}]}`: {
			Files: []cloudconvert.File{{Filename: " a.pdf ", Size: 12, MD5: "abc", TaskID: "1"}, {TaskID: "1"}},
		},
		`{"files": {"filename": "a.pdf"}, "form": [], "metadata": [], "output": null}`: {},
		`{"files": null, "form": {"parameters": {}}}`:                                  {},
		`{"metadata": {"PageCount": 3, "Title": "a", "Deep": {"x": [1]}}, "files": []}`: {
			Metadata: map[string]any{"PageCount": 3.0, "Title": "a", "Deep": map[string]any{"x": []any{1.0}}},
		},
		`{"output": "ffmpeg version 7\n"}`: {Output: "ffmpeg version 7\n"},
		`{"form": {"url": "https://s.example", "parameters": {"a": 1}}}`: {
			Form: &cloudconvert.UploadForm{URL: "https://s.example", Fields: []cloudconvert.FormField{{Name: "a", Value: "1"}}},
		},
	} {
		t.Run(data, func(t *testing.T) {
			t.Parallel()
			if data[0] == '{' {
				want.Raw = json.RawMessage(data)
			}
			assert.Equal(t, want, decodeTask(t, `{"id": "1", "status": "finished", "result": `+data+`}`).Result)
		})
	}
}

func TestFilesOfMoreBytesThanFitInto32Bits(t *testing.T) {
	t.Parallel()
	task := decodeTask(t, `{"id": "1", "result": {"files": [{"filename": "film.mkv", "size": 98765432101}]}}`)
	assert.Equal(t, int64(98765432101), task.Result.Files[0].Size)
}

func TestRawJSONIsACopy(t *testing.T) {
	t.Parallel()
	data := []byte(`{"id": "1", "payload": {"a": 1}, "result": {"b": 2}}`)
	var task cloudconvert.Task
	require.NoError(t, json.Unmarshal(data, &task))
	for i := range data {
		data[i] = 'x'
	}
	assert.JSONEq(t, `{"a": 1}`, string(task.Payload))
	assert.JSONEq(t, `{"b": 2}`, string(task.Result.Raw))
}

func TestStatusTerminal(t *testing.T) {
	t.Parallel()
	for status, want := range map[cloudconvert.Status]bool{
		"waiting": false, "queued": false, "processing": false, "finished": true, "error": true, "": false, "something new": false,
	} {
		assert.Equal(t, want, status.Terminal(), "%q", status)
	}
}

func FuzzTask(f *testing.F) {
	for _, name := range []string{
		"task-everything.json", "task-upload-2019.json",
		"2019-task-export.json", "2020-task-alone.json", "2020-task-retried.json", "2024-task-upload.json",
	} {
		var envelope struct {
			Data json.RawMessage `json:"data"`
		}
		require.NoError(f, json.Unmarshal([]byte(testkit.Recorded(f, name)), &envelope))
		f.Add([]byte(envelope.Data))
	}
	for _, seed := range []string{
		`{"id": 1, "depends_on_tasks": {"a": "b"}, "depends_on_task_ids": {"a": "b"}, "result": []}`,
		`{"id": "1", "created_at": "9999-12-31T23:59:59-00:01", "ended_at": "2020-12-17T04:36:08+24:00"}`,
		`{"id": "1", "payload": "<&>", "job": {"id": "2", "tasks": [{"id": "1", "retries": [{}]}]}}`,
		`{"id": "1", "percent": 1e400, "credits": "9", "user_id": 37116784, "result": {"metadata": {"": null}}}`, `null`, `[]`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		task, ok := testkit.Stable[cloudconvert.Task](t, data)
		if !ok {
			return
		}
		require.NotEmpty(t, task.ID)
		for _, file := range task.Result.Files {
			require.Equal(t, task.ID, file.TaskID)
			require.GreaterOrEqual(t, file.Size, int64(0))
		}
	})
}

// A file that was stored as JSON, alone or within its task or job, can be renewed.
func TestFileKeepsItsTask(t *testing.T) {
	t.Parallel()
	var job cloudconvert.Job
	require.NoError(t, json.Unmarshal([]byte(testkit.Recorded(t, "job-finished.json")), &struct {
		Data *cloudconvert.Job `json:"data"`
	}{&job}))
	require.NotEmpty(t, job.Files())
	want := job.Files()[0]
	require.NotEmpty(t, want.TaskID)

	var file cloudconvert.File
	reread(t, want, &file)
	assert.Equal(t, want, file)

	var files []cloudconvert.File
	reread(t, job.Files(), &files)
	assert.Equal(t, job.Files(), files)

	var again cloudconvert.Job
	reread(t, job, &again)
	assert.Equal(t, job.Files(), again.Files())

	var result cloudconvert.TaskResult
	export, found := job.Task(again.Tasks[0].Name)
	require.True(t, found)
	reread(t, export.Result, &result)
	assert.Equal(t, export.Result.Files, result.Files)

	var task cloudconvert.Task
	require.NoError(t, json.Unmarshal([]byte(`{"id": "1", "result": {"files": [{"filename": "a", "task_id": "2"}, {"task_id": "2"}]}}`), &task))
	assert.Equal(t, []cloudconvert.File{{Filename: "a", TaskID: "1"}}, task.Result.Files, "a task knows better")
}

// reread stores a value as JSON and reads it again.
func reread(t *testing.T, value, into any) {
	t.Helper()
	encoded, err := json.Marshal(value)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(encoded, into))
}

// nested returns a task within a task, n times.
func nested(n int, open, shut string) []byte {
	return []byte(strings.Repeat(open, n) + `{"id": "innermost"}` + strings.Repeat(shut, n))
}

// Tasks with jobs with tasks must not take minutes.
func TestNestedTasksAreDecodedFast(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		open, shut string
		levels     int
	}{
		"jobs":                 {`{"id": "1", "job": {"id": "2", "tasks": [`, `]}}`, 3000},
		"retries":              {`{"id": "1", "retries": [`, `]}`, 4500},
		"depends on":           {`{"id": "1", "depends_on_tasks": [`, `]}`, 4500},
		"both, by turns":       {`{"id": "1", "retries": [{"id": "2", "depends_on_tasks": [`, `]}]}`, 2000},
		"payload":              {`{"id": "1", "payload": {"a": [`, `]}}`, 3000},
		"metadata":             {`{"id": "1", "result": {"metadata": {"a": [`, `]}}}`, 2000},
		"files":                {`{"id": "1", "result": {"files": [`, `]}}`, 3000},
		"form":                 {`{"id": "1", "result": {"form": {"url": "u", "parameters": {"a": `, `}}}}`, 2000},
		"texts":                {`{"id": "1", "depends_on_task_ids": [`, `]}`, 4500},
		"texts in an object":   {`{"id": "1", "depends_on_task_ids": {"a": `, `}}`, 4500},
		"names of other tasks": {`{"id": "1", "depends_on_tasks": {"a": `, `}}`, 4500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := nested(c.levels, c.open, c.shut)
			begun := time.Now()
			var task cloudconvert.Task
			require.NoError(t, json.Unmarshal(data, &task))
			assert.Less(t, time.Since(begun), time.Minute)
			_, ok := testkit.Stable[cloudconvert.Task](t, data)
			assert.True(t, ok)
		})
	}
}

func TestNestedTasksAreDecodedTenLevelsDeep(t *testing.T) {
	t.Parallel()
	depth := func(n int) (levels int) {
		task := decodeTask(t, string(nested(n, `{"id": "1", "job": {"id": "2", "tasks": [`, `]}}`)))
		for at := &task; at.Job != nil; levels++ {
			if len(at.Job.Tasks) == 0 {
				return 2*levels + 1
			}
			at = &at.Job.Tasks[0]
		}
		return 2 * levels
	}
	assert.Equal(t, 8, depth(4))
	assert.Equal(t, 10, depth(5))
	assert.Equal(t, 10, depth(6))
}
