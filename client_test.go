package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// testKey is no key of anybody.
const testKey = "an-invented-api-key"

// A reply answers one request.
type reply func(*http.Request) (*http.Response, error)

// scripted is an API in process. It takes one reply for each request, and the
// last one again and again.
type scripted struct {
	replies []reply

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body) // made of memory, it cannot fail
	}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	s.bodies = append(s.bodies, string(body))
	next := s.replies[min(len(s.requests), len(s.replies))-1]
	s.mu.Unlock()
	return next(req)
}

// urls returns what was asked for.
func (s *scripted) urls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := make([]string, 0, len(s.requests))
	for _, req := range s.requests {
		urls = append(urls, req.Method+" "+req.URL.String())
	}
	return urls
}

// says replies with JSON, or with what the headers, given as names and values,
// make of it.
func says(status int, body string, headers ...string) reply {
	return func(req *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: header, Request: req,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

// fails replies with no answer.
func fails(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// breaksOff replies with the beginning of an answer.
func breaksOff(status int, body string) reply {
	return func(req *http.Request) (*http.Response, error) {
		rest := io.MultiReader(strings.NewReader(body), &failingReader{errors.New("connection reset by peer")})
		return &http.Response{StatusCode: status, Body: io.NopCloser(rest), Request: req}, nil
	}
}

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error) { return 0, r.err }

// never replies when the request is given up.
func never(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// newScripted returns a client of an API with a base path, so that an absolute
// path would be noticed.
func newScripted(tb testing.TB, replies ...reply) (*cloudconvert.Client, *scripted) {
	tb.Helper()
	return newScriptedWith(tb, nil, replies...)
}

func newScriptedWith(tb testing.TB, opts []cloudconvert.Option, replies ...reply) (*cloudconvert.Client, *scripted) {
	tb.Helper()
	script := &scripted{replies: replies}
	opts = append([]cloudconvert.Option{
		cloudconvert.WithBaseURLs("https://api.example.com/base/v2", "https://sync.example.com/base/v2"),
		cloudconvert.WithHTTPClient(&http.Client{Transport: script}),
	}, opts...)
	client, err := cloudconvert.NewClient(testKey, opts...)
	require.NoError(tb, err)
	return client, script
}

// onlyOnce is for tests that are not about sending again.
func onlyOnce() cloudconvert.Option {
	return cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1})
}

const (
	emptyUser  = `{"data": {"id": 1}}`
	runningJob = `{"data": {"id": "job-1", "status": "processing", "tasks": []}}`
	endedJob   = `{"data": {"id": "job-1", "status": "finished", "tasks": []}}`
)

func TestRequestsSayWhoAsksAndWhatFor(t *testing.T) {
	t.Parallel()
	client, script := newScripted(t, says(http.StatusOK, emptyUser))
	_, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"GET https://api.example.com/base/v2/users/me"}, script.urls())
	sent := script.requests[0]
	assert.Equal(t, "Bearer "+testKey, sent.Header.Get("Authorization"))
	assert.Equal(t, "application/json", sent.Header.Get("Accept"))
	assert.Empty(t, sent.Header.Get("Content-Type"))
	assert.Regexp(t, `^cloudconvert-go/\d+\.\d+\.\d+ \(go1\.\d+.*; \w+/\w+\)$`, sent.Header.Get("User-Agent"))
	assert.Empty(t, script.bodies[0])
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts      []cloudconvert.Option
		api, sync string
	}{
		"default": {nil, "https://api.cloudconvert.com/v2", "https://sync.api.cloudconvert.com/v2"},
		"sandbox": {
			[]cloudconvert.Option{cloudconvert.WithSandbox()},
			"https://api.sandbox.cloudconvert.com/v2", "https://sync.api.sandbox.cloudconvert.com/v2",
		},
		"Germany": {
			[]cloudconvert.Option{cloudconvert.WithRegion(cloudconvert.RegionEUCentral)},
			"https://eu-central.api.cloudconvert.com/v2", "https://eu-central.sync.api.cloudconvert.com/v2",
		},
		"Virginia": {
			[]cloudconvert.Option{cloudconvert.WithRegion(cloudconvert.RegionUSEast)},
			"https://us-east.api.cloudconvert.com/v2", "https://us-east.sync.api.cloudconvert.com/v2",
		},
		"a region to come": {
			[]cloudconvert.Option{cloudconvert.WithRegion("ap-south-2")},
			"https://ap-south-2.api.cloudconvert.com/v2", "https://ap-south-2.sync.api.cloudconvert.com/v2",
		},
		"of a proxy": {
			[]cloudconvert.Option{cloudconvert.WithBaseURLs("https://proxy.example.com/cc/v2/", "https://proxy.example.com/cc-sync/v3")},
			"https://proxy.example.com/cc/v2", "https://proxy.example.com/cc-sync/v3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := &scripted{replies: []reply{says(http.StatusOK, runningJob), says(http.StatusOK, endedJob)}}
			client, err := cloudconvert.NewClient(testKey, append(c.opts, cloudconvert.WithHTTPClient(&http.Client{Transport: script}))...)
			require.NoError(t, err)
			_, err = client.Jobs.Wait(t.Context(), "job-1")
			require.NoError(t, err)
			assert.Equal(t, []string{"GET " + c.api + "/jobs/job-1", "GET " + c.sync + "/jobs/job-1"}, script.urls())
			assert.Contains(t, client.String(), strings.Split(c.api, "/")[2])
		})
	}
}

func TestNewClientNeedsAKey(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"empty": "", "line break": "sec-ret\n", "blank": "sec ret", "not ASCII": "sécret-ä", "control": "sec\x00ret",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := cloudconvert.NewClient(key)
			require.Error(t, err)
			assert.Nil(t, client)
			assert.Contains(t, err.Error(), "API key")
			assert.True(t, strings.HasPrefix(err.Error(), "cloudconvert: "))
			assert.NotContains(t, err.Error(), "ret")
		})
	}
}

func TestNewClientNeitherDialsNorReadsTheEnvironment(t *testing.T) {
	t.Setenv("CLOUDCONVERT_SANDBOX", "true") // no t.Parallel with an environment of its own
	t.Setenv("CLOUDCONVERT_REGION", "us-east")
	client, err := cloudconvert.NewClient(testKey, cloudconvert.WithHTTPClient(&http.Client{Transport: &scripted{}}))
	require.NoError(t, err)
	assert.Equal(t, "cloudconvert.Client(api.cloudconvert.com)", client.String())
}

func TestWithReturnsACopy(t *testing.T) {
	t.Parallel()
	original, script := newScripted(t, says(http.StatusOK, emptyUser, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "7"))
	changed, err := original.With(cloudconvert.WithUserAgent("invoices/2.1"))
	require.NoError(t, err)
	require.NotSame(t, original, changed)
	require.NotSame(t, original.Jobs, changed.Jobs)

	_, err = original.Users.Me(t.Context())
	require.NoError(t, err)
	_, err = changed.Users.Me(t.Context())
	require.NoError(t, err)
	require.Len(t, script.requests, 2, "they share the connections")
	assert.True(t, strings.HasPrefix(script.requests[0].Header.Get("User-Agent"), "cloudconvert-go/"))
	assert.True(t, strings.HasPrefix(script.requests[1].Header.Get("User-Agent"), "invoices/2.1 cloudconvert-go/"))
	assert.Equal(t, script.requests[0].URL.String(), script.requests[1].URL.String())
	assert.Equal(t, "Bearer "+testKey, script.requests[1].Header.Get("Authorization"))
}

func TestWithReportsProblems(t *testing.T) {
	t.Parallel()
	original, _ := newScripted(t)
	changed, err := original.With(cloudconvert.WithHTTPClient(nil))
	require.ErrorContains(t, err, "WithHTTPClient")
	assert.Nil(t, changed)
	_, err = original.With(cloudconvert.WithSandbox())
	require.ErrorContains(t, err, "WithSandbox and WithBaseURLs")
}

func TestWithSharesTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		original, script := newScripted(t,
			says(http.StatusTooManyRequests, `{}`, "Retry-After", "60", "X-RateLimit-Limit", "500"), says(http.StatusCreated, emptyUser))
		changed, err := original.With(cloudconvert.WithUserAgent("other"))
		require.NoError(t, err)
		_, seen := changed.RateLimit()
		require.False(t, seen)

		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() { assert.NoError(t, original.Do(t.Context(), http.MethodPost, "/jobs", nil, nil)) })
		synctest.Wait()
		callers.Go(func() { assert.NoError(t, changed.Do(t.Context(), http.MethodPost, "/jobs", nil, nil)) })
		callers.Wait()
		assert.Len(t, script.requests, 3, "one refusal is enough for both")
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestRateLimitIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		original, _ := newScripted(t, says(http.StatusOK, emptyUser, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "499"))
		changed, err := original.With()
		require.NoError(t, err)
		_, err = original.Users.Me(t.Context())
		require.NoError(t, err)
		limit, seen := changed.RateLimit()
		require.True(t, seen)
		assert.Equal(t, cloudconvert.RateLimit{Limit: 500, Remaining: 499, At: time.Now()}, limit)
	})
}

func TestTheCallersHTTPClientStaysAsItIs(t *testing.T) {
	t.Parallel()
	script := &scripted{replies: []reply{says(http.StatusFound, "", "Location", "https://elsewhere.example.com/")}}
	given := http.Client{Transport: script, Timeout: time.Hour}
	pointer := &given
	client, err := cloudconvert.NewClient(testKey, cloudconvert.WithHTTPClient(pointer))
	require.NoError(t, err)
	_, err = client.Users.Me(t.Context())
	require.Error(t, err)
	assert.Nil(t, pointer.CheckRedirect)
	assert.Equal(t, time.Hour, pointer.Timeout)
	assert.Same(t, script, pointer.Transport)
	assert.Nil(t, pointer.Jar)

	pointer.Transport = nil // nor does the client notice what becomes of it
	_, err = client.Users.Me(t.Context())
	require.Error(t, err)
	changed, err := client.With(cloudconvert.WithUserAgent("other"))
	require.NoError(t, err)
	_, err = changed.Users.Me(t.Context())
	require.Error(t, err)
	assert.Len(t, script.requests, 3)
}

func TestTheClientsTimeoutBoundsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		script := &scripted{replies: []reply{never}}
		client, err := cloudconvert.NewClient(testKey,
			cloudconvert.WithHTTPClient(&http.Client{Transport: script, Timeout: 10 * time.Second}),
			cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 2}))
		require.NoError(t, err)
		start := time.Now()
		_, err = client.Users.Me(t.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "no context of the caller's ended")
		assert.Len(t, script.requests, 2)
		assert.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		assert.Less(t, time.Since(start), 21*time.Second)
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		client, script := newScriptedWith(t, []cloudconvert.Option{cloudconvert.WithLogger(logger)},
			says(http.StatusServiceUnavailable, ""), says(http.StatusTooManyRequests, "", "Retry-After", "1"),
			says(http.StatusOK, emptyUser, "X-RateLimit-Remaining", "100"))
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				_, err := client.Users.Me(t.Context())
				assert.NoError(t, err)
			})
			callers.Go(func() {
				var response cloudconvert.Response
				var out map[string]any
				err := client.Do(t.Context(), http.MethodGet, "/users/me", nil, &out, cloudconvert.CaptureResponse(&response))
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, response.StatusCode)
				}
			})
			callers.Go(func() {
				other, err := client.With(cloudconvert.WithUserAgent("other"))
				if assert.NoError(t, err) {
					_, err = other.Users.Me(t.Context())
					assert.NoError(t, err)
				}
			})
			callers.Go(func() {
				_, _ = client.RateLimit()
				_ = client.String()
			})
		}
		callers.Wait()
		assert.Len(t, script.requests, 62)
		limit, seen := client.RateLimit()
		assert.True(t, seen)
		assert.Equal(t, 100, limit.Remaining)
	})
}

func TestOwnTransport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v2/users/me", r.URL.Path)
		_, err := io.WriteString(w, emptyUser)
		assert.NoError(t, err)
	}))
	t.Cleanup(server.Close)
	client, err := cloudconvert.NewClient(testKey, cloudconvert.WithBaseURLs(server.URL+"/v2", server.URL+"/v2"))
	require.NoError(t, err)
	user, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "1", user.ID)
}

// setAPIEnvironment sets all variables, those that are not given to nothing.
func setAPIEnvironment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range []string{"KEY", "URL"} {
		t.Setenv("CLOUDCONVERT_API_"+name, variables["API_"+name])
	}
	for _, name := range []string{"SANDBOX", "REGION", "SYNC_URL"} {
		t.Setenv("CLOUDCONVERT_"+name, variables[name])
	}
}

//nolint:paralleltest // it sets the environment.
func TestNewClientFromEnv(t *testing.T) {
	for name, c := range map[string]struct {
		variables map[string]string
		url       string
		err       string
	}{
		"key alone":         {map[string]string{"API_KEY": testKey}, "https://api.cloudconvert.com/v2", ""},
		"sandbox":           {map[string]string{"API_KEY": testKey, "SANDBOX": "true"}, "https://api.sandbox.cloudconvert.com/v2", ""},
		"sandbox, as 1":     {map[string]string{"API_KEY": testKey, "SANDBOX": "1"}, "https://api.sandbox.cloudconvert.com/v2", ""},
		"no sandbox":        {map[string]string{"API_KEY": testKey, "SANDBOX": "false"}, "https://api.cloudconvert.com/v2", ""},
		"region":            {map[string]string{"API_KEY": testKey, "REGION": "us-east"}, "https://us-east.api.cloudconvert.com/v2", ""},
		"addresses":         {map[string]string{"API_KEY": testKey, "API_URL": "http://localhost:1/v2", "SYNC_URL": "http://localhost:2/v2"}, "http://localhost:1/v2", ""},
		"no key":            {map[string]string{"SANDBOX": "true"}, "", "CLOUDCONVERT_API_KEY"},
		"key not trimmed":   {map[string]string{"API_KEY": testKey + "\n"}, "", "API key"},
		"odd sandbox":       {map[string]string{"API_KEY": testKey, "SANDBOX": "maybe"}, "", "CLOUDCONVERT_SANDBOX"},
		"odd region":        {map[string]string{"API_KEY": testKey, "REGION": "evil.example/"}, "", "WithRegion"},
		"one address":       {map[string]string{"API_KEY": testKey, "API_URL": "https://a.example/v2"}, "", "sync address"},
		"region in sandbox": {map[string]string{"API_KEY": testKey, "SANDBOX": "true", "REGION": "us-east"}, "", "WithSandbox and WithRegion"},
	} {
		t.Run(name, func(t *testing.T) {
			setAPIEnvironment(t, c.variables)
			script := &scripted{replies: []reply{says(http.StatusOK, emptyUser)}}
			client, err := cloudconvert.NewClientFromEnv(cloudconvert.WithHTTPClient(&http.Client{Transport: script}))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				assert.True(t, strings.HasPrefix(err.Error(), "cloudconvert: "))
				assert.NotContains(t, err.Error(), testKey)
				assert.Nil(t, client)
				return
			}
			require.NoError(t, err)
			_, err = client.Users.Me(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"GET " + c.url + "/users/me"}, script.urls())
			assert.Equal(t, "Bearer "+testKey, script.requests[0].Header.Get("Authorization"))
		})
	}
}
