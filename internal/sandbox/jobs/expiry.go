package jobs

import (
	"slices"
	"time"
)

// Retention is how long jobs and tasks are kept after they ended.
const Retention = 24 * time.Hour

// expiry is when an ended job, or an ended task without a job, is removed.
type expiry struct {
	at   time.Time
	job  *Job
	task *Task
}

// Expire removes what has expired. Forms and ended jobs are in the order of time, so it
// looks only at the oldest ones.
func (s *Jobs) Expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Clock.Now()
	for {
		t, ok := s.forms.oldest()
		if !ok || now.Before(t.upload.form.Expires) {
			break
		}
		s.forms.remove(t.ID)
		s.fail(t, codeTimeout, "No file has been uploaded")
	}
	for {
		e, ok := s.expiring.oldest()
		switch {
		case !ok || now.Before(e.at):
			return
		case e.job != nil:
			s.removeJob(e.job)
		default:
			s.removeTask(e.task)
		}
	}
}

// removeJob removes a job, its tasks and their files.
func (s *Jobs) removeJob(j *Job) {
	if j.Deleted {
		return
	}
	j.Deleted = true
	s.jobs.remove(j.ID)
	s.expiring.remove(j.ID)
	if j.Tag != nil {
		s.untag(j)
	}
	for _, t := range slices.Concat(j.Tasks, j.copies) {
		s.discard(t)
	}
	if j.Ended.IsZero() {
		s.cfg.Account.EndJob()
		close(j.Done)
	}
}

func (s *Jobs) untag(j *Job) {
	same := s.tagged[*j.Tag]
	same.remove(j.ID)
	if same.order.Len() == 0 {
		delete(s.tagged, *j.Tag)
	}
}

// removeTask removes a task and its files. Its job goes on without it.
func (s *Jobs) removeTask(t *Task) {
	if t.Deleted {
		return
	}
	if !t.terminal() {
		s.fail(t, codeCancelled, messageCancelled)
	}
	if t.Job != nil {
		t.Job.Tasks = slices.DeleteFunc(t.Job.Tasks, func(x *Task) bool { return x == t })
	}
	s.discard(t)
}

// discard removes a task, stops its work and frees its files.
func (s *Jobs) discard(t *Task) {
	if t.Deleted {
		return
	}
	t.Deleted = true
	s.tasks.remove(t.ID)
	s.expiring.remove(t.ID)
	if t.stop != nil {
		t.stop()
	}
	if t.Ended.IsZero() {
		t.Ended = s.cfg.Clock.Now()
		close(t.Done)
	}
	s.cfg.Storage.Free(t.Files...)
	t.Files = nil
	t.inline.release(s.cfg.Storage)
	t.inline = nil
	s.releaseUpload(t)
}

// releaseUpload releases the form of an upload task, and its file unless a run took it
// over.
func (s *Jobs) releaseUpload(t *Task) {
	if t.upload == nil {
		return
	}
	s.forms.remove(t.ID)
	if t.upload.blob != nil {
		s.cfg.Storage.Release(t.upload.blob)
	}
	t.upload = &upload{used: true}
}
