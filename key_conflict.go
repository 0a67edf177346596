package cloudconvert

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/cloudconvert/cloudconvert-go/internal/filename"
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
	names := map[string]string{} // of tasks, by id
	for _, task := range sortedByName(job.Tasks) {
		names[task.ID] = task.Name
		if _, found := r.tasks[task.Name]; !found && task.Name != "" {
			return fmt.Errorf("has a task %q, which the request has not", task.Name)
		}
	}
	local := map[string]Source{}
	for _, s := range r.sources {
		local[s.task] = s.Source
	}
	for _, name := range params.SortedKeys(r.tasks) {
		task, found := job.Task(name)
		source, isLocal := local[name]
		var differs string
		switch {
		case !found && (job.Status.Terminal() || len(job.Tasks) == 0):
			continue // it was deleted, or is not reported
		case !found:
			return fmt.Errorf("has no task %q", name)
		case isLocal:
			differs = source.conflict(task, payloads[task.ID])
		default:
			differs = r.conflictOf(name, task, payloads[task.ID], names)
		}
		if differs != "" {
			return fmt.Errorf("its task %q has another %s", name, differs)
		}
	}
	return nil
}

// conflictOf returns what differs between a task as it is sent and one of a job. names
// are the names of the tasks of the job.
func (r keyedRequest) conflictOf(name string, task Task, payload json.RawMessage, names map[string]string) string {
	sent := r.tasks[name]
	if params.Text(sent["operation"]) != string(task.Operation) {
		return "operation"
	}
	inputs := params.Texts(sent["input"])
	compared := map[string]any{}
	var references []string // to other tasks, which the service may report by their ids
	for key, value := range sent {
		_, isTask := r.tasks[params.Text(value)]
		switch {
		case key == "operation", key == "input":
		case isTask && !strings.HasSuffix(key, "format"):
			references = append(references, params.Text(value))
		default:
			compared[key] = value
		}
	}
	if !sameInputs(task.DependsOnTaskIDs, names, inputs, references) {
		return "input"
	}
	return params.Conflict(compared, payload, sameText)
}

// sameInputs reports whether the tasks with the given ids may be the inputs of a task,
// and those that it refers to in another way.
func sameInputs(ids []string, names map[string]string, inputs, references []string) bool {
	var reported []string
	for _, id := range ids {
		if names[id] == "" {
			return true // it was deleted
		}
		reported = append(reported, names[id])
	}
	if len(reported) == 0 {
		return true
	}
	for _, name := range inputs {
		if !slices.Contains(reported, name) {
			return false
		}
	}
	for _, name := range reported {
		if !slices.Contains(inputs, name) && !slices.Contains(references, name) {
			return false
		}
	}
	return true
}

// sameText reports whether two values of a parameter name the same format.
func sameText(name, a, b string) bool {
	return strings.HasSuffix(name, "format") && filename.Same(filename.Normalize(a), filename.Normalize(b))
}

// conflict returns what differs between a local source and the task that imported it.
func (s Source) conflict(task Task, payload json.RawMessage) string {
	if task.Operation != OperationImportUpload && task.Operation != OperationImportBase64 {
		return "operation"
	}
	if len(task.Result.Files) != 1 {
		return params.Conflict(map[string]any{"filename": s.name}, payload, func(_, a, b string) bool { return sameName(a, b) })
	}
	file := task.Result.Files[0]
	size := s.statSize()
	switch {
	case !sameName(s.name, file.Filename):
		return fmt.Sprintf("source: %q, not %q", file.Filename, s.name)
	case size >= 0 && file.Size > 0 && size != file.Size:
		return fmt.Sprintf("source: %d bytes, not %d", file.Size, size)
	default:
		return ""
	}
}

// statSize returns the size of the source if it is known without reading it, or -1.
func (s Source) statSize() int64 {
	if s.size >= 0 || s.stat == nil {
		return s.size
	}
	info, err := s.stat()
	if err != nil || !info.Mode().IsRegular() {
		return -1 // the source is not needed if the job has it
	}
	return info.Size()
}

// sameName reports whether two file names may be the same, in the form that the service
// gives it: it may replace characters, and shorten long names.
func sameName(a, b string) bool {
	const long = 100
	isOdd := func(r rune) bool { return r > unicode.MaxASCII }
	if len(a) > long || len(b) > long || strings.ContainsFunc(a, isOdd) || strings.ContainsFunc(b, isOdd) {
		return true
	}
	plain := func(name string) string {
		return strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' {
				return r
			}
			return -1
		}, name)
	}
	return strings.EqualFold(plain(a), plain(b))
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
