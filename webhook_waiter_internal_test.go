package cloudconvert

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Servers run for months, so a wait must leave nothing behind but a bounded set
// of job ids.
func TestWebhookWaiterForgetsEndedWaits(t *testing.T) {
	t.Parallel()
	client, err := NewClient("some-key")
	require.NoError(t, err)
	waiter := client.Webhooks.NewWaiter()
	for i := range 2 * maxEnded {
		id := strconv.Itoa(i)
		_, stop := waiter.WatchJob(t.Context(), id)
		_, stopToo := waiter.WatchJob(t.Context(), id)
		stop()
		stop()
		assert.Len(t, waiter.watchers, 1)
		if i%2 == 0 {
			require.NoError(t, waiter.Deliver(t.Context(), &WebhookEvent{Event: EventJobFailed, Job: Job{ID: id}}))
		}
		stopToo()
		assert.Empty(t, waiter.watchers)
	}
	for i := range 3 * maxEnded {
		require.NoError(t, waiter.Deliver(t.Context(), &WebhookEvent{Event: EventJobFinished, Job: Job{ID: strconv.Itoa(i)}}))
	}
	remembered := 0
	for i := range 3 * maxEnded {
		if waiter.ended.Has(strconv.Itoa(i)) {
			remembered++
		}
	}
	assert.Equal(t, maxEnded, remembered)
}
