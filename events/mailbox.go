package events

import (
	"context"
	"sync"
)

const (
	// maxKept bounds the ends and gaps that are kept, maxBytes what all events have.
	maxKept  = 4096
	maxBytes = 16 << 20
)

// mailbox keeps events until somebody takes them. Putting something in never waits.
type mailbox struct {
	size  int
	ready chan struct{} // has a value when there may be something to take

	mu       sync.Mutex
	count    uint64
	progress []letter // may be dropped
	kept     []letter // may be replaced by a gap only
	bytes    int      // of all events
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
	m.bytes += sizeOf(e)
	if e.Name.progress() {
		m.progress = append(m.progress, letter{e, m.count})
	} else {
		m.kept = append(m.kept, letter{e, m.count})
	}
	for len(m.progress) > 0 && (len(m.progress)+len(m.kept) > m.size || m.bytes > maxBytes) {
		m.remove(&m.progress)
		m.dropped++
	}
	if len(m.kept) > maxKept || m.bytes > maxBytes {
		m.giveUp(e.Channel)
	}
	signal(m.ready)
}

// giveUp makes a gap of all that is kept. Progress has been given up before.
func (m *mailbox) giveUp(channel string) {
	for _, kept := range m.kept {
		if kept.Name != Resync {
			m.dropped++
		}
	}
	gap := Event{Name: Resync, Channel: channel, Err: errNotTaken}
	m.kept, m.bytes = []letter{{gap, m.count}}, sizeOf(gap)
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

// remove removes and returns the first event.
func (m *mailbox) remove(letters *[]letter) Event {
	first := (*letters)[0].Event
	(*letters)[0] = letter{}
	*letters = (*letters)[1:]
	m.bytes -= sizeOf(first)
	return first
}

// sizeOf is what an event takes that the service sent.
func sizeOf(e Event) int { return len(e.Name) + len(e.Channel) + len(e.Data) }

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
	m.progress, m.kept, m.bytes = nil, nil, 0
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
	signal(m.ready) // there may be more
	return m.remove(from), true, nil
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
