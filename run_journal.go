package cloudconvert

import (
	"context"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/journal"
)

// recordIn records in the journal that the job is about to be created until stop is
// called. Without a journal it does nothing.
func (c *creation) recordIn(ctx context.Context, record *journal.Work) (stop func(), err error) {
	if !record.IsKept() {
		return func() {}, nil
	}
	c.journaled = true
	if err := record.Begin(ctx, c.body.Tag); err != nil {
		return nil, err
	}
	return record.KeepAlive(ctx), nil
}

// patienceFor returns how much longer to look for a job that was not found. The earlier
// run may have ended up to BeginInterval after it last recorded the creation, and the
// job may appear up to settleTime after that.
func patienceFor(earlier journal.Entry) time.Duration {
	if earlier.Done || len(earlier.Files) > 0 {
		return 0 // the job was found by that run
	}
	age := max(time.Since(earlier.Begun.Time), 0) // the clock may have been set back
	if earlier.Begun.IsZero() {
		age = 0
	}
	return max(settleTime+journal.BeginInterval-age, 0)
}
