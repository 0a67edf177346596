package cloudconvert_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestDo(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusCreated, `{"data": {"id": "a"}, "extra": true}`))
	var out struct {
		Data  struct{ ID string }
		Extra bool
	}
	in := map[string]any{"url": "https://example.com/?a=<b>&c"}
	require.NoError(t, client.Do(t.Context(), http.MethodPost, "/import/url", in, &out))
	assert.Equal(t, "a", out.Data.ID)
	assert.True(t, out.Extra)
	assert.Equal(t, []string{"POST https://api.example.com/base/v2/import/url"}, script.URLs())
	assert.Equal(t, []string{`{"url":"https://example.com/?a=<b>&c"}`}, script.Bodies)
	assert.Equal(t, "application/json", script.Requests[0].Header.Get("Content-Type"))
	assert.Equal(t, "Bearer "+testkit.Key, script.Requests[0].Header.Get("Authorization"))
}

func TestDoWithoutInAndOut(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "ok", `{"data": {}}`} {
		client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, body))
		require.NoError(t, client.Do(t.Context(), http.MethodPost, "/tasks/1/cancel", nil, nil))
		assert.Equal(t, []string{"{}"}, script.Bodies)
		require.NoError(t, client.Do(t.Context(), http.MethodGet, "/tasks/1", nil, nil))
		assert.Empty(t, script.Bodies[1])
		assert.Zero(t, script.Requests[1].ContentLength)
	}
}

func TestDoPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"/jobs":                      "/jobs",
		"jobs":                       "/jobs",
		"/jobs/":                     "/jobs",
		"/users/me/webhooks":         "/users/me/webhooks",
		"/jobs?filter[status]=error": "/jobs?filter%5Bstatus%5D=error",
		"/jobs?filter%5Btag%5D=a+b":  "/jobs?filter%5Btag%5D=a+b",
		"/jobs?b=2&a=1&a=0":          "/jobs?a=1&a=0&b=2",
		"/jobs?":                     "/jobs",
		"/jobs/a%2Fb":                "/jobs/a%2Fb",
		"/jobs/%252e%252e":           "/jobs/%252e%252e",
		"/jobs/ä b":                  "/jobs/%C3%A4%20b",
		"/jobs/...":                  "/jobs/...",
		"/jobs/a:b":                  "/jobs/a:b",
		"/jobs/%41":                  "/jobs/%41",
		"///jobs":                    "/jobs",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, `{}`))
			require.NoError(t, client.Do(t.Context(), http.MethodGet, path, nil, nil))
			assert.Equal(t, []string{"GET https://api.example.com/base/v2" + want}, script.URLs())
		})
	}
}

func TestDoRefusesInvalidRequests(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ method, path string }{
		"empty":                 {"GET", ""},
		"root":                  {"GET", "/"},
		"query alone":           {"GET", "?a=b"},
		"address":               {"GET", "https://evil.example.com/jobs"},
		"address, no scheme":    {"GET", "//evil.example.com/jobs"},
		"address, opaque":       {"GET", "https:jobs"},
		"other scheme":          {"GET", "file:///etc/passwd"},
		"host and port":         {"GET", "evil.example.com:443/jobs"},
		"up":                    {"GET", "/jobs/../users/me"},
		"up, at the start":      {"GET", "../jobs"},
		"up, at the end":        {"GET", "/jobs/.."},
		"up, escaped":           {"GET", "/jobs/%2e%2e/users"},
		"up, half escaped":      {"GET", "/jobs/.%2E"},
		"here":                  {"GET", "/jobs/./a"},
		"empty segment":         {"GET", "/jobs//cancel"},
		"fragment":              {"DELETE", "/jobs/a#b"},
		"broken escape":         {"GET", "/jobs/%zz"},
		"control character":     {"GET", "/jobs/a\nb"},
		"query with semicolon":  {"GET", "/jobs?filter[status]=error;page=2"},
		"query, broken":         {"GET", "/jobs?a=%zz"},
		"no method":             {"", "/jobs"},
		"method in lower case":  {"post", "/jobs"},
		"method with a blank":   {"GET /", "/jobs"},
		"method and a new line": {"GET\r\nEvil: yes", "/jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, `{}`))
			err := client.Do(t.Context(), c.method, c.path, nil, nil)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.False(t, cloudconvert.IsRetryable(err))
			assert.Empty(t, script.Requests)
		})
	}
}

func TestDoRefusesInvalidJSON(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, `{}`))
	require.ErrorIs(t, client.Do(t.Context(), http.MethodPost, "/jobs", make(chan int), nil), cloudconvert.ErrInvalid)
	assert.Empty(t, script.Requests)
}

func TestHostileIDsAreRefused(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"":           "",
		".":          "",
		"..":         "",
		"a/b":        "",
		"../x":       "",
		"..\\x":      "",
		"%2e%2e":     "",
		"%":          "",
		"a?b=c":      "",
		"a#b":        "",
		"ä":          "%C3%A4",
		"日本":         "%E6%97%A5%E6%9C%AC",
		"a b":        "",
		"a\r\nE: f":  "",
		"\x00":       "",
		"\xff":       "%FF",
		"me@host":    "me@host",
		"//evil.com": "",
	} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusNotFound, ``))
			_, get := client.Jobs.Get(t.Context(), id)
			_, cancel := client.Tasks.Cancel(t.Context(), id)
			failures := []error{
				get, cancel, client.Jobs.Delete(t.Context(), id), client.Tasks.Delete(t.Context(), id),
				client.Webhooks.Delete(t.Context(), id),
			}
			if want == "" {
				for _, err := range failures {
					require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				}
				assert.Empty(t, script.Requests)
				return
			}
			for _, err := range failures {
				require.ErrorIs(t, err, cloudconvert.ErrNotFound)
				assert.NotContains(t, err.Error(), "\n")
			}
			const base = "https://api.example.com/base/v2"
			assert.Equal(t, []string{
				"GET " + base + "/jobs/" + want, "POST " + base + "/tasks/" + want + "/cancel", "DELETE " + base + "/jobs/" + want,
				"DELETE " + base + "/tasks/" + want, "DELETE " + base + "/webhooks/" + want,
			}, script.URLs())
		})
	}
}

func TestWithHeader(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser))
	_, err := client.Users.Me(t.Context(),
		cloudconvert.WithHeader("x-trace", "a\tb"), cloudconvert.WithHeader("User-Agent", "mine"), cloudconvert.WithHeader("X-Empty", ""))
	require.NoError(t, err)
	_, err = client.Users.Me(t.Context())
	require.NoError(t, err)
	first, second := script.Requests[0].Header, script.Requests[1].Header
	assert.Equal(t, "a\tb", first.Get("X-Trace"))
	assert.Equal(t, "mine", first.Get("User-Agent"))
	assert.Contains(t, first, "X-Empty")
	assert.Equal(t, "application/json", first.Get("Accept"))
	assert.Equal(t, "Bearer "+testkit.Key, first.Get("Authorization"))
	assert.NotContains(t, second, "X-Trace", "it is for one call")
	assert.Contains(t, second.Get("User-Agent"), "cloudconvert-go/")
}

func TestWithHeaderRefusesInvalidHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ key, value string }{
		"authorization":             {"Authorization", "Bearer s3cret"},
		"authorization, lower case": {"authorization", "Bearer s3cret"},
		"authorization, blank":      {"Authorization ", "Bearer s3cret"},
		"host":                      {"host", "s3cret.example"},
		"content length":            {"Content-Length", "s3cret"},
		"transfer encoding":         {"Transfer-Encoding", "s3cret"},
		"trailer":                   {"Trailer", "s3cret"},
		"accept encoding":           {"accept-encoding", "s3cret"},
		"connection":                {"Connection", "s3cret"},
		"upgrade":                   {"Upgrade", "s3cret"},
		"transfer codings":          {"TE", "s3cret"},
		"expect":                    {"Expect", "s3cret"},
		"keep alive":                {"Keep-Alive", "s3cret"},
		"proxy authorization":       {"Proxy-Authorization", "Basic s3cret"},
		"proxy connection":          {"Proxy-Connection", "s3cret"},
		"another of a proxy":        {"proxy-any", "s3cret"},
		"no name":                   {"", "s3cret"},
		"name with a colon":         {"X:", "s3cret"},
		"name with a new line":      {"X-A\r\nX-B", "s3cret"},
		"value with a new line":     {"X-A", "s3cret\r\nX-B: c"},
		"value with a zero":         {"X-A", "s3cret\x00"},
		"idempotency key":           {"Idempotency-Key", "s3cret"},
		"idempotency key, with X":   {"x-idempotency-key", "s3cret"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser))
			_, err := client.Users.Me(t.Context(), cloudconvert.WithHeader(c.key, c.value))
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Contains(t, err.Error(), "WithHeader")
			assert.NotContains(t, err.Error(), "s3cret")
			assert.Empty(t, script.Requests)
		})
	}
}

func TestCaptureResponse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := testkit.NewScript(t, testkit.Says(http.StatusServiceUnavailable, `down`), testkit.Says(http.StatusOK, testkit.EmptyUser,
			"X-Request-Id", "r-7", "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "499"))
		var first, second cloudconvert.Response
		_, err := client.Users.Me(t.Context(), cloudconvert.CaptureResponse(&first), cloudconvert.CaptureResponse(&second))
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, first.StatusCode)
		assert.Equal(t, "application/json", first.Header.Get("Content-Type"))
		assert.Equal(t, testkit.EmptyUser, string(first.Body)) //nolint:testifylint // the bytes matter
		assert.Equal(t, "r-7", first.RequestID)
		assert.Equal(t, 500, first.RateLimit.Limit)
		assert.Equal(t, 499, first.RateLimit.Remaining)
		assert.Equal(t, 2, first.Attempts)
		assert.Equal(t, first, second)
		first.Body[0], first.Header["Content-Type"][0] = 'x', "x"
		assert.Equal(t, testkit.EmptyUser, string(second.Body), "each has its own") //nolint:testifylint // the bytes matter
		assert.Equal(t, "application/json", second.Header.Get("Content-Type"))
	})
}

func TestCaptureResponseCapturesFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply testkit.Reply
		want  cloudconvert.Response
	}{
		"refused":      {testkit.Says(http.StatusNotFound, `gone`), cloudconvert.Response{StatusCode: http.StatusNotFound, Body: []byte(`gone`), Attempts: 1}},
		"not expected": {testkit.Says(http.StatusOK, `<html>`), cloudconvert.Response{StatusCode: http.StatusOK, Body: []byte(`<html>`), Attempts: 1}},
		"cut":          {testkit.BreaksOff(http.StatusOK, `{"da`), cloudconvert.Response{StatusCode: http.StatusOK, Body: []byte(`{"da`), Attempts: 1}},
		"none":         {testkit.Fails(errors.New("broken pipe")), cloudconvert.Response{Attempts: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, c.reply)
			got := cloudconvert.Response{StatusCode: 1, RequestID: "before"}
			_, err := client.Jobs.Get(t.Context(), "1", cloudconvert.CaptureResponse(&got))
			require.Error(t, err)
			got.Header = nil
			assert.Equal(t, c.want, got)
		})
	}
}

func TestCaptureResponseNeedsAResponse(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser))
	_, err := client.Users.Me(t.Context(), cloudconvert.CaptureResponse(nil))
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, "CaptureResponse")
	assert.Empty(t, script.Requests)
}

func TestRetriesByMethod(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first testkit.Reply
		get   int // requests, if a second one succeeds
		post  int
	}{
		"429":     {testkit.Says(429, ``), 2, 2},
		"refused": {testkit.Fails(testkit.ErrRefused), 2, 2},
		"reset":   {testkit.Fails(errors.New("connection reset by peer")), 2, 1},
		"500":     {testkit.Says(500, ``), 2, 1},
		"501":     {testkit.Says(501, ``), 1, 1},
		"408":     {testkit.Says(408, ``), 2, 1},
		"cut 201": {testkit.BreaksOff(201, `{"data": {`), 2, 1},
		"422":     {testkit.Says(422, ``), 1, 1},
		"garbage": {testkit.Says(200, `<html>`), 1, 1},
	} {
		for method, want := range map[string]int{http.MethodGet: c.get, http.MethodDelete: c.get, http.MethodPost: c.post} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client, script := testkit.NewScript(t, c.first, testkit.Says(http.StatusOK, `{"data": {}}`))
					var in any
					if method == http.MethodPost {
						in = map[string]string{"operation": "import/upload"}
					}
					var out map[string]any
					err := client.Do(t.Context(), method, "/jobs", in, &out)
					assert.Equal(t, want == 2, err == nil)
					assert.Len(t, script.Requests, want)
					for _, body := range script.Bodies {
						assert.Equal(t, script.Bodies[0], body)
					}
				})
			})
		}
	}
}

func TestDeleteSucceedsWhenTheFirstAttemptDid(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := testkit.NewScript(t, testkit.Fails(errors.New("connection reset by peer")), testkit.Says(http.StatusNotFound, ``))
		require.NoError(t, client.Jobs.Delete(t.Context(), "1"))
		assert.Len(t, script.Requests, 2)

		client, _ = testkit.NewScript(t, testkit.Fails(testkit.ErrRefused), testkit.Says(http.StatusNotFound, ``))
		require.ErrorIs(t, client.Jobs.Delete(t.Context(), "1"), cloudconvert.ErrNotFound)
	})
}

func TestResultURL(t *testing.T) {
	t.Parallel()
	const address = "https://storage.example.com/a.pdf?X-Amz-Signature=s3cret&z=%2F&a=%20"
	for name, c := range map[string]struct {
		reply testkit.Reply
		want  string
	}{
		"found":         {testkit.Says(http.StatusFound, ``, "Location", address), address},
		"no location":   {testkit.Says(http.StatusFound, ``), ""},
		"no redirect":   {testkit.Says(http.StatusOK, testkit.EndedJob), ""},
		"not found":     {testkit.Says(http.StatusNotFound, ``), ""},
		"other address": {testkit.Says(http.StatusNotFound, ``, "Location", address), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, c.reply)
			got, err := client.Jobs.ResultURL(t.Context(), "1")
			assert.Equal(t, c.want, got)
			assert.Equal(t, []string{"GET https://api.example.com/base/v2/jobs/1?redirect=true"}, script.URLs())
			if c.want != "" {
				require.NoError(t, err)
				return
			}
			var e *cloudconvert.Error
			require.ErrorAs(t, err, &e)
			assert.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestHeadersAreRefusedOrSent(t *testing.T) {
	t.Parallel()
	headers := map[string]string{
		"Accept": "text/html", "Content-Type": "text/plain", "User-Agent": "mine", "Cookie": "a=b", "Referer": "https://a.example", "Origin": "null",
		"Cache-Control": "no-cache", "If-None-Match": `"tag"`, "Priority": "u=1", "Traceparent": "00-1-2-01", "Via": "1.1 a", "Forwarded": "for=a",
		"X-Any": "value, of\tany kind ü", "Date": "Mon, 23 Nov 2026 12:00:30 GMT", "Max-Forwards": "3", "Content-Language": "de",
		"Host": "a", "Content-Length": "1", "Transfer-Encoding": "chunked", "Trailer": "X-Any", "Accept-Encoding": "gzip", "Connection": "close",
		"Upgrade": "h2c", "Te": "trailers", "Expect": "100-continue", "Keep-Alive": "timeout=1", "Proxy-Connection": "close",
	}
	for _, protocol := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", protocol), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, protocol, r.ProtoMajor)
				assert.NoError(t, json.NewEncoder(w).Encode(r.Header))
			}))
			server.EnableHTTP2 = protocol == 2
			server.StartTLS()
			t.Cleanup(server.Close)
			client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(server.Client()),
				cloudconvert.WithBaseURLs(server.URL+"/v2", server.URL+"/v2"))
			require.NoError(t, err)
			for name, value := range headers {
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					var got http.Header
					err := client.Do(t.Context(), method, "/any", map[string]string{}, &got, cloudconvert.WithHeader(name, value))
					if err != nil {
						require.ErrorIs(t, err, cloudconvert.ErrInvalid)
						require.ErrorContains(t, err, "WithHeader: "+name)
						continue
					}
					assert.Equal(t, value, got.Get(name), name)
				}
			}
		})
	}
}

// A recorder or a mock may break the contract of io.Reader.
func TestResponseBodiesThatBreakTheContract(t *testing.T) {
	t.Parallel()
	for name, count := range map[string]int{"nothing for ever": 0, "less than nothing": -1, "too much": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, func(req *http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Request: req, Body: io.NopCloser(countReader(count))}, nil
			})
			_, err := client.Jobs.Get(t.Context(), "a")
			require.Error(t, err)
		})
	}
}

type countReader int

func (r countReader) Read([]byte) (int, error) { return int(r), nil }
