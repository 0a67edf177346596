package cloudconvert

import (
	"context"
	"fmt"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/journal"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// recordIn gives the job a tag, and records in the journal that the job is about to be
// created until stop is called. Without a journal it does nothing.
func (c *creation) recordIn(ctx context.Context, record *journal.Work) (stop func(), err error) {
	if !record.IsKept() {
		return func() {}, nil
	}
	c.body.Tag, c.own, c.journaled = newTag(), true, true
	if err := record.Begin(ctx, c.body.Tag); err != nil {
		return nil, err
	}
	return record.KeepAlive(ctx), nil
}

// adopt returns the job that an earlier run has left, or nil. That run may have ended a
// moment ago, while its request was on the way. A job that failed is ignored: the work
// is done again.
func (s *JobsService) adopt(ctx context.Context, earlier journal.Entry) (*Job, error) {
	if earlier.Tag == "" {
		return nil, nil //nolint:nilnil // no job is not a failure
	}
	patience := patienceFor(earlier)
	for gap := lookupPause; ; gap *= 2 {
		job, err := s.find(ctx, earlier.Tag)
		switch {
		case err != nil:
			return nil, err
		case job != nil && job.Status == StatusError:
			return nil, nil //nolint:nilnil // as above
		case job != nil:
			return job, nil
		case patience <= 0:
			return nil, nil //nolint:nilnil // as above
		}
		gap = min(gap, patience)
		if err := poll.Pause(ctx, gap); err != nil {
			return nil, fmt.Errorf("cloudconvert: the search for the job of an earlier run with the tag %q ended: %w", earlier.Tag, err)
		}
		patience -= gap
	}
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
