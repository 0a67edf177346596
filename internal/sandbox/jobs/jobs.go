// Package jobs has the jobs and tasks of a server: how they are created, found, run,
// cancelled, retried and deleted. Their states change in states.go and work.go, and they
// expire in expiry.go.
package jobs

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/limits"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// The reasons why a job or task cannot be created, found or changed.
var (
	ErrNotFound     = errors.New("there is no such job or task")
	ErrNoCredits    = errors.New("no credits are left")
	ErrTooManyJobs  = errors.New("too many jobs have not ended")
	ErrInvalidInput = errors.New("an input task does not exist")
	ErrUnsupported  = errors.New("the conversion is not supported")
	ErrEnded        = errors.New("the task has ended")
	ErrNotEnded     = errors.New("the task has not ended")
)

// Config configures [Jobs].
type Config struct {
	Storage *storage.Storage
	Account *limits.Account
	Clock   *clock.Clock
	Log     *slog.Logger
	Dir     string // for temporary files of runs

	TaskDuration func(operation string) time.Duration // how long a task takes at least
	UploadSettle time.Duration                        // how long a task waits after its upload
	Sandbox      bool                                 // only files on the whitelist are imported
	Whitelist    []string                             // of hexadecimal MD5 sums

	// Execute does the work of a task.
	Execute func(context.Context, *Run) error
	// MayConvert returns false if a conversion is known to be unsupported.
	MayConvert func(request.Task) bool
	// JobEvent and TaskEvent are called, as in [Jobs.View], when the state of a job or
	// task has changed.
	JobEvent  func(event string, j *Job)
	TaskEvent func(event string, t *Task)
	// Go runs a function in a goroutine. Its context ends with the server.
	Go func(func(ctx context.Context))
}

// Jobs are the jobs and tasks of a server.
type Jobs struct {
	cfg Config

	mu       sync.Mutex // guards the state of jobs and tasks
	jobs     table[*Job]
	tasks    table[*Task]
	tagged   map[string]*table[*Job]
	expiring table[expiry] // ended jobs, and ended tasks without a job, in the order of time
	forms    table[*Task]  // upload tasks without a file, in the order their forms expire
}

// New returns jobs without a job.
func New(cfg Config) *Jobs { return &Jobs{cfg: cfg, tagged: map[string]*table[*Job]{}} }

// View calls f while no job or task changes. f must not call methods of s.
func (s *Jobs) View(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
}

// Create creates and starts a job. It calls created, as in [Jobs.View], before the job
// starts.
func (s *Jobs) Create(req *request.Job, created func(*Job)) (*Job, error) {
	contents, err := s.storeInline(req.Tasks...)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !s.cfg.Account.Afford():
		s.releaseAll(contents)
		return nil, ErrNoCredits
	case !s.cfg.Account.StartJob():
		s.releaseAll(contents)
		return nil, ErrTooManyJobs
	}
	j := s.addJob(req, contents)
	created(j)
	s.cfg.JobEvent("job.created", j)
	for _, t := range j.Tasks {
		s.cfg.TaskEvent(taskCreated, t)
	}
	s.launch(j.Tasks...)
	return j, nil
}

// CreateTask creates and starts a task without a job, whose inputs are ids. It calls
// created, as in [Jobs.View], before the task starts.
func (s *Jobs) CreateTask(req request.Task, created func(*Task)) error {
	contents, err := s.storeInline(req)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.acceptTask(req); err != nil {
		s.releaseAll(contents)
		return err
	}
	t := s.addTask(req, nil, contents[0])
	link(t, s.taskByID)
	created(t)
	s.cfg.TaskEvent(taskCreated, t)
	s.launch(t)
	return nil
}

func (s *Jobs) acceptTask(req request.Task) error {
	if catalog.Operations[req.Operation].Credits > 0 && !s.cfg.Account.Afford() {
		return ErrNoCredits
	}
	for _, id := range req.Dependencies() {
		if s.taskByID(id) == nil {
			return ErrInvalidInput
		}
	}
	if req.Operation == catalog.Convert && !s.cfg.MayConvert(req) {
		return ErrUnsupported
	}
	return nil
}

// Retry copies an ended task and starts the copy. The copy belongs to the same job, whose
// state does not change. It calls created, as in [Jobs.View], before the copy starts.
func (s *Jobs) Retry(id string, created func(*Task)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.taskByID(id)
	switch {
	case old == nil:
		return ErrNotFound
	case !old.terminal():
		return ErrNotEnded
	case !s.cfg.Account.Afford():
		return ErrNoCredits
	}
	t := s.addTask(old.Request, old.Job, old.inline.share(s.cfg.Storage))
	t.RetryOf = old.ID
	t.inputs = old.inputs
	for _, need := range old.Needs {
		t.Needs = append(t.Needs, need)
		t.await(need)
	}
	old.Retries = append(old.Retries, t)
	if old.Job != nil {
		old.Job.copies = append(old.Job.copies, t)
	}
	created(t)
	s.cfg.TaskEvent(taskCreated, t)
	s.launch(t)
	return nil
}

// Find returns a job.
func (s *Jobs) Find(id string) (*Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, ok := s.jobs.get(id)
	if !ok {
		return nil, ErrNotFound
	}
	return j, nil
}

// FindTask returns a task.
func (s *Jobs) FindTask(id string) (*Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.taskByID(id); t != nil {
		return t, nil
	}
	return nil, ErrNotFound
}

func (s *Jobs) taskByID(id string) *Task {
	t, _ := s.tasks.get(id)
	return t
}

// Cancel ends a task. It returns ErrEnded if the task has ended before.
func (s *Jobs) Cancel(t *Task) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.terminal() {
		return ErrEnded
	}
	s.fail(t, codeCancelled, messageCancelled)
	return nil
}

// Delete deletes a job, its tasks and their files.
func (s *Jobs) Delete(j *Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeJob(j)
}

// DeleteTask deletes a task and its files. Its job goes on without it.
func (s *Jobs) DeleteTask(t *Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.removeTask(t)
}

// The following methods are for functions that View calls.

// Count returns the number of jobs and that of tasks.
func (s *Jobs) Count() (jobs, tasks int) { return s.jobs.order.Len(), s.tasks.order.Len() }

// OldestFirst returns all jobs.
func (s *Jobs) OldestFirst() iter.Seq[*Job] { return s.jobs.oldestFirst() }

// NewestFirst returns all jobs, or those with a tag.
func (s *Jobs) NewestFirst(tag string) iter.Seq[*Job] {
	if tag == "" {
		return s.jobs.newestFirst()
	}
	if tagged := s.tagged[tag]; tagged != nil {
		return tagged.newestFirst()
	}
	return func(func(*Job) bool) {}
}

// TasksOldestFirst returns all tasks.
func (s *Jobs) TasksOldestFirst() iter.Seq[*Task] { return s.tasks.oldestFirst() }

// TasksNewestFirst returns all tasks, or those of a job.
func (s *Jobs) TasksNewestFirst(jobID string) iter.Seq[*Task] {
	if jobID == "" {
		return s.tasks.newestFirst()
	}
	j, ok := s.jobs.get(jobID)
	if !ok {
		return func(func(*Task) bool) {}
	}
	tasks := slices.Concat(j.Tasks, slices.DeleteFunc(slices.Clone(j.copies), func(t *Task) bool { return t.Deleted }))
	slices.Reverse(tasks)
	return slices.Values(tasks)
}
