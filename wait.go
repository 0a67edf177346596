package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"time"
)

const (
	// syncSlice bounds one request to the host that answers when a job has
	// ended. Intermediaries drop idle connections without telling anybody.
	syncSlice = time.Minute
	// syncFailures is how many requests to that host may fail in a row before
	// polling takes over.
	syncFailures = 3
	// syncRetry is after how many polls that host is tried again.
	syncRetry = 5
	// minPoll and maxPoll bound the pauses between polls, which double.
	minPoll = time.Second
	maxPoll = 15 * time.Second
)

// WaitOption changes how a job or task is waited for.
type WaitOption func(*waiting)

// waiting is what wait options write to.
type waiting struct {
	last           Status // as seen before the wait
	pendingUpload  bool
	deleteOnCancel bool
}

// WithPendingUpload allows waiting for a job whose file somebody else is going
// to upload, a browser for example. Without it such a wait is refused, because nothing in
// this process would ever end it.
func WithPendingUpload() WaitOption {
	return func(w *waiting) { w.pendingUpload = true }
}

// WithDeleteOnCancel deletes the job, or the task, if the context ends before
// it does, so that work which nobody waits for costs nothing more.
func WithDeleteOnCancel() WaitOption {
	return func(w *waiting) { w.deleteOnCancel = true }
}

func newWaiting(opts []WaitOption) waiting {
	var w waiting
	for _, opt := range opts {
		opt(&w)
	}
	return w
}

// WaitError is a wait that ended before the job or task did, because the
// context ended. The job goes on.
type WaitError struct {
	// ID is the job or task.
	ID string
	// Status is the state it was last seen in. It is empty if it was never seen.
	Status Status

	err error
}

// Error tells what was waited for and how it was last seen.
func (e *WaitError) Error() string {
	seen := "never seen"
	if e.Status != "" {
		seen = "last seen " + string(e.Status)
	}
	return fmt.Sprintf("cloudconvert: stopped waiting for %s (%s): %v", e.ID, seen, e.err)
}

// Unwrap returns the error of the context.
func (e *WaitError) Unwrap() error { return e.err }

// Wait returns a job when it has ended. If it ended in error, the job is
// returned together with a [*JobError].
//
// Only the context ends a wait: lost connections, and answers that say nothing
// about the job, are asked for again. When it does, the job as last seen is
// returned together with a [*WaitError]. Waiting for a job whose file has not been uploaded is refused at
// once, see [WithPendingUpload].
func (s *JobsService) Wait(ctx context.Context, id string, opts ...WaitOption) (*Job, error) {
	w := newWaiting(opts)
	job, err := s.look(ctx, id, w)
	if err != nil || job.Status.Terminal() {
		return job, err
	}
	return s.observer(id, w).waitFrom(ctx, job)
}

// Watch yields a job as it is and then each time it has changed, up to its
// end. If it ended in error, the last job comes together with a [*JobError].
// Everything else is as with [JobsService.Wait], but Watch asks more often.
func (s *JobsService) Watch(ctx context.Context, id string, opts ...WaitOption) iter.Seq2[*Job, error] {
	return func(yield func(*Job, error) bool) {
		w := newWaiting(opts)
		job, err := s.look(ctx, id, w)
		if !yield(job, err) || err != nil || job.Status.Terminal() {
			return
		}
		watch(ctx, s.observer(id, w), job, yield)
	}
}

// look is the first look at a job that is going to be waited for.
func (s *JobsService) look(ctx context.Context, id string, w waiting) (*Job, error) {
	job, err := s.Get(ctx, id)
	if err != nil {
		return nil, s.observer(id, w).interrupted(ctx, err)
	}
	if job.Status.Terminal() {
		return job, jobError(job)
	}
	for _, task := range job.Tasks {
		if err := s.client.core.checkUpload(task, w); err != nil {
			return job, err
		}
	}
	return job, nil
}

// wait waits for a job that can end.
func (s *JobsService) wait(ctx context.Context, id string, w waiting) (*Job, error) {
	return s.observer(id, w).wait(ctx)
}

func (s *JobsService) observer(id string, w waiting) *observer[Job] {
	return &observer[Job]{
		core: s.client.core, path: "jobs", id: id, waiting: w,
		status: func(j *Job) Status { return j.Status },
		failed: jobError,
		delete: func(ctx context.Context) error { return s.Delete(ctx, id) },
	}
}

// Wait returns a task when it has ended. If it ended in error, the task is
// returned together with a [*TaskError]. Everything else is as with [JobsService.Wait].
func (s *TasksService) Wait(ctx context.Context, id string, opts ...WaitOption) (*Task, error) {
	w := newWaiting(opts)
	task, err := s.Get(ctx, id)
	if err != nil {
		return nil, s.observer(id, w).interrupted(ctx, err)
	}
	if task.Status.Terminal() {
		return task, taskError(task)
	}
	if err := s.client.core.checkUpload(*task, w); err != nil {
		return task, err
	}
	return s.observer(id, w).waitFrom(ctx, task)
}

func (s *TasksService) observer(id string, w waiting) *observer[Task] {
	return &observer[Task]{
		core: s.client.core, path: "tasks", id: id, waiting: w,
		status: func(t *Task) Status { return t.Status },
		failed: taskError,
		delete: func(ctx context.Context) error { return s.Delete(ctx, id) },
	}
}

// checkUpload refuses to wait for a task whose file nobody is known to send.
func (c *core) checkUpload(t Task, w waiting) error {
	if t.Operation != OperationImportUpload || t.Status != StatusWaiting || t.Result.Form == nil {
		return nil
	}
	if w.pendingUpload || c.uploads.has(t.ID) {
		return nil
	}
	return fmt.Errorf("%w: task %s waits for its file and would wait for ever: upload it first, or pass WithPendingUpload if somebody else does",
		ErrInvalid, taskLabel(t))
}

// observer looks at a job or task until it has ended.
type observer[T any] struct {
	waiting

	core     *core
	path, id string
	status   func(*T) Status
	failed   func(*T) error
	delete   func(context.Context) error

	last *T // as last seen
}

// waitFrom waits for a job or task that was seen before.
func (o *observer[T]) waitFrom(ctx context.Context, seen *T) (*T, error) {
	o.last, o.waiting.last = seen, o.status(seen)
	return o.wait(ctx)
}

// wait looks at the host that answers when the end has come. When that host
// fails, it looks at the other one in growing intervals, and comes back.
func (o *observer[T]) wait(ctx context.Context) (*T, error) {
	failures, polls := 0, 0
	for {
		sync := failures < syncFailures || polls >= syncRetry
		seen, err := o.ask(ctx, sync)
		if ended, result := o.judge(ctx, seen, err); ended {
			return o.last, result
		}
		switch {
		case sync && err == nil:
			failures, polls = 0, 0
		case sync:
			failures, polls = failures+1, 0
			// The other host may know more than a host that does not answer.
			seen, err := o.ask(ctx, false)
			if ended, result := o.judge(ctx, seen, err); ended {
				return o.last, result
			}
		default:
			polls++
		}
		if pause(ctx, pollPause(failures+polls)) != nil {
			return o.last, o.interrupted(ctx, ctx.Err())
		}
	}
}

// pollPause returns a random pause that grows with n.
func pollPause(n int) time.Duration {
	ceiling := min(minPoll<<min(n, 8), maxPoll)
	return ceiling/2 + rand.N(ceiling/2)
}

// ask makes one request, which is not repeated: asking again is up to the wait.
func (o *observer[T]) ask(ctx context.Context, sync bool) (*T, error) {
	path, err := pathOf(o.path, o.id)
	if err != nil {
		return nil, err
	}
	return object[T](ctx, o.core, call{
		method: http.MethodGet, path: path, sync: sync, once: true, timeout: syncSlice,
	}, nil)
}

// judge takes an observation and tells whether the wait is over.
func (o *observer[T]) judge(ctx context.Context, seen *T, err error) (ended bool, result error) {
	switch {
	case err == nil:
		o.last, o.waiting.last = seen, o.status(seen)
		return o.waiting.last.Terminal(), o.failed(seen)
	case ctx.Err() != nil:
		return true, o.interrupted(ctx, ctx.Err())
	case isTransient(err):
		return false, nil
	default:
		return true, err
	}
}

// isTransient tells whether a failed read says nothing about the job.
func isTransient(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	return e.StatusCode == 0 || isSuccess(e.StatusCode) || e.StatusCode >= http.StatusInternalServerError ||
		e.StatusCode == http.StatusRequestTimeout || e.StatusCode == http.StatusTooManyRequests
}

// interrupted wraps the error of a context that ended. Other errors stay.
func (o *observer[T]) interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	failure := error(&WaitError{ID: o.id, Status: o.waiting.last, err: err})
	if !o.deleteOnCancel {
		return failure
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), deleteTimeout)
	defer cancel()
	if err := o.delete(ctx); err != nil {
		return errors.Join(failure, fmt.Errorf("cloudconvert: deleting it failed: %w", err))
	}
	return failure
}

// deleteTimeout bounds what [WithDeleteOnCancel] does after the context ended.
const deleteTimeout = 10 * time.Second
