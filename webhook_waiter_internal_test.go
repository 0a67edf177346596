package cloudconvert

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A server runs for months: nothing may be left of a wait but the bounded
// memory of ends.
func TestWebhookWaiterForgets(t *testing.T) {
	t.Parallel()
	client, err := NewClient("an-invented-key")
	require.NoError(t, err)
	waiter := client.Webhooks.NewWaiter()
	for i := range 2 * maxEnded {
		id := strconv.Itoa(i)
		_, leave := waiter.enter(id)
		_, leaveToo := waiter.enter(id)
		leave()
		assert.Len(t, waiter.awaited, 1)
		if i%2 == 0 {
			require.NoError(t, waiter.Deliver(t.Context(), &WebhookEvent{Event: EventJobFailed, Job: Job{ID: id}}))
			assert.Empty(t, waiter.awaited)
		}
		leaveToo()
		assert.Empty(t, waiter.awaited)
	}
	for range 3 * maxEnded {
		require.NoError(t, waiter.Deliver(t.Context(), &WebhookEvent{Event: EventJobFinished, Job: Job{ID: strconv.Itoa(len(waiter.ended.known))}}))
	}
	assert.Len(t, waiter.ended.known, maxEnded)
	assert.Len(t, waiter.ended.ring, maxEnded)
}
