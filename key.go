package cloudconvert

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// WithKey makes a call idempotent across processes and machines. If a job was created
// under the key and has not failed, the call continues it instead of creating a second
// one: it uploads the files that the job still waits for, waits for it, and saves its
// files. A job that failed, that was deleted, or that ended more than 24 hours ago is
// replaced by a new one. [JobsService.Find] returns such a job instead.
//
// Use the id that a durable queue gave the work, with a prefix if several programs use
// the account. The key is the tag of the job. A key of more than 255 bytes, or with a
// comma or other characters than printable ASCII, is sent as a hash. The lookup costs one
// request.
//
// Only one process at a time may use a key, as the lease of a queue ensures: if two
// processes began at the same moment, each would create a job. Calls of one client, and
// of those that share its account, take turns. See also [WithTakeover].
//
// If the job belongs to another request, the error matches [ErrKeyConflict]. The tasks are
// compared, the parameters that the request sets, and the names and sizes of sources,
// where the service reports them. The content of files is not.
//
// Under a key, an [*UnsavedError], an [*OutcomeError], a [*WaitError] and the end of the
// context are retryable, see [IsRetryable]: the same call continues. If an upload fails,
// the job stays for the next call. [Client.RunFile] checks only before it creates a job
// that dst is free: a file that has exactly the bytes of the job was saved by an earlier
// call.
//
// A request that has a Tag is refused, and so are [WithDelete] and [WithDeleteOnCancel]:
// without its job, the next call would create another. Delete the job with
// [JobsService.Delete] when the work is acknowledged. For [Client.RunAll], WithKey is an
// option of a [Work].
func WithKey(key string) CreateOption {
	return createOption{"WithKey", func(c *createConfig) error {
		switch {
		case key == "":
			return errors.New("WithKey: the key is empty: use the id of the work")
		case c.key != "":
			return errors.New("WithKey is given twice: a call has one key")
		}
		c.key = tagOf(key)
		return nil
	}}
}

// WithTakeover says that another process may have used the key of [WithKey] until a
// time, such as one that was killed: now, if a queue delivers the work for a second
// time, or the start of this process for all works of a batch that continues another. The
// last request of that process may still be on its way, so that its job cannot be found
// yet. If there is no job, the call looks for it until half a minute after that time
// before it creates one.
//
// A client remembers its own calls, which do not need WithTakeover.
func WithTakeover(until time.Time) CreateOption {
	return createOption{"WithTakeover", func(c *createConfig) error {
		if until.IsZero() {
			return errors.New("WithTakeover: the time is zero: use time.Now")
		}
		c.takeover = until
		return nil
	}}
}

// maxTag is the length up to which a key is a tag. The service states no limit.
const maxTag = 255

// tagOf returns the tag of a key. Characters that the service may change, or take for a
// list of tags, are hashed.
func tagOf(key string) string {
	unsafe := func(r rune) bool { return r < ' ' || r > '~' || r == ',' }
	if len(key) <= maxTag && !strings.ContainsFunc(key, unsafe) && strings.TrimSpace(key) == key {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return "cloudconvert-go-" + hex.EncodeToString(sum[:])
}

// checkKey returns an error if options, or a request with the given tag, do not go
// together with a key.
func (c *createConfig) checkKey(tag string) error {
	switch {
	case c.key == "" && !c.takeover.IsZero():
		return invalid(errors.New("WithTakeover is for calls with WithKey"))
	case c.key != "" && tag != "":
		return invalid(errors.New("the request has a Tag, but the key is the tag: leave it empty"))
	}
	return nil
}

// keyError is an error of a call with a key. The same call may continue.
type keyError struct{ err error }

// underKey marks an error if the call has a key.
func (c *createConfig) underKey(err error) error {
	if c.key == "" || err == nil {
		return err
	}
	return &keyError{err}
}

// Error returns the text of the error.
func (e *keyError) Error() string { return e.err.Error() }

// Unwrap returns the error.
func (e *keyError) Unwrap() error { return e.err }

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
	created := s.core.keys.creationOf(c.key)
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
	return s.adopt(ctx, search{tag: c.key, patience: patience, reused: true})
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
