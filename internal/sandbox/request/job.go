// Package request decodes and validates the bodies of requests to the API, as strictly as
// the service does.
package request

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
)

// Job is the validated body of a job creation.
type Job struct {
	Tasks      []Task
	Tag        *string
	WebhookURL string
	Redirect   bool // to the first exported file
}

// Task is a validated task.
type Task struct {
	Name        string // empty for a task without a job
	Operation   string
	Inputs      []string // names in the job, or ids
	IgnoreError bool
	Params      map[string]any // without operation, input and ignore_error
}

// Name matches the valid names of tasks and cache keys.
var Name = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// InvalidInput is the problem of an input that does not exist.
const InvalidInput = "Invalid input task."

// ParseJob validates the body of a job creation as strictly as the service.
func ParseJob(fields map[string]json.RawMessage, syncHost bool) (*Job, error) {
	p := Problems{}
	req := &Job{
		Tag:        p.text("tag", Decode(fields["tag"])),
		WebhookURL: p.webURL("webhook_url", Decode(fields["webhook_url"])),
	}
	if redirect, ok := Bool(Decode(fields["redirect"])); ok {
		req.Redirect = redirect && syncHost
	} else if !isNull(fields["redirect"]) {
		p.Add("redirect", "The redirect field must be true or false.")
	}
	req.Tasks = p.tasks(fields["tasks"])
	p.inputs(req.Tasks)
	if req.Redirect && !HasExportURL(req.Tasks) {
		p.Add("redirect", "A redirect needs an export/url task.")
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	return req, nil
}

// HasExportURL reports whether there is a task export/url.
func HasExportURL(tasks []Task) bool {
	return slices.ContainsFunc(tasks, func(t Task) bool { return t.Operation == catalog.ExportURL })
}

func (p Problems) text(field string, v any) *string {
	s, ok := v.(string)
	if !ok {
		if v != nil {
			p.Add(field, "The "+field+" must be a string.")
		}
		return nil
	}
	return &s
}

func (p Problems) webURL(field string, v any) string {
	s := p.text(field, v)
	if s == nil || *s == "" {
		return ""
	}
	if !isWebURL(*s) {
		p.Add(field, "The "+field+" format is invalid.")
	}
	return *s
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// maxTasks is the largest number of tasks in a job: the end of a task may end all that
// depend on it, by recursion. The limit of the service is not documented.
const maxTasks = 10_000

// tasks decodes the tasks object in its order.
func (p Problems) tasks(raw json.RawMessage) []Task {
	members, err := orderedObject(raw)
	switch {
	case err == nil && len(members) == 0, err != nil && isAbsent(Decode(raw)):
		p.Required("tasks")
		return nil
	case err != nil:
		p.Add("tasks", "The tasks must be an object.")
		return nil
	case len(members) > maxTasks:
		p.Add("tasks", "The tasks may not have more than "+strconv.Itoa(maxTasks)+" items.")
		return nil
	}
	tasks := make([]Task, 0, len(members))
	for _, m := range members {
		field := "tasks." + m.name
		if !Name.MatchString(m.name) {
			p.Add(field, "The "+field+" format is invalid.")
		}
		params, ok := Decode(m.value).(map[string]any)
		if !ok {
			p.Add(field, "The "+field+" must be an object.")
			continue
		}
		tasks = append(tasks, p.Task(field+".", m.name, params))
	}
	return tasks
}

func isAbsent(v any) bool { return v == nil || isEmpty(v) }

func isEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// Task validates a task without its inputs. The prefix precedes the names of fields.
func (p Problems) Task(prefix, name string, params map[string]any) Task {
	t := Task{Name: name, Params: maps.Clone(params)}
	maps.DeleteFunc(t.Params, func(_ string, v any) bool { return v == nil })
	t.Operation, _ = params["operation"].(string)
	t.IgnoreError, _ = Bool(params["ignore_error"])
	t.Inputs = p.inputNames(prefix, params["input"])
	for _, common := range []string{"operation", "input", "ignore_error"} {
		delete(t.Params, common)
	}
	op, ok := catalog.Operations[t.Operation]
	switch {
	case params["operation"] == nil:
		p.Required(prefix + "operation")
	case !ok:
		p.Add(prefix+"operation", "The selected "+prefix+"operation is invalid.")
	default:
		if op.NeedsInput() && params["input"] == nil || op.NeedsInput() && isEmpty(params["input"]) {
			p.Required(prefix + "input")
		}
		p.parameters(prefix, op, t.Params)
	}
	return t
}

// inputNames decodes a string or an array of strings.
func (p Problems) inputNames(prefix string, v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		names := make([]string, 0, len(v))
		for _, element := range v {
			name, ok := element.(string)
			if !ok {
				p.Add(prefix+"input", InvalidInput)
				return nil
			}
			names = append(names, name)
		}
		return names
	}
	p.Add(prefix+"input", InvalidInput)
	return nil
}

// Dependencies returns the names of the tasks in the input and in parameters that name a
// task.
func (t Task) Dependencies() []string {
	deps := slices.Clone(t.Inputs)
	if image, ok := t.Params["image"].(string); ok && t.Operation == catalog.Watermark {
		deps = append(deps, image)
	}
	return deps
}

// inputs checks the names of tasks that tasks depend on.
func (p Problems) inputs(tasks []Task) {
	known := make(map[string]bool, len(tasks))
	for _, t := range tasks {
		known[t.Name] = true
	}
	starts := startable(tasks, known)
	for _, t := range tasks {
		if !starts[t.Name] || slices.ContainsFunc(t.Dependencies(), func(dep string) bool { return !known[dep] }) {
			p.Add("tasks."+t.Name+".input", InvalidInput)
		}
	}
}

// startable returns the tasks that are neither in a cycle nor behind one. It ignores
// dependencies that are not known.
func startable(tasks []Task, known map[string]bool) map[string]bool {
	pending, dependents := map[string]int{}, map[string][]string{}
	var ready []string
	for _, t := range tasks {
		for _, dep := range t.Dependencies() {
			if known[dep] {
				pending[t.Name]++
				dependents[dep] = append(dependents[dep], t.Name)
			}
		}
		if pending[t.Name] == 0 {
			ready = append(ready, t.Name)
		}
	}
	starts := make(map[string]bool, len(tasks))
	for len(ready) > 0 {
		name := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		starts[name] = true
		for _, d := range dependents[name] {
			if pending[d]--; pending[d] == 0 {
				ready = append(ready, d)
			}
		}
	}
	return starts
}
