package acceptance_test

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// A window of the service in these tests.
const (
	windowLimit = 20
	windowTime  = time.Minute
)

// distant is a transport with a round trip of 20 ms, which may lose headers.
type distant struct {
	next http.RoundTripper
	lost []string
}

func (d *distant) RoundTrip(req *http.Request) (*http.Response, error) {
	testkit.Advance(10 * time.Millisecond)
	resp, err := d.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	for _, name := range d.lost {
		resp.Header.Del(name)
	}
	testkit.Advance(10 * time.Millisecond)
	return resp, nil
}

// farAway returns a client of a distant server.
func farAway(t *testing.T, server *cloudconverttest.Server, lost ...string) *cloudconvert.Client {
	t.Helper()
	transport := &distant{next: server.HTTPClient().Transport, lost: lost}
	return server.Client(append(server.ClientOptions(), cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))...)
}

// A road is a way to make many creations from 64 goroutines.
type road func(t *testing.T, client *cloudconvert.Client, n int)

// each makes each creation by a separate call.
func each(create func(ctx context.Context, client *cloudconvert.Client, i int) error) road {
	return func(t *testing.T, client *cloudconvert.Client, n int) {
		t.Helper()
		next := make(chan int, n)
		for i := range n {
			next <- i
		}
		close(next)
		var workers sync.WaitGroup
		for range 64 {
			workers.Go(func() {
				for i := range next {
					assert.NoError(t, create(t.Context(), client, i))
				}
			})
		}
		workers.Wait()
	}
}

// roads returns all ways to create jobs and tasks. ended is a task to be retried.
func roads(t *testing.T, ended string) map[string]road {
	t.Helper()
	source := cloudconvert.FromBytes("a.txt", []byte("text"))
	dir := t.TempDir()
	file := testkit.WriteFile(t, filepath.Join(dir, "a.txt"), "text")
	creators := []func(ctx context.Context, client *cloudconvert.Client, i int) error{
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			_, err := client.Jobs.Create(ctx, testkit.TextJob())
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			_, err := client.Run(ctx, testkit.TextJob())
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			_, err := client.Tasks.Create(ctx, testkit.TextTask)
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			_, err := client.Tasks.Retry(ctx, ended)
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			return client.Do(ctx, http.MethodPost, "/import/raw", map[string]string{"file": "text", "filename": "a.txt"}, nil)
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			_, err := client.Convert(ctx, source, "pdf")
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			_, err := client.Convert(ctx, source, "pdf", cloudconvert.WithInlineLimit(0))
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, i int) error {
			_, err := client.ConvertFile(ctx, file, filepath.Join(dir, fmt.Sprint(i, ".pdf")), cloudconvert.WithOverwrite())
			return err
		},
		func(ctx context.Context, client *cloudconvert.Client, _ int) error {
			other, err := client.With(cloudconvert.WithUserAgent("other"))
			if err == nil {
				_, err = other.Convert(ctx, source, "pdf")
			}
			return err
		},
	}
	runAll := func(opts ...cloudconvert.BatchOption) road {
		return func(t *testing.T, client *cloudconvert.Client, n int) {
			t.Helper()
			opts := append(opts, cloudconvert.WithConcurrency(64))
			for result := range client.RunAll(t.Context(), testkit.TextWorks(n, t.TempDir()), opts...) {
				assert.NoError(t, result.Err)
			}
		}
	}
	return map[string]road{
		"Jobs.Create":       each(creators[0]),
		"Run":               each(creators[1]),
		"Tasks.Create":      each(creators[2]),
		"Tasks.Retry":       each(creators[3]),
		"Do":                each(creators[4]),
		"Convert":           each(creators[5]),
		"Convert, uploaded": each(creators[6]),
		"ConvertFile":       each(creators[7]),
		"two clients":       each(creators[8]),
		"all of these": each(func(ctx context.Context, client *cloudconvert.Client, i int) error {
			return creators[i%len(creators)](ctx, client, i)
		}),
		"RunAll":           runAll(),
		"RunAll, uploaded": runAll(cloudconvert.WithInlineLimit(0)),
	}
}

// useUp makes another process use up the window, and leave a task to be retried.
func useUp(t *testing.T, server *cloudconverttest.Server) string {
	t.Helper()
	other := server.Client()
	var last *cloudconvert.Task
	for range windowLimit {
		last = testkit.RunTask(t, other)
	}
	return last.ID
}

// refusedInWindows returns how many requests each used-up window refused.
func refusedInWindows(server *cloudconverttest.Server) []int {
	var counts []int
	var before time.Time
	for _, at := range testkit.Refusals(server, http.StatusTooManyRequests) {
		if at.Sub(before) > windowTime/2 {
			counts = append(counts, 0)
		}
		counts[len(counts)-1]++
		before = at
	}
	return counts
}

// If the service counts requests in headers, a used-up window costs one refused
// request, also the first window, and one that another process used up.
func TestUsedUpWindowCostsOneRefusal(t *testing.T) {
	t.Parallel()
	for name := range roads(t, "") {
		for _, usedUp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/used up %v", name, usedUp), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					ended := useUp(t, server)
					windows := 4
					if !usedUp {
						testkit.Advance(2 * windowTime)
						windows = 3
					}
					roads(t, ended)[name](t, farAway(t, server), 3*windowLimit+10)
					assert.Equal(t, slices.Repeat([]int{1}, windows), refusedInWindows(server))
				}, cloudconverttest.WithRateLimit(windowLimit, windowTime), cloudconverttest.WithTaskDuration(time.Second))
			})
		}
	}
}

// Without headers, the first window costs the requests that are under way when it
// is used up. Then the client knows the size of the window.
func TestUsedUpWindowWithoutHeadersIsLearned(t *testing.T) {
	t.Parallel()
	for name := range roads(t, "") {
		for _, usedUp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/used up %v", name, usedUp), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					ended := useUp(t, server)
					first, windows := 1, 4
					if !usedUp {
						testkit.Advance(2 * windowTime)
						first, windows = 64, 3
					}
					roads(t, ended)[name](t, farAway(t, server, "X-Ratelimit-Limit", "X-Ratelimit-Remaining"), 3*windowLimit+10)
					refused := refusedInWindows(server)
					require.Len(t, refused, windows)
					assert.LessOrEqual(t, refused[0], first)
					if usedUp {
						assert.LessOrEqual(t, refused[1], 2, "how many there is room for is not known yet")
						refused = refused[1:]
					}
					assert.Equal(t, []int{1, 1}, refused[1:])
				}, cloudconverttest.WithRateLimit(windowLimit, windowTime), cloudconverttest.WithTaskDuration(time.Second))
			})
		}
	}
}

// Without Retry-After, the pauses grow from call to call.
func TestUsedUpWindowWithoutRetryAfterPausesLonger(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		runAll := roads(t, "")["RunAll, uploaded"]
		runAll(t, farAway(t, server, "Retry-After"), 2*windowLimit)
		refused := len(testkit.Refusals(server, http.StatusTooManyRequests))
		assert.Less(t, refused, 20, "pauses of up to 0.5, 1, 2, 4, 8, 16 and then 20 seconds")
	}, cloudconverttest.WithRateLimit(windowLimit, windowTime))
}

// Concurrent creations wait for the one that finds out whether there is a limit,
// and for no more.
func TestConcurrentCreationsLoseOneRoundTrip(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"Jobs.Create", "Run", "Convert", "Convert, uploaded", "RunAll"} {
		for _, limit := range []int{0, 1000} {
			t.Run(fmt.Sprintf("%s/limit %d", name, limit), func(t *testing.T) {
				t.Parallel()
				testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
					t.Helper()
					took := func(n int) time.Duration {
						client := farAway(t, server)
						start := time.Now()
						roads(t, "")[name](t, client, n)
						return time.Since(start)
					}
					one := took(1)
					assert.LessOrEqual(t, took(64), one+20*time.Millisecond, "the round trip")
				}, cloudconverttest.WithRateLimit(limit, windowTime), cloudconverttest.WithTaskDuration(time.Second))
			})
		}
	}
}

func TestSingleConversionNeedsNoProbe(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		client := farAway(t, server)
		for range 3 {
			_, err := client.Convert(t.Context(), cloudconvert.FromBytes("a.txt", []byte("text")), "pdf")
			require.NoError(t, err)
		}
		assert.Equal(t, []string{"POST sync", "POST sync", "POST sync"}, testkit.Outline(server))
	}, cloudconverttest.WithRateLimit(windowLimit, windowTime), cloudconverttest.WithTaskDuration(time.Second))
}

func TestProbeIsOneOfTheCreations(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		roads(t, "")["Convert"](t, farAway(t, server), 10)
		want := append([]string{"POST api", "GET sync"}, slices.Repeat([]string{"POST sync"}, 9)...)
		assert.ElementsMatch(t, want, testkit.Outline(server))
		assert.Equal(t, 10, testkit.JobCount(server))
	}, cloudconverttest.WithRateLimit(windowLimit, windowTime), cloudconverttest.WithTaskDuration(time.Second))
}

// A creation that is cancelled while it waits, or while it finds out for the others,
// must not block them.
func TestCancelledCreationsLeaveTheirTurn(t *testing.T) {
	t.Parallel()
	testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
		t.Helper()
		useUp(t, server)
		client := farAway(t, server)
		source := cloudconvert.FromBytes("a.txt", []byte("text"))
		var callers sync.WaitGroup
		for i := range 64 {
			callers.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%2 == 0 {
					time.AfterFunc(time.Duration(i)*time.Second+5*time.Millisecond, cancel)
				}
				_, err := client.Convert(ctx, source, "pdf")
				if i%2 == 0 {
					assert.ErrorIs(t, err, context.Canceled)
				} else {
					assert.NoError(t, err)
				}
			})
		}
		callers.Wait()
		assert.LessOrEqual(t, len(testkit.Refusals(server, http.StatusTooManyRequests)), 3)
	}, cloudconverttest.WithRateLimit(windowLimit, windowTime), cloudconverttest.WithTaskDuration(time.Second))
}
