package cloudconverttest

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

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
