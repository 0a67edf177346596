package cloudconvert

import (
	"context"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// JobSignal reports when a job may have changed. The package events makes signals of the
// event socket, [WebhookWaiter] of webhook deliveries; anything else that learns of jobs,
// such as a message queue, can make its own.
type JobSignal interface {
	// WatchJob returns a channel that has a value when the job should be read, and a
	// function that ends this and may be called more than once. WatchJob must return soon,
	// but may take a moment to make sure that nothing is missed from then on.
	//
	// A value says nothing about the job: it may be needless or late, and one value may
	// stand for several. After the channel is closed, or the context has ended, no more
	// values are promised.
	WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func())
}

// AccountSignal is a [JobSignal] that hears of all jobs of an account, each from its
// creation on.
type AccountSignal interface {
	JobSignal

	// Since is the moment since which nothing was missed. It is the zero time while that
	// cannot be said. A job that is created later is not read at the beginning of a wait,
	// which otherwise makes sure that nothing was missed.
	Since() time.Time
}

// settling is after what time a watch is sure to have its effect.
const settling = 2 * time.Second

var (
	// unsignaled are the pauses between reads that there is no signal for.
	unsignaled = poll.Backoff{First: 5 * time.Second, Longest: 30 * time.Second}
	// signaled are the pauses between reads that there are signals for and that found
	// nothing new.
	signaled = poll.Backoff{First: 100 * time.Millisecond, Longest: 5 * time.Second}
)

// waitForSignals is the whole wait for a job that there are signals for. The watch comes
// before the first read, so that nothing is missed between them.
func (o *observer[T]) waitForSignals(ctx context.Context) (*T, error) {
	wake, stop := o.signal.WatchJob(ctx, o.id)
	if stop != nil {
		defer stop()
	}
	p := pacer{wake: wake}
	if o.isCovered() {
		p.timed = 1
	} else {
		if over, result := o.begin(ctx); over {
			return o.last, result
		}
		p.read = time.Now()
	}
	for {
		if p.pause(ctx) != nil {
			return o.last, o.interrupted(ctx)
		}
		seen, err := o.read(ctx, false)
		if over, result := o.record(ctx, seen, err); over {
			return o.last, result
		}
		p.read = time.Now()
	}
}

// isCovered reports whether the signal has heard of everything since before the job was
// created.
func (o *observer[T]) isCovered() bool {
	account, ok := o.signal.(AccountSignal)
	if !ok || o.begun.IsZero() {
		return false
	}
	since := account.Since()
	return !since.IsZero() && since.Before(o.begun)
}

// pacer spaces the reads of a job that is watched.
type pacer struct {
	wake    <-chan struct{} // nil when nothing is to be expected any more
	read    time.Time       // when the job was last read
	timed   int             // reads that there was no signal for
	signals int
}

// pause waits for the next read. The more signals have led to nothing, the longer are the
// pauses after them.
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
