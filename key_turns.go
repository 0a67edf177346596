package cloudconvert

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// keyTurns makes calls with the same key take turns, and remembers lost creations.
type keyTurns struct {
	mu sync.Mutex
	// taken has a channel for each key in use. It is closed at the end of the turn.
	taken map[string]chan struct{}
	// lost has when the response to a creation was lost, by key.
	lost map[string]time.Time
}

func newKeyTurns() *keyTurns {
	return &keyTurns{taken: map[string]chan struct{}{}, lost: map[string]time.Time{}}
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

// setLost records when the response to a creation was lost.
func (k *keyTurns) setLost(key string, at time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for other, at := range k.lost {
		if time.Since(at) > settleTime {
			delete(k.lost, other)
		}
	}
	k.lost[key] = at
}

// patience returns how much longer to look for a job whose creation was lost.
func (k *keyTurns) patience(key string) time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return patienceSince(k.lost[key])
}

// patienceSince returns how much longer to look for a job that may have been requested
// until a time, which may be zero. The clock may have been set back.
func patienceSince(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return min(max(settleTime-time.Since(t), 0), settleTime)
}
