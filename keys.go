package cloudconvert

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// keys makes calls with the same key take turns, and remembers the jobs that they
// created: a list may not have a job yet.
type keys struct {
	mu sync.Mutex
	// taken has a channel for each key in use. It is closed at the end of the turn.
	taken   map[string]chan struct{}
	created map[string]keyedCreation
	order   []string // the keys in created, the oldest first
}

// maxCreations is how many creations under keys a client remembers. Lists have older jobs.
const maxCreations = 1000

// keyedCreation is a creation under a key.
type keyedCreation struct {
	at time.Time
	id string // of the job, "" if the response was lost
}

func newKeys() *keys {
	return &keys{taken: map[string]chan struct{}{}, created: map[string]keyedCreation{}}
}

// take waits until no other call uses the key. The caller must call done.
func (k *keys) take(ctx context.Context, key string) (done func(), err error) {
	if key == "" {
		return func() {}, nil
	}
	for {
		ended, free := k.tryTake(key)
		if free {
			return func() { k.free(key) }, nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return nil, fmt.Errorf("cloudconvert: another call uses the key %q: %w", engine.HideQueries(key), ctx.Err())
		}
	}
}

// tryTake takes a key if it is free. Otherwise it returns a channel that is closed when
// the key becomes free.
func (k *keys) tryTake(key string) (ended <-chan struct{}, free bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ended, taken := k.taken[key]; taken {
		return ended, false
	}
	k.taken[key] = make(chan struct{})
	return nil, true
}

func (k *keys) free(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.taken[key])
	delete(k.taken, key)
}

// setCreated records a creation under a key.
func (k *keys) setCreated(key string, c keyedCreation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, found := k.created[key]; !found {
		k.order = append(k.order, key)
	}
	k.created[key] = c
	if len(k.order) > maxCreations {
		delete(k.created, k.order[0])
		k.order = k.order[1:]
	}
}

// creationOf returns the last creation under a key, unless lists have its job by now.
func (k *keys) creationOf(key string) keyedCreation {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.created[key]; patienceSince(c.at) > 0 {
		return c
	}
	return keyedCreation{}
}

// patienceSince returns how much longer to look for a job that may have been requested
// until a time, which may be zero. The clock may have been set back.
func patienceSince(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return min(max(settleTime-time.Since(t), 0), settleTime)
}
