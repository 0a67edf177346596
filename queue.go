package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// WithQueueing makes the creation of a job wait while too many jobs of the account run at
// once, as long as the context lasts, instead of returning [ErrTooManyJobs]. One creation
// at a time asks again for all goroutines of the client, in growing pauses, and as soon
// as a job that the client knows of has ended. An account out of credits is not waited
// for.
//
// If the context ends first, the error matches both ErrTooManyJobs and the error of the
// context.
func WithQueueing() CreateOption {
	return createOption{"WithQueueing", func(c *createConfig) { c.queueing = true }}
}

// jobQueue lets one creation at a time find out whether the account may run
// another job.
type jobQueue struct {
	waiting  atomic.Int64  // creations in the queue
	turn     chan struct{} // full while one of them asks
	ended    chan struct{} // full when a job has ended
	refusals int           // in a row; belongs to whoever has the turn
}

func newJobQueue() *jobQueue {
	return &jobQueue{turn: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
}

// isBusy reports whether creations wait.
func (q *jobQueue) isBusy() bool { return q.waiting.Load() > 0 }

// jobEnded tells that there may be room.
func (q *jobQueue) jobEnded() {
	select {
	case q.ended <- struct{}{}:
	default:
	}
}

// create makes a creation, which waits for its turn if others wait already or
// if it is refused.
func (q *jobQueue) create(ctx context.Context, post func() (*Job, error)) (*Job, error) {
	if !q.isBusy() {
		if job, err := post(); !errors.Is(err, ErrTooManyJobs) {
			return job, err
		}
	}
	q.waiting.Add(1)
	defer q.waiting.Add(-1)
	select {
	case q.turn <- struct{}{}:
		defer func() { <-q.turn }()
		return q.ask(ctx, post)
	case <-ctx.Done():
		return nil, stillFull(ctx)
	}
}

// ask makes a creation again and again until it is not refused.
func (q *jobQueue) ask(ctx context.Context, post func() (*Job, error)) (*Job, error) {
	for {
		if q.refusals > 0 && q.pause(ctx) != nil {
			return nil, stillFull(ctx)
		}
		q.forget()
		job, err := post()
		if !errors.Is(err, ErrTooManyJobs) {
			q.refusals = 0
			return job, err
		}
		q.refusals++
	}
}

// forget takes no notice of jobs that ended before the attempt about to be made.
func (q *jobQueue) forget() {
	select {
	case <-q.ended:
	default:
	}
}

// pause waits for the next attempt, or until a job has ended.
func (q *jobQueue) pause(ctx context.Context) error {
	_, err := poll.PauseOr(ctx, q.ended, polls.Random(q.refusals-1))
	return err
}

func stillFull(ctx context.Context) error { return fmt.Errorf("%w: %w", ErrTooManyJobs, ctx.Err()) }
