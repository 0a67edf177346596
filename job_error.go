package cloudconvert

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// JobError is the error of a job that ended in error. It matches [ErrJobFailed]
// and, through Tasks, the codes of its tasks:
//
//	errors.Is(err, cloudconvert.CodeInvalidConversionType)
type JobError struct { //nolint:recvcheck // Format is for values too
	// Job is the job as it ended.
	Job *Job
	// Tasks are the tasks that failed, the first cause first. Tasks that failed
	// only because they depend on a failed task come last. Tasks may be empty.
	Tasks []*TaskError
}

// Error describes the first cause.
func (e *JobError) Error() string {
	if len(e.Tasks) == 0 {
		return fmt.Sprintf("cloudconvert: job %s failed without a failed task", e.Job.ID)
	}
	return fmt.Sprintf("cloudconvert: job %s failed: %s", e.Job.ID, e.Tasks[0].text())
}

// Unwrap returns the failed tasks, the first cause first.
func (e *JobError) Unwrap() []error {
	errs := make([]error, 0, len(e.Tasks))
	for _, task := range e.Tasks {
		errs = append(errs, task)
	}
	return errs
}

// Is matches [ErrJobFailed].
func (e *JobError) Is(target error) bool { return target == ErrJobFailed }

// TaskError is the error of a task that ended in error. It matches [ErrJobFailed]
// and its Code. The Message is that of the service: if it quotes a parameter of the task,
// such as a password, so does Error.
type TaskError struct { //nolint:recvcheck // Format is for values too
	ID        string
	Name      string // empty for a task without a job
	Operation Operation
	Code      Code // may be empty
	Message   string
}

func newTaskError(t Task) *TaskError {
	return &TaskError{ID: t.ID, Name: t.Name, Operation: t.Operation, Code: t.Code, Message: t.Message}
}

// Error returns which task failed and why.
func (e *TaskError) Error() string { return "cloudconvert: " + e.text() }

func (e *TaskError) text() string {
	text := fmt.Sprintf("task %s failed", taskLabel(Task{ID: e.ID, Name: e.Name, Operation: e.Operation}))
	if e.Code != "" {
		text += ": " + string(e.Code)
	}
	if message := strings.TrimRight(engine.HideQueries(e.Message), ". "); message != "" {
		text += ": " + message
	}
	return text
}

// Is matches [ErrJobFailed] and the code of the task.
func (e *TaskError) Is(target error) bool {
	return target == ErrJobFailed || e.Code != "" && target == e.Code
}

// Err returns a [*JobError] if the job ended in error, and nil otherwise. Jobs of a list
// have no tasks, and so no causes, without IncludeTasks.
func (j *Job) Err() error {
	if j.Status != StatusError {
		return nil
	}
	e := &JobError{Job: j}
	for _, task := range byCause(j.Tasks) {
		e.Tasks = append(e.Tasks, newTaskError(task))
	}
	return e
}

// Err returns a [*TaskError] if the task ended in error, and nil otherwise.
func (t *Task) Err() error {
	if t.Status != StatusError {
		return nil
	}
	return newTaskError(*t)
}

// byCause returns the failed tasks in the order of their ends, but those that
// failed because of other tasks last.
func byCause(tasks []Task) []Task {
	failed := map[string]bool{}
	for _, task := range tasks {
		failed[task.ID] = task.Status == StatusError
	}
	dependent := func(t Task) int {
		isDependent := t.Code == CodeInputTaskFailed ||
			slices.ContainsFunc(t.DependsOnTaskIDs, func(id string) bool { return failed[id] })
		if isDependent {
			return 1
		}
		return 0
	}
	causes := slices.DeleteFunc(slices.Clone(tasks), func(t Task) bool { return t.Status != StatusError })
	slices.SortStableFunc(causes, func(a, b Task) int {
		return cmp.Or(cmp.Compare(dependent(a), dependent(b)), a.EndedAt.Compare(b.EndedAt), compareTasks(a, b))
	})
	return causes
}

// taskLabel returns the name of a task for messages.
func taskLabel(t Task) string { return fmt.Sprintf("%s (%s)", cmp.Or(t.Name, t.ID), t.Operation) }
