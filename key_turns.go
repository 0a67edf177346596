package cloudconvert

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// keyTurns makes calls with the same key take turns, and remembers the jobs that they
// created: a list may not have a job yet.
type keyTurns struct {
	mu sync.Mutex
	// taken has a channel for each key in use. It is closed at the end of the turn.
	taken   map[string]chan struct{}
	created map[string]keyedCreation
	sweep   int // at how many entries of created to remove old ones
}

// keyedCreation is a creation under a key.
type keyedCreation struct {
	at time.Time
	id string // of the job, "" if the response was lost
}

func newKeyTurns() *keyTurns {
	return &keyTurns{taken: map[string]chan struct{}{}, created: map[string]keyedCreation{}}
}

// take waits until no other call uses the key. The caller must call done.
func (k *keyTurns) take(ctx context.Context, key string) (done func(), err error) {
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
func (k *keyTurns) tryTake(key string) (ended <-chan struct{}, free bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if ended, taken := k.taken[key]; taken {
		return ended, false
	}
	k.taken[key] = make(chan struct{})
	return nil, true
}

func (k *keyTurns) free(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	close(k.taken[key])
	delete(k.taken, key)
}

// setCreated records a creation under a key.
func (k *keyTurns) setCreated(key string, c keyedCreation) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.created) >= k.sweep {
		maps.DeleteFunc(k.created, func(_ string, c keyedCreation) bool { return patienceSince(c.at) == 0 })
		k.sweep = 2*len(k.created) + 100
	}
	k.created[key] = c
}

// creationOf returns the last creation under a key, unless lists have its job by now.
func (k *keyTurns) creationOf(key string) keyedCreation {
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
