package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// WithPendingUpload allows a wait for a job whose file another program is going to
// upload, such as a browser. By default such a wait fails with [ErrInvalid], since
// nothing in this process would end it.
func WithPendingUpload() WaitOption {
	return waitOption{"WithPendingUpload", func(c *waitConfig) error {
		c.pendingUpload = true
		return nil
	}}
}

// WithDeleteOnCancel deletes the job or task if the context ends first, so that it
// costs no more credits. The wait returns when it is deleted, within a second after
// the end of the context. If the service has not confirmed the deletion by then, the
// error says so.
func WithDeleteOnCancel() WaitOption {
	return waitOption{"WithDeleteOnCancel", func(c *waitConfig) error {
		c.deleteOnCancel = true
		return nil
	}}
}

// WithSignal makes [JobsService.Wait] read the job when a signal reports a change,
// instead of waiting for a response that comes when the job has ended. It is for jobs
// that take long, and for many jobs at once.
//
// Only a read ends the wait, never the signal, and a signal that fails only delays
// the wait: without a signal, Wait reads the job after two seconds, and then after
// pauses that grow to half a minute. [JobsService.Watch] and waits for tasks
// ignore the option.
func WithSignal(signal JobSignal) WaitOption {
	return waitOption{"WithSignal", func(c *waitConfig) error {
		if signal == nil {
			return errors.New("WithSignal: the signal is nil")
		}
		c.signal = signal
		return nil
	}}
}

// Wait returns a job when it has ended. If it ended in error, Wait returns the job
// together with a [*JobError].
//
// After a lost connection, or a response that says nothing about the job, Wait retries.
// It ends with the context, and with an [*Error] that a retry would not change, such as
// [ErrNotFound], [ErrUnauthorized] or an untrusted certificate. If the context ends,
// Wait returns the job as last seen, or nil, together with a [*WaitError]. A wait for a
// job whose file has not been uploaded fails at once, see [WithPendingUpload].
func (s *JobsService) Wait(ctx context.Context, id string, opts ...WaitOption) (*Job, error) {
	config, err := newWaitConfig(opts)
	if err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	w := s.watcher(id, waiting{waitConfig: config})
	if config.signal != nil {
		return w.observe(ctx, w.waitForSignals)
	}
	return w.observe(ctx, w.beginAndWait)
}

// Watch yields a job as it is, and then each time it has changed, until it has ended.
// If it ended in error, the job is yielded together with a [*JobError]. Retries and
// errors are those of [JobsService.Wait], but Watch reads the job more often.
func (s *JobsService) Watch(ctx context.Context, id string, opts ...WaitOption) iter.Seq2[*Job, error] {
	config, err := newWaitConfig(opts)
	if err != nil {
		return failed[Job](err)
	}
	return func(yield func(*Job, error) bool) {
		w := s.watcher(id, waiting{waitConfig: config})
		_, _ = w.observe(ctx, func(ctx context.Context) (job *Job, last error) {
			watch(ctx, w, func(job *Job, err error) bool {
				last = err
				return yield(job, err)
			})
			return nil, last
		})
	}
}

// watch polls a job and yields it when it has changed. The pauses grow while
// nothing changes.
func watch(ctx context.Context, w *watcher[Job], yield func(*Job, error) bool) {
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	over, result := w.begin(ctx)
	if !yield(w.last, result) || over {
		return
	}
	before := fingerprint(w.last)
	for unchanged := 0; ; unchanged++ {
		if poll.Pause(ctx, polls.Random(unchanged)) != nil {
			yield(w.last, w.interrupted(ctx))
			return
		}
		seen, err := w.read(ctx, false)
		if over, result := w.record(ctx, seen, err); over {
			yield(w.last, result)
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

// fingerprint returns what to compare two reads of a job by. It leaves out URLs, which
// differ in each read.
func fingerprint(job *Job) string {
	var b strings.Builder
	b.WriteString(string(job.Status))
	for _, task := range sortedByName(job.Tasks) {
		fmt.Fprintf(&b, "\n%s %s %d %s", task.ID, task.Status, task.Percent, task.Message)
	}
	return b.String()
}

// wait waits for a job whose files are all uploaded or on their way.
func (s *JobsService) wait(ctx context.Context, id string, w waiting) (*Job, error) {
	watcher := s.watcher(id, w)
	if w.signal != nil {
		return watcher.observe(ctx, watcher.waitForSignals)
	}
	return watcher.observe(ctx, watcher.wait)
}

func (s *JobsService) watcher(id string, w waiting) *watcher[Job] {
	return &watcher[Job]{
		core: s.core, path: "jobs", id: id, waiting: w,
		identity: func(j *Job) string { return j.ID },
		status:   func(j *Job) Status { return j.Status },
		tasks:    func(j *Job) []Task { return j.Tasks },
		outcome:  s.outcome,
		delete:   func(ctx context.Context) error { return s.Delete(ctx, id) },
	}
}

// outcome returns a *JobError if a job ended in error. A job that has ended makes room
// for another one.
func (s *JobsService) outcome(job *Job) error {
	if job.Status.Terminal() {
		s.core.queue.JobEnded()
	}
	return job.Err()
}

// Wait returns a task when it has ended. If it ended in error, Wait returns the task
// together with a [*TaskError]. Retries and other errors are those of
// [JobsService.Wait].
func (s *TasksService) Wait(ctx context.Context, id string, opts ...WaitOption) (*Task, error) {
	config, err := newWaitConfig(opts)
	if err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	w := s.watcher(id, waiting{waitConfig: config})
	return w.observe(ctx, w.beginAndWait)
}

func (s *TasksService) watcher(id string, w waiting) *watcher[Task] {
	return &watcher[Task]{
		core: s.core, path: "tasks", id: id, waiting: w,
		identity: func(t *Task) string { return t.ID },
		status:   func(t *Task) Status { return t.Status },
		tasks:    func(t *Task) []Task { return []Task{*t} },
		outcome:  (*Task).Err,
		delete:   func(ctx context.Context) error { return s.Delete(ctx, id) },
	}
}
