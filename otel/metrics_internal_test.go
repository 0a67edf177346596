package otel

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestRecentJobsAreBounded(t *testing.T) {
	t.Parallel()
	recent := recentJobs{ids: map[string]bool{}}
	for i := range 2 * maxRecentJobs {
		assert.True(t, recent.add(strconv.Itoa(i)))
	}
	assert.Len(t, recent.ids, maxRecentJobs)
	assert.Len(t, recent.order, maxRecentJobs)
	assert.False(t, recent.add(strconv.Itoa(2*maxRecentJobs-1)))
	assert.False(t, recent.add(strconv.Itoa(maxRecentJobs)))
	assert.True(t, recent.add("0"))
}
