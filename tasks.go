package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"
)

// TasksService works with single tasks: those of jobs, and those made on their own.
type TasksService service

// Create creates a task outside of any job. Its Input holds the ids of other
// tasks, not names. Prefer jobs: the documentation of the API describes only them,
// though all official SDKs can create tasks as well.
//
// A task has no tag by which it could be found: if the answer to its creation is
// lost, the error is an [*OutcomeError].
func (s *TasksService) Create(ctx context.Context, t TaskRequest, opts ...CallOption) (*Task, error) {
	if taskOf(t) == nil {
		return nil, invalid(errors.New("the task is nil"))
	}
	if source, ok := taskOf(t).(Source); ok && source.isLocal() {
		return nil, source.localOnly()
	}
	task := encodeTask(t)
	if problems := slices.Concat(task.Broken, task.Rejected); len(problems) > 0 {
		return nil, invalid(problems...)
	}
	path, err := pathOf(strings.Split(string(t.Operation()), "/")...)
	if err != nil {
		return nil, invalid(fmt.Errorf("%q is no operation", t.Operation()))
	}
	return s.make(ctx, call{method: http.MethodPost, path: path, in: task.Params, limited: true}, opts)
}

// make makes a call that creates a task.
func (s *TasksService) make(ctx context.Context, call call, opts []CallOption) (*Task, error) {
	task, err := object[Task](ctx, s.core, call, opts)
	if isOpen(err) {
		return nil, &OutcomeError{err: err}
	}
	return task, err
}

// Get returns a task.
func (s *TasksService) Get(ctx context.Context, id string, opts ...CallOption) (*Task, error) {
	path, err := pathOf("tasks", id)
	if err != nil {
		return nil, err
	}
	return object[Task](ctx, s.core, call{method: http.MethodGet, path: path}, opts)
}

// Include names something that an answer leaves out unless it is asked for.
type Include string

// What can be asked for: tasks in lists of jobs, and everything else with tasks.
const (
	IncludeTasks          Include = "tasks"
	IncludeRetries        Include = "retries"
	IncludeDependsOnTasks Include = "depends_on_tasks"
	IncludePayload        Include = "payload"
	IncludeJob            Include = "job"
)

// WithInclude asks [TasksService.Get] for parts that the answer otherwise leaves out.
func WithInclude(parts ...Include) CallOption {
	return callOption{"WithInclude", func(c *call) error {
		texts := make([]string, 0, len(parts))
		for _, part := range parts {
			texts = append(texts, string(part))
		}
		c.setQuery("include", strings.Join(texts, ","))
		return nil
	}}
}

// TaskListOptions selects tasks. The zero value selects all.
type TaskListOptions struct {
	// JobID selects the tasks of a job.
	JobID string `url:"filter[job_id],omitempty"`
	// Status selects tasks of a state.
	Status Status `url:"filter[status],omitempty"`
	// Operation selects tasks of an operation.
	Operation Operation `url:"filter[operation],omitempty"`
	// Include asks for parts that lists otherwise leave out.
	Include []Include `url:"include,comma,omitempty"`
	// PerPage is the number of tasks on a page. By default the service chooses 100.
	PerPage int `url:"per_page,omitempty"`
	// Page is the number of the page, from 1.
	Page int `url:"page,omitempty"`
}

// List returns one page of tasks.
func (s *TasksService) List(ctx context.Context, options TaskListOptions, opts ...CallOption) (*Page[Task], error) {
	query, err := queryOf(options)
	if err != nil {
		return nil, err
	}
	return list[Task](ctx, s.core, "/tasks", query, opts)
}

// All iterates over all tasks from the selected page on. It asks for a page
// when the one before is used up. An error is yielded once and ends the iteration.
//
// No task is yielded twice, unless ten thousand others are created between two
// pages. Tasks that are deleted in the loop, by this client, make it skip none, since
// it reads the page again. Tasks that are deleted elsewhere meanwhile, or cease to
// match the options, may make it skip as many others. So may the deletion of more
// than a page of tasks that were yielded before: delete each when it is yielded, or all
// of them after the loop.
func (s *TasksService) All(ctx context.Context, options TaskListOptions, opts ...CallOption) iter.Seq2[*Task, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Task](err)
	}
	return all(ctx, s.core, "/tasks", query, func(t *Task) any { return t.ID }, opts)
}

// Cancel cancels a task that waits or runs. It ends in error, and so do the tasks
// that depend on it. A task that has ended already is refused with [ErrInvalid].
func (s *TasksService) Cancel(ctx context.Context, id string, opts ...CallOption) (*Task, error) {
	path, err := pathOf("tasks", id, "cancel")
	if err != nil {
		return nil, err
	}
	return object[Task](ctx, s.core, call{method: http.MethodPost, path: path}, opts)
}

// hasEnded reports whether a task that could not be cancelled needs it no more.
func (s *TasksService) hasEnded(ctx context.Context, id string) bool {
	task, err := s.Get(ctx, id)
	return err == nil && task.Status.Terminal() || errors.Is(err, ErrNotFound)
}

// Retry creates a new task with the parameters of an old one and returns it. The
// new task costs credits like any other. If the answer is lost, the error is an
// [*OutcomeError].
func (s *TasksService) Retry(ctx context.Context, id string, opts ...CallOption) (*Task, error) {
	path, err := pathOf("tasks", id, "retry")
	if err != nil {
		return nil, err
	}
	return s.make(ctx, call{method: http.MethodPost, path: path, limited: true}, opts)
}

// Delete deletes a task with its files. The addresses of exported files stop
// working.
func (s *TasksService) Delete(ctx context.Context, id string, opts ...CallOption) error {
	path, err := pathOf("tasks", id)
	if err != nil {
		return err
	}
	return remove(ctx, s.core, path, opts)
}
