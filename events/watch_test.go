package events_test

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

var (
	_ cloudconvert.JobSignal = (*events.Client)(nil)
	_ cloudconvert.JobSignal = (*events.Account)(nil)
)

// wakeState returns what a channel holds: "", "once" or "closed".
func wakeState(wake <-chan struct{}) string {
	synctest.Wait()
	select {
	case _, open := <-wake:
		if !open {
			return "closed"
		}
		return "once"
	default:
		return ""
	}
}

func TestWatchJob(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		start := time.Now()
		wake, stop := b.listener.WatchJob(t.Context(), "a")
		defer stop()
		assert.Zero(t, time.Since(start))
		synctest.Wait()
		assert.Equal(t, "job.a", b.joined(), "it was joined first")
		elapse(time.Minute)
		assert.Empty(t, wakeState(wake), "the caller asks for the job anyway")
		b.emit(events.Job("a"), events.JobUpdated, "null")
		b.emit(events.Job("b"), events.JobFinished, "null")
		assert.Empty(t, wakeState(wake))
		for _, name := range []events.Name{events.JobFinished, events.JobFailed, "job.exploded"} {
			for range 3 {
				b.emit(events.Job("a"), name, "null")
			}
			assert.Equal(t, "once", wakeState(wake))
			assert.Empty(t, wakeState(wake))
		}

		b.server.Cut()
		elapse(time.Second)
		assert.Equal(t, "once", wakeState(wake), "events may be missing")
		elapse(time.Second)
		assert.Empty(t, wakeState(wake))
		elapse(time.Second)
		assert.Equal(t, "once", wakeState(wake), "events before the join took effect may be missing")
		elapse(time.Minute)
		assert.Empty(t, wakeState(wake))

		stop()
		stop()
		b.emit(events.Job("a"), events.JobFinished, "null")
		assert.Empty(t, wakeState(wake))
		elapse(time.Minute)
		assert.Zero(t, b.server.Connections())
	})
}

func TestWatchJobWithoutConnection(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{Frozen: true})
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		wake, stop := b.listener.WatchJob(ctx, "a")
		assert.Equal(t, 2*time.Second, time.Since(start), "it does not wait for long")
		assert.Empty(t, wakeState(wake))
		elapse(time.Minute)
		start = time.Now()
		_, stopOther := b.listener.WatchJob(t.Context(), "b")
		defer stopOther()
		assert.Zero(t, time.Since(start), "nor if it is known not to be connected")

		b.server.Set(sioserver.Faults{})
		elapse(15 * time.Second)
		assert.Equal(t, "once", wakeState(wake))
		cancel()
		elapse(time.Second)
		stop()
		assert.Equal(t, "job.a job.b -job.a", b.joined(), "the context ends it")
	})
}

func TestWatchJobOfRefusedChannel(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(refusing(http.StatusForbidden))
		wake, stop := b.listener.WatchJob(t.Context(), "a")
		defer stop()
		elapse(time.Second)
		assert.Equal(t, "closed", wakeState(wake))
		b.listener.Close()
		wake, stop = b.listener.WatchJob(t.Context(), "a")
		defer stop()
		assert.Equal(t, "closed", wakeState(wake))
	})
}

func TestAccount(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		account, err := b.listener.Account(t.Context())
		require.NoError(t, err)
		defer account.Close()
		channel := events.UserJobs("7")
		elapse(time.Minute)
		b.emit(channel, events.JobFinished, `{"job": {"id": "early"}}`)
		synctest.Wait()
		early, stop := account.WatchJob(t.Context(), "early")
		defer stop()
		assert.Equal(t, "once", wakeState(early), "its end came before the response to its creation")

		one, stopOne := account.WatchJob(t.Context(), "a")
		same, stopSame := account.WatchJob(t.Context(), "a")
		ctx, cancel := context.WithCancel(t.Context())
		other, stopOther := account.WatchJob(ctx, "b")
		defer stopSame()
		defer stopOther()
		assert.Empty(t, wakeState(one))
		b.emit(channel, events.JobUpdated, `{"job": {"id": "a"}}`)
		for _, garbage := range []string{"null", "[]", `{"job": {"id": 7}}`, `{"job": "a"}`} {
			b.emit(channel, events.JobFinished, garbage)
		}
		assert.Empty(t, wakeState(one))
		b.emit(channel, events.JobFailed, `{"job": {"id": "a"}}`)
		assert.Equal(t, "once", wakeState(one))
		assert.Equal(t, "once", wakeState(same))
		assert.Empty(t, wakeState(other))
		stopOne()

		b.server.Cut()
		elapse(time.Second)
		assert.Empty(t, wakeState(one))
		assert.Equal(t, "once", wakeState(same))
		assert.Equal(t, "once", wakeState(other))
		cancel()
		elapse(2 * time.Second)
		assert.Equal(t, "once", wakeState(same), "when the join has taken effect")
		assert.Empty(t, wakeState(other))
		assert.Equal(t, "user.7.jobs user.7.jobs", b.joined())

		account.Close()
		account.Close()
		assert.Equal(t, "closed", wakeState(same))
		require.ErrorIs(t, account.Err(), events.ErrClosed)
		late, stop := account.WatchJob(t.Context(), "a")
		defer stop()
		assert.Equal(t, "closed", wakeState(late))
	})
}

func TestAccountRemembersBoundedNumberOfEnds(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		account, err := b.listener.Account(t.Context())
		require.NoError(t, err)
		defer account.Close()
		synctest.Wait()
		for i := range 5000 {
			b.emit(events.UserJobs("7"), events.JobFinished, fmt.Sprintf(`{"job": {"id": "%d"}}`, i))
		}
		synctest.Wait()
		for id, want := range map[string]string{"0": "", "903": "", "904": "once", "4999": "once"} {
			wake, stop := account.WatchJob(t.Context(), id)
			assert.Equal(t, want, wakeState(wake), id)
			stop()
		}
	})
}

func TestAccountThatCannotBeJoined(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{Join: func(string, string) int { return http.StatusForbidden }})
		account, err := b.listener.Account(t.Context())
		if err != nil {
			require.ErrorIs(t, err, cloudconvert.ErrForbidden)
			return
		}
		wake, stop := account.WatchJob(t.Context(), "a")
		defer stop()
		elapse(time.Second)
		assert.Equal(t, "closed", wakeState(wake))
		require.ErrorIs(t, account.Err(), cloudconvert.ErrForbidden)

		b.server.Set(sioserver.Faults{Upgrade: 503})
		b.server.Cut()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = b.listener.Account(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		b.mux = http.NewServeMux()
		_, err = b.listener.Account(t.Context())
		require.ErrorIs(t, err, cloudconvert.ErrNotFound)
	})
}
