package events_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

func TestSubscribe(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		assert.Zero(t, b.requests.Load(), "no connection before the first subscription")
		job := b.subscribe(events.Job("a"))
		tasks := b.subscribe(events.JobTasks("a"))
		assert.Equal(t, events.Job("a"), job.Channel())
		b.emit(events.Job("a"), events.JobUpdated, `{"job": {"id": "a", "status": "processing"}}`)
		b.emit(events.JobTasks("a"), events.TaskUpdated, `{"task": {"id": "t", "percent": 50, "name": "convert"}}`)
		b.emit(events.Job("a"), events.JobFinished, `{"job": {"id": "a", "status": "finished", "tasks": [{"id": "t"}]}}`)
		b.emit(events.Job("b"), events.JobFinished, `{"job": {"id": "b"}}`)

		event := b.next(job)
		assert.Equal(t, events.JobUpdated, event.Name)
		assert.Equal(t, "private-job.a", event.Channel)
		event = b.next(job)
		assert.Equal(t, events.JobFinished, event.Name)
		assert.True(t, event.Name.Ended())
		ended, err := event.Job()
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, ended.Status)
		assert.Len(t, ended.Tasks, 1)
		_, err = event.Task()
		require.Error(t, err)
		b.noEvent(job)

		task, err := b.next(tasks).Task()
		require.NoError(t, err)
		assert.Equal(t, 50, task.Percent)
		assert.Equal(t, 1, b.server.Accepted(), "one connection for all")
		assert.Regexp(t, `^cloudconvert-go/`, b.server.Agent())
		require.NoError(t, b.listener.Err())
	})
}

func TestSubscriptionEvents(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		for i := range 3 {
			b.emit(events.Job("a"), events.JobUpdated, fmt.Sprintf(`{"n": %d}`, i))
		}
		var seen []string
		for event, err := range s.Events(t.Context()) {
			require.NoError(t, err)
			seen = append(seen, string(event.Data))
			if len(seen) == 2 {
				break
			}
		}
		assert.Equal(t, []string{`{"n":0}`, `{"n":1}`}, seen)

		time.AfterFunc(time.Second, s.Close)
		for event, err := range s.Events(t.Context()) {
			require.NoError(t, err)
			assert.JSONEq(t, `{"n": 2}`, string(event.Data))
		}

		s = b.subscribe(events.Job("a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var ends []error
		for _, err := range s.Events(ctx) {
			ends = append(ends, err)
		}
		require.Len(t, ends, 1)
		require.ErrorIs(t, ends[0], context.DeadlineExceeded)
	})
}

func TestEventsAreInOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.UserJobs("7"))
		const count = 5000
		go func() {
			for i := range count {
				b.emit(events.UserJobs("7"), events.JobUpdated, strconv.Itoa(i))
			}
			b.emit(events.UserJobs("7"), events.JobFinished, "null")
		}()
		for i := range count {
			require.Equal(t, strconv.Itoa(i), string(b.next(s).Data))
		}
		assert.Equal(t, events.JobFinished, b.next(s).Name)
	}, events.WithBuffer(10_000))
}

func TestSlowReaderLosesOnlyProgress(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s, err := b.listener.Subscribe(t.Context(), events.UserJobs("7"))
		require.NoError(t, err)
		synctest.Wait()
		for i := range 10_000 {
			name := events.JobUpdated
			if i%1000 == 999 {
				name = events.JobFinished
			}
			b.emit(events.UserJobs("7"), name, strconv.Itoa(i))
		}
		elapse(time.Second)
		assert.Equal(t, events.Resync, b.next(s).Name)
		var ends []string
		for range 63 {
			if event := b.next(s); event.Name == events.JobFinished {
				ends = append(ends, string(event.Data))
			}
		}
		assert.Equal(t, []string{"999", "1999", "2999", "3999", "4999", "5999", "6999", "7999", "8999", "9999"}, ends)
		b.noEvent(s)
	}, events.WithBuffer(64))
}

func TestTwoSubscriptionsShareJoin(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		first, second := b.subscribe(events.Job("a")), b.subscribe(events.Job("a"))
		elapse(time.Second)
		assert.Equal(t, "job.a", b.joined())
		b.emit(events.Job("a"), events.JobUpdated, "1")
		assert.Equal(t, events.JobUpdated, b.next(first).Name)
		assert.Equal(t, events.JobUpdated, b.next(second).Name)

		first.Close()
		first.Close()
		_, err := first.Next(t.Context())
		require.ErrorIs(t, err, events.ErrClosed)
		elapse(time.Second)
		assert.Equal(t, "job.a", b.joined(), "there is another subscription")
		b.emit(events.Job("a"), events.JobUpdated, "2")
		assert.Equal(t, events.JobUpdated, b.next(second).Name)

		second.Close()
		elapse(time.Second)
		assert.Equal(t, "job.a -job.a", b.joined())
	})
}

func TestLeaveDoesNotOvertakeJoin(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		keep := b.subscribe(events.Job("keep"))
		for range 50 {
			s, err := b.listener.Subscribe(t.Context(), events.Job("a"))
			require.NoError(t, err)
			s.Close()
		}
		last := b.subscribe(events.Job("a"))
		elapse(time.Second)
		b.emit(events.Job("a"), events.JobFinished, "null")
		assert.Equal(t, events.JobFinished, b.next(last).Name)
		joins := b.server.Joins()
		assert.False(t, joins[len(joins)-1].Leave)
		b.noEvent(keep)
	})
}

func TestResyncPrecedesEventsOfEarlierJoin(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.subscribe(events.Job("keep"))
		b.subscribe(events.Job("a")).Close()
		elapse(time.Second)
		b.subscribe(events.Job("b")).Close() // the next join waits for this one
		ignored := b.listener.Ignored()
		time.AfterFunc(time.Millisecond, func() { b.server.Send(`42["job.updated","private-job.a",{}]`) })
		s := b.subscribe(events.Job("a"))
		b.noEvent(s)
		assert.Equal(t, ignored+1, b.listener.Ignored())
		b.emit(events.Job("a"), events.JobUpdated, "null")
		assert.Equal(t, events.JobUpdated, b.next(s).Name)
	})
}

func TestChannelIsRemovedWhenRefusedAfterLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.subscribe(events.Job("keep"))
		b.server.Set(sioserver.Faults{JoinDelay: time.Millisecond, Join: func(string, string) int { return 0 }})
		for i := range 20 {
			b.subscribe(events.Job(strconv.Itoa(i))).Close()
		}
		elapse(time.Second)
		assert.Equal(t, 1, b.listener.Channels())
		assert.NotContains(t, b.joined(), "-", "a channel that was not joined is not left")
	})
}

func TestChannelIsRemovedWhenDisconnectedAfterLeave(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.subscribe(events.Job("keep"))
		s := b.subscribe(events.Job("a"))
		b.server.Set(sioserver.Faults{Upgrade: 503})
		s.Close()
		b.server.Cut()
		elapse(time.Minute)
		assert.Equal(t, 1, b.listener.Channels())
	})
}

func TestConnectionEndsAfterLastSubscription(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.subscribe(events.Job("a")).Close()
		elapse(4 * time.Second)
		again := b.subscribe(events.Job("b"))
		assert.Equal(t, 1, b.server.Accepted(), "the connection was kept")
		elapse(time.Minute)
		assert.Equal(t, 1, b.server.Connections())
		again.Close()
		elapse(4 * time.Second)
		assert.Equal(t, 1, b.server.Connections())
		elapse(2 * time.Second)
		assert.Zero(t, b.server.Connections())
		assert.Equal(t, 1, b.server.Goodbyes())
		assert.Zero(t, goroutines())

		s := b.subscribe(events.Job("c"))
		assert.Equal(t, 2, b.server.Accepted(), "a new connection")
		b.emit(events.Job("c"), events.JobFinished, "null")
		assert.Equal(t, events.JobFinished, b.next(s).Name)
	})
}

func TestContextBoundsOnlySubscribe(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		ctx, cancel := context.WithCancel(t.Context())
		s, err := b.listener.Subscribe(ctx, events.Job("a"))
		require.NoError(t, err)
		cancel()
		assert.Equal(t, events.Resync, b.next(s).Name)
		elapse(time.Minute)
		b.emit(events.Job("a"), events.JobFinished, "null")
		assert.Equal(t, events.JobFinished, b.next(s).Name)

		_, err = b.listener.Subscribe(ctx, events.Job("a"))
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
	})
}

func TestSubscribeReturnsErrorOfConnection(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{Upgrade: 503})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		start := time.Now()
		_, err := b.listener.Subscribe(ctx, events.Job("a"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "503")
		require.ErrorContains(t, b.listener.Err(), "503")
		assert.Equal(t, time.Minute, time.Since(start))
		assert.InDelta(t, 12, b.requests.Load(), 5, "the pauses grow to ten seconds")
	})
}

func TestChannels(t *testing.T) {
	t.Parallel()
	for channel, want := range map[events.Channel]string{
		events.Job("4b6ee8e2-e293-4805-b48e-a03876d1ec66"): "private-job.4b6ee8e2-e293-4805-b48e-a03876d1ec66",
		events.JobTasks("a_B"):                             "private-job.a_B.tasks",
		events.Task("1"):                                   "private-task.1",
		events.UserJobs("7"):                               "private-user.7.jobs",
		events.UserTasks("7"):                              "private-user.7.tasks",
		events.Raw("private-job.*"):                        "private-job.*",
	} {
		assert.Equal(t, want, channel.String())
	}
	listener, err := events.New(newBench(t).client(key), events.WithURL(socket))
	require.NoError(t, err)
	t.Cleanup(listener.Close)
	for _, channel := range []events.Channel{
		{},
		events.Job(""), events.Job("a.tasks"), events.JobTasks("*"), events.Task("a b"), events.UserJobs("ä"),
		events.UserTasks("a\n"), events.Raw(""), events.Raw("a\x00"),
	} {
		_, err := listener.Subscribe(t.Context(), channel)
		require.ErrorIs(t, err, cloudconvert.ErrInvalid)
		assert.Empty(t, channel.String())
		wake, stop := listener.WatchJob(t.Context(), "a.b")
		_, open := <-wake
		assert.False(t, open)
		stop()
	}
}

// TestConcurrentUse is for the race detector.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				for n := range 20 {
					s, err := b.listener.Subscribe(t.Context(), events.Job(strconv.Itoa(n%5)))
					if err != nil {
						assert.Fail(t, err.Error())
						return
					}
					b.emit(s.Channel(), events.JobUpdated, "null")
					if n == 10 && i%4 == 0 {
						b.server.Cut()
					}
					b.next(s)
					_, stop := b.listener.WatchJob(t.Context(), "x")
					_, _ = b.listener.Ignored(), b.listener.Err()
					stop()
					s.Close()
				}
			})
		}
		wg.Wait()
	})
}

func TestNoEventsAfterClose(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		b.emit(events.Job("a"), events.JobFinished, "null")
		synctest.Wait()
		s.Close()
		_, err := s.Next(t.Context())
		require.ErrorIs(t, err, events.ErrClosed)
	})
}
