package cloudconvert

import (
	"context"
	"errors"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// JobSignal tells when it is time to look at a job. The package events makes
// signals of the event socket; anything else that learns of jobs, such as a
// message queue, can make its own.
type JobSignal interface {
	// WatchJob returns a channel that has a value when the job should be looked
	// at, and a function that ends this and may be called more than once. WatchJob
	// must return soon, but may take a moment to make sure that nothing is missed
	// from then on.
	//
	// A value says nothing about the job: it may be needless or late, and one value
	// may stand for several. After the channel is closed, or the context has ended,
	// no more values are promised.
	WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func())
}

// AccountSignal is a [JobSignal] that hears of all jobs of an account, each from
// its creation on.
type AccountSignal interface {
	JobSignal

	// Since is the moment since which nothing was missed. It is the zero time
	// while that cannot be said. A conversion whose job was created later skips
	// the first looks at the job, which otherwise make sure that nothing was
	// missed.
	Since() time.Time
}

const (
	// settling is after what time a watch is sure to have its effect.
	settling = 2 * time.Second
	// minSafety and maxSafety bound the pauses between looks that nothing was
	// the reason for.
	minSafety = 5 * time.Second
	maxSafety = 30 * time.Second
	// minGap and maxGap bound the pauses between looks that led to nothing
	// though there was a signal.
	minGap = 100 * time.Millisecond
	maxGap = 5 * time.Second
)

// WithSignal makes [JobsService.Wait] look at the job when the signal says so,
// instead of waiting for an answer that comes when the job has ended. It is for
// jobs that take long, and for many at once. What ends the wait is the look,
// never the signal. A signal that fails only makes the wait slower: without a
// signal, Wait looks after two seconds and then in growing pauses of up to half a
// minute.
//
// Waits for tasks, and [JobsService.Watch], ignore the option.
func WithSignal(signal JobSignal) WaitOption {
	return waitOption{"WithSignal", func(c *waitConfig) error {
		if signal == nil {
			return errors.New("WithSignal: the signal is nil")
		}
		c.signal = signal
		return nil
	}}
}

// waitForSignals is the whole wait for a job that there are signals for. The
// watch comes before the first look, so that nothing is missed between them.
func (o *observer[T]) waitForSignals(ctx context.Context) (*T, error) {
	wake, stop := o.signal.WatchJob(ctx, o.id)
	if stop != nil {
		defer stop()
	}
	p := pacer{wake: wake}
	if o.isCovered() {
		p.timed = 1
	} else {
		if over, result := o.look(ctx); over {
			return o.last, result
		}
		p.looked = time.Now()
	}
	for {
		if p.pause(ctx) != nil {
			return o.last, o.interrupted(ctx)
		}
		seen, err := o.ask(ctx, false)
		if over, result := o.judge(ctx, seen, err); over {
			return o.last, result
		}
		p.looked = time.Now()
	}
}

// isCovered reports whether the signal has heard of everything since before the
// job was created.
func (o *observer[T]) isCovered() bool {
	account, ok := o.signal.(AccountSignal)
	if !ok || o.begun.IsZero() {
		return false
	}
	since := account.Since()
	return !since.IsZero() && since.Before(o.begun)
}

// pacer says when to look at a job that is watched.
type pacer struct {
	wake   <-chan struct{} // nil when nothing is to be expected any more
	looked time.Time
	timed  int // looks that had no other reason than the time, or no reason at all
	vain   int // looks that there was a signal for
}

// pause waits for the next look.
func (p *pacer) pause(ctx context.Context) error {
	timer := time.NewTimer(p.safety())
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			p.timed++
			return nil
		case _, open := <-p.wake:
			if open {
				return p.space(ctx)
			}
			p.wake = nil
		}
	}
}

// space keeps looks apart that there are signals for: the more have led to
// nothing, the further.
func (p *pacer) space(ctx context.Context) error {
	gap := min(minGap<<min(p.vain, 8), maxGap)
	p.vain++
	if left := gap - time.Since(p.looked); left > 0 {
		return poll.Pause(ctx, left)
	}
	return nil
}

// safety is the pause before a look that there is no signal for.
func (p *pacer) safety() time.Duration {
	if p.timed == 0 {
		return settling
	}
	return min(minSafety<<min(p.timed-1, 4), maxSafety)
}
