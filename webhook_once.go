package cloudconvert

import (
	"cmp"
	"context"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

// maxHandled is the default number of events that are remembered.
const maxHandled = 1024

// OncePerEvent returns a function for [WebhookHandler] that drops repeated
// deliveries. For each job and event it calls handle until a call succeeds:
//
//   - If the event has been handled, the function returns nil at once.
//   - If the event is being handled, the function waits. If that call fails or panics, the
//     function calls handle itself.
//   - If the context ends while the function waits, it returns the error of the context,
//     and the service retries the delivery.
//
// It remembers the last size events that were handled, or 1024 if size is not
// positive. If handle is nil, it returns nil, which [WebhookHandler] refuses.
//
// Events are remembered in this process and by this function only. Repeats are
// not dropped after a restart, in another process, or once the event has been
// forgotten. If handle fails halfway, its next call does the first half again. If
// handling an event twice does harm, store the job id and the event with the
// effect, in one database transaction.
func OncePerEvent(handle func(context.Context, *WebhookEvent) error, size int) func(context.Context, *WebhookEvent) error {
	if handle == nil {
		return nil
	}
	tracker := newEventTracker(cmp.Or(max(size, 0), maxHandled))
	return func(ctx context.Context, event *WebhookEvent) error {
		key := eventKey{event.Job.ID, event.Event}
		current, err := tracker.begin(ctx, key)
		if current == nil {
			return err
		}
		defer func() { tracker.end(key, current) }()
		err = handle(ctx, event)
		current.succeeded = err == nil
		return err
	}
}

// eventKey identifies an event. Repeated deliveries have the same key.
type eventKey struct {
	job   string
	event Event
}

// handling is a call of the user's function.
type handling struct {
	ended     chan struct{}
	succeeded bool // valid once ended is closed
}

// eventTracker has the events that are being handled and the last ones that were.
type eventTracker struct {
	mu      sync.Mutex
	running map[eventKey]*handling
	handled *recent.Set[eventKey]
}

func newEventTracker(size int) *eventTracker {
	return &eventTracker{running: map[eventKey]*handling{}, handled: recent.NewSet[eventKey](size)}
}

// begin waits while another call handles the event. If the event has been handled,
// it returns nil and no error. Otherwise the caller must end the returned handling.
func (t *eventTracker) begin(ctx context.Context, key eventKey) (*handling, error) {
	for {
		running, started := t.enter(key)
		if running == nil {
			return started, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-running.ended:
		}
		if running.succeeded {
			return nil, nil //nolint:nilnil // the event has been handled.
		}
	}
}

// enter returns the running handling of the event, or else a new one that it has
// started. Both are nil if the event has been handled.
func (t *eventTracker) enter(key eventKey) (running, started *handling) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.handled.Has(key) {
		return nil, nil
	}
	if running := t.running[key]; running != nil {
		return running, nil
	}
	started = &handling{ended: make(chan struct{})}
	t.running[key] = started
	return nil, started
}

// end records a success and wakes the calls that wait for the result.
func (t *eventTracker) end(key eventKey, current *handling) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.running, key)
	if current.succeeded {
		t.handled.Add(key)
	}
	close(current.ended)
}
