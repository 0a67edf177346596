package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// jobLifetime is how long after its end the service keeps a job.
const jobLifetime = 24 * time.Hour

// adoptByKey returns the job under the key of a call, or nil. It looks for it at least
// for the given time. If there is a job that the call has to replace, it returns its id.
func (s *JobsService) adoptByKey(ctx context.Context, c createConfig, atLeast time.Duration, r keyedRequest) (job *Job, replaced string, err error) {
	job, replaced, err = s.findByKey(ctx, c, atLeast)
	if job == nil || err != nil {
		return nil, replaced, err
	}
	if isIncomplete(job) {
		if job, err = s.getOrNil(ctx, job.ID); job == nil || err != nil {
			return nil, "", err
		}
	}
	payloads, err := (*TasksService)(s).payloads(ctx, job.ID)
	if err != nil {
		return nil, "", err
	}
	if conflict := r.conflict(job, payloads); conflict != nil {
		return nil, "", fmt.Errorf("%w: job %s has the key %q, and %w: use another key", ErrKeyConflict, job.ID, engine.HideQueries(c.key), conflict)
	}
	return job, "", nil
}

// findByKey returns the job under the key of a call. Results are those of adoptByKey.
func (s *JobsService) findByKey(ctx context.Context, c createConfig, atLeast time.Duration) (job *Job, replaced string, err error) {
	created := s.core.keys.creationOf(c.tag())
	if created.id != "" {
		job, err = s.getOrNil(ctx, created.id)
		if err != nil || job != nil && isUsable(job) {
			return job, "", err
		}
	}
	patience := max(atLeast, patienceSince(c.takeover))
	if created.id == "" {
		patience = max(patience, patienceSince(created.at))
	}
	job, replaced, err = s.adopt(ctx, search{tag: c.tag(), patience: patience, reused: true})
	if job == nil && replaced == "" {
		replaced = created.id // the list does not have it yet
	}
	return job, replaced, err
}

// getOrNil returns a job, or nil if it was deleted.
func (s *JobsService) getOrNil(ctx context.Context, id string) (*Job, error) {
	job, err := s.Get(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return nil, nil //nolint:nilnil // a missing job is not a failure
	}
	return job, err
}

// isUsable reports whether a job has a result, or may still have one.
func isUsable(job *Job) bool { return job.Status != StatusError && !isExpired(job) }

// isExpired reports whether the files of a job are gone.
func isExpired(job *Job) bool { return !job.EndedAt.IsZero() && time.Since(job.EndedAt) > jobLifetime }

// isIncomplete reports whether a job from a list lacks its tasks, their upload forms or
// their files.
func isIncomplete(job *Job) bool {
	return len(job.Tasks) == 0 || slices.ContainsFunc(job.Tasks, func(t Task) bool {
		switch {
		case t.Operation == OperationImportUpload && t.Status == StatusWaiting:
			return t.Result.Form == nil
		case t.Operation == OperationExportURL && t.Status == StatusFinished:
			return !slices.ContainsFunc(t.Result.Files, func(f File) bool { return f.URL != "" })
		default:
			return false
		}
	})
}

// search is a search for the job of an earlier call.
type search struct {
	tag      string
	patience time.Duration // how long to look for the job if it is not found
	reused   bool          // a job that failed may have been replaced under the same tag
}

// adopt returns the job of an earlier call, or nil. That call may have ended a moment
// ago, while its request was on the way. If the job failed, or its files are gone, adopt
// returns its id.
func (s *JobsService) adopt(ctx context.Context, e search) (job *Job, replaced string, err error) {
	for gap := lookupPause; ; gap *= 2 {
		job, err := s.find(ctx, e.tag)
		switch {
		case err != nil:
			return nil, "", err
		case job != nil && isUsable(job):
			return job, "", nil
		case job != nil:
			replaced = job.ID
		}
		if e.patience <= 0 || replaced != "" && !e.reused {
			return nil, replaced, nil
		}
		gap = min(gap, e.patience)
		if err := poll.Pause(ctx, gap); err != nil {
			return nil, "", fmt.Errorf("cloudconvert: the search for the job of an earlier run with the tag %q ended: %w", engine.HideQueries(e.tag), err)
		}
		e.patience -= gap
	}
}
