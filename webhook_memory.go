package cloudconvert

import (
	"cmp"
	"context"
	"sync"
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

// eventKey is all that tells deliveries apart.
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
	handled *recent[eventKey]
}

func newEventMemory(size int) *eventMemory {
	return &eventMemory{running: map[eventKey]*handling{}, handled: newRecent[eventKey](size)}
}

// begin waits until it is known what to do with an event. It returns nil if
// that is nothing.
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

// enter returns who is handling an event, or else whoever now is to do so, or
// neither if it has been handled.
func (m *eventMemory) enter(key eventKey) (other, mine *handling) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.handled.has(key) {
		return nil, nil
	}
	if other := m.running[key]; other != nil {
		return other, nil
	}
	mine = &handling{ended: make(chan struct{})}
	m.running[key] = mine
	return nil, mine
}

// end remembers a success and lets those go who wait.
func (m *eventMemory) end(key eventKey, mine *handling) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.running, key)
	if mine.succeeded {
		m.handled.add(key)
	}
	close(mine.ended)
}

// recent is a set that keeps the entries added last. It is not safe for
// concurrent use.
type recent[K comparable] struct {
	known  map[K]bool
	ring   []K
	oldest int // once the ring is full
	size   int
}

func newRecent[K comparable](size int) *recent[K] {
	return &recent[K]{known: map[K]bool{}, size: size}
}

func (r *recent[K]) has(key K) bool { return r.known[key] }

func (r *recent[K]) add(key K) {
	if r.known[key] {
		return
	}
	r.known[key] = true
	if len(r.ring) < r.size {
		r.ring = append(r.ring, key)
		return
	}
	delete(r.known, r.ring[r.oldest])
	r.ring[r.oldest] = key
	r.oldest = (r.oldest + 1) % r.size
}
