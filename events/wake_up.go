package events

import (
	"sync"
	"time"
)

// wakeUp is the signal of one watch of a job.
type wakeUp struct {
	c chan struct{}

	mu      sync.Mutex
	ended   bool
	delayed *time.Timer // of wakeLater
}

func newWakeUp() *wakeUp { return &wakeUp{c: make(chan struct{}, 1)} }

// put wakes up for each event that may mean the end of the job. After a Resync it does so
// twice: what happened before the join took effect is not received.
func (w *wakeUp) put(e Event) {
	switch e.Name {
	case JobCreated, JobUpdated:
	case Resync:
		w.wake()
		w.wakeLater()
	default:
		w.wake()
	}
}

func (w *wakeUp) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		signal(w.c)
	}
}

func (w *wakeUp) wakeLater() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	if w.delayed == nil {
		w.delayed = time.AfterFunc(joinDelay, w.wake)
		return
	}
	w.delayed.Reset(joinDelay)
}

// reset takes back all wake-ups that were not received yet.
func (w *wakeUp) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.stopDelayed()
	select {
	case <-w.c:
	default:
	}
}

// end closes the channel.
func (w *wakeUp) end(error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return
	}
	w.ended = true
	w.stopDelayed()
	close(w.c)
}

// stop ends the wake-ups and leaves the channel open.
func (w *wakeUp) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.stopDelayed()
}

func (w *wakeUp) stopDelayed() {
	if w.delayed != nil {
		w.delayed.Stop()
	}
}

// signal sends without blocking to a channel that holds one value.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
