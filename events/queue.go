package events

import (
	"context"
	"sync"
)

const (
	maxKept  = 4096     // ends and resyncs
	maxBytes = 16 << 20 // of all events
)

// queue keeps the events of a subscription until they are read. put does not block.
type queue struct {
	size  int
	ready chan struct{} // has a value when there may be an event

	mu       sync.Mutex
	count    uint64
	progress []queued // may be dropped
	kept     []queued // may only be replaced by a Resync, all at once
	bytes    int      // of all events
	err      error    // follows the last event
}

// queued is an event with its place in the order.
type queued struct {
	Event

	number uint64
}

func newQueue(size int) *queue {
	return &queue{size: size, ready: make(chan struct{}, 1)}
}

// put adds an event. If there are too many, it drops the oldest progress: later events
// supersede it.
func (q *queue) put(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err != nil || q.merge(e) {
		return
	}
	q.count++
	q.bytes += sizeOf(e)
	if e.Name.progress() {
		q.progress = append(q.progress, queued{e, q.count})
	} else {
		q.kept = append(q.kept, queued{e, q.count})
	}
	for len(q.progress) > 0 && (len(q.progress)+len(q.kept) > q.size || q.bytes > maxBytes) {
		q.pop(&q.progress)
	}
	if len(q.kept) > maxKept || q.bytes > maxBytes {
		q.replaceKept(e.Channel)
	}
	signal(q.ready)
}

// replaceKept replaces all that is kept by a Resync. All progress was dropped before.
func (q *queue) replaceKept(channel string) {
	resync := Event{Name: Resync, Channel: channel, Err: errDropped}
	q.kept, q.bytes = []queued{{resync, q.count}}, sizeOf(resync)
}

// merge replaces the last event if both are a Resync.
func (q *queue) merge(e Event) bool {
	last := len(q.kept) - 1
	if e.Name != Resync || last < 0 || q.kept[last].number != q.count || q.kept[last].Name != Resync {
		return false
	}
	q.kept[last].Event = e
	return true
}

// pop removes and returns the first event.
func (q *queue) pop(from *[]queued) Event {
	first := (*from)[0].Event
	(*from)[0] = queued{}
	*from = (*from)[1:]
	q.bytes -= sizeOf(first)
	return first
}

// sizeOf counts the bytes that the service sent.
func sizeOf(e Event) int { return len(e.Name) + len(e.Channel) + len(e.Data) }

// end refuses further events. The error follows those that are in the queue.
func (q *queue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	signal(q.ready)
}

// clear drops the events that were not read.
func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.progress, q.kept, q.bytes = nil, nil, 0
}

// ended returns the error of end, or nil.
func (q *queue) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

// next waits for an event.
func (q *queue) next(ctx context.Context) (Event, error) {
	for {
		if err := ctx.Err(); err != nil {
			return Event{}, err
		}
		if e, found, err := q.tryNext(); found || err != nil {
			return e, err
		}
		select {
		case <-ctx.Done():
		case <-q.ready:
		}
	}
}

// tryNext returns the next event, or the error that follows the last one, without
// waiting.
func (q *queue) tryNext() (_ Event, found bool, end error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	from := &q.kept
	switch {
	case len(q.kept) == 0 && len(q.progress) == 0:
		if q.err == nil {
			return Event{}, false, nil
		}
		signal(q.ready) // for the next reader
		return Event{}, false, q.err
	case len(q.kept) == 0, len(q.progress) > 0 && q.progress[0].number < q.kept[0].number:
		from = &q.progress
	}
	signal(q.ready) // there may be more events, and more readers
	return q.pop(from), true, nil
}
