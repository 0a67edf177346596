package engine_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

var (
	errRefused  = &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	errNotFound = &net.DNSError{Err: "no such host", IsNotFound: true}
)

func TestAttempts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		first   step
		get     int // attempts, if the second succeeds
		post    int
		unknown bool // after the first
	}{
		"finished":             {respond(200, "{}"), 1, 1, false},
		"no content":           {respond(204, ""), 1, 1, false},
		"redirected":           {respond(302, "", "Location", "https://storage.example/a?signature=secret"), 1, 1, false},
		"unauthorized":         {respond(401, "{}"), 1, 1, false},
		"no credits":           {respond(402, "{}"), 1, 1, false},
		"not found":            {respond(404, "{}"), 1, 1, false},
		"timeout of the other": {respond(408, ""), 2, 1, true},
		"invalid":              {respond(422, "{}"), 1, 1, false},
		"rate limited":         {respond(429, "{}"), 2, 2, false},
		"server error":         {respond(500, "{}"), 2, 1, true},
		"not implemented":      {respond(501, "{}"), 1, 1, true},
		"bad gateway":          {respond(502, "<html>"), 2, 1, true},
		"unavailable":          {respond(503, ""), 2, 1, true},
		"gateway timeout":      {respond(504, ""), 2, 1, true},
		"reset":                {fail(errReset), 2, 1, true},
		"end of file":          {fail(io.EOF), 2, 1, true},
		"connection refused":   {fail(errRefused), 2, 2, false},
		"no such host":         {fail(errNotFound), 2, 2, false},
		"cut response":         {cut(201, io.ErrUnexpectedEOF), 2, 1, true},
		"cut refusal":          {cut(422, io.ErrUnexpectedEOF), 1, 1, false},
		"cut server error":     {cut(500, io.ErrUnexpectedEOF), 2, 1, true},
		"too long":             {respond(200, strings.Repeat("a", 1<<10+1)), 1, 1, true},
		"long refusal":         {respond(422, strings.Repeat("a", 1<<10+1)), 1, 1, false},
	} {
		for method, want := range map[string]int{
			http.MethodGet: c.get, http.MethodDelete: c.get, http.MethodPost: c.post, http.MethodPatch: c.post,
		} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					got, network := send(t, method, c.first, respond(200, `{"ok": true}`))
					assert.Len(t, network.at, want)
					assert.Equal(t, want, got.Attempts)
					if want > 1 {
						require.NoError(t, got.Err)
						assert.Equal(t, http.StatusOK, got.Status)
						assert.JSONEq(t, `{"ok": true}`, string(got.Body))
						assert.Equal(t, c.unknown, got.UnknownBefore)
						assert.False(t, got.Unknown)
					} else {
						assert.Equal(t, c.unknown, got.Unknown)
						assert.False(t, got.UnknownBefore)
					}
				})
			})
		}
	}
}

func TestAttemptsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step   step
		status int
		body   string
		err    error
	}{
		"server error": {respond(503, "down"), 503, "down", nil},
		"rate limited": {respond(429, "slow"), 429, "slow", nil},
		"reset":        {fail(errReset), 0, "", errReset},
		"refused":      {fail(errRefused), 0, "", errRefused},
		"cut":          {cut(200, errReset), 200, `{"data": {"id": "`, errReset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, network := send(t, http.MethodGet, c.step)
				assert.Len(t, network.at, attempts)
				assert.Equal(t, attempts, got.Attempts)
				assert.Equal(t, c.status, got.Status)
				assert.Equal(t, c.body, string(got.Body))
				assert.ErrorIs(t, got.Err, c.err)
			})
		})
	}
}

func TestOnceDisablesRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(503, "")}}
		call := newCall(t, http.MethodGet, "https://api.example/v2/jobs/1")
		call.Once = true
		got := engine.New(configure(n)).Send(t.Context(), call)
		assert.Equal(t, 1, got.Attempts)
		assert.Equal(t, 503, got.Status)
	})
}

func TestPausesAreRandomAndGrow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ceilings := []time.Duration{minWait, 2 * minWait, 4 * minWait, maxWait}
		const calls = 200
		totals := make([]time.Duration, len(ceilings))
		for range calls {
			_, network := send(t, http.MethodGet, respond(503, ""))
			pauses := network.pauses()
			require.Len(t, pauses, len(ceilings))
			for i, pause := range pauses {
				assertWithin(t, 0, ceilings[i], pause)
				totals[i] += pause
			}
		}
		for i, total := range totals {
			// The mean of full jitter is half the bound. It is off by more than a
			// quarter of that about once in 10^9 times.
			mean := total / calls
			assertWithin(t, ceilings[i]*3/8, ceilings[i]*5/8, mean)
		}
	})
}

func TestRetryAfterIsHonored(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value func() string
		want  time.Duration
	}{
		"seconds": {func() string { return "30" }, 30 * time.Second},
		"date": {func() string {
			return time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat)
		}, 30 * time.Second},
		"past":   {func() string { return "Mon, 01 Jan 1990 00:00:00 GMT" }, 0},
		"capped": {func() string { return "86400" }, maxAsked},
		"hours":  {func() string { return time.Now().Add(5 * time.Hour).UTC().Format(http.TimeFormat) }, maxAsked},
	} {
		for method, status := range map[string]int{http.MethodGet: 503, http.MethodDelete: 429, http.MethodPost: 429} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					got, network := send(t, method, respond(status, "", "Retry-After", c.value()), respond(200, "{}"))
					require.NoError(t, got.Err)
					require.Equal(t, 2, got.Attempts)
					assertWithin(t, c.want, c.want+time.Second, network.pauses()[0])
				})
			})
		}
	}
}

func TestPauseBeyondTheDeadlineIsNotStarted(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{steps: []step{respond(429, "slow", "Retry-After", "60")}}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				start := time.Now()
				got := engine.New(configure(n)).Send(ctx, newCall(t, method, "https://api.example/v2/jobs"))
				assert.Zero(t, time.Since(start))
				assert.Equal(t, 429, got.Status)
				assert.Equal(t, "slow", string(got.Body))
				assert.Equal(t, 1, got.Attempts)
				assert.NoError(t, got.Err)
			})
		})
	}
}

func TestCancelledWhilePausing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		method string
		first  step
		status int
		err    error
	}{
		"response":        {http.MethodGet, respond(503, ""), 503, context.Canceled},
		"limit":           {http.MethodPost, respond(429, ""), 429, context.Canceled},
		"connection lost": {http.MethodGet, fail(errReset), 0, errReset},
		"no connection":   {http.MethodPost, fail(errRefused), 0, errRefused},
		"cut":             {http.MethodGet, cut(200, errReset), 200, errReset},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config := configure(&network{steps: []step{c.first}})
				config.MinWait, config.MaxWait = time.Hour, time.Hour
				ctx, cancel := context.WithCancel(t.Context())
				time.AfterFunc(time.Nanosecond, cancel)
				start := time.Now()
				got := engine.New(config).Send(ctx, newCall(t, c.method, "https://api.example/v2/jobs"))
				assert.Equal(t, time.Nanosecond, time.Since(start))
				require.ErrorIs(t, got.Err, context.Canceled)
				require.ErrorIs(t, got.Err, c.err)
				assert.Equal(t, c.status, got.Status)
				assert.Equal(t, 1, got.Attempts)
			})
		})
	}
}

// If the context ends while a response that would be retried arrives, the error is that
// of the context.
func TestCancelledWhenTheResponseArrives(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		ended  bool
	}{"retryable": {503, true}, "final": {404, false}, "success": {200, false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			n := &network{steps: []step{func(req *http.Request) (*http.Response, error) {
				cancel()
				return respond(c.status, "")(req)
			}}}
			got := engine.New(configure(n)).Send(ctx, newCall(t, http.MethodGet, "https://api.example/v2/jobs"))
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.ended, errors.Is(got.Err, context.Canceled))
		})
	}
}

func TestCancelledWhileWaitingForTheResponse(t *testing.T) {
	t.Parallel()
	slowBody := func(req *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(readerFunc(func([]byte) (int, error) {
			<-req.Context().Done()
			return 0, context.Cause(req.Context())
		}))}, nil
	}
	causeOnly := func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	for name, first := range map[string]step{"header": hang, "cause": causeOnly, "body": slowBody} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					errEnough := errors.New("enough")
					ctx, cancel := context.WithCancelCause(t.Context())
					time.AfterFunc(10*time.Second, func() { cancel(errEnough) })
					start := time.Now()
					n := &network{steps: []step{first}}
					got := engine.New(configure(n)).Send(ctx, newCall(t, method, "https://api.example/v2/jobs"))
					assert.Equal(t, 10*time.Second, time.Since(start))
					require.ErrorIs(t, got.Err, context.Canceled)
					if name != "header" {
						require.ErrorIs(t, got.Err, errEnough)
					}
					assert.Equal(t, 1, got.Attempts)
					assert.True(t, got.Unknown)
				})
			})
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestEndedContextSendsNothing(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{steps: []step{hang}}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				got := engine.New(configure(n)).Send(ctx, newCall(t, method, "https://api.example/v2/jobs"))
				require.ErrorIs(t, got.Err, context.Canceled)
				assert.LessOrEqual(t, got.Attempts, 1)
			})
		})
	}
}

func TestDeadlineOfTheCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{hang}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		got := engine.New(configure(n)).Send(ctx, newCall(t, http.MethodGet, "https://api.example/v2/jobs"))
		assert.Equal(t, 10*time.Second, time.Since(start))
		require.ErrorIs(t, got.Err, context.DeadlineExceeded)
		assert.Equal(t, 1, got.Attempts)
	})
}

func TestDeadlineOfAnAttempt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		timeout, client, want time.Duration
	}{
		"of the call":   {time.Minute, 0, time.Minute},
		"of the client": {0, 10 * time.Second, 10 * time.Second},
		"the shorter":   {time.Minute, 10 * time.Second, 10 * time.Second},
		"the other":     {10 * time.Second, time.Minute, 10 * time.Second},
	} {
		for method, want := range map[string]int{http.MethodGet: attempts, http.MethodPost: 1} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					config := configure(&network{steps: []step{hang}})
					config.Client.Timeout = c.client
					call := newCall(t, method, "https://api.example/v2/jobs")
					call.Timeout = c.timeout
					start := time.Now()
					got := engine.New(config).Send(t.Context(), call)
					assert.Equal(t, want, got.Attempts)
					took := time.Duration(want) * c.want
					assertWithin(t, took, took+attempts*maxWait, time.Since(start))
					require.Error(t, got.Err)
					require.NotErrorIs(t, got.Err, context.DeadlineExceeded, "the caller's context did not end")
					assert.Contains(t, got.Err.Error(), c.want.String())
					assert.True(t, got.Unknown)
					assert.Equal(t, c.client, config.Client.Timeout, "the caller's client stays as it is")
				})
			})
		}
	}
}

// networkTimeoutError is a timeout of the network. Such an error matches
// [context.DeadlineExceeded].
type networkTimeoutError struct{}

func (networkTimeoutError) Error() string        { return "i/o timeout" }
func (networkTimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

func TestNetworkTimeoutsDoNotMatchContextErrors(t *testing.T) {
	t.Parallel()
	dial := &net.OpError{Op: "dial", Net: "tcp", Err: networkTimeoutError{}}
	for name, c := range map[string]struct {
		err  error
		post int
	}{
		"while connecting":             {dial, attempts},
		"while waiting for a response": {networkTimeoutError{}, 1},
		"of another's request":         {context.Canceled, 1},
	} {
		for method, want := range map[string]int{http.MethodGet: attempts, http.MethodPost: c.post} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					got, _ := send(t, method, fail(c.err))
					assert.Equal(t, want, got.Attempts)
					require.NotErrorIs(t, got.Err, context.DeadlineExceeded)
					require.NotErrorIs(t, got.Err, context.Canceled)
					require.EqualError(t, got.Err, c.err.Error())
					var op *net.OpError
					assert.Equal(t, c.err == dial, errors.As(got.Err, &op)) //nolint:errorlint // it is the same error.
				})
			})
		}
	}
}

func TestEachAttemptSendsTheWholeBody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		body := strings.Repeat("0123456789", 1000)
		n := &network{steps: []step{respond(429, ""), respond(200, "{}")}}
		half := true
		transport := roundTripper(func(req *http.Request) (*http.Response, error) {
			if half {
				half = false
				_, err := io.CopyN(io.Discard, req.Body, 5000)
				require.NoError(t, err)
				return nil, errRefused
			}
			return n.RoundTrip(req)
		})
		call := newCall(t, http.MethodPost, "https://api.example/v2/jobs")
		call.Body = []byte(body)
		got := engine.New(configure(transport)).Send(t.Context(), call)
		require.NoError(t, got.Err)
		assert.Equal(t, 3, got.Attempts)
		assert.Equal(t, []string{body, body}, n.bodies)
		for _, req := range n.seen {
			assert.Equal(t, int64(len(body)), req.ContentLength)
			assert.Equal(t, "application/json", req.Header.Get("Accept"))
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestResponseSizeIsBounded(t *testing.T) {
	t.Parallel()
	const limit = 1 << 10
	for name, c := range map[string]struct {
		status, length int
		err            bool
	}{
		"as long as can be": {200, limit, false},
		"too long":          {200, limit + 1, true},
		"refusal, cut":      {400, 10 * limit, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, _ := send(t, http.MethodGet, respond(c.status, strings.Repeat("a", c.length)))
				assert.Equal(t, c.err, got.Err != nil)
				assert.Equal(t, 1, got.Attempts, "a retry would be too long as well")
				assert.Len(t, got.Body, min(c.length, limit))
			})
		})
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	for _, location := range []string{
		"https://evil.example/?signature=secret", "/v2/elsewhere", "", "https://storage.example/%zz?signature=secret",
	} {
		for _, status := range []int{301, 302, 303, 307, 308} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				synctest.Test(t, func(t *testing.T) {
					got, network := send(t, method, respond(status, "moved", "Location", location))
					require.NoError(t, got.Err)
					assert.Len(t, network.at, 1)
					assert.Equal(t, status, got.Status)
					assert.Equal(t, location, got.Header.Get("Location"))
					assert.Equal(t, "moved", string(got.Body))
				})
			}
		}
	}
}

func TestOddTransports(t *testing.T) {
	t.Parallel()
	t.Run("neither response nor error", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			got, _ := send(t, http.MethodPost, fail(nil))
			require.Error(t, got.Err)
			assert.True(t, got.Unknown)
			assert.Equal(t, 1, got.Attempts)
		})
	})
	t.Run("no body", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			got, _ := send(t, http.MethodDelete, func(*http.Request) (*http.Response, error) {
				return &http.Response{StatusCode: http.StatusNoContent}, nil
			})
			require.NoError(t, got.Err)
			assert.Equal(t, 204, got.Status)
			assert.Empty(t, got.Body)
		})
	})
	t.Run("invalid request", func(t *testing.T) {
		t.Parallel()
		got, network := send(t, "GET IT", respond(200, "{}"))
		require.Error(t, got.Err)
		assert.Zero(t, got.Attempts)
		assert.Empty(t, network.at)
	})
}

func TestCookiesOfTheCallersJarAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(200, "{}", "Set-Cookie", "sticky=node7")}}
		config := configure(n)
		jar := &lastCookies{}
		config.Client.Jar = jar
		got := engine.New(config).Send(t.Context(), newCall(t, http.MethodGet, "https://api.example/v2/jobs"))
		require.NoError(t, got.Err)
		require.Len(t, jar.cookies, 1)
		assert.Equal(t, "node7", jar.cookies[0].Value)
	})
}

func TestLogs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{
			after(time.Second, respond(503, `{"message": "down, body-secret"}`, "X-Request-Id", "r-1", "Retry-After", "7")),
			respond(200, `{"data": "body-secret"}`),
		}}
		config := configure(n)
		logger, buffer := records()
		config.Logger = logger
		call := newCall(t, http.MethodGet, "https://api.example/v2/jobs/a%0Ab?signature=query-secret")
		call.Header.Set("Authorization", "Bearer header-secret")
		require.NoError(t, engine.New(config).Send(t.Context(), call).Err)

		assert.NotContains(t, buffer.String(), "secret")
		lines := strings.Split(strings.TrimSpace(buffer.String()), "\n")
		require.Len(t, lines, 3)
		var logged []map[string]any
		for _, line := range lines {
			var entry map[string]any
			require.NoError(t, json.Unmarshal([]byte(line), &entry))
			assert.Equal(t, "/v2/jobs/a%0Ab", entry["path"])
			assert.Equal(t, http.MethodGet, entry["method"])
			logged = append(logged, entry)
		}
		assert.Equal(t, "DEBUG", logged[0]["level"])
		assert.InDelta(t, 503, logged[0]["status"], 0)
		assert.InDelta(t, 1, logged[0]["attempt"], 0)
		assert.Equal(t, "r-1", logged[0]["request_id"])
		assert.InDelta(t, time.Second, logged[0]["duration"], 0)
		assert.Equal(t, "WARN", logged[1]["level"])
		assert.GreaterOrEqual(t, logged[1]["pause"], float64(7*time.Second))
		assert.Equal(t, "DEBUG", logged[2]["level"])
		assert.InDelta(t, 200, logged[2]["status"], 0)
		assert.InDelta(t, 2, logged[2]["attempt"], 0)
	})
}

// A response or error that repeats the key does not put it into errors or logs.
func TestKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	const key = "an-invented-key-of-some-length"
	for name, reply := range map[string]step{
		"refusal": respond(400, `{"message": "what is Bearer `+key+`?"}`, "X-Request-Id", key),
		"failure": fail(fmt.Errorf("malformed header %q: %w", key, io.ErrUnexpectedEOF)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			config := quick(&network{steps: []step{reply}})
			config.Logger = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			call := newCall(t, http.MethodPost, "https://api.example/v2/jobs")
			call.Header.Set("Authorization", "Bearer "+key)
			got := engine.New(config).Send(t.Context(), call)
			assert.NotContains(t, fmt.Sprintf("%+v %v", got.Err, got.Header), key)
			assert.NotContains(t, string(got.Body), key)
			assert.NotContains(t, log.String(), key)
			assert.Equal(t, name == "failure", errors.Is(got.Err, io.ErrUnexpectedEOF))
		})
	}
}
