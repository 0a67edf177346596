package parallel_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/parallel"
)

func TestEach(t *testing.T) {
	t.Parallel()
	for _, items := range [][]int{nil, {1}, {1, 2, 3, 4, 5, 6, 7, 8, 9}} {
		var sum, running, most atomic.Int64
		require.NoError(t, parallel.Each(t.Context(), 3, items, func(_ context.Context, item int) error {
			for now := running.Add(1); now > most.Load(); {
				most.Store(now)
			}
			defer running.Add(-1)
			sum.Add(int64(item))
			return nil
		}))
		assert.EqualValues(t, len(items)*(len(items)+1)/2, sum.Load())
		assert.LessOrEqual(t, most.Load(), int64(3))
	}
}

func TestEachEndsWithTheFirstError(t *testing.T) {
	t.Parallel()
	failure := errors.New("failed")
	err := parallel.Each(t.Context(), 2, []int{1, 2, 3, 4}, func(ctx context.Context, item int) error {
		if item == 1 {
			return failure
		}
		<-ctx.Done()
		return ctx.Err()
	})
	assert.Equal(t, failure, err)
}

func TestEachEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var calls int
	err := parallel.Each(ctx, 1, []int{1, 2, 3}, func(context.Context, int) error {
		calls++
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, 1, calls)
}
