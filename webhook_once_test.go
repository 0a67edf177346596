package cloudconvert_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

func eventOf(id string) *cloudconvert.WebhookEvent {
	return &cloudconvert.WebhookEvent{Event: cloudconvert.EventJobFinished, Job: cloudconvert.Job{ID: id}}
}

func TestOncePerEventDropsRepeats(t *testing.T) {
	t.Parallel()
	var handled []string
	once := cloudconvert.OncePerEvent(func(_ context.Context, event *cloudconvert.WebhookEvent) error {
		handled = append(handled, event.Job.ID+" "+string(event.Event))
		return nil
	}, 10)
	failed := &cloudconvert.WebhookEvent{Event: cloudconvert.EventJobFailed, Job: cloudconvert.Job{ID: "a"}}
	for _, event := range []*cloudconvert.WebhookEvent{eventOf("a"), eventOf("a"), failed, eventOf("b"), failed, eventOf("a")} {
		require.NoError(t, once(t.Context(), event))
	}
	assert.Equal(t, []string{"a job.finished", "a job.failed", "b job.finished"}, handled)
}

func TestOncePerEventRetriesFailures(t *testing.T) {
	t.Parallel()
	calls := 0
	once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
		if calls++; calls < 3 {
			return errors.New("not yet")
		}
		return nil
	}, 10)
	require.Error(t, once(t.Context(), eventOf("a")))
	require.Error(t, once(t.Context(), eventOf("a")))
	require.NoError(t, once(t.Context(), eventOf("a")))
	require.NoError(t, once(t.Context(), eventOf("a")))
	assert.Equal(t, 3, calls)
}

func TestOncePerEventForgetsOldest(t *testing.T) {
	t.Parallel()
	calls := map[string]int{}
	once := cloudconvert.OncePerEvent(func(_ context.Context, event *cloudconvert.WebhookEvent) error {
		calls[event.Job.ID]++
		return nil
	}, 2)
	for _, id := range []string{"a", "b", "a", "c", "b", "c", "a", "c"} {
		require.NoError(t, once(t.Context(), eventOf(id)))
	}
	assert.Equal(t, map[string]int{"a": 2, "b": 1, "c": 1}, calls)
}

func TestOncePerEventDefaultSize(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, -1} {
		calls := 0
		once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
			calls++
			return nil
		}, size)
		for range 2 {
			for i := range 1024 {
				require.NoError(t, once(t.Context(), eventOf(strconv.Itoa(i))))
			}
		}
		assert.Equal(t, 1024, calls)
		for i := range 1025 {
			require.NoError(t, once(t.Context(), eventOf(strconv.Itoa(i))))
		}
		require.NoError(t, once(t.Context(), eventOf("0")))
		assert.Equal(t, 1024+2, calls, "only 1024 events are remembered")
	}
}

func TestOncePerEventOfNilIsNil(t *testing.T) {
	t.Parallel()
	_, err := cloudconvert.WebhookHandler(cloudconvert.OncePerEvent(nil, 1), webhookSecret)
	require.Error(t, err)
}

// Until a call ends, it is not known whether a repeat must be handled.
func TestOncePerEventRepeatWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
			calls.Add(1)
			<-time.After(time.Minute)
			return nil
		}, 10)
		start := time.Now()
		var group sync.WaitGroup
		for range 64 {
			group.Go(func() {
				err := once(t.Context(), eventOf("a"))
				assert.Equal(t, time.Minute, time.Since(start))
				assert.NoError(t, err)
			})
		}
		group.Wait()
		assert.EqualValues(t, 1, calls.Load())
		require.NoError(t, once(t.Context(), eventOf("a")))
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

func TestOncePerEventDoesNotBlockOtherEvents(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
			<-time.After(time.Minute)
			return nil
		}, 1)
		start := time.Now()
		var group sync.WaitGroup
		for i := range 64 {
			group.Go(func() { assert.NoError(t, once(t.Context(), eventOf(strconv.Itoa(i)))) })
		}
		group.Wait()
		assert.Equal(t, time.Minute, time.Since(start))
	})
}

// When a call fails, one of the waiting repeats calls the function.
func TestOncePerEventRepeatTakesOverAfterFailure(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls, running, failures atomic.Int32
		once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
			assert.EqualValues(t, 1, running.Add(1))
			defer running.Add(-1)
			<-time.After(time.Second)
			if calls.Add(1) < 4 {
				return errors.New("not yet")
			}
			return nil
		}, 10)
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				if once(t.Context(), eventOf("a")) != nil {
					failures.Add(1)
				}
			})
		}
		group.Wait()
		assert.EqualValues(t, 4, calls.Load())
		assert.EqualValues(t, 3, failures.Load())
	})
}

// Waiting repeats see a success even if the event is forgotten at once.
func TestOncePerEventRepeatsSeeForgottenSuccess(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
			calls.Add(1)
			<-time.After(time.Second)
			return nil
		}, 1)
		var group sync.WaitGroup
		for range 8 {
			for _, id := range []string{"a", "b", "c"} {
				group.Go(func() { assert.NoError(t, once(t.Context(), eventOf(id))) })
			}
		}
		group.Wait()
		assert.EqualValues(t, 3, calls.Load())
	})
}

func TestOncePerEventEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		finish := make(chan struct{})
		var first sync.WaitGroup
		once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
			<-finish
			return nil
		}, 10)
		first.Go(func() { assert.NoError(t, once(t.Context(), eventOf("a"))) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, once(ctx, eventOf("a")), context.DeadlineExceeded)
		close(finish)
		first.Wait()
	})
}

func TestOncePerEventRetriesAfterPanic(t *testing.T) {
	t.Parallel()
	calls := 0
	once := cloudconvert.OncePerEvent(func(context.Context, *cloudconvert.WebhookEvent) error {
		if calls++; calls == 1 {
			panic(http.ErrAbortHandler) //nolint:forbidigo // what is tested
		}
		return nil
	}, 10)
	handler, err := cloudconvert.WebhookHandler(once, webhookSecret)
	require.NoError(t, err)
	for _, want := range []int{http.StatusInternalServerError, http.StatusNoContent, http.StatusNoContent} {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, delivery(t, webhookBody(t, "job.finished")))
		assert.Equal(t, want, w.Code)
	}
	assert.Equal(t, 2, calls)
}
