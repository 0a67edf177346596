package events_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// site is a sandbox with a listener, in a bubble.
type site struct {
	*cloudconverttest.Server

	client   *cloudconvert.Client
	listener *events.Client
}

// atSite runs a test in which a conversion to pdf takes as many seconds as its option
// says, and fails if that is negative.
func atSite(t *testing.T, test func(t *testing.T, s site)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		server := cloudconverttest.NewServer(cloudconverttest.WithInProcess())
		defer server.Close()
		server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
			seconds := run.Number("seconds")
			for percent := range 100 {
				<-time.After(time.Duration(max(seconds, -seconds) * float64(time.Second) / 100))
				run.SetPercent(percent)
			}
			if seconds < 0 {
				return cloudconverttest.Fail("OPEN_FAILED", "as requested")
			}
			return run.Write("a.pdf", []byte("%PDF"))
		})
		client := server.Client()
		listener, err := events.New(client, events.WithURL(server.EventsURL))
		require.NoError(t, err)
		defer listener.Close()
		test(t, site{server, client, listener})
	})
}

// request returns a job that takes so many seconds.
func request(seconds float64) *cloudconvert.JobRequest {
	return &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"in": cloudconvert.ImportRaw{File: "text", Filename: "a.txt"},
		"pdf": cloudconvert.Convert{
			Input: []string{"in"}, OutputFormat: "pdf", Options: cloudconvert.Options{"seconds": seconds},
		},
		"out": cloudconvert.ExportURL{Input: []string{"pdf"}},
	}}
}

// count returns the number of requests that begin with a prefix, as in "GET /v2/jobs".
func (s site) count(begin string) int {
	n := 0
	for _, r := range s.Requests() {
		if strings.HasPrefix(r.Method+" "+r.Path, begin) {
			n++
		}
	}
	return n
}

// trouble is a fault of the socket. It may delay a wait, but not change its result.
type trouble struct {
	set  func(t *testing.T, s site)
	late time.Duration // how long after the end of the job a wait may return
}

var (
	prompt = 150 * time.Millisecond // two requests are at least 100 ms apart
	spaced = 6 * time.Second        // needless requests become rarer, up to one in five seconds
	late   = 31 * time.Second
)

var troubles = map[string]trouble{
	"none":   {func(*testing.T, site) {}, prompt},
	"silent": {func(_ *testing.T, s site) { s.Events().SetFaults(cloudconverttest.EventFaults{Silent: true}) }, late},
	"slow to join": {func(_ *testing.T, s site) {
		s.Events().SetFaults(cloudconverttest.EventFaults{JoinDelay: 20 * time.Second})
	}, spaced},
	"slow to connect": {func(_ *testing.T, s site) {
		s.Events().SetFaults(cloudconverttest.EventFaults{ConnectDelay: 5 * time.Second})
	}, spaced},
	"frozen": {func(_ *testing.T, s site) { s.Events().SetFaults(cloudconverttest.EventFaults{Frozen: true}) }, late},
	"frozen later": {func(_ *testing.T, s site) {
		time.AfterFunc(30*time.Second, func() { s.Events().SetFaults(cloudconverttest.EventFaults{Frozen: true}) })
	}, late},
	"closed":       {func(_ *testing.T, s site) { s.listener.Close() }, late},
	"closed later": {func(_ *testing.T, s site) { time.AfterFunc(30*time.Second, s.listener.Close) }, late},
	"flood":        {func(_ *testing.T, s site) { s.Events().SetFaults(cloudconverttest.EventFaults{Repeat: 1000}) }, spaced},
	"cut":          {func(t *testing.T, s site) { t.Helper(); every(t, time.Second, s.Events().Cut) }, spaced},
	"kicked":       {func(t *testing.T, s site) { t.Helper(); every(t, 20*time.Second, s.Events().Kick) }, spaced},
	"lies about the job": {func(t *testing.T, s site) {
		t.Helper()
		every(t, time.Second, func() {
			for _, job := range s.Jobs() {
				for _, channel := range []string{"private-job." + job.ID, "private-user.1.jobs"} {
					data := map[string]any{"job": map[string]any{"id": job.ID, "status": "error"}}
					assert.NoError(t, s.Events().Emit(channel, "job.failed", data))
					assert.NoError(t, s.Events().Emit(channel, "job.updated", data))
				}
			}
		})
	}, spaced},
	"lies about others": {func(t *testing.T, s site) {
		t.Helper()
		every(t, 10*time.Millisecond, func() {
			data := map[string]any{"job": map[string]any{"id": "other", "status": "finished"}}
			assert.NoError(t, s.Events().Emit("private-user.1.jobs", "job.finished", data))
		})
	}, prompt},
	"refused":   {func(_ *testing.T, s site) { s.refuse(http.StatusForbidden) }, late},
	"temporary": {func(_ *testing.T, s site) { s.refuse(0) }, late},
	"bad gateway": {func(_ *testing.T, s site) {
		s.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleEvents, Status: http.StatusBadGateway})
	}, late},
	"not found": {func(_ *testing.T, s site) {
		s.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleEvents, Status: http.StatusNotFound})
	}, late},
	"not connected": {func(_ *testing.T, s site) { s.Events().SetFaults(cloudconverttest.EventFaults{Refuse: "no"}) }, late},
}

func (s site) refuse(status int) {
	s.Events().SetFaults(cloudconverttest.EventFaults{JoinDelay: 50 * time.Millisecond, Join: func(string) int { return status }})
}

// every calls do periodically until the end of the test.
func every(t *testing.T, d time.Duration, do func()) {
	t.Helper()
	ticker := time.NewTicker(d)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	go func() {
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				do()
			case <-over:
				return
			}
		}
	}()
}

func TestWaitWithSocketFaults(t *testing.T) {
	t.Parallel()
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atSite(t, func(t *testing.T, s site) {
				t.Helper()
				trouble.set(t, s)
				for _, seconds := range []float64{0, 60, -60} {
					job, err := s.client.Jobs.Create(t.Context(), request(seconds))
					require.NoError(t, err)
					begin, before := time.Now(), s.count("GET /v2/jobs/")
					job, err = s.client.Jobs.Wait(t.Context(), job.ID, cloudconvert.WithSignal(s.listener))
					check(t, job, err, seconds)
					assertBetween(t, time.Since(begin), seconds, trouble.late)
					assert.LessOrEqual(t, s.count("GET /v2/jobs/")-before, 25)
				}
			})
		})
	}
}

func TestRunAllWithSocketFaults(t *testing.T) {
	t.Parallel()
	for name, trouble := range troubles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			atSite(t, func(t *testing.T, s site) {
				t.Helper()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				account, err := s.listener.Account(ctx)
				require.NoError(t, err)
				defer account.Close()
				trouble.set(t, s)
				s.Events().Cut() // some faults concern new connections
				begin, results := time.Now(), 0
				for result := range s.client.RunAll(t.Context(), works(0, 60, -60), cloudconvert.WithSignal(account)) {
					results++
					check(t, result.Job, result.Err, secondsOf(t, result))
				}
				assert.Equal(t, 3, results)
				assertBetween(t, time.Since(begin), 60, trouble.late)
				assert.LessOrEqual(t, s.count("GET /v2/jobs/"), 3*25)
			})
		})
	}
}

// works yields conversions that take so many seconds each. Their names begin with the
// seconds.
func works(seconds ...float64) iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		for i, n := range seconds {
			work := cloudconvert.Work{
				Name: fmt.Sprint(n, " seconds, work ", i),
				Request: cloudconvert.Pipeline(cloudconvert.FromBytes("a.txt", []byte("text")),
					cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{"seconds": n}}),
			}
			if !yield(work) {
				return
			}
		}
	}
}

func secondsOf(t *testing.T, result cloudconvert.Result) float64 {
	t.Helper()
	number, _, _ := strings.Cut(result.Work.Name, " ")
	seconds, err := strconv.ParseFloat(number, 64)
	require.NoError(t, err)
	return seconds
}

// check checks that a job has ended as requested.
func check(t *testing.T, job *cloudconvert.Job, err error, seconds float64) {
	t.Helper()
	if seconds < 0 {
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
		assert.Equal(t, cloudconvert.StatusError, job.Status)
		return
	}
	require.NoError(t, err)
	assert.Equal(t, cloudconvert.StatusFinished, job.Status)
	assert.Len(t, job.Files(), 1)
}

// assertBetween checks that something took some seconds, and not much longer.
func assertBetween(t *testing.T, took time.Duration, seconds float64, late time.Duration) {
	t.Helper()
	least := time.Duration(max(seconds, -seconds) * float64(time.Second))
	assert.GreaterOrEqual(t, took, least)
	assert.LessOrEqual(t, took, least+late)
}

func TestBatchTakesOneJoinAndOneRequestPerJob(t *testing.T) {
	t.Parallel()
	atSite(t, func(t *testing.T, s site) {
		t.Helper()
		account, err := s.listener.Account(t.Context())
		require.NoError(t, err)
		defer account.Close()
		assert.Zero(t, account.Since())
		elapse(3 * time.Second)
		assert.Equal(t, time.Second, time.Since(account.Since()), "by now the join has taken effect")

		const jobs = 200
		seconds := make([]float64, jobs)
		for i := range seconds {
			seconds[i] = float64(i%40) / 10
		}
		done := 0
		for result := range s.client.RunAll(t.Context(), works(seconds...),
			cloudconvert.WithSignal(account), cloudconvert.WithConcurrency(50)) {
			require.NoError(t, result.Err)
			done++
		}
		assert.Equal(t, jobs, done)
		assert.Equal(t, jobs, s.count("POST /v2/jobs"))
		assert.Equal(t, jobs, s.count("GET /v2/jobs/"))
		assert.Equal(t, 1, s.count("GET /v2/users/me"))
		assert.Equal(t, 1, s.count("GET /socket.io/"))
		assert.Equal(t, 2*jobs+2, len(s.Requests())) //nolint:testifylint // Len would print them all
		assert.Equal(t, []cloudconverttest.EventJoin{{Connection: 1, Channel: "private-user.1.jobs"}}, s.Events().Joins())
	})
}

func TestAccountSince(t *testing.T) {
	t.Parallel()
	atSite(t, func(t *testing.T, s site) {
		t.Helper()
		account, err := s.listener.Account(t.Context())
		require.NoError(t, err)
		elapse(time.Second)
		assert.Zero(t, account.Since())
		require.NoError(t, s.Events().Emit("private-user.1.jobs", "job.created", nil))
		synctest.Wait()
		assert.Equal(t, time.Now(), account.Since(), "an event proves that the join was granted")
		elapse(time.Minute)
		assert.Equal(t, time.Minute, time.Since(account.Since()))

		s.Inject(cloudconverttest.Fault{Role: cloudconverttest.RoleEvents, Status: http.StatusBadGateway, Nth: 1, Times: 3})
		s.Events().Cut()
		elapse(500 * time.Millisecond)
		assert.Zero(t, account.Since(), "it is not connected")
		elapse(time.Minute)
		assert.InDelta(t, 55, time.Since(account.Since()).Seconds(), 4)
		account.Close()
		assert.Zero(t, account.Since())
	})
}

func TestSinceIsZeroWhileJoinIsRefused(t *testing.T) {
	t.Parallel()
	atSite(t, func(t *testing.T, s site) {
		t.Helper()
		s.refuse(0)
		account, err := s.listener.Account(t.Context())
		require.NoError(t, err)
		defer account.Close()
		for range 600 {
			elapse(100 * time.Millisecond)
			require.Zero(t, account.Since())
		}
		s.Events().SetFaults(cloudconverttest.EventFaults{})
		elapse(time.Minute)
		assert.NotZero(t, account.Since())
	})
}

// TestRepeatedEndOfJob has a service that sends the end of a job more than once.
func TestRepeatedEndOfJob(t *testing.T) {
	t.Parallel()
	atSite(t, func(t *testing.T, s site) {
		t.Helper()
		job, err := s.client.Jobs.Create(t.Context(), request(10))
		require.NoError(t, err)
		channel := "private-job." + job.ID
		var told []string
		every(t, 500*time.Millisecond, func() {
			for _, event := range []string{"job.finished", "job.updated", "job.failed", "job.created", "job.updated"} {
				told = append(told, event)
				assert.NoError(t, s.Events().Emit(channel, event, map[string]any{"job": map[string]any{"id": job.ID, "status": "processing"}}))
			}
		})
		begin := time.Now()
		ended, err := s.client.Jobs.Wait(t.Context(), job.ID, cloudconvert.WithSignal(s.listener))
		check(t, ended, err, 10)
		assertBetween(t, time.Since(begin), 10, spaced)
		again, err := s.client.Jobs.Wait(t.Context(), job.ID, cloudconvert.WithSignal(s.listener))
		check(t, again, err, 10)
		assert.NotEmpty(t, told)
	})
}
