package events

import (
	"context"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// joinDelay is how long a join may take to have its effect. The service does not
// acknowledge joins.
const joinDelay = 2 * time.Second

// WatchJob makes the client a [cloudconvert.JobSignal]: the channel it returns has a
// value when it is time to ask for the job, and is closed when no more events can come.
// It joins the channel of the job, for which it waits at most two seconds. stop, or the
// end of the context, ends the watch.
func (c *Client) WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func()) {
	w := newWakeUp()
	m, err := c.enter(Job(jobID), w) //nolint:contextcheck // the connection outlives the call
	if err != nil {
		w.end(err)
		return w.c, func() {}
	}
	leave := func() {
		c.leave(m)
		w.stop()
	}
	detach := context.AfterFunc(ctx, leave)
	if c.Err() == nil {
		if settled, _ := poll.PauseOr(ctx, m.settled, joinDelay); settled {
			w.reset() // the caller asks for the job after WatchJob anyway
		}
	}
	return w.c, func() {
		detach()
		leave()
	}
}
