package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// unsigned is a handler under test and the events that it has passed on.
type unsigned struct {
	handler http.Handler
	events  []*cloudconvert.WebhookEvent
	// results are the results of the first calls. Later calls succeed.
	results []func() error

	mu sync.Mutex
}

func newUnsigned(t *testing.T, client *cloudconvert.Client, results ...func() error) *unsigned {
	t.Helper()
	u := &unsigned{results: results}
	handler, err := client.Webhooks.UnsignedHandler(func(_ context.Context, event *cloudconvert.WebhookEvent) error {
		u.mu.Lock()
		defer u.mu.Unlock()
		u.events = append(u.events, event)
		if len(u.events) <= len(u.results) {
			return u.results[len(u.events)-1]()
		}
		return nil
	})
	require.NoError(t, err)
	u.handler = handler
	return u
}

// deliver returns the status of the response to a body.
func (u *unsigned) deliver(ctx context.Context, body string, changes ...func(*http.Request)) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/hook", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, change := range changes {
		change(r)
	}
	w := httptest.NewRecorder()
	u.handler.ServeHTTP(w, r)
	return w.Code
}

// about returns the body of a delivery for a job.
func about(id string) string { return `{"event":"job.finished","job":{"id":"` + id + `"}}` }

// jobID returns a made-up job id.
func jobID(n int) string { return fmt.Sprintf("7c0d1b44-3a52-4d0e-9d8f-%012d", n) }

// jobsAPI replies with a finished job of the requested id.
func jobsAPI(r *http.Request) (int, string) {
	id := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	return http.StatusOK, `{"data": {"id": "` + id + `", "status": "finished", "tasks": []}}`
}

func TestUnsignedHandlerRefusesNil(t *testing.T) {
	t.Parallel()
	_, err := testkit.NewClient(t, jobsAPI).Webhooks.UnsignedHandler(nil)
	require.Error(t, err)
}

// The event is derived from the job, not from the delivery.
func TestUnsignedHandlerReadsTheJob(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		tasks  cloudconvert.Tasks
		event  cloudconvert.Event
		status cloudconvert.Status
	}{
		"finished": {testkit.TextJob().Tasks, cloudconvert.EventJobFinished, cloudconvert.StatusFinished},
		"failed": {cloudconvert.Tasks{
			"in": cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, "bad": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "bad"},
		}, cloudconvert.EventJobFailed, cloudconvert.StatusError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				job, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tag: "mine", Tasks: tt.tasks})
				require.NoError(t, err)
				u := newUnsigned(t, client)
				body := `{"event":"job.forged","job":{"id":"` + job.ID + `","tag":"forged","status":"processing","tasks":[]}}`
				assert.Equal(t, http.StatusServiceUnavailable, u.deliver(t.Context(), body), "it has not ended")
				assert.Empty(t, u.events)
				testkit.Advance(testkit.JobTime + time.Second)
				assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), body))
				require.Len(t, u.events, 1)
				assert.Equal(t, tt.event, u.events[0].Event)
				assert.Equal(t, tt.status, u.events[0].Job.Status)
				assert.Equal(t, "mine", u.events[0].Job.Tag)
				assert.Len(t, u.events[0].Job.Tasks, 2)
			}, cloudconverttest.WithTaskDuration(testkit.TaskTime))
		})
	}
}

func TestUnsignedHandlerStatuses(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		fault  cloudconverttest.Fault
		status int
	}{
		"unknown":      {cloudconverttest.Fault{Status: http.StatusNotFound}, http.StatusNoContent},
		"unauthorized": {cloudconverttest.Fault{Status: http.StatusUnauthorized}, http.StatusServiceUnavailable},
		"forbidden":    {cloudconverttest.Fault{Status: http.StatusForbidden}, http.StatusServiceUnavailable},
		"failed":       {cloudconverttest.Fault{Status: http.StatusInternalServerError}, http.StatusServiceUnavailable},
		"limited":      {cloudconverttest.Fault{Status: http.StatusTooManyRequests}, http.StatusServiceUnavailable},
		"malformed":    {cloudconverttest.Fault{Kind: cloudconverttest.Garbage}, http.StatusServiceUnavailable},
		"lost":         {cloudconverttest.Fault{Kind: cloudconverttest.Reset}, http.StatusServiceUnavailable},
		"hanging":      {cloudconverttest.Fault{Kind: cloudconverttest.Stall}, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				job := testkit.RunJob(t, client)
				testkit.Advance(time.Second)
				u := newUnsigned(t, client)
				tt.fault.Method = http.MethodGet
				server.Inject(tt.fault)
				start := time.Now()
				for range 5 { // a failed read frees its slot
					assert.Equal(t, tt.status, u.deliver(t.Context(), about(job.ID)))
				}
				assert.Empty(t, u.events)
				assert.LessOrEqual(t, time.Since(start), 5*10*time.Second, "a read takes at most 10 seconds")
				server.ClearFaults()
				assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(job.ID)))
				assert.Len(t, u.events, 1)
			})
		})
	}
	t.Run("of another account", func(t *testing.T) {
		t.Parallel()
		server := testkit.NewSandbox(t)
		u := newUnsigned(t, server.Client())
		assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(1))))
		assert.Empty(t, u.events)
	})
}

// Malformed deliveries cause no API request.
func TestUnsignedHandlerRefusesMalformedDeliveries(t *testing.T) {
	t.Parallel()
	const event = `{"event":"job.finished","job":{"id":"7c0d1b44-3a52-4d0e-9d8f-6f5a5d1c2b3e"}}`
	for name, tt := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"empty":              {"", nil, http.StatusBadRequest},
		"cut":                {event[:20], nil, http.StatusBadRequest},
		"null":               {"null", nil, http.StatusBadRequest},
		"a list":             {"[]", nil, http.StatusBadRequest},
		"no job":             {`{"event":"job.finished"}`, nil, http.StatusBadRequest},
		"a job of null":      {`{"event":"job.finished","job":null}`, nil, http.StatusBadRequest},
		"an id of null":      {`{"event":"job.finished","job":{"id":null}}`, nil, http.StatusBadRequest},
		"a number":           {`{"event":"job.finished","job":{"id":1}}`, nil, http.StatusBadRequest},
		"an empty id":        {about(""), nil, http.StatusBadRequest},
		"a short id":         {about("7c0d1b44-3a52-4d0e-9d8f"), nil, http.StatusBadRequest},
		"a path":             {about("../users/me"), nil, http.StatusBadRequest},
		"a path and an id":   {about("../jobs/7c0d1b44-3a52-4d0e-9d8f-6f5a5d1c2b3e"), nil, http.StatusBadRequest},
		"an id and a query":  {about("7c0d1b44-3a52-4d0e-9d8f-6f5a5d1c2b3e?include=tasks"), nil, http.StatusBadRequest},
		"an id and a line":   {about(`7c0d1b44-3a52-4d0e-9d8f-6f5a5d1c2b3e\n`), nil, http.StatusBadRequest},
		"upper case":         {about("7C0D1B44-3A52-4D0E-9D8F-6F5A5D1C2B3E"), nil, http.StatusBadRequest},
		"GET":                {event, method(http.MethodGet), http.StatusMethodNotAllowed},
		"a form":             {event, header("Content-Type", "application/x-www-form-urlencoded"), http.StatusUnsupportedMediaType},
		"a lost connection":  {event, brokenBody, http.StatusInternalServerError},
		"too large":          {event + strings.Repeat(" ", 8<<20), nil, http.StatusRequestEntityTooLarge},
		"too large, chunked": {event + strings.Repeat(" ", 8<<20), func(r *http.Request) { r.ContentLength = -1 }, http.StatusRequestEntityTooLarge},
		"no body":            {"", func(r *http.Request) { r.Body = nil }, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u := newUnsigned(t, testkit.NewClient(t, func(r *http.Request) (int, string) {
				assert.Fail(t, "nothing must be read", r.URL.Path)
				return jobsAPI(r)
			}))
			change := tt.change
			if change == nil {
				change = func(*http.Request) {}
			}
			assert.Equal(t, tt.status, u.deliver(t.Context(), tt.body, change))
			assert.Empty(t, u.events)
		})
	}
}

func TestUnsignedHandlerLimitsBody(t *testing.T) {
	t.Parallel()
	endless := &countingReader{}
	u := newUnsigned(t, testkit.NewClient(t, jobsAPI))
	status := u.deliver(t.Context(), "", func(r *http.Request) { r.Body, r.ContentLength = io.NopCloser(endless), -1 })
	assert.Equal(t, http.StatusRequestEntityTooLarge, status)
	assert.LessOrEqual(t, endless.read, 16<<20)
}

func TestUnsignedHandlerDropsRepeats(t *testing.T) {
	t.Parallel()
	reads := 0
	u := newUnsigned(t, testkit.NewClient(t, func(r *http.Request) (int, string) {
		reads++
		return jobsAPI(r)
	}))
	for _, event := range []string{"job.finished", "job.failed", "job.finished"} {
		assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), strings.Replace(about(jobID(1)), "job.finished", event, 1)))
	}
	assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(2))))
	assert.Len(t, u.events, 2)
	assert.Equal(t, 2, reads, "a repeat does not read the job")
}

// Deliveries with unknown ids do not displace handled jobs.
func TestUnsignedHandlerRemembersOnlyHandledJobs(t *testing.T) {
	t.Parallel()
	u := newUnsigned(t, testkit.NewClient(t, func(r *http.Request) (int, string) {
		if strings.HasSuffix(r.URL.Path, jobID(0)) {
			return jobsAPI(r)
		}
		return http.StatusNotFound, ""
	}))
	for n := range 1500 {
		assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(n))))
	}
	assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(0))))
	assert.Len(t, u.events, 1)
}

func TestUnsignedHandlerRetriesFailures(t *testing.T) {
	t.Parallel()
	u := newUnsigned(t, testkit.NewClient(t, jobsAPI),
		func() error { return errors.New("s3cr3t") },
		func() error { return cloudconvert.ErrNotFound },
		func() error { panic(http.ErrAbortHandler) }, //nolint:forbidigo // what is tested
	)
	for _, want := range []int{500, 500, 500, 204, 204} {
		assert.Equal(t, want, u.deliver(t.Context(), about(jobID(1))))
	}
	assert.Len(t, u.events, 4)
}

func TestUnsignedHandlerLimitsReads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reading, reads atomic.Int32
		u := newUnsigned(t, testkit.NewClient(t, func(r *http.Request) (int, string) {
			assert.LessOrEqual(t, reading.Add(1), int32(4))
			defer reading.Add(-1)
			reads.Add(1)
			<-time.After(5 * time.Second)
			return jobsAPI(r)
		}))
		start := time.Now()
		statuses := make(chan int, 20)
		for n := range cap(statuses) {
			go func() {
				status := u.deliver(t.Context(), about(jobID(n)))
				assert.Equal(t, status == http.StatusServiceUnavailable, time.Since(start) == 0)
				statuses <- status
			}()
		}
		counts := map[int]int{}
		for range cap(statuses) {
			counts[<-statuses]++
		}
		assert.Equal(t, map[int]int{http.StatusNoContent: 4, http.StatusServiceUnavailable: 16}, counts)
		// The refused deliveries are retried, and succeed.
		for n := range cap(statuses) {
			assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(n))))
		}
		assert.Len(t, u.events, cap(statuses))
		assert.EqualValues(t, cap(statuses), reads.Load())
	})
}

// The read has ended when the function is called, so a slow function does not
// block reads.
func TestUnsignedHandlerDoesNotLimitCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		handler, err := testkit.NewClient(t, jobsAPI).Webhooks.UnsignedHandler(func(context.Context, *cloudconvert.WebhookEvent) error {
			<-release
			return nil
		})
		require.NoError(t, err)
		u := &unsigned{handler: handler}
		var deliveries sync.WaitGroup
		for n := range 20 {
			deliveries.Go(func() { assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(n)))) })
			synctest.Wait()
		}
		close(release)
		deliveries.Wait()
	})
}

func TestUnsignedHandlerReadsOnceForConcurrentDeliveries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var reads atomic.Int32
		u := newUnsigned(t, testkit.NewClient(t, func(r *http.Request) (int, string) {
			reads.Add(1)
			<-time.After(time.Second)
			return jobsAPI(r)
		}))
		atOnce(func() { assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(1)))) })
		assert.EqualValues(t, 1, reads.Load())
		assert.Len(t, u.events, 1)
	})
}

// A delivery whose connection ends while it waits for another one is retried.
func TestUnsignedHandlerEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := newUnsigned(t, testkit.NewClient(t, func(r *http.Request) (int, string) {
			<-time.After(5 * time.Second)
			return jobsAPI(r)
		}))
		var first sync.WaitGroup
		first.Go(func() { assert.Equal(t, http.StatusNoContent, u.deliver(t.Context(), about(jobID(1)))) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, http.StatusServiceUnavailable, u.deliver(ctx, about(jobID(1))))
		first.Wait()
	})
}

func TestUnsignedHandlerHandlesDeliveries(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		results  []func() error
		statuses []int
	}{
		"success":             {nil, []int{204}},
		"error, then success": {[]func() error{func() error { return errors.New("the database is down") }}, []int{500, 204}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := cloudconverttest.NewServer(cloudconverttest.WithWebhookRetryDelays(time.Millisecond, time.Millisecond))
			t.Cleanup(server.Close)
			client := server.Client()
			u := newUnsigned(t, client, tt.results...)
			public := httptest.NewServer(u.handler)
			t.Cleanup(public.Close)
			request := testkit.TextJob()
			request.Tag, request.WebhookURL = "mine", public.URL
			_, err := client.Run(t.Context(), request)
			require.NoError(t, err)
			require.NoError(t, server.WaitIdle(t.Context()))
			var statuses []int
			for _, delivery := range server.Deliveries() {
				assert.Empty(t, delivery.Signature)
				statuses = append(statuses, delivery.Status)
			}
			assert.Equal(t, tt.statuses, statuses)
			require.Len(t, u.events, len(tt.statuses))
			assert.Equal(t, cloudconvert.EventJobFinished, u.events[0].Event)
			assert.Len(t, u.events[0].Job.Files(), 1)
		})
	}
}
