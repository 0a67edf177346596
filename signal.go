package cloudconvert

import (
	"context"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// JobSignal reports that a job may have changed. Package events makes signals of the
// event socket, and [WebhookWaiter] of webhook deliveries. Other sources, such as a
// message queue, can implement it too.
type JobSignal interface {
	// WatchJob returns a channel that has a value when the job should be read, and a
	// function that ends the watch, which may be called more than once. WatchJob
	// must return soon, but may take a moment to ensure that no change is missed
	// from then on.
	//
	// A value says nothing about the job: it may be unnecessary or late, and one value
	// may stand for several changes. No more values are promised after the channel is
	// closed or the context has ended.
	WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func())
}

// AccountSignal is a [JobSignal] that reports changes of all jobs of an account, each
// from its creation on.
type AccountSignal interface {
	JobSignal

	// Since returns the time since which no change was missed, or the zero time if there
	// is none. A wait for a job that was created later skips the first read, which is
	// there to catch missed changes.
	Since() time.Time
}

// settling is the time after which a watch is sure to be in effect.
const settling = 2 * time.Second

var (
	// unsignaled are the pauses between reads without a signal.
	unsignaled = poll.Backoff{First: 5 * time.Second, Longest: 30 * time.Second}
	// signaled are the pauses between reads after signals.
	signaled = poll.Backoff{First: 100 * time.Millisecond, Longest: 5 * time.Second}
)

// waitForSignals waits for a job with a signal. The watch begins before the first read,
// so that no change is missed between them.
func (w *watcher[T]) waitForSignals(ctx context.Context) (*T, error) {
	wake, stop := w.signal.WatchJob(ctx, w.id)
	if stop != nil {
		defer stop()
	}
	p := pacer{wake: wake}
	if w.isCovered() {
		p.timed = 1
	} else {
		if over, result := w.begin(ctx); over {
			return w.last, result
		}
		p.read = time.Now()
	}
	for {
		if p.pause(ctx) != nil {
			return w.last, w.interrupted(ctx)
		}
		seen, err := w.read(ctx, false)
		if over, result := w.record(ctx, seen, err); over {
			return w.last, result
		}
		p.read = time.Now()
	}
}

// isCovered reports whether the signal has missed nothing since before the job
// was created.
func (w *watcher[T]) isCovered() bool {
	account, ok := w.signal.(AccountSignal)
	if !ok || w.begun.IsZero() {
		return false
	}
	since := account.Since()
	return !since.IsZero() && since.Before(w.begun)
}

// pacer determines when a watched job is read.
type pacer struct {
	wake    <-chan struct{} // nil when closed
	read    time.Time       // when the job was last read
	timed   int             // reads without a signal
	signals int             // reads after a signal
}

// pause waits until the next read. Pauses after signals grow with their number.
func (p *pacer) pause(ctx context.Context) error {
	limit := settling
	if p.timed > 0 {
		limit = unsignaled.Ceiling(p.timed - 1)
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			p.timed++
			return nil
		case _, open := <-p.wake:
			if !open {
				p.wake = nil
				continue
			}
			p.signals++
			return poll.Pause(ctx, signaled.Ceiling(p.signals-1)-time.Since(p.read))
		}
	}
}
