package cloudconverttest

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/fault"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
)

// create creates a job. The error means that there was no response.
func (x *tester) create() (response, error) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, x.s.URL+"/jobs",
		strings.NewReader(`{"tasks":{"in":{"operation":"import/raw","file":"x","filename":"a.txt"}}}`))
	require.NoError(x.t, err)
	req.Header.Set("Authorization", "Bearer "+x.key)
	req.Header.Set("Content-Type", "application/json")
	a, err := x.try(req)
	a.t = x.t
	return a, err
}

// TestFaults checks, for each kind in each phase, the response and whether the job
// exists.
func TestFaults(t *testing.T) {
	t.Parallel()
	const gone = 0 // no response
	for name, c := range map[string]struct {
		fault  Fault
		phase  [3]int // status in each phase
		broken [3]bool
		body   string
	}{
		"status":       {Fault{Kind: Status}, [3]int{500, 500, 500}, [3]bool{}, "<h1>500"},
		"status code":  {Fault{Kind: Status, Status: 503, Code: "X", Message: "m"}, [3]int{503, 503, 503}, [3]bool{}, `{"message":"m","code":"X"}`},
		"status body":  {Fault{Kind: Status, Status: 502, Body: "bad gateway"}, [3]int{502, 502, 502}, [3]bool{}, "bad gateway"},
		"headers":      {Fault{Kind: Headers, Header: http.Header{"x-more": {"1"}}}, [3]int{201, 201, 201}, [3]bool{}, `"data":{`},
		"reset":        {Fault{Kind: Reset}, [3]int{gone, 201, gone}, [3]bool{true, true, true}, ""},
		"truncate":     {Fault{Kind: Truncate}, [3]int{201, 201, 201}, [3]bool{true, true, true}, `{"data`},
		"wrong length": {Fault{Kind: WrongLength, Bytes: 20}, [3]int{201, 201, 201}, [3]bool{}, `{"data`},
		"garbage":      {Fault{Kind: Garbage}, [3]int{200, 200, 200}, [3]bool{}, "this is not what you asked for"},
		"garbage body": {Fault{Kind: Garbage, Body: "[]"}, [3]int{200, 200, 200}, [3]bool{}, "[]"},
		"slow":         {Fault{Kind: Slow, Delay: time.Millisecond, Bytes: 100}, [3]int{201, 201, 201}, [3]bool{}, `"data":{`},
		"stall":        {Fault{Kind: Stall, Delay: time.Millisecond}, [3]int{gone, 201, gone}, [3]bool{true, true, true}, ""},
	} {
		for phase, label := range []string{"before", "during", "after"} {
			t.Run(name+" "+label, func(t *testing.T) {
				t.Parallel()
				everywhere(t, func(t *testing.T, opts ...Option) {
					t.Helper()
					x := newTester(t, opts...)
					f := c.fault
					f.Phase, f.Path, f.Times = Phase(phase), "/v2/jobs", 1
					x.s.Inject(f)
					a, err := x.create()
					assert.Equal(t, c.broken[phase], err != nil, "%v", err)
					assert.Equal(t, c.phase[phase], a.status)
					if c.phase[phase] != gone {
						assert.Contains(t, string(a.body), c.body)
					}
					executed := Phase(phase) != Before
					switch f.Kind { //nolint:exhaustive // the others follow their phase
					case Headers, Truncate, WrongLength, Slow:
						executed = true
					}
					require.NoError(t, x.s.WaitIdle(t.Context()))
					assert.Equal(t, executed, len(x.s.Jobs()) == 1)
					a, err = x.create()
					require.NoError(t, err, "only one request is affected")
					assert.Equal(t, http.StatusCreated, a.status)
					assert.Len(t, x.s.Requests(), 2)
				})
			})
		}
	}
}

func TestTruncatedDownload(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		_, file := x.exported("a.txt", strings.Repeat("0123456789", 100), nil)
		x.s.Inject(Fault{Path: "storage:download", Kind: Truncate, Bytes: 300, Times: 1, Header: http.Header{"etag": {"other"}}})
		x.s.Inject(Fault{Path: "storage:download", Kind: WrongLength, Nth: 2})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, str(file["url"]), http.NoBody)
		require.NoError(t, err)
		a, err := x.try(req)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		assert.Len(t, a.body, 300)
		assert.Equal(t, "other", a.header.Get("ETag"))
		assert.Equal(t, "1000", a.header.Get("Content-Length"))
		short := x.get(str(file["url"])).expect(http.StatusOK)
		assert.Len(t, short.body, 500)
		assert.Equal(t, "500", short.header.Get("Content-Length"))
		assert.Len(t, x.get(str(file["url"])).expect(http.StatusOK).body, 1000)
	})
}

func TestStalledUpload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess())
		defer s.Close()
		x := &tester{t: t, s: s, key: s.Key()}
		_, task := x.uploading()
		rawURL, fields := formOf(t, task)
		contentType, body := formBody(t, fields, "a.txt", make([]byte, 1<<20))
		s.Inject(Fault{Path: "storage:upload", Kind: Stall, Bytes: 1000, Times: 1, Delay: time.Hour})
		s.Inject(Fault{Path: "storage:upload", Kind: Status, Status: 503, Code: "SlowDown", Message: "Please reduce your request rate.", Nth: 2})
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rawURL, strings.NewReader(string(body)))
		require.NoError(t, err)
		req.Header.Set("Content-Type", contentType)
		begin := time.Now()
		_, err = x.try(req)
		require.Error(t, err)
		assert.Equal(t, time.Hour, time.Since(begin))
		a := x.post(rawURL, contentType, body).expect(http.StatusServiceUnavailable)
		assert.Contains(t, string(a.body), "<Code>SlowDown</Code>")
		x.post(rawURL, contentType, body).expect(http.StatusCreated)
	})
}

func TestStallEndsWithClient(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		x.s.Inject(Fault{Kind: Stall, Phase: After})
		client := http.Client{Transport: x.s.HTTPClient().Transport, Timeout: 50 * time.Millisecond}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.s.URL+"/users/me", http.NoBody)
		require.NoError(t, err)
		resp, err := client.Do(req)
		if err == nil {
			require.NoError(t, resp.Body.Close())
		}
		require.Error(t, err)
		x.s.ClearFaults()
		x.call(http.MethodGet, "/users/me", nil).expect(http.StatusOK)
	})
}

func TestSlowBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess())
		defer s.Close()
		x := &tester{t: t, s: s, key: s.Key()}
		_, file := x.exported("a.txt", strings.Repeat("x", 1000), nil)
		for phase, want := range []time.Duration{time.Second, 9 * time.Second, time.Second} {
			s.ClearFaults()
			s.Inject(Fault{Path: "storage:download", Kind: Slow, Phase: Phase(phase), Bytes: 100, Delay: time.Second})
			begin := time.Now()
			assert.Len(t, x.get(str(file["url"])).expect(http.StatusOK).body, 1000)
			assert.Equal(t, want, time.Since(begin).Truncate(time.Second))
		}
	})
}

func TestAffectedRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault Fault
		want  string
	}{
		"all":            {Fault{}, "xxxxxx"},
		"third":          {Fault{Nth: 3}, "..x..."},
		"from the third": {Fault{Nth: 3, Times: 2}, "..xx.."},
		"first two":      {Fault{Times: 2}, "xx...."},
		"other method":   {Fault{Method: "POST"}, "......"},
		"this method":    {Fault{Method: "get", Nth: 1}, "x....."},
		"role":           {Fault{Role: RoleAPI, Times: 1}, "x....."},
		"other role":     {Fault{Role: RoleSync}, "......"},
		"path":           {Fault{Path: "/v2/users/*"}, "xxxxxx"},
		"other path":     {Fault{Path: "/v2/*"}, "......"},
		"download":       {Fault{Path: "storage:download"}, "......"},
		"bad pattern":    {Fault{Path: "[]"}, "......"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t, WithInProcess())
			x.s.Inject(c.fault)
			assert.Equal(t, c.want, x.pattern(6))
		})
	}
}

// pattern returns which of n requests were affected by a fault.
func (x *tester) pattern(n int) string {
	x.t.Helper()
	var hits strings.Builder
	for range n {
		hits.WriteString(map[int]string{200: ".", 500: "x"}[x.call(http.MethodGet, "/users/me", nil).status])
	}
	return hits.String()
}

func TestShareIsReproducible(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) string {
		x := newTester(t, WithInProcess())
		x.s.Inject(Fault{Share: 0.5, Seed: seed})
		return x.pattern(40)
	}
	first := run(1)
	assert.Equal(t, first, run(1))
	assert.NotEqual(t, first, run(2))
	assert.Contains(t, first, "x")
	assert.Contains(t, first, ".")
}

func TestRequestsAreRecorded(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	long := strings.Repeat("A", 5000)
	x.call(http.MethodPost, "/jobs?x=1", `{"tasks": {"in": {"operation": "import/raw", "file": "`+long+`", "filename": "a.txt"},
		"out": {"operation": "export/s3", "input": "in", "bucket": "b", "region": "r", "access_key_id": "id", "secret_access_key": "hush"},
		"up": {"operation": "import/url", "url": "http://127.0.0.1:1/a.txt", "headers": {"Authorization": "hush", "deep": ["hush"]}}},
		"tag": "t"}`).expect(http.StatusCreated)
	job, file := x.exported("a.txt", "x", nil)
	x.get(str(file["url"])).expect(http.StatusOK)
	x.call(http.MethodGet, "/jobs/"+random.ID(), nil).expect(http.StatusNotFound)

	seen := x.s.Requests()
	require.Len(t, seen, 5)
	first := seen[0]
	assert.Equal(t, http.MethodPost, first.Method)
	assert.Equal(t, RoleAPI, first.Role)
	assert.Equal(t, "/v2/jobs", first.Path)
	assert.Equal(t, "1", first.Query.Get("x"))
	assert.Equal(t, http.StatusCreated, first.Status)
	assert.False(t, first.Time.IsZero())
	assert.Equal(t, "Bearer REDACTED", first.Header.Get("Authorization"))
	assert.NotContains(t, string(first.Body), "hush")
	assert.Contains(t, string(first.Body), `… (5000 bytes)"`)
	assert.Contains(t, string(first.Body), `"tag": "t"`)
	assert.Less(t, len(first.Body), 2500)
	roles := []Role{}
	for _, r := range seen {
		roles = append(roles, r.Role)
		for _, secret := range []string{x.key, rawQuery(t, str(file["url"])).Get("X-Amz-Signature")} {
			assert.NotContains(t, r.Query.Encode()+string(r.Body), secret)
			for _, values := range r.Header {
				assert.NotContains(t, strings.Join(values, " "), secret)
			}
		}
	}
	assert.Equal(t, []Role{RoleAPI, RoleAPI, RoleSync, RoleStorage, RoleAPI}, roles)
	assert.Equal(t, http.StatusNotFound, seen[4].Status)
	assert.Equal(t, "/v2/jobs/"+str(job["id"]), seen[2].Path)

	small := newTester(t, WithRequestLog(3))
	for range 10 {
		small.call(http.MethodGet, "/users/me", nil)
	}
	assert.Len(t, small.s.Requests(), 3)
}

// TestKindsAndPhases checks that the constants of internal/sandbox/fault are the same.
func TestKindsAndPhases(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []fault.Phase{fault.Before, fault.During, fault.After},
		[]fault.Phase{fault.Phase(Before), fault.Phase(During), fault.Phase(After)})
	for kind, want := range map[Kind]fault.Kind{
		Status: fault.Status, Headers: fault.Headers, Reset: fault.Reset, Stall: fault.Stall, Slow: fault.Slow,
		Truncate: fault.Truncate, WrongLength: fault.WrongLength, Garbage: fault.Garbage,
	} {
		assert.Equal(t, want, fault.Kind(kind))
	}
}
