package events

import (
	"context"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// settling is how long a join may take to have its effect, for all that is known.
const settling = 2 * time.Second

// WatchJob makes the client a [cloudconvert.JobSignal]: the channel it returns has
// a value when it is time to look at the job, and is closed when no more are to be
// expected. It joins the channel of the job, and waits no longer than two seconds
// for that. stop, or the end of the context, ends the watch.
func (c *Client) WatchJob(ctx context.Context, jobID string) (wake <-chan struct{}, stop func()) {
	b := newBell()
	m, err := c.enter(Job(jobID), b) //nolint:contextcheck // the line outlives the call
	if err != nil {
		b.end(err)
		return b.wake, func() {}
	}
	leave := func() {
		c.leave(m)
		b.silence()
	}
	unhook := context.AfterFunc(ctx, leave)
	c.await(ctx, m, b)
	return b.wake, func() {
		unhook()
		leave()
	}
}

// await waits for a first join, if there is hope for one. Whoever watches looks at the job afterwards, so that it needs not be
// told to.
func (c *Client) await(ctx context.Context, m *member, b *bell) {
	if c.Err() != nil {
		return
	}
	if settled, _ := poll.PauseOr(ctx, m.settled, settling); settled {
		b.calm()
	}
}

// bell rings when it is time to look at a job.
type bell struct {
	wake chan struct{}

	mu    sync.Mutex
	over  bool
	again *time.Timer // rings once more when a join has had its effect
}

func newBell() *bell { return &bell{wake: make(chan struct{}, 1)} }

// put rings for whatever may be the end of the job. A join rings twice: what happened before it took effect is not told.
func (b *bell) put(e Event) {
	switch e.Name {
	case JobCreated, JobUpdated:
	case Resync:
		b.ring()
		b.ringAgain()
	default:
		b.ring()
	}
}

func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.over {
		signal(b.wake)
	}
}

func (b *bell) ringAgain() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	if b.again == nil {
		b.again = time.AfterFunc(settling, b.ring)
		return
	}
	b.again.Reset(settling)
}

// calm takes back that it has rung.
func (b *bell) calm() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.stopAgain()
	select {
	case <-b.wake:
	default:
	}
}

// end rings for the last time, and for ever.
func (b *bell) end(error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.over {
		return
	}
	b.over = true
	b.stopAgain()
	close(b.wake)
}

// silence lets it never ring again.
func (b *bell) silence() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	b.stopAgain()
}

func (b *bell) stopAgain() {
	if b.again != nil {
		b.again.Stop()
	}
}
