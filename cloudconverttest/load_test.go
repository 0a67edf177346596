package cloudconverttest

import (
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

// TestConcurrentClients is for the race detector.
func TestConcurrentClients(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		x.s.Inject(Fault{Method: http.MethodGet, Path: "/v2/users/me", Share: 0.5, Kind: Status, Status: 503})
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				y := &tester{t: t, s: x.s, key: x.key}
				for n := range 5 {
					job := y.job(conversion("it", dict{"operation": "thumbnail", "input": "in", "output_format": "png", "width": 5}),
						dict{"tag": fmt.Sprintf("%d-%d", i, n)})
					y.upload(taskOf(t, job, "in"), "a.png", pngImage(t, 20, 20))
					y.call(http.MethodGet, "/users/me", nil)
					y.call(http.MethodGet, "/jobs?include=tasks", nil)
					job = y.ended(job)
					if assert.Equal(t, "finished", job["status"]) {
						y.get(str(filesOf(taskOf(t, job, "out"))[0]["url"]))
					}
					_ = x.s.Jobs()
					_ = x.s.Requests()
					if n%2 == 0 {
						y.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil)
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, x.s.WaitIdle(t.Context()))
		assert.Len(t, x.s.Jobs(), 32)
	})
}

// TestManyJobs runs five thousand jobs with 64 clients, and checks that everything is
// released.
func TestManyJobs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	t.Parallel()
	const jobs, clients = 5000, 64
	x := newTester(t)
	body := dict{"tasks": dict{
		"in":  dict{"operation": "import/raw", "file": strings.Repeat("x", 1000), "filename": "a.txt"},
		"zip": dict{"operation": "archive", "input": "in", "output_format": "zip"},
		"out": dict{"operation": "export/url", "input": "zip"},
	}, "tag": "many"}
	queue := make(chan int, jobs)
	for i := range jobs {
		queue <- i
	}
	close(queue)
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			y := &tester{t: t, s: x.s, key: x.key}
			for range queue {
				job := y.call(http.MethodPost, x.s.SyncURL+"/jobs", body).expect(http.StatusCreated).data()
				y.get(str(filesOf(taskOf(t, job, "out"))[0]["url"])).expect(http.StatusOK)
			}
		})
	}
	wg.Wait()

	assert.Len(t, x.call(http.MethodGet, "/jobs?filter[tag]=many&per_page=1000&page=5", nil).items(), 1000)
	require.NoError(t, x.s.WaitIdle(t.Context()))
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	assert.Less(t, stats.HeapAlloc, uint64(200<<20), "memory of %d jobs", jobs)
	x.s.HTTPClient().CloseIdleConnections()
	assert.Less(t, x.s.ConnectionsAccepted(), 4*clients, "connections are reused")
	x.s.Advance(24 * time.Hour)
	assert.Zero(t, x.s.BytesStored())
	assert.Empty(t, x.s.Jobs())
}

func BenchmarkJob(b *testing.B) {
	for name, opts := range map[string][]Option{"sockets": nil, "in process": {WithInProcess()}} {
		b.Run(name, func(b *testing.B) {
			x := newTester(b, opts...)
			for b.Loop() {
				x.call(http.MethodPost, x.s.SyncURL+"/jobs", dict{"tasks": quick}).expect(http.StatusCreated)
			}
		})
	}
}
