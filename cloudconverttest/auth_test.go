package cloudconverttest

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
)

// endpoints are the endpoints that need a key, with their scopes.
var endpoints = []struct{ method, path, scope string }{
	{http.MethodGet, "/jobs", "task.read"},
	{http.MethodPost, "/jobs", "task.write"},
	{http.MethodGet, "/jobs/x", "task.read"},
	{http.MethodGet, "/jobs/x/wait", "task.read"},
	{http.MethodDelete, "/jobs/x", "task.write"},
	{http.MethodGet, "/tasks", "task.read"},
	{http.MethodGet, "/tasks/x", "task.read"},
	{http.MethodGet, "/tasks/x/wait", "task.read"},
	{http.MethodPost, "/tasks/x/cancel", "task.write"},
	{http.MethodPost, "/tasks/x/retry", "task.write"},
	{http.MethodDelete, "/tasks/x", "task.write"},
	{http.MethodPost, "/import/url", "task.write"},
	{http.MethodPost, "/convert", "task.write"},
	{http.MethodGet, "/users/me", "user.read"},
	{http.MethodPost, "/webhooks", "webhook.write"},
	{http.MethodGet, "/users/me/webhooks", "webhook.read"},
	{http.MethodDelete, "/webhooks/x", "webhook.write"},
}

func TestKeys(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithKey("reads-nothing", "preset.read"))
	for _, e := range endpoints {
		t.Run(e.method+" "+e.path, func(t *testing.T) {
			t.Parallel()
			for _, key := range []string{"", "wrong", "invalid-key"} {
				y := &tester{t: t, s: x.s, key: key}
				a := y.call(e.method, e.path, nil).expect(http.StatusUnauthorized)
				assert.JSONEq(t, `{"message":"Unauthenticated.","code":"UNAUTHENTICATED"}`, string(a.body))
			}
			y := &tester{t: t, s: x.s, key: "reads-nothing"}
			a := y.call(e.method, e.path, nil).expect(http.StatusForbidden)
			assert.Equal(t, "FORBIDDEN", a.object()["code"])
		})
	}
}

func TestScopes(t *testing.T) {
	t.Parallel()
	for _, e := range endpoints {
		t.Run(e.method+" "+e.path, func(t *testing.T) {
			t.Parallel()
			x := newTester(t, WithKey("one", e.scope))
			x.key = "one"
			assert.NotEqual(t, http.StatusForbidden, x.call(e.method, e.path, nil).status)
		})
	}
}

func TestKeyOptions(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithKey("first"), WithKey("second"), WithKey("invalid-one"))
	status := func(key string) int {
		return (&tester{t: t, s: x.s, key: key}).call(http.MethodGet, "/users/me", nil).status
	}
	for _, key := range []string{"first", "second", x.s.Key()} {
		assert.Equal(t, http.StatusOK, status(key), key)
	}
	assert.Equal(t, http.StatusUnauthorized, status("invalid-one"))
	x.s.RevokeKey("first")
	assert.Equal(t, http.StatusUnauthorized, status("first"))

	open := newTester(t, WithAnyKey())
	for key, want := range map[string]int{"whatever": 200, "invalid": 401, "": 401} {
		open.key = key
		assert.Equal(t, want, open.call(http.MethodGet, "/users/me", nil).status, key)
	}
}

func TestSchemeOfKey(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for _, c := range []struct {
		header string
		want   int
	}{
		{"Bearer " + x.key, 200}, {"bearer " + x.key, 200}, {x.key, 401}, {"Basic " + x.key, 401}, {"Bearer", 401}, {"Bearer ", 401},
	} {
		a := x.get(x.s.URL+"/users/me", "Authorization", c.header)
		assert.Equal(t, c.want, a.status, c.header)
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for _, e := range []struct{ method, path string }{
		{http.MethodGet, "/jobs/" + random.ID()},
		{http.MethodGet, "/jobs/not-an-id"},
		{http.MethodGet, "/jobs/" + random.ID() + "/wait"},
		{http.MethodDelete, "/jobs/" + random.ID()},
		{http.MethodGet, "/tasks/" + random.ID()},
		{http.MethodGet, "/tasks/" + random.ID() + "/wait"},
		{http.MethodPost, "/tasks/" + random.ID() + "/cancel"},
		{http.MethodPost, "/tasks/" + random.ID() + "/retry"},
		{http.MethodDelete, "/tasks/" + random.ID()},
		{http.MethodDelete, "/webhooks/" + random.ID()},
		{http.MethodPost, "/jobs/" + random.ID() + "/cancel"},
		{http.MethodPost, "/no/operation"},
		{http.MethodGet, "/webhooks"},
		{http.MethodPut, "/jobs/" + random.ID()},
		{http.MethodGet, "/nothing"},
	} {
		t.Run(e.method+" "+e.path, func(t *testing.T) {
			t.Parallel()
			y := &tester{t: t, s: x.s, key: x.key}
			a := y.call(e.method, e.path, nil).expect(http.StatusNotFound)
			assert.Equal(t, "NOT_FOUND", a.object()["code"])
		})
	}
	t.Run("sync host", func(t *testing.T) {
		t.Parallel()
		y := &tester{t: t, s: x.s, key: x.key}
		y.call(http.MethodGet, x.s.SyncURL+"/jobs/"+random.ID(), nil).expect(http.StatusNotFound)
		y.call(http.MethodGet, x.s.SyncURL+"/tasks/"+random.ID(), nil).expect(http.StatusNotFound)
		y.call(http.MethodGet, x.s.SyncURL+"/jobs", nil).expect(http.StatusNotFound)
		y.call(http.MethodGet, x.s.SyncURL+"/users/me", nil).expect(http.StatusNotFound)
	})
}

func TestUser(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithCredits(7))
	u := x.call(http.MethodGet, "/users/me", nil).expect(http.StatusOK).data()
	assert.InDelta(t, 7, u["credits"], 0)
	assert.InDelta(t, 1, u["id"], 0)
	assert.NotEmpty(t, u["username"])
	assert.NotEmpty(t, u["email"])
	assert.Regexp(t, `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$`, u["created_at"])
}

// quick is a job without inputs.
var quick = dict{"in": dict{"operation": "import/raw", "file": "x", "filename": "a.txt"}}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithRateLimit(2, time.Minute))
	for left := range 2 {
		a := x.call(http.MethodPost, "/jobs", dict{"tasks": quick}).expect(http.StatusCreated)
		assert.Equal(t, "2", a.header.Get("X-RateLimit-Limit"))
		assert.Equal(t, strconv.Itoa(1-left), a.header.Get("X-RateLimit-Remaining"))
		assert.Empty(t, a.header.Get("Retry-After"))
	}
	for _, call := range []struct{ path, host string }{
		{"/jobs", x.s.URL}, {"/jobs", x.s.SyncURL}, {"/import/raw", x.s.URL}, {"/tasks/" + random.ID() + "/retry", x.s.URL},
	} {
		a := x.call(http.MethodPost, call.host+call.path, dict{"tasks": quick}).expect(http.StatusTooManyRequests)
		assert.Equal(t, "TOO_MANY_REQUESTS", a.object()["code"])
		seconds, err := strconv.Atoi(a.header.Get("Retry-After"))
		require.NoError(t, err)
		assert.InDelta(t, 60, seconds, 10)
		assert.Equal(t, "0", a.header.Get("X-RateLimit-Remaining"))
	}
	a := x.call(http.MethodGet, "/jobs", nil).expect(http.StatusOK)
	assert.Empty(t, a.header.Get("X-RateLimit-Limit"), "reads are not limited")
	x.s.Advance(time.Minute)
	x.call(http.MethodPost, "/jobs", dict{"tasks": quick}).expect(http.StatusCreated)
}

func TestCredits(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithCredits(1))
	x.s.Handle("merge", func(_ context.Context, run *Run) error { return run.Write("merged.pdf", []byte("pdf")) })
	tasks := dict{
		"in": dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
		"it": dict{"operation": "merge", "input": "in", "output_format": "pdf"},
	}
	job := x.run(tasks)
	require.Equal(t, "finished", job["status"])
	assert.InDelta(t, 1, taskOf(t, job, "it")["credits"], 0)
	assert.InDelta(t, 0, taskOf(t, job, "in")["credits"], 0)
	a := x.call(http.MethodPost, "/jobs", dict{"tasks": tasks}).expect(http.StatusPaymentRequired)
	assert.Equal(t, "CREDITS_EXCEEDED", a.object()["code"])
	assert.Equal(t, "Your account has run out of conversion credits", a.object()["message"])
	u := x.call(http.MethodGet, "/users/me", nil).expect(http.StatusOK).data()
	assert.InDelta(t, 0, u["credits"], 0)
}

func TestParallelJobs(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithParallelJobs(1))
	tasks := dict{"in": dict{"operation": "import/upload"}}
	job := x.job(tasks)
	a := x.call(http.MethodPost, "/jobs", dict{"tasks": tasks}).expect(http.StatusPaymentRequired)
	assert.Equal(t, "PARALLEL_JOB_LIMIT_EXCEEDED", a.object()["code"])
	x.upload(taskOf(t, job, "in"), "a.txt", []byte("x")).expect(http.StatusCreated)
	x.ended(job)
	job = x.job(tasks)
	x.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil).expect(http.StatusNoContent)
	x.job(tasks)
}
