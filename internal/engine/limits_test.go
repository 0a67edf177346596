package engine_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// lastCookies is a cookie jar that keeps the cookies set last.
type lastCookies struct{ cookies []*http.Cookie }

func (j *lastCookies) SetCookies(_ *url.URL, cookies []*http.Cookie) { j.cookies = cookies }
func (j *lastCookies) Cookies(*url.URL) []*http.Cookie               { return nil }

func TestOneRefusalDelaysAllCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(429, "", "Retry-After", "60"), after(time.Millisecond, respond(201, "{}"))}}
		e := engine.New(configure(n))
		call := newCall(t, http.MethodPost, "https://api.example/v2/jobs")
		start := time.Now()
		var senders sync.WaitGroup
		senders.Go(func() { assert.Equal(t, 2, e.Send(t.Context(), call).Attempts) })
		synctest.Wait()
		for range 20 {
			senders.Go(func() { assert.Equal(t, 1, e.Send(t.Context(), call).Attempts) })
		}
		senders.Wait()
		assert.Len(t, n.at, 22)
		for _, at := range n.at[1:] {
			assert.GreaterOrEqual(t, at.Sub(start), time.Minute)
		}
	})
}

// All calls wait for the pause that is logged, and compared with the deadline of a call.
func TestLimiterAppliesTheLoggedPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(429, ""), respond(201, "{}")}}
		config := configure(n)
		var buffer *bytes.Buffer
		config.Logger, buffer = records()
		assert.Equal(t, 201, engine.New(config).Send(t.Context(), newCall(t, http.MethodPost, "https://api.example/v2/jobs")).Status)
		require.Len(t, n.at, 2)
		assert.Contains(t, buffer.String(), fmt.Sprintf(`"pause":%d}`, n.pauses()[0]))
	})
}

func TestReadsAreNotDelayed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(429, "", "Retry-After", "60"), respond(200, "{}")}}
		e := engine.New(configure(n))
		ctx, cancel := context.WithCancel(t.Context())
		var senders sync.WaitGroup
		senders.Go(func() {
			got := e.Send(ctx, newCall(t, http.MethodPost, "https://api.example/v2/jobs"))
			assert.ErrorIs(t, got.Err, context.Canceled)
		})
		synctest.Wait()
		start := time.Now()
		got := e.Send(t.Context(), newCall(t, http.MethodGet, "https://api.example/v2/jobs"))
		assert.Equal(t, 200, got.Status)
		assert.Zero(t, time.Since(start))
		cancel()
		senders.Wait()
	})
}

// A mock that fails a test ends its goroutine.
func TestTransportThatDoesNotReturnBlocksNoOtherCall(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(){"panic": func() { panic("mock") }, "Goexit": runtime.Goexit} { //nolint:forbidigo // as a mock may do
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{steps: []step{func(*http.Request) (*http.Response, error) {
					end()
					return nil, errReset
				}, respond(201, "{}")}}
				e := engine.New(configure(n))
				call := newCall(t, http.MethodPost, "https://api.example/v2/jobs")
				var sender sync.WaitGroup
				sender.Go(func() {
					defer func() { _ = recover() }()
					e.Send(t.Context(), call)
				})
				sender.Wait()
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				assert.Equal(t, 201, e.Send(ctx, call).Status)
			})
		})
	}
}

func TestClientTimeoutExcludesTheWaitForTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(429, "", "Retry-After", "60"), respond(201, "{}")}}
		config := configure(n)
		config.Client.Timeout = 10 * time.Second
		got := engine.New(config).Send(t.Context(), newCall(t, http.MethodPost, "https://api.example/v2/jobs"))
		require.NoError(t, got.Err)
		assert.Equal(t, 2, got.Attempts)
	})
}

// A request that got a 429 with a short Retry-After, and is then delayed by a long one
// that another request got, fails once.
func TestPauseBeyondTheDeadlineFailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := &limiter.Limiter{}
		scout, err := shared.Enter(t.Context(), shared.Ticket(), limiter.Request{})
		require.NoError(t, err)
		shared.Leave(scout, limiter.Outcome{Accepted: true, Counted: true, Remaining: 10})
		n := &network{steps: []step{func(req *http.Request) (*http.Response, error) {
			other, err := shared.Enter(t.Context(), shared.Ticket(), limiter.Request{})
			require.NoError(t, err)
			shared.Leave(other, limiter.Outcome{Refused: true, RetryAfter: time.Hour})
			return respond(429, "", "Retry-After", "1")(req)
		}}}
		config := configure(n)
		config.Limiter = shared
		logger, buffer := records()
		config.Logger = logger
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		got := engine.New(config).Send(ctx, newCall(t, http.MethodPost, "https://api.example/v2/jobs"))
		assert.Zero(t, time.Since(start))
		var blocked *limiter.BlockedError
		require.ErrorAs(t, got.Err, &blocked)
		assert.Equal(t, 429, got.Status)
		assert.Equal(t, 1, got.Attempts)
		assert.Equal(t, 1, strings.Count(buffer.String(), "retrying"))
	})
}

func TestCountsReachTheLimiter(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(201, "{}", "X-Ratelimit-Remaining", "1"), after(time.Second, respond(201, "{}"))}}
		e := engine.New(configure(n))
		call := newCall(t, http.MethodPost, "https://api.example/v2/jobs")
		require.NoError(t, e.Send(t.Context(), call).Err)
		start := time.Now()
		var senders sync.WaitGroup
		for range 2 {
			senders.Go(func() { assert.NoError(t, e.Send(t.Context(), call).Err) })
		}
		senders.Wait()
		assert.Equal(t, 2*time.Second, time.Since(start), "there was room for one, so the second finds out")
	})
}

// newSlowCall returns a call whose response waits for a job to end.
func newSlowCall(t *testing.T) engine.Call {
	t.Helper()
	call := newCall(t, http.MethodPost, "https://sync.example/v2/jobs")
	call.Slow, call.Once, call.Timeout = true, true, 2*time.Minute
	call.PromptURL = newCall(t, http.MethodPost, "https://api.example/base/v2/jobs").URL
	return call
}

// urls returns the URLs and hosts of the requests.
func (n *network) urls() []string {
	var urls []string
	for _, req := range n.seen {
		urls = append(urls, req.URL.String()+" at "+req.Host)
	}
	return urls
}

func TestRefusedSlowCallIsNotRetried(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(429, "", "Retry-After", "60"), respond(201, "{}")}}
		config := configure(n)
		logger, buffer := records()
		config.Logger = logger
		e := engine.New(config)
		start := time.Now()
		refused := e.Send(t.Context(), newSlowCall(t))
		assert.Equal(t, 429, refused.Status)
		assert.Equal(t, 1, refused.Attempts)
		require.NoError(t, refused.Err)
		assert.False(t, refused.Unknown)
		assert.NotContains(t, buffer.String(), "retrying")
		assert.Less(t, time.Since(start), time.Second)

		assert.Equal(t, 201, e.Send(t.Context(), newSlowCall(t)).Status)
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
		assert.Equal(t, []string{"https://sync.example/v2/jobs at sync.example", "https://api.example/base/v2/jobs at api.example"}, n.urls(),
			"the second finds out whether there is room again")
	})
}

// One of several slow calls is sent where the response is immediate, so that the others
// do not wait for a job.
func TestFirstSlowCallIsTheScout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{func(req *http.Request) (*http.Response, error) {
			if req.URL.Host == "api.example" {
				return after(time.Second, respond(201, "{}", "X-Ratelimit-Remaining", "100"))(req)
			}
			return after(time.Minute, respond(201, "{}"))(req)
		}}}
		e := engine.New(configure(n))
		start := time.Now()
		var senders sync.WaitGroup
		for range 50 {
			senders.Go(func() { assert.NoError(t, e.Send(t.Context(), newSlowCall(t)).Err) })
		}
		senders.Wait()
		assert.Equal(t, 61*time.Second, time.Since(start))
		urls := n.urls()
		assert.Equal(t, "https://api.example/base/v2/jobs at api.example", urls[0])
		assert.Equal(t, slices.Repeat([]string{"https://sync.example/v2/jobs at sync.example"}, 49), urls[1:])
	})
}

// Calls that get a 429 without Retry-After one after the other pause like a single call
// that gets as many.
func TestPausesGrowFromCallToCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(429, "")}}
		config := configure(n)
		config.Attempts, config.MaxWait = 1, time.Hour
		e := engine.New(config)
		for range 20 {
			assert.Equal(t, 429, e.Send(t.Context(), newCall(t, http.MethodPost, "https://api.example/v2/jobs")).Status)
		}
		early, late := n.at[10].Sub(n.at[0]), n.at[19].Sub(n.at[10])
		assert.Greater(t, late, 4*early)
	})
}

// A caller that gives up says nothing about limits, and a service that fails is not rate
// limiting.
func TestFailuresOfTheServiceOpenTheLimiter(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		first step
		want  time.Duration
	}{
		"a failure":        {after(time.Second, respond(503, "")), 2 * time.Second},
		"a refusal":        {after(time.Second, respond(402, "{}")), 2 * time.Second},
		"a lost response":  {after(time.Second, fail(errReset)), 2 * time.Second},
		"a cancelled call": {hang, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := &network{steps: []step{tt.first, after(time.Second, respond(201, "{}"))}}
				e := engine.New(configure(n))
				call := newCall(t, http.MethodPost, "https://api.example/v2/jobs")
				start := time.Now()
				var senders sync.WaitGroup
				senders.Go(func() {
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					defer cancel()
					e.Send(ctx, call)
				})
				synctest.Wait()
				for range 20 {
					senders.Go(func() { assert.Equal(t, 201, e.Send(t.Context(), call).Status) })
				}
				senders.Wait()
				assert.Equal(t, tt.want, time.Since(start))
			})
		})
	}
}

func TestSlowResponsesDoNotDelayOtherCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := &network{steps: []step{respond(201, "{}", "X-Ratelimit-Remaining", "100"), after(time.Minute, respond(201, "{}"))}}
		e := engine.New(configure(n))
		call := newSlowCall(t)
		require.NoError(t, e.Send(t.Context(), call).Err)
		start := time.Now()
		var senders sync.WaitGroup
		for range 50 {
			senders.Go(func() { assert.NoError(t, e.Send(t.Context(), call).Err) })
		}
		senders.Wait()
		assert.Equal(t, time.Minute, time.Since(start))
	})
}
