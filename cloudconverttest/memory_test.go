package cloudconverttest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// heap returns the size of what is in use after a garbage collection.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what finalizers held
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}

// each calls f n times from several goroutines.
func each(n, goroutines int, f func()) {
	var wg sync.WaitGroup
	for i := range goroutines {
		wg.Go(func() {
			for range (n + i) / goroutines {
				f()
			}
		})
	}
	wg.Wait()
}

func encoded(tb testing.TB, v any) string {
	tb.Helper()
	raw, err := json.Marshal(v)
	require.NoError(tb, err)
	return string(raw)
}

// TestDeletedJobsReleaseTheirMemory does not run in parallel: it measures the memory of
// the process.
func TestDeletedJobsReleaseTheirMemory(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const jobs = 200
	x := newTester(t)
	body := encoded(t, dict{"tasks": dict{
		"in":  dict{"operation": "import/base64", "file": strings.Repeat("QUJD", 100<<10), "filename": "a.txt"},
		"out": dict{"operation": "export/url", "input": "in"},
	}})
	before := heap()
	each(jobs, 8, func() {
		job := x.call(http.MethodPost, x.s.SyncURL+"/jobs", body).expect(http.StatusCreated).data()
		x.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil).expect(http.StatusNoContent)
	})
	require.NoError(t, x.s.WaitIdle(t.Context()))
	assert.Zero(t, x.s.BytesStored())
	assert.Less(t, heap()-before, int64(jobs*20<<10), "memory of %d deleted jobs with 400 KiB each", jobs)
}

func TestInlineFilesAreNotInMemory(t *testing.T) { //nolint:paralleltest // it measures the memory of the process
	if testing.Short() {
		t.Skip("measures memory")
	}
	x := newTester(t)
	file := strings.Repeat("x", 400<<10)
	before := heap()
	each(100, 8, func() {
		x.run(dict{"in": dict{"operation": "import/raw", "file": file, "filename": "a.txt"}})
	})
	assert.Less(t, heap()-before, int64(8<<20), "memory of 100 jobs with 400 KiB each")
	assert.EqualValues(t, 100*len(file), x.s.BytesStored())
	for _, request := range x.s.Requests() {
		assert.Less(t, len(request.Body), 2048)
	}
}

func TestDeletedUploadIsReleased(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithUploadSettle(time.Hour))
	job := x.job(dict{"in": dict{"operation": "import/upload"}})
	x.upload(taskOf(t, job, "in"), "a.txt", []byte("hello")).expect(http.StatusCreated)
	assert.EqualValues(t, 5, x.s.BytesStored())
	x.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil).expect(http.StatusNoContent)
	assert.Zero(t, x.s.BytesStored())
}

func TestRefusedInlineFileIsReleased(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithCredits(0))
	x.call(http.MethodPost, "/jobs", dict{"tasks": dict{"in": importing64("a.txt", []byte("hello"))}}).
		expect(http.StatusPaymentRequired)
	assert.Zero(t, x.s.BytesStored())
}

// TestInlineFileOfHandler checks that a handler gets the file, which the server does not
// keep in memory, and that a retried task does too.
func TestInlineFileOfHandler(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	files := make(chan string, 2)
	x.s.Handle("import/base64", func(ctx context.Context, run *Run) error {
		files <- run.Text("file")
		return run.Default(ctx)
	})
	task := taskOf(t, x.run(dict{"in": importing64("a.txt", []byte("hello"))}), "in")
	assert.Equal(t, "finished", task["status"])
	x.call(http.MethodPost, "/tasks/"+str(task["id"])+"/retry", nil).expect(http.StatusCreated)
	require.NoError(t, x.s.WaitIdle(t.Context()))
	assert.Equal(t, "aGVsbG8=", <-files)
	assert.Equal(t, "aGVsbG8=", <-files)
	assert.EqualValues(t, 5, x.s.BytesStored(), "the content counts once")

	shown := x.call(http.MethodGet, "/tasks/"+str(task["id"])+"?include=payload", nil).expect(http.StatusOK).data()
	payload, _ := shown["payload"].(map[string]any)
	assert.Equal(t, "(8 bytes)", payload["file"])
}

// TestManyJobs runs ten thousand conversions with 64 clients, and checks that they take
// little memory and are released after a day. It does not run in parallel: it measures the
// memory of the process.
func TestManyJobs(t *testing.T) { //nolint:paralleltest // see above
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	jobs := 10_000
	if raceEnabled {
		jobs = 1000 // the race detector makes it ten times slower
	}
	x := newTester(t)
	body := encoded(t, dict{"tasks": dict{
		"in":  dict{"operation": "import/raw", "file": strings.Repeat("x", 1000), "filename": "a.txt"},
		"zip": dict{"operation": "archive", "input": "in", "output_format": "zip"},
		"out": dict{"operation": "export/url", "input": "zip"},
	}, "tag": "many"})
	before := heap()
	each(jobs*9/10, 64, func() {
		x.call(http.MethodPost, x.s.SyncURL+"/jobs", body).expect(http.StatusCreated)
	})
	each(jobs/10, 64, func() { // fewer downloads, which take most of the time
		job := x.call(http.MethodPost, x.s.SyncURL+"/jobs", body).expect(http.StatusCreated).data()
		x.get(str(filesOf(taskOf(t, job, "out"))[0]["url"])).expect(http.StatusOK)
	})
	require.NoError(t, x.s.WaitIdle(t.Context()))
	x.s.HTTPClient().CloseIdleConnections()
	assert.Less(t, heap()-before, int64(jobs)*10<<10, "memory of %d jobs", jobs)
	assert.Less(t, x.s.ConnectionsAccepted(), jobs/4, "connections are reused")
	assert.Len(t, x.call(http.MethodGet, fmt.Sprintf("/jobs?filter[tag]=many&per_page=100&page=%d", jobs/100), nil).items(), 100)

	x.s.Advance(24 * time.Hour)
	assert.Zero(t, x.s.BytesStored())
	assert.Empty(t, x.s.Jobs())
	assert.Less(t, heap()-before, int64(40<<20), "memory after a day, with the newest requests")
}
