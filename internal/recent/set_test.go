package recent_test

import (
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/internal/recent"
)

func TestSetHoldsTheLastValues(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 2, 3, 100} {
		set := recent.NewSet[int](size)
		for value := range 3*size + 1 {
			assert.False(t, set.Has(value))
			assert.True(t, set.Add(value))
			for other := range value + 1 {
				assert.Equal(t, other > value-size, set.Has(other), "size %d: %d after %d", size, other, value)
			}
		}
	}
}

func TestSetKeepsTheOrderOfTheFirstAddition(t *testing.T) {
	t.Parallel()
	set := recent.NewSet[string](2)
	assert.True(t, set.Add("a"))
	assert.True(t, set.Add("b"))
	assert.False(t, set.Add("a"))
	assert.True(t, set.Add("c"))
	assert.False(t, set.Has("a"))
	assert.True(t, set.Has("b"))
	assert.True(t, set.Add("a"))
	assert.False(t, set.Has("b"))
}

func TestSetIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	set := recent.NewSet[string](1000)
	var added atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 1000 {
				if value := strconv.Itoa(i); set.Add(value) {
					added.Add(1)
					assert.True(t, set.Has(value))
				}
			}
		})
	}
	group.Wait()
	assert.EqualValues(t, 1000, added.Load())
}
