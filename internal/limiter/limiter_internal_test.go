package limiter

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// On a busy machine, a waiter may become due before its timer is set.
func TestDueWaiterIsWoken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		before := time.Now().Add(-time.Second)
		w := &waiter{request: Request{Slow: true}, lone: before.Add(company), passed: make(chan *Pass, 1)}
		l := Limiter{window: &window{}, waiting: []*waiter{w}}
		l.mu.Lock()
		l.admit(before)
		l.mu.Unlock()
		time.Sleep(time.Millisecond) //nolint:forbidigo // in a bubble it takes no time
		require.Len(t, w.passed, 1)
	})
}
