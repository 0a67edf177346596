package cloudconvert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// allSentinels are the errors that a [cloudconvert.Error] can match.
var allSentinels = []error{
	cloudconvert.ErrUnauthorized, cloudconvert.ErrForbidden, cloudconvert.ErrNotFound, cloudconvert.ErrInvalid,
	cloudconvert.ErrRateLimited, cloudconvert.ErrCreditsExceeded, cloudconvert.ErrTooManyJobs, cloudconvert.ErrServer,
	cloudconvert.ErrOutcomeUnknown, cloudconvert.ErrJobFailed,
}

// assertOnly asserts that an error matches one sentinel, or none if it is nil.
func assertOnly(t *testing.T, want, err error) {
	t.Helper()
	for _, sentinel := range allSentinels {
		assert.Equal(t, sentinel == want, errors.Is(err, sentinel), "%v", sentinel) //nolint:errorlint // the identity matters
	}
}

// failure sends a call that fails and returns its error.
func failure(t *testing.T, method string, replies ...testkit.Reply) *cloudconvert.Error {
	t.Helper()
	client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, replies...)
	var out struct {
		Data map[string]any `json:"data"`
	}
	err := client.Do(t.Context(), method, "/jobs/1", nil, &out)
	var e *cloudconvert.Error
	require.ErrorAs(t, err, &e)
	return e
}

func TestErrorsOfResponses(t *testing.T) {
	t.Parallel()
	const page = "<!DOCTYPE html><html><head><title>Error</title></head><body>nginx</body></html>"
	for name, c := range map[string]struct {
		reply  testkit.Reply
		status int
		code   cloudconvert.Code
		is     error
		text   string // the text of the error after the path
	}{
		"400": {
			testkit.Says(400, `{"message":"The given data was invalid.","code":"INVALID_DATA","errors":{"status":["Cannot change status: task already completed."]}}`),
			400, cloudconvert.CodeInvalidData, cloudconvert.ErrInvalid,
			": 400 INVALID_DATA: The given data was invalid (status: Cannot change status: task already completed)",
		},
		"401": {
			testkit.Says(401, `{"message":"Unauthenticated.","code":"UNAUTHENTICATED"}`),
			401, cloudconvert.CodeUnauthenticated, cloudconvert.ErrUnauthorized, ": 401 UNAUTHENTICATED: Unauthenticated",
		},
		"402, credits": {
			testkit.Says(402, `{"message":"Your account has run out of conversion credits","code":"CREDITS_EXCEEDED"}`),
			402, cloudconvert.CodeCreditsExceeded, cloudconvert.ErrCreditsExceeded,
			": 402 CREDITS_EXCEEDED: Your account has run out of conversion credits",
		},
		"402, jobs": {
			testkit.Says(402, `{"message":"You have started too many jobs at once","code":"PARALLEL_JOB_LIMIT_EXCEEDED"}`),
			402, cloudconvert.CodeParallelJobLimitExceeded, cloudconvert.ErrTooManyJobs,
			": 402 PARALLEL_JOB_LIMIT_EXCEEDED: You have started too many jobs at once",
		},
		"402, jobs, no code": {
			testkit.Says(402, `{"message":"You have started too many jobs at once"}`),
			402, "", cloudconvert.ErrTooManyJobs, ": 402: You have started too many jobs at once",
		},
		"402, empty": {testkit.Says(402, ``), 402, "", cloudconvert.ErrCreditsExceeded, ": 402 Payment Required"},
		"403":        {testkit.Says(403, ``), 403, "", cloudconvert.ErrForbidden, ": 403 Forbidden"},
		"403, storage": {
			testkit.Says(403, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`,
				"Content-Type", "application/xml"),
			403, "AccessDenied", cloudconvert.ErrForbidden, ": 403 AccessDenied: Request has expired",
		},
		"404":          {testkit.Says(404, `{"message":""}`), 404, "", cloudconvert.ErrNotFound, ": 404 Not Found"},
		"409, unknown": {testkit.Says(409, `{"message":"...","code":"CONFLICT"}`), 409, "CONFLICT", nil, ": 409 CONFLICT Conflict"},
		"418":          {testkit.Says(418, `[]`), 418, "", nil, ": 418 I'm a teapot"},
		"422, fields": {
			testkit.Says(422, `{"message":"The given data was invalid.","code":"INVALID_DATA","errors":{"url":["The url format is invalid.","b"],"input":"Invalid input task."}}`),
			422, cloudconvert.CodeInvalidData, cloudconvert.ErrInvalid,
			": 422 INVALID_DATA: The given data was invalid (input: Invalid input task; url: The url format is invalid. b)",
		},
		"422, odd fields": {
			testkit.Says(422, `{"message":"Invalid.","code":12,"errors":["a"]}`), 422, "12", cloudconvert.ErrInvalid, ": 422 12: Invalid",
		},
		"429": {
			testkit.Says(429, `{"message":"Too many attempts","code":"TOO_MANY_REQUESTS"}`),
			429, cloudconvert.CodeTooManyRequests, cloudconvert.ErrRateLimited, ": 429 TOO_MANY_REQUESTS: Too many attempts",
		},
		"500": {
			testkit.Says(500, `{"message":"Server Error","code":"INTERNAL_ERROR"}`),
			500, cloudconvert.CodeInternalError, cloudconvert.ErrServer, ": 500 INTERNAL_ERROR: Server Error",
		},
		"500, text":       {testkit.Says(500, `"oops"`), 500, "", cloudconvert.ErrServer, ": 500 Internal Server Error"},
		"500, null":       {testkit.Says(500, `null`), 500, "", cloudconvert.ErrServer, ": 500 Internal Server Error"},
		"500, garbage":    {testkit.Says(500, "\x00\xff\xfe<Err"), 500, "", cloudconvert.ErrServer, ": 500 Internal Server Error"},
		"500, cut":        {testkit.BreaksOff(500, `{"message": "Serv`), 500, "", cloudconvert.ErrServer, ": 500 Internal Server Error"},
		"502, HTML":       {testkit.Says(502, page, "Content-Type", "text/html"), 502, "", cloudconvert.ErrServer, ": 502 Bad Gateway"},
		"503, empty":      {testkit.Says(503, ``), 503, "", cloudconvert.ErrServer, ": 503 Service Unavailable"},
		"504, oversized":  {testkit.Says(504, strings.Repeat("<p>", 1<<20)), 504, "", cloudconvert.ErrServer, ": 504 Gateway Timeout"},
		"520":             {testkit.Says(520, ``), 520, "", cloudconvert.ErrServer, ": 520"},
		"302":             {testkit.Says(302, ``, "Location", "https://evil.example.com/?s3cret"), 302, "", nil, ": 302 Found"},
		"304":             {testkit.Says(304, ``), 304, "", nil, ": 304 Not Modified"},
		"200, HTML":       {testkit.Says(200, page, "Content-Type", "text/html"), 200, "", nil, ": 200: unexpected response (text/html): "},
		"200, empty":      {testkit.Says(200, ``), 200, "", nil, ": 200: unexpected response (application/json): it is empty"},
		"200, blank":      {testkit.Says(200, " \n"), 200, "", nil, ": 200: unexpected response (application/json): it is empty"},
		"200, array":      {testkit.Says(200, `[]`), 200, "", nil, ": 200: unexpected response (application/json): "},
		"200, other data": {testkit.Says(200, `{"data": "a"}`), 200, "", nil, ": 200: unexpected response (application/json): "},
		"200, not whole":  {testkit.Says(200, `{"data": {`), 200, "", nil, ": 200: unexpected response (application/json): "},
		"200, cut":        {testkit.BreaksOff(200, `{"data": {`), 200, "", nil, ": 200: connection reset by peer"},
		"200, oversized":  {testkit.Says(200, strings.Repeat(" ", 32<<20)+"{}"), 200, "", nil, ": 200: the response is too long (over 33554432 bytes)"},
		"204":             {testkit.Says(204, ``), 204, "", nil, ": 204: unexpected response (application/json): it is empty"},
		"none":            {testkit.Fails(errors.New("broken pipe")), 0, "", nil, ": broken pipe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := failure(t, http.MethodGet, c.reply)
			assert.Equal(t, c.status, e.StatusCode)
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, 1, e.Attempts)
			assertOnly(t, c.is, e)
			// The rest of a package json error may change.
			if strings.HasSuffix(c.text, ": ") {
				assert.True(t, strings.HasPrefix(e.Error(), "cloudconvert: GET /base/v2/jobs/1"+c.text))
			} else {
				assert.Equal(t, "cloudconvert: GET /base/v2/jobs/1"+c.text, e.Error())
			}
			assert.LessOrEqual(t, len(e.Body), 8<<10)
		})
	}
}

func TestServicesRefuseResponsesWithoutData(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *cloudconvert.Client) error{
		"user": func(ctx context.Context, c *cloudconvert.Client) error { _, err := c.Users.Me(ctx); return err },
		"job":  func(ctx context.Context, c *cloudconvert.Client) error { _, err := c.Jobs.Get(ctx, "1"); return err },
		"task": func(ctx context.Context, c *cloudconvert.Client) error { _, err := c.Tasks.Get(ctx, "1"); return err },
		"jobs": func(ctx context.Context, c *cloudconvert.Client) error {
			_, err := c.Jobs.List(ctx, cloudconvert.JobListOptions{})
			return err
		},
	}
	for name, call := range calls {
		for _, body := range []string{``, `null`, `{}`, `{"data": null}`, `{"data": 1}`, `[]`, `<html>`, `{"data": "a"}`} {
			t.Run(name+" "+body, func(t *testing.T) {
				t.Parallel()
				client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, body))
				var e *cloudconvert.Error
				require.ErrorAs(t, call(t.Context(), client), &e)
				assert.Equal(t, http.StatusOK, e.StatusCode)
				assert.Equal(t, body, string(e.Body))
				assert.Len(t, script.Requests, 1)
			})
		}
	}
	for _, body := range []string{`{"data": {}}`, `{"data": {"id": null}}`, `{"data": {"id": ""}}`, `{"data": {"id": {}}}`} {
		for _, name := range []string{"job", "task"} {
			t.Run(name+" "+body, func(t *testing.T) {
				t.Parallel()
				client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, body))
				require.ErrorContains(t, calls[name](t.Context(), client), "has no id")
			})
		}
	}
}

func TestErrorKeepsDetails(t *testing.T) {
	t.Parallel()
	body := `{"message":"The given data was invalid.","code":"INVALID_DATA","errors":{"tasks":["The tasks field is required."]}}`
	e := failure(t, http.MethodPost, testkit.Says(422, body, "X-Request-Id", "r-42", "Retry-After", "30"))
	assert.Equal(t, http.MethodPost, e.Method)
	assert.Equal(t, "/base/v2/jobs/1", e.Path)
	assert.Equal(t, "r-42", e.RequestID)
	assert.Equal(t, 30*time.Second, e.RetryAfter)
	assert.Equal(t, "The given data was invalid.", e.Message)
	assert.Equal(t, map[string][]string{"tasks": {"The tasks field is required."}}, e.Fields)
	assert.JSONEq(t, body, string(e.Body))
	assert.NoError(t, errors.Unwrap(e))
}

func TestInvalidRetryAfterIsIgnored(t *testing.T) {
	t.Parallel()
	for _, value := range []string{"", "-1", "NaN", "soon"} {
		assert.Zero(t, failure(t, http.MethodGet, testkit.Says(429, "", "Retry-After", value)).RetryAfter, value)
	}
}

func TestErrorPathIsEscapedAndHasNoQuery(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t, testkit.Says(404, ``))
	err := client.Do(t.Context(), http.MethodGet, "/jobs/a%0Ab?filter[tag]=s3cret", nil, nil)
	require.EqualError(t, err, "cloudconvert: GET /base/v2/jobs/a%0Ab: 404 Not Found")
}

func TestErrorIsMatchesCodes(t *testing.T) {
	t.Parallel()
	e := failure(t, http.MethodPost, testkit.Says(422, `{"code":"INVALID_CONVERSION_TYPE","message":"This conversion type is not supported"}`))
	require.ErrorIs(t, e, cloudconvert.CodeInvalidConversionType)
	require.ErrorIs(t, fmt.Errorf("wrapped: %w", e), cloudconvert.CodeInvalidConversionType)
	require.NotErrorIs(t, e, cloudconvert.CodeInvalidData)
	require.NotErrorIs(t, failure(t, http.MethodPost, testkit.Says(422, ``)), cloudconvert.Code(""))
	unknown := failure(t, http.MethodPost, testkit.Says(422, `{"code":"SOMETHING_NEW"}`))
	require.ErrorIs(t, unknown, cloudconvert.Code("SOMETHING_NEW"))
	assert.EqualError(t, unknown.Code, "cloudconvert: SOMETHING_NEW")
}

func TestContextErrorsAreWrapped(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := testkit.NewScript(t, never)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Users.Me(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		var e *cloudconvert.Error
		require.ErrorAs(t, err, &e)
		assert.Zero(t, e.StatusCode)
		assert.Len(t, script.Requests, 1)
		assertOnly(t, nil, err)
	})
}

func TestTimeoutOfAnAttemptIsNotDeadlineExceeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, script := testkit.NewScript(t, never)
		start := time.Now()
		_, err := client.Users.Me(t.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		assert.Len(t, script.Requests, 5)
		assert.GreaterOrEqual(t, time.Since(start), 5*time.Minute)
		assert.Contains(t, err.Error(), "no response in time (1m0s)")
		assert.True(t, cloudconvert.IsRetryable(err))
	})
}

func TestLargeBodiesHaveMoreTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, never)
		start := time.Now()
		err := client.Do(t.Context(), http.MethodPost, "/jobs", strings.Repeat("a", 1<<20), nil)
		require.Error(t, err)
		assert.Equal(t, 124*time.Second, time.Since(start))
	})
}

// errRefused is the error of a refused dial of package net.
var errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

func TestIsAccountError(t *testing.T) {
	t.Parallel()
	unauthorized := &cloudconvert.Error{StatusCode: http.StatusUnauthorized, Path: "/jobs"}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"nil":              {nil, false},
		"401":              {unauthorized, true},
		"wrapped":          {fmt.Errorf("report: %w", unauthorized), true},
		"of a token":       {fmt.Errorf("%w: no access token", cloudconvert.ErrUnauthorized), true},
		"402":              {&cloudconvert.Error{StatusCode: http.StatusPaymentRequired, Path: "/jobs"}, true},
		"too many jobs":    {&cloudconvert.Error{StatusCode: http.StatusPaymentRequired, Path: "/jobs", Code: cloudconvert.CodeParallelJobLimitExceeded}, false},
		"403":              {&cloudconvert.Error{StatusCode: http.StatusForbidden, Path: "/jobs"}, true},
		"403 of a storage": {&cloudconvert.Error{StatusCode: http.StatusForbidden, Path: "storage.example/a.pdf"}, false},
		"429":              {&cloudconvert.Error{StatusCode: http.StatusTooManyRequests, Path: "/jobs"}, false},
		"context":          {context.Canceled, false},
	} {
		assert.Equal(t, c.want, cloudconvert.IsAccountError(c.err), name)
	}
}

func TestIsRetryable(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reply testkit.Reply
		get   bool // GET and DELETE
		post  bool
	}{
		"200, broken":       {testkit.BreaksOff(200, `{`), true, false},
		"200, not expected": {testkit.Says(200, `<html>`), true, false},
		"200, oversized":    {testkit.Says(200, strings.Repeat(" ", 32<<20+1)), false, false},
		"302":               {testkit.Says(302, ``), false, false},
		"400":               {testkit.Says(400, ``), false, false},
		"401":               {testkit.Says(401, ``), false, false},
		"402, credits":      {testkit.Says(402, `{"code":"CREDITS_EXCEEDED"}`), false, false},
		"402, jobs":         {testkit.Says(402, `{"code":"PARALLEL_JOB_LIMIT_EXCEEDED"}`), true, true},
		"403":               {testkit.Says(403, ``), false, false},
		"404":               {testkit.Says(404, ``), false, false},
		"408":               {testkit.Says(408, ``), true, false},
		"422":               {testkit.Says(422, ``), false, false},
		"429":               {testkit.Says(429, ``), true, true},
		"500":               {testkit.Says(500, ``), true, false},
		"501":               {testkit.Says(501, ``), false, false},
		"502":               {testkit.Says(502, ``), true, false},
		"503":               {testkit.Says(503, ``), true, false},
		"504":               {testkit.Says(504, ``), true, false},
		"reset":             {testkit.Fails(io.EOF), true, false},
		"refused":           {testkit.Fails(errRefused), true, true},
		"no such host":      {testkit.Fails(&net.DNSError{IsNotFound: true}), true, true},
		"cancelled":         {testkit.Fails(nil), false, false},
	} {
		for method, want := range map[string]bool{http.MethodGet: c.get, http.MethodDelete: c.get, http.MethodPost: c.post} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, c.reply)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if name == "cancelled" {
					cancel()
				}
				var out map[string]any
				err := client.Do(ctx, method, "/jobs", nil, &out)
				require.Error(t, err)
				assert.Equal(t, want, cloudconvert.IsRetryable(err))
				assert.Equal(t, want, cloudconvert.IsRetryable(fmt.Errorf("wrapped: %w", err)))
			})
		}
	}
	t.Run("others", func(t *testing.T) {
		t.Parallel()
		assert.False(t, cloudconvert.IsRetryable(nil))
		assert.False(t, cloudconvert.IsRetryable(io.EOF))
		assert.False(t, cloudconvert.IsRetryable(context.Canceled))
		assert.False(t, cloudconvert.IsRetryable(cloudconvert.ErrServer))
		assert.False(t, cloudconvert.IsRetryable(&cloudconvert.JobError{Job: &cloudconvert.Job{}}))
		assert.False(t, cloudconvert.IsRetryable(&cloudconvert.OutcomeError{}))
		assert.False(t, cloudconvert.IsRetryable(&cloudconvert.UnsavedError{Job: &cloudconvert.Job{}}))
		assert.False(t, cloudconvert.IsRetryable(cloudconvert.ErrBudget))
	})
	t.Run("a failure that may be retried, within one that may not", func(t *testing.T) {
		t.Parallel()
		limited := failure(t, http.MethodGet, testkit.Says(503, ``))
		require.True(t, cloudconvert.IsRetryable(limited))
		client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(503, ``))
		file := cloudconvert.File{Filename: "a.pdf", URL: "https://storage.example.com/a.pdf"}
		_, err := client.SaveAs(t.Context(), finishedJob(file), t.TempDir()+"/")
		require.ErrorAs(t, err, new(*cloudconvert.UnsavedError))
		require.ErrorIs(t, err, cloudconvert.ErrServer)
		assert.False(t, cloudconvert.IsRetryable(err))
		assert.False(t, cloudconvert.IsRetryable(errors.Join(limited, err)))
	})
	t.Run("held back", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			client, script := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(429, ``, "Retry-After", "60"))
			require.Error(t, client.Do(t.Context(), http.MethodPost, "/jobs", nil, nil))
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			err := client.Do(ctx, http.MethodPost, "/jobs", nil, nil)
			assertOnly(t, cloudconvert.ErrRateLimited, err)
			assert.True(t, cloudconvert.IsRetryable(err))
			assert.Len(t, script.Requests, 1)
		})
	})
	t.Run("certificate", func(t *testing.T) {
		t.Parallel()
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		server.StartTLS()
		t.Cleanup(server.Close)
		client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithBaseURLs(server.URL+"/v2", server.URL+"/v2"))
		require.NoError(t, err)
		_, err = client.Users.Me(t.Context())
		var e *cloudconvert.Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, 1, e.Attempts)
		assert.False(t, cloudconvert.IsRetryable(err))
	})
}

func TestErrorLogValue(t *testing.T) {
	t.Parallel()
	e := failure(t, http.MethodPost, testkit.Says(422,
		`{"message":"Invalid.","code":"INVALID_DATA","errors":{"url":["s3cret"]}}`, "X-Request-Id", "r-1", "X-Other", "s3cret"))
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("failed", "error", e)
	var record struct {
		Error map[string]any `json:"error"`
	}
	require.NoError(t, json.Unmarshal(log.Bytes(), &record))
	assert.Equal(t, map[string]any{
		"method": "POST", "path": "/base/v2/jobs/1", "status": 422.0, "attempts": 1.0,
		"code": "INVALID_DATA", "message": "Invalid.", "request_id": "r-1",
	}, record.Error)

	log.Reset()
	slog.New(slog.NewJSONHandler(&log, nil)).Info("failed", "error", failure(t, http.MethodGet, testkit.Fails(io.EOF)))
	record.Error = nil
	require.NoError(t, json.Unmarshal(log.Bytes(), &record))
	assert.Equal(t, map[string]any{
		"method": "GET", "path": "/base/v2/jobs/1", "status": 0.0, "attempts": 1.0, "error": "EOF",
	}, record.Error)
}

func TestOutcomeErrorPrintsNoQueryOfTag(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t, testkit.Fails(io.EOF))
	const tag = "https://a.example/b?sig=s3cr3t"
	_, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{
		Tag: tag, Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://example.com/a.txt"}},
	})
	var outcome *cloudconvert.OutcomeError
	require.ErrorAs(t, err, &outcome)
	assert.Equal(t, tag, outcome.Tag)
	assert.NotContains(t, err.Error(), "s3cr3t")
}

func TestOutcomeError(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]testkit.Reply{
		"reset": testkit.Fails(io.EOF), "500": testkit.Says(500, `{"message":"Server Error"}`), "cut": testkit.BreaksOff(201, `{"data"`), "garbage": testkit.Says(201, `<html>`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, first)
			_, err := client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{
				Tag:   "mine",
				Tasks: cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://example.com/a.txt"}},
			})
			var outcome *cloudconvert.OutcomeError
			require.ErrorAs(t, err, &outcome)
			require.ErrorIs(t, err, cloudconvert.ErrOutcomeUnknown)
			assert.Equal(t, "mine", outcome.Tag)
			assert.Contains(t, err.Error(), `"mine"`)
			assert.False(t, cloudconvert.IsRetryable(err))
			assert.Len(t, script.Requests, 1, "the job may exist: the request is not retried")
			var e *cloudconvert.Error
			require.ErrorAs(t, err, &e)

			_, err = client.Tasks.Retry(t.Context(), "task-1")
			require.ErrorAs(t, err, &outcome)
			assert.Empty(t, outcome.Tag)
			assert.Contains(t, err.Error(), "task may have been created")
			assert.Len(t, script.Requests, 2)
		})
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{
		`{"message":"The given data was invalid.","code":"INVALID_DATA","errors":{"tasks":["The tasks field is required."]}}`,
		`{"message":null,"code":null,"errors":null}`, `{"errors":{"a":{"b":["c"]},"":[]}}`, `[]`, `null`, `"text"`, ``,
		`<Error><Code>AccessDenied</Code><Message>no</Message></Error>`, `<html><body>502</body></html>`, "\xff\x00",
	} {
		f.Add(500, []byte(seed))
		f.Add(422, []byte(seed))
		f.Add(200, []byte(seed))
	}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		if status < 200 || status > 999 {
			return
		}
		client, _ := testkit.NewScriptWith(t, []cloudconvert.Option{testkit.OnlyOnce()}, testkit.Says(status, string(body)))
		err := client.Do(t.Context(), http.MethodGet, "/jobs", nil, nil)
		var e *cloudconvert.Error
		if !errors.As(err, &e) {
			require.NoError(t, err)
			require.Less(t, status, 300)
			return
		}
		require.Equal(t, status, e.StatusCode)
		require.True(t, strings.HasPrefix(e.Error(), "cloudconvert: GET /base/v2/jobs: "))
		require.LessOrEqual(t, len(e.Body), 8<<10)
		_ = e.LogValue()
		_ = cloudconvert.IsRetryable(e)
	})
}

func TestPermanentFailuresAreNotRetried(t *testing.T) {
	t.Parallel()
	calls := map[string]func(context.Context, *cloudconvert.Client) error{
		"get": func(ctx context.Context, c *cloudconvert.Client) error { _, err := c.Jobs.Get(ctx, "1"); return err },
		"create": func(ctx context.Context, c *cloudconvert.Client) error {
			return c.Do(ctx, http.MethodPost, "/jobs", map[string]any{}, nil)
		},
		"wait": func(ctx context.Context, c *cloudconvert.Client) error { _, err := c.Jobs.Wait(ctx, "1"); return err },
		"upload": func(ctx context.Context, c *cloudconvert.Client) error {
			return c.Tasks.Upload(ctx, testkit.WaitingTask(), cloudconvert.FromBytes("a.txt", []byte("a")))
		},
		"download": func(ctx context.Context, c *cloudconvert.Client) error {
			_, err := c.Download(ctx, cloudconvert.File{Filename: "a", Size: 1, URL: "https://storage.example/a"}, io.Discard)
			return err
		},
	}
	for name, failure := range map[string]error{
		"proxy":       errors.New("Proxy Authentication Required"),
		"alert":       &net.OpError{Op: "remote error", Err: tls.AlertError(116)},
		"certificate": &tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}}},
		"scheme":      errors.New(`unsupported protocol scheme "ftp"`),
	} {
		for method, call := range calls {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client, script := testkit.NewScript(t, testkit.Fails(failure))
					err := call(t.Context(), client)
					require.Error(t, err)
					assert.False(t, cloudconvert.IsRetryable(err))
					assert.LessOrEqual(t, len(script.Requests), map[bool]int{true: 2, false: 1}[method == "wait"], "one at each host")
				})
			})
		}
	}
}
