package cloudconvert

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// waiting is what is known and wanted of a wait.
type waiting struct {
	waitConfig

	last  Status    // as seen before the wait
	begun time.Time // before the job was created, zero if that is not known
}

// WithPendingUpload allows waiting for a job whose file another program is going to
// upload, a browser for example. Without it such a wait is refused with [ErrInvalid],
// because nothing in this process would ever end it.
func WithPendingUpload() WaitOption {
	return waitOption{"WithPendingUpload", func(c *waitConfig) error {
		c.pendingUpload = true
		return nil
	}}
}

// WithDeleteOnCancel deletes the job, or the task, if the context ends before it
// does, so that work that is not waited for costs nothing more. The wait returns
// when it is deleted, within a second after the end of the context. If the service
// has not confirmed the deletion by then, the error says so.
func WithDeleteOnCancel() WaitOption {
	return waitOption{"WithDeleteOnCancel", func(c *waitConfig) error {
		c.deleteOnCancel = true
		return nil
	}}
}

// WaitError is a wait that ended before the job or task did, because the
// context ended. The job goes on unless it was deleted, by [WithDeleteOnCancel] or
// [WithDelete], which the text of the error says.
type WaitError struct {
	// ID is the job or task.
	ID string
	// Status is the state it was last seen in. It is empty if it was never seen.
	Status Status

	lost    error // why nothing was seen since then
	deleted bool
	err     error
}

// Error says what was waited for, how it was last seen, why it was not seen since
// then, and whether it was deleted.
func (e *WaitError) Error() string {
	seen := "never seen"
	if e.Status != "" {
		seen = "last seen " + string(e.Status)
	}
	if e.lost != nil {
		seen += "; the last look failed: " + strings.TrimPrefix(e.lost.Error(), "cloudconvert: ")
	}
	if e.deleted {
		seen += "; deleted"
	}
	return fmt.Sprintf("cloudconvert: stopped waiting for %s (%s): %v", e.ID, seen, e.err)
}

// Unwrap returns the error of the context.
func (e *WaitError) Unwrap() error { return e.err }

// Wait returns a job when it has ended. If it ended in error, the job is
// returned together with a [*JobError].
//
// After a lost connection, or a response that says nothing about the job, Wait asks
// again. The context ends it, and so does an [*Error] that a retry would not change,
// such as [ErrNotFound], [ErrUnauthorized] or an untrusted certificate. When the
// context ends, the job as last seen, or nil, is returned together with a [*WaitError].
// Waiting for a job whose file has not been uploaded is refused at once, see
// [WithPendingUpload].
func (s *JobsService) Wait(ctx context.Context, id string, opts ...WaitOption) (*Job, error) {
	config, err := newWaitConfig(opts)
	if err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	o := s.observer(id, waiting{waitConfig: config})
	if o.signal != nil {
		return o.waitForSignals(ctx)
	}
	if over, result := o.begin(ctx); over {
		return o.last, result
	}
	return o.wait(ctx)
}

// Watch yields a job as it is and then each time it has changed, up to its
// end. If it ended in error, the last job comes together with a [*JobError].
// Everything else is as with [JobsService.Wait], but Watch asks more often.
func (s *JobsService) Watch(ctx context.Context, id string, opts ...WaitOption) iter.Seq2[*Job, error] {
	config, err := newWaitConfig(opts)
	if err != nil {
		return failed[Job](err)
	}
	return func(yield func(*Job, error) bool) {
		watch(ctx, s.observer(id, waiting{waitConfig: config}), yield)
	}
}

// watch polls a job and yields it when it has changed. Pauses grow while nothing changes.
func watch(ctx context.Context, o *observer[Job], yield func(*Job, error) bool) {
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	over, result := o.begin(ctx)
	if !yield(o.last, result) || over {
		return
	}
	before := fingerprint(o.last)
	for unchanged := 0; ; unchanged++ {
		if poll.Pause(ctx, polls.Random(unchanged)) != nil {
			yield(o.last, o.interrupted(ctx))
			return
		}
		seen, err := o.read(ctx, false)
		if over, result := o.record(ctx, seen, err); over {
			yield(o.last, result)
			return
		}
		if err != nil || fingerprint(seen) == before {
			continue
		}
		before, unchanged = fingerprint(seen), -1
		if !yield(seen, nil) {
			return
		}
	}
}

// fingerprint returns what differs when a watched job has changed. URLs, which differ from
// read to read, are not part of it.
func fingerprint(job *Job) string {
	var b strings.Builder
	b.WriteString(string(job.Status))
	for _, task := range sortedByName(job.Tasks) {
		fmt.Fprintf(&b, "\n%s %s %d %s", task.ID, task.Status, task.Percent, task.Message)
	}
	return b.String()
}

// wait waits for a job that can end.
func (s *JobsService) wait(ctx context.Context, id string, w waiting) (*Job, error) {
	if w.signal != nil {
		return s.observer(id, w).waitForSignals(ctx)
	}
	return s.observer(id, w).wait(ctx)
}

func (s *JobsService) observer(id string, w waiting) *observer[Job] {
	return &observer[Job]{
		core: s.core, path: "jobs", id: id, waiting: w,
		identity: func(j *Job) string { return j.ID },
		status:   func(j *Job) Status { return j.Status },
		tasks:    func(j *Job) []Task { return j.Tasks },
		outcome:  s.outcome,
		delete:   func(ctx context.Context) error { return s.Delete(ctx, id) },
	}
}

// outcome returns what a job stands for: an error if it ended in error. One
// that has ended makes room for another.
func (s *JobsService) outcome(job *Job) error {
	if job.Status.Terminal() {
		s.core.queue.JobEnded()
	}
	return jobError(job)
}

// Wait returns a task when it has ended. If it ended in error, the task is
// returned together with a [*TaskError]. Everything else is as with
// [JobsService.Wait].
func (s *TasksService) Wait(ctx context.Context, id string, opts ...WaitOption) (*Task, error) {
	config, err := newWaitConfig(opts)
	if err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	o := s.observer(id, waiting{waitConfig: config})
	if over, result := o.begin(ctx); over {
		return o.last, result
	}
	return o.wait(ctx)
}

func (s *TasksService) observer(id string, w waiting) *observer[Task] {
	return &observer[Task]{
		core: s.core, path: "tasks", id: id, waiting: w,
		identity: func(t *Task) string { return t.ID },
		status:   func(t *Task) Status { return t.Status },
		tasks:    func(t *Task) []Task { return []Task{*t} },
		outcome:  taskError,
		delete:   func(ctx context.Context) error { return s.Delete(ctx, id) },
	}
}
