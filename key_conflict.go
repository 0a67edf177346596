package cloudconvert

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/params"
)

// keyedRequest is the request that a job under a key is compared with.
type keyedRequest struct {
	tasks   map[string]map[string]any // as they are sent, without the contents of sources
	sources []plannedSource
}

// conflict returns how a job differs from the request, or nil if it may be its job. It
// compares what the service reports and the request sets: the service adds parameters.
func (r keyedRequest) conflict(job *Job, payloads map[string]json.RawMessage) error {
	for _, task := range sortedByName(job.Tasks) {
		if _, found := r.tasks[task.Name]; !found && task.Name != "" {
			return fmt.Errorf("has a task %q, which the request has not", task.Name)
		}
	}
	names := map[string]string{} // of tasks, by id
	for _, task := range job.Tasks {
		names[task.ID] = task.Name
	}
	local := map[string]Source{}
	for _, s := range r.sources {
		local[s.task] = s.Source
	}
	for _, name := range params.SortedKeys(r.tasks) {
		task, found := job.Task(name)
		if !found {
			return fmt.Errorf("has no task %q", name)
		}
		var differs string
		if source, isLocal := local[name]; isLocal {
			differs = source.conflict(task, payloads[task.ID])
		} else {
			differs = conflictOf(r.tasks[name], task, payloads[task.ID], names)
		}
		if differs != "" {
			return fmt.Errorf("its task %q has another %s", name, differs)
		}
	}
	return nil
}

// conflictOf returns what differs between a task as it is sent and one of a job.
func conflictOf(sent map[string]any, task Task, payload json.RawMessage, names map[string]string) string {
	if params.Text(sent["operation"]) != string(task.Operation) {
		return "operation"
	}
	if len(task.DependsOnTaskIDs) > 0 {
		var inputs []string
		for _, id := range task.DependsOnTaskIDs {
			inputs = append(inputs, names[id])
		}
		for _, input := range params.Texts(sent["input"]) {
			if !slices.Contains(inputs, input) {
				return "input"
			}
		}
	}
	compared := maps.Clone(sent)
	maps.DeleteFunc(compared, func(name string, _ any) bool { return name == "operation" || name == "input" })
	return params.Conflict(compared, payload)
}

// conflict returns what differs between a local source and the task that imported it.
func (s Source) conflict(task Task, payload json.RawMessage) string {
	if task.Operation != OperationImportUpload && task.Operation != OperationImportBase64 {
		return "operation"
	}
	if len(task.Result.Files) != 1 {
		return params.Conflict(map[string]any{"filename": s.name}, payload)
	}
	file := task.Result.Files[0]
	switch size := s.statSize(); {
	case isPlainName(s.name) && isPlainName(file.Filename) && !strings.EqualFold(s.name, file.Filename):
		return fmt.Sprintf("source: %q, not %q", file.Filename, s.name)
	case size >= 0 && file.Size > 0 && size != file.Size:
		return fmt.Sprintf("source: %d bytes, not %d", file.Size, size)
	default:
		return ""
	}
}

// statSize returns the size of the source if it is known without reading it, or -1.
func (s Source) statSize() int64 {
	if s.size >= 0 || s.path == "" {
		return s.size
	}
	info, err := os.Stat(s.path)
	if err != nil || !info.Mode().IsRegular() {
		return -1 // it is not needed if the job has it
	}
	return info.Size()
}

// isPlainName reports whether the service has no reason to change a file name.
func isPlainName(name string) bool {
	return len(name) <= 100 && !strings.ContainsFunc(name, func(r rune) bool {
		return r <= ' ' || r > '~' || strings.ContainsRune(`"*/:<>?\|%`, r)
	})
}

// payloads returns the parameters of the tasks of a job, by their ids.
func (s *TasksService) payloads(ctx context.Context, jobID string) (map[string]json.RawMessage, error) {
	payloads := map[string]json.RawMessage{}
	for task, err := range s.All(ctx, TaskListOptions{JobID: jobID, Include: []Include{IncludePayload}}) {
		if err != nil {
			return nil, err
		}
		payloads[task.ID] = task.Payload
	}
	return payloads, nil
}
