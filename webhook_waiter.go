package cloudconvert

import (
	"context"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

const (
	// fallback is how much longer than in other waits the pauses are between
	// looks at a job whose end is going to be told.
	fallback = 8
	// maxEnded is how many ends are remembered for those who wait later.
	maxEnded = 4096
)

// WebhookWaiter waits for jobs by means of webhook deliveries, for programs that
// run a server. Hundreds of jobs can be waited for with hardly any requests:
//
//	waiter := client.Webhooks.NewWaiter()
//	handler, err := cloudconvert.WebhookHandler(waiter.Deliver, secret)
//	...
//	job, err := client.Jobs.Create(ctx, request)
//	...
//	job, err = waiter.Await(ctx, job.ID)
//
// It is safe for concurrent use.
type WebhookWaiter struct {
	jobs *JobsService

	mu      sync.Mutex
	ended   *recent[string]
	awaited map[string]*awaited
}

// awaited is a job that somebody waits for.
type awaited struct {
	ended   chan struct{}
	waiters int
}

// NewWaiter returns a waiter that has not been told anything yet.
func (s *WebhooksService) NewWaiter() *WebhookWaiter {
	return &WebhookWaiter{
		jobs:    s.client.Jobs,
		ended:   newRecent[string](maxEnded),
		awaited: map[string]*awaited{},
	}
}

// Deliver tells the waiter about an event. It returns nil at once. Pass it to
// [WebhookHandler], or call it from the function that you pass. Events of
// jobs that nobody waits for are welcome: Await may be called later.
func (w *WebhookWaiter) Deliver(_ context.Context, event *WebhookEvent) error {
	if event.Event != EventJobFinished && event.Event != EventJobFailed {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := event.Job.ID
	w.ended.add(id)
	if a := w.awaited[id]; a != nil {
		delete(w.awaited, id)
		close(a.ended)
	}
	return nil
}

// Await returns a job when it has ended, as [JobsService.Wait] does, with the
// same errors and options. It asks for the job at the beginning and when an event
// tells of its end: the event itself, which anybody may repeat, is not relied on.
// If none is delivered, it asks now and then, at least every two minutes.
func (w *WebhookWaiter) Await(ctx context.Context, id string, opts ...WaitOption) (*Job, error) {
	config, err := newWaitConfig(opts)
	if err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	ended, leave := w.enter(id)
	defer leave()
	o := w.jobs.observer(id, waiting{waitConfig: config})
	if over, result := o.look(ctx); over {
		return o.last, result
	}
	for n := 0; ; n++ {
		told, err := pauseOr(ctx, ended, n)
		if err != nil {
			return o.last, o.interrupted(ctx)
		}
		if told {
			ended, n = nil, 0
		}
		seen, err := o.ask(ctx, false)
		if over, result := o.judge(ctx, seen, err); over {
			return o.last, result
		}
	}
}

// pauseOr waits for the n-th pause or until a delivery told of the end. Where
// one has told already, ended is nil, and the pauses are those of a job that is
// about to be seen to have ended.
func pauseOr(ctx context.Context, ended <-chan struct{}, n int) (told bool, err error) {
	d := polls.Random(n)
	if ended != nil {
		d = fallback * polls.Random(n+1)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false, ctx.Err()
	case <-ended:
		return true, nil
	case <-timer.C:
		return false, nil
	}
}

// enter returns a channel that is closed when the end of a job was told, or is
// closed already. The wait must leave.
func (w *WebhookWaiter) enter(id string) (ended <-chan struct{}, leave func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.has(id) {
		closed := make(chan struct{})
		close(closed)
		return closed, func() {}
	}
	a := w.awaited[id]
	if a == nil {
		a = &awaited{ended: make(chan struct{})}
		w.awaited[id] = a
	}
	a.waiters++
	return a.ended, func() { w.leave(id, a) }
}

// leave forgets a job when the last one has gone who waited for it.
func (w *WebhookWaiter) leave(id string, a *awaited) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.waiters--; a.waiters == 0 && w.awaited[id] == a {
		delete(w.awaited, id)
	}
}
