package cloudconverttest

import (
	"context"
	"errors"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
)

func TestShapes(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	a := x.call(http.MethodPost, "/jobs", `{"tasks": {
		"first": {"operation": "import/raw", "file": "x", "filename": "a.txt"},
		"then":  {"operation": "metadata", "input": "first", "engine": "exiftool", "engine_version": "12.07"},
		"last":  {"operation": "export/url", "input": ["then"]}
	}}`).expect(http.StatusCreated)
	assert.Contains(t, string(a.body), `import\/raw`, "slashes are escaped on the API host")
	job := a.data()
	for _, null := range []string{"tag", "started_at", "ended_at"} {
		assert.Contains(t, job, null)
		assert.Nil(t, job[null])
	}
	links, _ := job["links"].(map[string]any)
	assert.Equal(t, x.s.URL+"/jobs/"+str(job["id"]), links["self"])

	first, then := taskOf(t, job, "first"), taskOf(t, job, "then")
	for _, name := range []string{
		"credits", "code", "message", "result", "started_at", "ended_at", "retry_of_task_id", "copy_of_task_id", "host_name",
	} {
		assert.Contains(t, first, name)
		assert.Nil(t, first[name], name)
	}
	for _, name := range []string{"payload", "engine", "engine_version", "retries", "depends_on_tasks", "job"} {
		assert.NotContains(t, first, name)
	}
	assert.Equal(t, "exiftool", then["engine"])
	assert.Equal(t, "12.07", then["engine_version"])
	assert.Equal(t, []any{first["id"]}, then["depends_on_task_ids"])
	assert.Equal(t, []any{}, first["depends_on_task_ids"])
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, first["id"])
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`, first["created_at"])
	names := func(job dict) (names []any) {
		tasks, _ := job["tasks"].([]any)
		for _, v := range tasks {
			task, _ := v.(map[string]any)
			names = append(names, task["name"])
		}
		return names
	}
	assert.Equal(t, []any{"first", "then", "last"}, names(job))

	ended := x.call(http.MethodGet, x.s.SyncURL+"/jobs/"+str(job["id"]), nil).expect(http.StatusOK)
	assert.Contains(t, string(ended.body), `import/raw`, "slashes are not escaped on the sync host")
	assert.Equal(t, []any{"last", "then", "first"}, names(ended.data()))
	then = taskOf(t, ended.data(), "then")
	result, _ := then["result"].(map[string]any)
	metadata, _ := result["metadata"].(map[string]any)
	assert.Equal(t, "a.txt", metadata["FileName"])
	assert.NotContains(t, result, "files")
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job := x.run(dict{
		"in":  dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
		"out": dict{"operation": "export/url", "input": "in", "inline": true},
	})
	id := str(taskOf(t, job, "out")["id"])
	task := x.call(http.MethodGet, "/tasks/"+id+"?include=payload,job,retries,depends_on_tasks", nil).expect(http.StatusOK).data()
	assert.Equal(t, dict{"operation": "export/url", "input": []any{"in"}, "inline": true}, task["payload"])
	assert.Equal(t, []any{}, task["retries"])
	needs, _ := task["depends_on_tasks"].([]any)
	require.Len(t, needs, 1)
	owner, _ := task["job"].(map[string]any)
	assert.Equal(t, job["id"], owner["id"])
	assert.NotContains(t, owner, "tasks")
	for _, path := range []string{x.s.URL, x.s.SyncURL} {
		task = x.call(http.MethodGet, path+"/tasks/"+id, nil).expect(http.StatusOK).data()
		assert.NotContains(t, task, "payload")
	}
	x.call(http.MethodGet, "/tasks/"+id+"/wait", nil).expect(http.StatusOK)
	x.call(http.MethodGet, "/jobs/"+str(job["id"])+"/wait", nil).expect(http.StatusOK)
}

func TestFailuresSpread(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		ignore           bool
		status, out, zip string
		files            int
	}{
		"as usual":     {false, "error", "error", "error", 0},
		"when ignored": {true, "finished", "finished", "finished", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			job := x.run(dict{
				"good": dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
				"bad":  dict{"operation": "import/raw", "file": "x", "filename": "none", "ignore_error": c.ignore},
				"out":  dict{"operation": "export/url", "input": []string{"good", "bad"}},
				"zip":  dict{"operation": "archive", "input": "out", "output_format": "zip"},
			})
			assert.Equal(t, c.status, job["status"])
			bad := taskOf(t, job, "bad")
			assert.Equal(t, "INVALID_FILENAME", bad["code"])
			assert.InDelta(t, 0, bad["credits"], 0)
			assert.Nil(t, bad["result"])
			out := taskOf(t, job, "out")
			assert.Equal(t, c.out, out["status"])
			assert.Len(t, filesOf(out), c.files)
			if !c.ignore {
				assert.Equal(t, "INPUT_TASK_FAILED", out["code"])
				assert.Equal(t, "Input task has failed", out["message"])
			}
			assert.Equal(t, c.zip, taskOf(t, job, "zip")["status"])
		})
	}
}

func TestFailureOfHandlers(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	x.s.Handle("merge", func(context.Context, *Run) error { return Fail("OPEN_FAILED", "no way") })
	x.s.Handle("pdf/ocr", func(context.Context, *Run) error { return errors.New("tool output") })
	job := x.run(dict{
		"in": dict{"operation": "import/raw", "file": "x", "filename": "a.pdf"},
		"a":  dict{"operation": "merge", "input": "in", "output_format": "pdf"},
		"b":  dict{"operation": "pdf/ocr", "input": "in"},
	})
	assert.Equal(t, "OPEN_FAILED", taskOf(t, job, "a")["code"])
	assert.Equal(t, "no way", taskOf(t, job, "a")["message"])
	assert.Nil(t, taskOf(t, job, "b")["code"])
	assert.Equal(t, "tool output", taskOf(t, job, "b")["message"])
}

func TestHandlerThatCallsGoexit(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	exit := func(context.Context, *Run) error {
		runtime.Goexit() // as FailNow of a test does
		return nil
	}
	x.s.HandleConvert("txt", "pdf", exit)
	x.s.Handle("optimize", exit)
	for _, task := range []dict{{"operation": "convert", "output_format": "pdf"}, {"operation": "optimize"}} {
		task["input"] = "in"
		it := taskOf(t, x.run(dict{"in": importing64("a.txt", []byte("x")), "it": task}), "it")
		assert.Equal(t, "error", it["status"])
		assert.Contains(t, it["message"], "FailNow")
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	stopped := make(chan error, 1)
	started := make(chan struct{})
	x.s.Handle("merge", func(ctx context.Context, _ *Run) error {
		close(started)
		<-ctx.Done()
		stopped <- ctx.Err()
		return nil
	})
	job := x.job(dict{
		"in":  dict{"operation": "import/raw", "file": "x", "filename": "a.pdf"},
		"it":  dict{"operation": "merge", "input": "in", "output_format": "pdf"},
		"out": dict{"operation": "export/url", "input": "it"},
	})
	<-started
	path := "/tasks/" + str(taskOf(t, job, "it")["id"]) + "/cancel"
	task := x.call(http.MethodPost, path, nil).expect(http.StatusOK).data()
	assert.Equal(t, "error", task["status"])
	assert.Equal(t, "CANCELLED", task["code"])
	assert.NotNil(t, task["ended_at"])
	require.ErrorIs(t, <-stopped, context.Canceled)
	job = x.ended(job)
	assert.Equal(t, "error", job["status"])
	assert.Equal(t, "INPUT_TASK_FAILED", taskOf(t, job, "out")["code"])
	x.call(http.MethodPost, path, nil).wantInvalid("status", "Cannot change status: task already completed.")

	open := x.call(http.MethodPost, "/import/upload", dict{}).expect(http.StatusCreated).data()
	task = x.call(http.MethodPost, "/tasks/"+str(open["id"])+"/cancel", dict{}).expect(http.StatusOK).data()
	assert.Equal(t, "CANCELLED", task["code"])
	assert.Nil(t, task["result"])
}

func TestRetry(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	calls := make(chan int, 2)
	calls <- 1
	x.s.Handle("merge", func(_ context.Context, run *Run) error {
		select {
		case <-calls:
			return errors.New("not yet")
		default:
			return run.Write("a.pdf", []byte(run.Input().Name))
		}
	})
	job := x.run(dict{
		"in": dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
		"it": dict{"operation": "merge", "input": "in", "output_format": "pdf"},
	})
	require.Equal(t, "error", job["status"])
	old := str(taskOf(t, job, "it")["id"])
	task := x.call(http.MethodPost, "/tasks/"+old+"/retry", nil).expect(http.StatusCreated).data()
	assert.Equal(t, "waiting", task["status"])
	assert.Equal(t, old, task["retry_of_task_id"])
	assert.Equal(t, old, task["copy_of_task_id"])
	assert.NotEqual(t, old, task["id"])
	task = x.call(http.MethodGet, x.s.SyncURL+"/tasks/"+str(task["id"]), nil).expect(http.StatusOK).data()
	assert.Equal(t, "finished", task["status"])
	assert.Len(t, filesOf(task), 1)
	shown := x.call(http.MethodGet, "/tasks/"+old+"?include=retries", nil).expect(http.StatusOK).data()
	assert.Len(t, shown["retries"], 1)
	assert.Equal(t, "error", x.ended(job)["status"], "the job does not change")

	open := x.call(http.MethodPost, "/import/upload", dict{}).expect(http.StatusCreated).data()
	x.call(http.MethodPost, "/tasks/"+str(open["id"])+"/retry", nil).expect(http.StatusUnprocessableEntity)
	x.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil).expect(http.StatusNoContent)
	x.call(http.MethodGet, "/tasks/"+str(task["id"]), nil).expect(http.StatusNotFound)
	assert.Zero(t, x.s.BytesStored())
}

func TestDeleteWhileRunning(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	started, stopped := make(chan struct{}, 2), make(chan struct{}, 2)
	x.s.Handle("merge", func(ctx context.Context, run *Run) error {
		started <- struct{}{}
		<-ctx.Done()
		stopped <- struct{}{}
		return run.Write("late.pdf", []byte("late"))
	})
	tasks := dict{
		"in":  dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
		"it":  dict{"operation": "merge", "input": "in", "output_format": "pdf"},
		"out": dict{"operation": "export/url", "input": "it"},
	}
	job := x.job(tasks)
	<-started
	x.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil).expect(http.StatusNoContent)
	<-stopped
	x.call(http.MethodGet, "/jobs/"+str(job["id"]), nil).expect(http.StatusNotFound)

	job = x.job(tasks)
	<-started
	x.call(http.MethodDelete, "/tasks/"+str(taskOf(t, job, "it")["id"]), nil).expect(http.StatusNoContent)
	<-stopped
	ended := x.ended(job)
	assert.Equal(t, "error", ended["status"])
	assert.Len(t, ended["tasks"], 2)
	require.NoError(t, x.s.WaitIdle(t.Context()))
	assert.EqualValues(t, 1, x.s.BytesStored(), "only the input of the second job is left")
}

func TestDeletedInput(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	in := x.call(http.MethodPost, "/import/raw", dict{"file": "x", "filename": "a.txt"}).expect(http.StatusCreated).data()
	require.NoError(t, x.s.WaitIdle(t.Context()))
	export := x.call(http.MethodPost, "/export/url", dict{"input": in["id"]}).expect(http.StatusCreated).data()
	require.NoError(t, x.s.WaitIdle(t.Context()))
	x.call(http.MethodDelete, "/tasks/"+str(in["id"]), nil).expect(http.StatusNoContent)
	task := x.call(http.MethodGet, "/tasks/"+str(export["id"]), nil).expect(http.StatusOK).data()
	x.get(str(filesOf(task)[0]["url"])).expect(http.StatusOK)
	x.call(http.MethodPost, "/export/url", dict{"input": in["id"]}).wantInvalid("input", "Invalid input task.")
	again := x.call(http.MethodPost, "/tasks/"+str(export["id"])+"/retry", nil).expect(http.StatusCreated).data()
	again = x.call(http.MethodGet, x.s.SyncURL+"/tasks/"+str(again["id"]), nil).expect(http.StatusOK).data()
	assert.Equal(t, "INPUT_TASK_FAILED", again["code"])
}

func TestRetention(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job, file := x.exported("a.txt", "x", nil)
	alone := x.call(http.MethodPost, "/import/raw", dict{"file": "x", "filename": "a.txt"}).expect(http.StatusCreated).data()
	require.NoError(t, x.s.WaitIdle(t.Context()))
	open := x.call(http.MethodPost, "/jobs", dict{"tasks": dict{"in": dict{"operation": "import/upload"}}}).data()
	x.s.Advance(jobs.Retention - time.Minute)
	x.call(http.MethodGet, "/jobs/"+str(job["id"]), nil).expect(http.StatusOK)
	x.s.Advance(time.Minute)
	x.call(http.MethodGet, "/jobs/"+str(job["id"]), nil).expect(http.StatusNotFound)
	x.call(http.MethodGet, "/tasks/"+str(alone["id"]), nil).expect(http.StatusNotFound)
	x.get(str(file["url"])).expect(http.StatusForbidden)
	assert.Zero(t, x.s.BytesStored())
	x.call(http.MethodGet, "/jobs/"+str(open["id"]), nil).expect(http.StatusOK)
	x.s.Advance(jobs.Retention)
	x.call(http.MethodGet, "/jobs/"+str(open["id"]), nil).expect(http.StatusNotFound)
	assert.Empty(t, x.s.Tasks())
}

func TestTaskTimesInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess(), WithTaskDuration(time.Minute), WithUploadSettle(10*time.Second))
		defer s.Close()
		x := &tester{t: t, s: s, key: s.Key()}
		job, in := x.uploading()
		x.upload(in, "a.txt", []byte("x")).expect(http.StatusCreated)
		state := func(path string) any { return x.call(http.MethodGet, path, nil).expect(http.StatusOK).data()["status"] }
		inPath, outPath, jobPath := "/tasks/"+str(in["id"]), "/tasks/"+str(taskOf(t, job, "out")["id"]), "/jobs/"+str(job["id"])
		synctest.Wait()
		assert.Equal(t, "waiting", state(inPath))
		assert.Equal(t, "waiting", state(jobPath))
		begin := time.Now()
		time.Sleep(10 * time.Second) //nolint:forbidigo // the clock of the bubble
		synctest.Wait()
		assert.Equal(t, "processing", state(inPath))
		assert.Equal(t, "processing", state(jobPath))
		assert.Equal(t, "waiting", state(outPath))
		time.Sleep(time.Minute) //nolint:forbidigo // the clock of the bubble
		synctest.Wait()
		assert.Equal(t, "finished", state(inPath))
		assert.Equal(t, "processing", state(outPath))
		assert.Equal(t, "finished", x.ended(job)["status"])
		assert.Equal(t, 130*time.Second, time.Since(begin))
		time.Sleep(jobs.Retention) //nolint:forbidigo // the clock of the bubble
		x.call(http.MethodGet, jobPath, nil).expect(http.StatusNotFound)
	})
}

func TestTimeoutParameterInBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess(), WithTaskDurationFunc(func(operation string) time.Duration {
			return map[string]time.Duration{"metadata": time.Hour}[operation]
		}))
		defer s.Close()
		x := &tester{t: t, s: s, key: s.Key()}
		begin := time.Now()
		job := x.run(dict{
			"in": dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
			"it": dict{"operation": "metadata", "input": "in", "timeout": 5},
		})
		assert.Equal(t, "TIMEOUT", taskOf(t, job, "it")["code"])
		assert.Equal(t, 5*time.Second, time.Since(begin))
	})
}

func TestSyncHostInBubble(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opt  Option
		drop bool
	}{
		"drops":   {WithSyncDrop(time.Minute), true},
		"timeout": {WithSyncTimeout(time.Minute), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := NewServer(WithInProcess(), c.opt)
				defer s.Close()
				x := &tester{t: t, s: s, key: s.Key()}
				job, task := x.uploading()
				begin := time.Now()
				for _, path := range []string{"/jobs/" + str(job["id"]), "/tasks/" + str(task["id"])} {
					req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.SyncURL+path, http.NoBody)
					require.NoError(t, err)
					req.Header.Set("Authorization", "Bearer "+x.key)
					a, err := x.try(req)
					if c.drop {
						require.Error(t, err)
						continue
					}
					require.NoError(t, err)
					assert.Equal(t, "waiting", a.expect(http.StatusOK).data()["status"])
				}
				assert.Equal(t, 2*time.Minute, time.Since(begin))
			})
		})
	}
}

func TestInspection(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	x.run(dict{
		"in": dict{"operation": "import/raw", "file": "hello", "filename": "a.txt"},
		"s3": dict{
			"operation": "export/s3", "input": "in", "bucket": "b", "region": "r", "access_key_id": "id",
			"secret_access_key": "very secret",
		},
	}, dict{"tag": "seen", "webhook_url": ""})
	jobs := x.s.Jobs()
	require.Len(t, jobs, 1)
	assert.Equal(t, "seen", jobs[0].Tag)
	assert.Equal(t, "finished", jobs[0].Status)
	require.Len(t, jobs[0].Tasks, 2)
	byName := map[string]Task{}
	for _, task := range jobs[0].Tasks {
		byName[task.Name] = task
	}
	s3 := byName["s3"]
	assert.Equal(t, []string{"in"}, s3.Inputs)
	assert.Equal(t, "REDACTED", s3.Params["secret_access_key"])
	assert.Equal(t, "b", s3.Params["bucket"])
	require.Len(t, s3.Files, 1)
	assert.Empty(t, s3.Files[0].URL)
	content, err := os.ReadFile(s3.Files[0].Path)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(content))
	assert.Len(t, x.s.Tasks(), 2)
}

// TestLongChains has a long chain of tasks whose first task fails.
func TestLongChains(t *testing.T) {
	t.Parallel()
	n := 10_000
	if raceEnabled {
		n = 1000 // the race detector makes it ten times slower
	}
	x := newTester(t)
	tasks := dict{"0": dict{"operation": "import/base64", "filename": "a.txt", "file": "?"}}
	for i := 1; i < n; i++ {
		tasks[strconv.Itoa(i)] = dict{"operation": "export/url", "input": strconv.Itoa(i - 1)}
	}
	job := x.run(tasks)
	assert.Equal(t, "error", job["status"])
	assert.Equal(t, "INPUT_TASK_FAILED", taskOf(t, job, strconv.Itoa(n-1))["code"])

	for i := n; i <= 10_000; i++ {
		tasks[strconv.Itoa(i)] = dict{"operation": "export/url", "input": "0"}
	}
	x.call(http.MethodPost, "/jobs", dict{"tasks": tasks}).wantInvalid("tasks", "The tasks may not have more than 10000 items.")
}
