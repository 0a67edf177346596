package cloudconvert

import (
	"context"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

// maxEnded is the number of ended jobs that are remembered for later waits.
const maxEnded = 4096

// WebhookWaiter is a [JobSignal] that is driven by webhook deliveries, for
// programs that run a server:
//
//	waiter := client.Webhooks.NewWaiter()
//	handler, err := cloudconvert.WebhookHandler(waiter.Deliver, secret)
//	...
//	job, err := client.Start(ctx, request)
//	...
//	job, err = client.Jobs.Wait(ctx, job.ID, cloudconvert.WithSignal(waiter))
//
// A wait reads the job when it begins and when an event says that the job has
// ended. It does not trust the event itself, which could be replayed. A
// WebhookWaiter is safe for concurrent use.
type WebhookWaiter struct {
	mu       sync.Mutex
	ended    *recent.Set[string]
	watchers map[string]map[chan struct{}]struct{} // by job
}

// NewWaiter returns a WebhookWaiter. Pass its Deliver method to [WebhookHandler].
func (s *WebhooksService) NewWaiter() *WebhookWaiter {
	return &WebhookWaiter{ended: recent.NewSet[string](maxEnded), watchers: map[string]map[chan struct{}]struct{}{}}
}

// Deliver records an event and wakes the waits for its job, including waits that
// begin later. It does not block and always returns nil. Pass it to
// [WebhookHandler], or call it from the function that is passed.
func (w *WebhookWaiter) Deliver(_ context.Context, event *WebhookEvent) error {
	if event.Event != EventJobFinished && event.Event != EventJobFailed {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended.Add(event.Job.ID)
	for watcher := range w.watchers[event.Job.ID] {
		select {
		case watcher <- struct{}{}:
		default:
		}
	}
	return nil
}

// WatchJob implements [JobSignal].
func (w *WebhookWaiter) WatchJob(_ context.Context, jobID string) (wake <-chan struct{}, stop func()) {
	watcher := make(chan struct{}, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.Has(jobID) {
		watcher <- struct{}{}
	}
	if w.watchers[jobID] == nil {
		w.watchers[jobID] = map[chan struct{}]struct{}{}
	}
	w.watchers[jobID][watcher] = struct{}{}
	return watcher, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.watchers[jobID], watcher)
		if len(w.watchers[jobID]) == 0 {
			delete(w.watchers, jobID)
		}
	}
}
