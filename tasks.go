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

// TasksService works with single tasks, within a job or without one.
type TasksService service

// Create creates a task without a job. Its Input has the ids of other tasks, not
// their names. Prefer jobs: the API documents only those, although all official
// SDKs can create tasks, too.
//
// A task has no tag to find it by: if the response to its creation is lost, the
// error is an [*OutcomeError].
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
		return nil, invalid(fmt.Errorf("malformed operation %q", t.Operation()))
	}
	return s.create(ctx, call{method: http.MethodPost, path: path, in: task.Params, limited: true}, opts)
}

// create makes a call that creates a task.
func (s *TasksService) create(ctx context.Context, call call, opts []CallOption) (*Task, error) {
	task, err := object[Task](ctx, s.core, call, opts)
	if outcomeUnknown(err) {
		return nil, &OutcomeError{err: err}
	}
	return task, err
}

// Get returns a task. If it does not exist, the error matches [ErrNotFound].
func (s *TasksService) Get(ctx context.Context, id string, opts ...CallOption) (*Task, error) {
	path, err := pathOf("tasks", id)
	if err != nil {
		return nil, err
	}
	return object[Task](ctx, s.core, call{method: http.MethodGet, path: path}, opts)
}

// Include names a part of a response that is left out unless requested.
type Include string

// IncludeTasks is for lists of jobs. The others are for tasks.
const (
	IncludeTasks          Include = "tasks"
	IncludeRetries        Include = "retries"
	IncludeDependsOnTasks Include = "depends_on_tasks"
	IncludePayload        Include = "payload"
	IncludeJob            Include = "job"
)

// WithInclude makes [TasksService.Get] return parts that are otherwise left out
// of the response.
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
	// JobID selects the tasks of this job.
	JobID string `url:"filter[job_id],omitempty"`
	// Status selects tasks with this status.
	Status Status `url:"filter[status],omitempty"`
	// Operation selects tasks of this operation.
	Operation Operation `url:"filter[operation],omitempty"`
	// Include requests parts that are otherwise left out of lists.
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

// All iterates over all tasks from the selected page on. It requests each page
// when it is needed. An error is yielded once and ends the iteration.
//
// No task is yielded twice, unless ten thousand others are created between two pages.
// If this client deletes tasks in the loop, none are skipped: All reads the page
// again. For each task that is deleted elsewhere, or no longer matches the options,
// another may be skipped. Deleting more than a page of tasks that were yielded earlier
// may also skip others: delete each task when it is yielded, or all after the loop.
func (s *TasksService) All(ctx context.Context, options TaskListOptions, opts ...CallOption) iter.Seq2[*Task, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Task](err)
	}
	return all(ctx, s.core, "/tasks", query, func(t *Task) any { return t.ID }, opts)
}

// Cancel cancels a task that is waiting or running. The task and those that depend
// on it end in error. If the task has already ended, the error matches [ErrInvalid].
func (s *TasksService) Cancel(ctx context.Context, id string, opts ...CallOption) (*Task, error) {
	path, err := pathOf("tasks", id, "cancel")
	if err != nil {
		return nil, err
	}
	return object[Task](ctx, s.core, call{method: http.MethodPost, path: path}, opts)
}

// hasEnded reports whether a task has ended or no longer exists.
func (s *TasksService) hasEnded(ctx context.Context, id string) bool {
	task, err := s.Get(ctx, id)
	return err == nil && task.Status.Terminal() || errors.Is(err, ErrNotFound)
}

// Retry creates a new task with the parameters of an old one and returns it. The
// new task costs credits like any other. If the response is lost, the error is an
// [*OutcomeError].
func (s *TasksService) Retry(ctx context.Context, id string, opts ...CallOption) (*Task, error) {
	path, err := pathOf("tasks", id, "retry")
	if err != nil {
		return nil, err
	}
	return s.create(ctx, call{method: http.MethodPost, path: path, limited: true}, opts)
}

// Delete deletes a task with its files. The URLs of exported files stop working.
func (s *TasksService) Delete(ctx context.Context, id string, opts ...CallOption) error {
	path, err := pathOf("tasks", id)
	if err != nil {
		return err
	}
	return remove(ctx, s.core, path, opts)
}
