package content

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A result that arrives just after the end of the context is discarded.
func TestUntilDoneDiscardsLateResults(t *testing.T) {
	t.Parallel()
	for _, takes := range []time.Duration{time.Second, time.Minute} {
		for range 20 {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				var discarded atomic.Int64
				got, err := untilDone(ctx, func() (int, error) {
					<-time.After(takes)
					return 1, nil
				}, func(late int) { discarded.Add(int64(late)) })
				<-time.After(time.Hour)
				if err != nil {
					require.ErrorIs(t, err, context.DeadlineExceeded)
				}
				assert.EqualValues(t, 1, int64(got)+discarded.Load(), "either returned or discarded")
			})
		}
	}
}

func TestUntilDoneDoesNotStartAfterContextEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := untilDone(ctx, func() (int, error) {
			t.Error("begun")
			return 0, nil
		}, func(int) {})
		require.ErrorIs(t, err, context.Canceled)
	})
}
