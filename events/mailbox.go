package events

import (
	"context"
	"sync"
)

// mailbox keeps events until somebody takes them. Putting something in never waits.
type mailbox struct {
	size  int
	ready chan struct{} // has a value when there may be something to take

	mu       sync.Mutex
	count    uint64
	progress []letter // may be dropped
	kept     []letter // may not
	dropped  int64
	over     error // what comes after the last event
}

// letter is an event with its place in the order.
type letter struct {
	Event

	number uint64
}

func newMailbox(size int) *mailbox {
	return &mailbox{size: size, ready: make(chan struct{}, 1)}
}

// put adds an event. When there are too many, the oldest that tells of progress is dropped: what came after it knows better.
func (m *mailbox) put(e Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over != nil || m.merge(e) {
		return
	}
	m.count++
	if e.Name.progress() {
		m.progress = append(m.progress, letter{e, m.count})
	} else {
		m.kept = append(m.kept, letter{e, m.count})
	}
	if len(m.progress) > 0 && len(m.progress)+len(m.kept) > m.size {
		m.progress = without(m.progress)
		m.dropped++
	}
	signal(m.ready)
}

// merge makes one gap of two that have nothing between them.
func (m *mailbox) merge(e Event) bool {
	last := len(m.kept) - 1
	if e.Name != Resync || last < 0 || m.kept[last].number != m.count || m.kept[last].Name != Resync {
		return false
	}
	m.kept[last].Event = e
	return true
}

// without removes the first letter.
func without(letters []letter) []letter {
	letters[0] = letter{}
	return letters[1:]
}

// end lets nothing in any more. What is in there can still be taken, and then the error.
func (m *mailbox) end(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.over == nil {
		m.over = err
	}
	signal(m.ready)
}

// empty forgets what nobody is going to take.
func (m *mailbox) empty() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.progress, m.kept = nil, nil
}

// ended returns the error of the end, nil before it.
func (m *mailbox) ended() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.over
}

// take waits for an event.
func (m *mailbox) take(ctx context.Context) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, err
		}
		if e, found, err := m.poll(); found || err != nil {
			return e, err
		}
		select {
		case <-ctx.Done():
		case <-m.ready:
		}
	}
}

// poll takes an event, or the error of the end, if there is one.
func (m *mailbox) poll() (_ Event, found bool, end error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := &m.kept
	switch {
	case len(m.kept) == 0 && len(m.progress) == 0:
		if m.over == nil {
			return Event{}, false, nil
		}
		signal(m.ready) // for whoever else waits
		return Event{}, false, m.over
	case len(m.kept) == 0, len(m.progress) > 0 && m.progress[0].number < m.kept[0].number:
		from = &m.progress
	}
	first := (*from)[0].Event
	*from = without(*from)
	signal(m.ready) // there may be more
	return first, true, nil
}

// lost returns how many events were dropped.
func (m *mailbox) lost() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dropped
}

// signal puts a value into a channel that has room for one.
func signal(to chan<- struct{}) {
	select {
	case to <- struct{}{}:
	default:
	}
}
