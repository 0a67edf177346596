package cloudconvert_test

import (
	"context"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// testSignal is a signal under the control of a test.
type testSignal struct {
	wake    chan struct{}
	over    chan struct{} // closed when the watch was stopped
	watched func()

	mu      sync.Mutex
	jobs    []string
	stopped int
}

func newSignal() *testSignal {
	return &testSignal{wake: make(chan struct{}, 1), over: make(chan struct{})}
}

func (s *testSignal) WatchJob(_ context.Context, jobID string) (<-chan struct{}, func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs = append(s.jobs, jobID)
	if s.watched != nil {
		s.watched()
	}
	return s.wake, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stopped++; s.stopped == 1 && s.over != nil {
			close(s.over)
		}
	}
}

// signalBubble runs a wait for a job that ends after a time, and returns when
// the wait ended and when it read the job. The signal is made in the bubble,
// whose clock stands still while anything waits for a channel from elsewhere.
func signalBubble(
	t *testing.T, newSignal func() *testSignal, end time.Duration, during func(*testSignal),
) (ended time.Duration, looks []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := newSignal()
		start := time.Now()
		var inFlight atomic.Int32
		client := testkit.NewClient(t, func(r *http.Request) (int, string) {
			assert.Equal(t, int32(1), inFlight.Add(1), "one look at a time")
			defer inFlight.Add(-1)
			assert.Equal(t, "/v2/jobs/a", r.URL.Path)
			assert.NotContains(t, r.Host, "sync")
			looks = append(looks, time.Since(start))
			status := `"processing"`
			if time.Since(start) >= end {
				status = `"finished"`
			}
			<-time.After(10 * time.Millisecond)
			return http.StatusOK, `{"data": {"id": "a", "status": ` + status + `, "tasks": []}}`
		})
		if during != nil {
			go during(s)
		}
		job, err := client.Jobs.Wait(t.Context(), "a", cloudconvert.WithSignal(s))
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		assert.Equal(t, []string{"a"}, s.jobs)
		assert.Equal(t, 1, s.stopped)
		ended = time.Since(start)
	})
	return ended, looks
}

func TestWaitPollsWithASilentSignal(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]func() *testSignal{
		"silent":  func() *testSignal { return &testSignal{wake: make(chan struct{})} },
		"nothing": func() *testSignal { return &testSignal{} },
		"closed":  func() *testSignal { return &testSignal{wake: closedChannel()} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, looks := signalBubble(t, s, 100*time.Second, nil)
			var pauses []float64
			for i := 1; i < len(looks); i++ {
				pauses = append(pauses, (looks[i] - looks[i-1]).Seconds())
			}
			require.Len(t, pauses, 7)
			assert.InDeltaSlice(t, []float64{2, 5, 10, 20, 30, 30, 30}, pauses, 0.02)
		})
	}
}

func closedChannel() chan struct{} {
	wake := make(chan struct{})
	close(wake)
	return wake
}

func TestWaitReadsAfterASignal(t *testing.T) {
	t.Parallel()
	ended, looks := signalBubble(t, newSignal, 60*time.Second, func(s *testSignal) {
		<-time.After(60 * time.Second)
		s.wake <- struct{}{}
	})
	assert.Less(t, ended, 60*time.Second+50*time.Millisecond)
	assert.Len(t, looks, 6)
}

func TestWaitBoundsRequestsOfABusySignal(t *testing.T) {
	t.Parallel()
	ended, looks := signalBubble(t, newSignal, time.Hour, func(s *testSignal) {
		for {
			select {
			case s.wake <- struct{}{}:
			case <-s.over:
				return
			}
		}
	})
	assert.Less(t, ended, time.Hour+6*time.Second)
	assert.Less(t, len(looks), 60*60/5+10, "the looks are kept apart")
}

func TestWaitDoesNotTrustTheSignal(t *testing.T) {
	t.Parallel()
	// It fires now and then, but never for the end.
	ended, _ := signalBubble(t, newSignal, 90*time.Second, func(s *testSignal) {
		for range 10 {
			<-time.After(7 * time.Second)
			s.wake <- struct{}{}
		}
	})
	assert.LessOrEqual(t, ended, 125*time.Second)

	// It fires at once and closes.
	ended, _ = signalBubble(t, func() *testSignal {
		s := newSignal()
		s.wake <- struct{}{}
		close(s.wake)
		return s
	}, 90*time.Second, nil)
	assert.LessOrEqual(t, ended, 125*time.Second)
}

func TestWaitWatchesBeforeItReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var watched atomic.Bool
		s := &testSignal{watched: func() {
			<-time.After(time.Second)
			watched.Store(true)
		}}
		calls := 0
		client := testkit.NewClient(t, func(*http.Request) (int, string) {
			assert.True(t, watched.Load())
			calls++
			return http.StatusOK, `{"data": {"id": "a", "status": "error", "tasks": []}}`
		})
		job, err := client.Jobs.Wait(t.Context(), "a", cloudconvert.WithSignal(s))
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		assert.Equal(t, "a", job.ID)
		assert.Equal(t, 1, calls)
		assert.Equal(t, 1, s.stopped)
	})
}

func TestWaitWithASignalSurvivesFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSignal()
		start := time.Now()
		client := testkit.NewClient(t, func(*http.Request) (int, string) {
			switch since := time.Since(start); {
			case since > 3*time.Minute:
				return http.StatusOK, `{"data": {"id": "a", "status": "finished", "tasks": []}}`
			case since < time.Second:
				return http.StatusOK, `{"data": {"id": "a", "status": "waiting", "tasks": []}}`
			default:
				return http.StatusBadGateway, "<html>"
			}
		})
		_, err := client.Jobs.Wait(t.Context(), "a", cloudconvert.WithSignal(s))
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(start), 4*time.Minute)
	})
}

func TestWaitWithASignalEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSignal()
		var deleted bool
		client := testkit.NewClient(t, func(r *http.Request) (int, string) {
			if r.Method == http.MethodDelete {
				deleted = true
				return http.StatusNoContent, ""
			}
			return http.StatusOK, `{"data": {"id": "a", "status": "processing", "tasks": []}}`
		})
		ctx, cancel := context.WithTimeout(t.Context(), 7*time.Second)
		defer cancel()
		start := time.Now()
		job, err := client.Jobs.Wait(ctx, "a", cloudconvert.WithSignal(s), cloudconvert.WithDeleteOnCancel())
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var waitError *cloudconvert.WaitError
		require.ErrorAs(t, err, &waitError)
		assert.Equal(t, cloudconvert.StatusProcessing, waitError.Status)
		assert.Equal(t, "a", job.ID)
		assert.Equal(t, 7*time.Second, time.Since(start))
		assert.True(t, deleted)
		assert.Equal(t, 1, s.stopped)
	})
}

func TestConvertWithASignal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSignal()
		start := time.Now()
		client := testkit.NewClient(t, func(r *http.Request) (int, string) {
			assert.NotContains(t, r.Host, "sync", "nothing is held open")
			status := "processing"
			if time.Since(start) > time.Minute {
				status = "finished"
			}
			return map[string]int{http.MethodPost: http.StatusCreated, http.MethodGet: http.StatusOK}[r.Method],
				`{"data": {"id": "a", "status": "` + status + `", "tasks": []}}`
		})
		go func() {
			<-time.After(time.Minute + time.Second)
			s.wake <- struct{}{}
		}()
		job, err := client.Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("a")), "pdf", cloudconvert.WithSignal(s))
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		assert.Less(t, time.Since(start), 62*time.Second)
		assert.Equal(t, []string{"a"}, s.jobs)
		assert.Equal(t, 1, s.stopped)

		_, err = client.Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("a")), "pdf", cloudconvert.WithSignal(nil))
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		require.ErrorContains(t, err, "WithSignal")
	})
}

// accountSignal is a signal that has missed nothing since a time.
type accountSignal struct {
	testSignal

	since time.Time
}

func (s *accountSignal) Since() time.Time { return s.since }

func TestConvertWithASignalOfAnAccount(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		since func() time.Time
		looks []float64
	}{
		"before":  {func() time.Time { return time.Now().Add(-time.Millisecond) }, []float64{5, 15, 35}},
		"unknown": {func() time.Time { return time.Time{} }, []float64{0, 2, 7, 17, 37}},
		"after":   {func() time.Time { return time.Now().Add(time.Millisecond) }, []float64{0, 2, 7, 17, 37}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				var looks []float64
				client := testkit.NewClient(t, func(r *http.Request) (int, string) {
					if r.Method == http.MethodPost {
						return http.StatusCreated, `{"data": {"id": "a", "status": "waiting", "tasks": []}}`
					}
					looks = append(looks, time.Since(start).Seconds())
					status := map[bool]string{true: "finished", false: "processing"}[time.Since(start) > 30*time.Second]
					return http.StatusOK, `{"data": {"id": "a", "status": "` + status + `", "tasks": []}}`
				})
				s := &accountSignal{since: test.since()}
				_, err := client.Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("a")), "pdf", cloudconvert.WithSignal(s))
				require.NoError(t, err)
				assert.Equal(t, test.looks, looks)

				looks, start = nil, time.Now()
				_, err = client.Jobs.Wait(t.Context(), "a", cloudconvert.WithSignal(s))
				require.NoError(t, err)
				assert.Equal(t, []float64{0, 2, 7, 17, 37}, looks, "it is not known when that job was created")
			})
		})
	}
}
