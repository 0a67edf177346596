package poll_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

func TestPauseEnds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end   func(cancel context.CancelFunc, wake chan int)
		took  time.Duration
		woken bool
		err   error
	}{
		"with its time":         {func(context.CancelFunc, chan int) {}, time.Minute, false, nil},
		"with its context":      {func(cancel context.CancelFunc, _ chan int) { cancel() }, time.Second, false, context.Canceled},
		"with a wake-up":        {func(_ context.CancelFunc, wake chan int) { wake <- 1 }, time.Second, true, nil},
		"with a closed wake-up": {func(_ context.CancelFunc, wake chan int) { close(wake) }, time.Second, true, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				wake := make(chan int)
				start := time.Now()
				time.AfterFunc(time.Second, func() { c.end(cancel, wake) })
				woken, err := poll.PauseOr(ctx, wake, time.Minute)
				require.ErrorIs(t, err, c.err)
				assert.Equal(t, c.woken, woken)
				assert.Equal(t, c.took, time.Since(start))
			})
		})
	}
}

func TestBackoffDoublesUpToTheLongest(t *testing.T) {
	t.Parallel()
	backoff := poll.Backoff{First: time.Second, Longest: 5 * time.Second}
	for n, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second} {
		assert.Equal(t, want, backoff.Ceiling(n), n)
		for range 100 {
			assert.InDelta(t, want*3/4, backoff.Random(n), float64(want/4)+1, n)
		}
	}
	assert.Equal(t, 5*time.Second, backoff.Ceiling(1000))
	assert.Zero(t, poll.Backoff{}.Random(3))
	huge := poll.Backoff{First: 1 << 62, Longest: 1<<63 - 1}
	assert.Equal(t, huge.Longest, huge.Ceiling(2), "durations do not overflow")
}

func TestCleanupOutlastsTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		prepared, release := poll.WithCleanup(ctx)
		defer release()
		cancel()
		require.Error(t, prepared.Err())
		cleanup := poll.Cleanup(prepared)
		<-time.After(poll.CleanupTime - 1)
		synctest.Wait()
		require.NoError(t, cleanup.Err())
		<-time.After(1)
		synctest.Wait()
		require.Error(t, cleanup.Err())
		assert.Equal(t, ctx, poll.Cleanup(ctx), "a context that was not prepared is used as it is")
	})
}

func TestPausesStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	for _, first := range []time.Duration{1, time.Second, 20 * time.Second, time.Hour, math.MaxInt64} {
		for _, longest := range []time.Duration{first, max(first, 24*time.Hour), math.MaxInt64} {
			backoff := poll.Backoff{First: first, Longest: longest}
			for n := range 100 {
				assert.GreaterOrEqual(t, backoff.Random(n), first/2, "%v %v %d", first, longest, n)
				assert.LessOrEqual(t, backoff.Random(n), longest, "%v %v %d", first, longest, n)
			}
		}
	}
}

// Clients that lost their connections at the same moment return at different ones.
func TestPausesDiffer(t *testing.T) {
	t.Parallel()
	backoff := poll.Backoff{First: time.Second, Longest: time.Minute}
	pauses := map[time.Duration]bool{}
	for range 100 {
		pauses[backoff.Random(3)] = true
	}
	assert.Greater(t, len(pauses), 90)
}
