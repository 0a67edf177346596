package limiter

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// queuePauses are the pauses between attempts of a [Queue].
var queuePauses = poll.Backoff{First: time.Second, Longest: 15 * time.Second}

// Queue lets one creation at a time find out whether the account may run another job. It
// is safe for concurrent use.
type Queue struct {
	waiting  atomic.Int64  // creations in the queue
	turn     chan struct{} // full while a creation in the queue makes attempts
	ended    chan struct{} // full when a job has ended
	refusals int           // consecutive; owned by the creation whose turn it is
}

// NewQueue returns an empty queue.
func NewQueue() *Queue {
	return &Queue{turn: make(chan struct{}, 1), ended: make(chan struct{}, 1)}
}

// IsBusy reports whether creations are in the queue.
func (q *Queue) IsBusy() bool { return q.waiting.Load() > 0 }

// JobEnded ends the current pause: the account may now run another job.
func (q *Queue) JobEnded() {
	select {
	case q.ended <- struct{}{}:
	default:
	}
}

// Do makes attempts until one reports that the account is not full. The first attempt is
// made at once, unless the queue is busy. Further ones wait for their turn. The error is
// that of the context.
func (q *Queue) Do(ctx context.Context, attempt func() (full bool)) error {
	if !q.IsBusy() && !attempt() {
		return nil
	}
	q.waiting.Add(1)
	defer q.waiting.Add(-1)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case q.turn <- struct{}{}:
		defer func() { <-q.turn }()
	}
	for {
		if q.refusals > 0 {
			if _, err := poll.PauseOr(ctx, q.ended, queuePauses.Random(q.refusals-1)); err != nil {
				return err
			}
		}
		select {
		case <-q.ended: // a job that ended before this attempt
		default:
		}
		if !attempt() {
			q.refusals = 0
			return nil
		}
		q.refusals++
	}
}
