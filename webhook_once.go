package cloudconvert

import (
	"cmp"
	"context"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

// maxHandled is how many events are remembered unless the caller says how many.
const maxHandled = 1024

// OncePerEvent returns a function for [WebhookHandler] that calls handle once
// for each job and event, although deliveries are repeated:
//
//   - A repeat of what has been handled returns nil at once.
//   - A repeat of what is being handled waits for the result. If that is an
//     error or a panic, the repeat is handled in its place.
//   - If the context ends meanwhile, its error is returned, so that the
//     service delivers once more.
//
// The last size events that were handled are remembered, 1024 if size is not
// positive.
//
// The memory is that of this process and this function. It does not protect from
// repeats after a restart, in another process, or of an event that has been
// forgotten. If handle has done a part of its work when it fails, that part is done
// again. Where handling twice does harm, store the job id and the event together
// with the effect, in one transaction of your database.
func OncePerEvent(handle func(context.Context, *WebhookEvent) error, size int) func(context.Context, *WebhookEvent) error {
	if handle == nil {
		return nil // which WebhookHandler refuses
	}
	m := newEventMemory(cmp.Or(max(size, 0), maxHandled))
	return func(ctx context.Context, event *WebhookEvent) error {
		key := eventKey{event.Job.ID, event.Event}
		mine, err := m.begin(ctx, key)
		if mine == nil {
			return err
		}
		defer func() { m.end(key, mine) }()
		err = handle(ctx, event)
		mine.succeeded = err == nil
		return err
	}
}

// eventKey identifies an event: repeats of a delivery have the same one.
type eventKey struct {
	job   string
	event Event
}

// handling is one call of the user's function.
type handling struct {
	ended     chan struct{}
	succeeded bool // may be read when ended is closed
}

// eventMemory knows what is being handled and what has been.
type eventMemory struct {
	mu      sync.Mutex
	running map[eventKey]*handling
	handled *recent.Set[eventKey]
}

func newEventMemory(size int) *eventMemory {
	return &eventMemory{running: map[eventKey]*handling{}, handled: recent.NewSet[eventKey](size)}
}

// begin waits while another call handles the event. It returns nil without an error if
// the event has been handled, and else the handling that the caller must end.
func (m *eventMemory) begin(ctx context.Context, key eventKey) (*handling, error) {
	for {
		other, mine := m.enter(key)
		if other == nil {
			return mine, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-other.ended:
		}
		if other.succeeded {
			return nil, nil //nolint:nilnil // nothing to do and nothing wrong.
		}
	}
}

// enter returns the handling of the event that is under way, or else a new one, or
// neither if the event has been handled.
func (m *eventMemory) enter(key eventKey) (other, mine *handling) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handled.Has(key) {
		return nil, nil
	}
	if other := m.running[key]; other != nil {
		return other, nil
	}
	mine = &handling{ended: make(chan struct{})}
	m.running[key] = mine
	return nil, mine
}

// end remembers a success and wakes the calls that wait for the result.
func (m *eventMemory) end(key eventKey, mine *handling) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, key)
	if mine.succeeded {
		m.handled.Add(key)
	}
	close(mine.ended)
}
