package cloudconverttest

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
)

// jobRequest is the validated body of a job creation.
type jobRequest struct {
	tasks      []taskRequest
	tag        *string
	webhookURL string
	redirect   bool
}

// taskRequest is a validated task.
type taskRequest struct {
	name        string // empty for a task without a job
	operation   string
	inputs      []string // names in the job, or ids
	ignoreError bool
	params      map[string]any // without operation, input and ignore_error
}

var taskName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

const invalidInput = "Invalid input task."

// parseJob validates the body of a job creation as strictly as the service.
func parseJob(fields map[string]json.RawMessage, syncHost bool) (*jobRequest, error) {
	p := problems{}
	req := &jobRequest{
		tag:        p.text("tag", decodeValue(fields["tag"])),
		webhookURL: p.webURL("webhook_url", decodeValue(fields["webhook_url"])),
	}
	if redirect, ok := asBool(decodeValue(fields["redirect"])); ok {
		req.redirect = redirect && syncHost
	} else if !isNull(fields["redirect"]) {
		p.add("redirect", "The redirect field must be true or false.")
	}
	req.tasks = p.tasks(fields["tasks"])
	p.inputs(req.tasks)
	if req.redirect && !hasExportURL(req.tasks) {
		p.add("redirect", "A redirect needs an export/url task.")
	}
	if len(p) > 0 {
		return nil, p.err()
	}
	return req, nil
}

func hasExportURL(tasks []taskRequest) bool {
	return slices.ContainsFunc(tasks, func(t taskRequest) bool { return t.operation == opExportURL })
}

func (p problems) text(field string, v any) *string {
	s, ok := v.(string)
	if !ok {
		if v != nil {
			p.add(field, "The "+field+" must be a string.")
		}
		return nil
	}
	return &s
}

func (p problems) webURL(field string, v any) string {
	s := p.text(field, v)
	if s == nil || *s == "" {
		return ""
	}
	if !isWebURL(*s) {
		p.add(field, "The "+field+" format is invalid.")
	}
	return *s
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// tasks decodes the tasks object in its order.
func (p problems) tasks(raw json.RawMessage) []taskRequest {
	if v := decodeValue(raw); v == nil || isEmpty(v) {
		p.required("tasks")
		return nil
	}
	members, err := orderedObject(raw)
	if err != nil {
		p.add("tasks", "The tasks must be an object.")
		return nil
	}
	tasks := make([]taskRequest, 0, len(members))
	for _, m := range members {
		field := "tasks." + m.name
		if !taskName.MatchString(m.name) {
			p.add(field, "The "+field+" format is invalid.")
		}
		params, ok := decodeValue(m.value).(map[string]any)
		if !ok {
			p.add(field, "The "+field+" must be an object.")
			continue
		}
		tasks = append(tasks, p.task(field+".", m.name, params))
	}
	return tasks
}

func isEmpty(v any) bool {
	switch v := v.(type) {
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

// task validates a task without its inputs. The prefix precedes the names of fields.
func (p problems) task(prefix, name string, params map[string]any) taskRequest {
	t := taskRequest{name: name, params: maps.Clone(params)}
	maps.DeleteFunc(t.params, func(_ string, v any) bool { return v == nil })
	t.operation, _ = params["operation"].(string)
	t.ignoreError, _ = asBool(params["ignore_error"])
	t.inputs = p.inputNames(prefix, params["input"])
	for _, common := range []string{"operation", "input", "ignore_error"} {
		delete(t.params, common)
	}
	op, ok := operations[t.operation]
	switch {
	case params["operation"] == nil:
		p.required(prefix + "operation")
	case !ok:
		p.add(prefix+"operation", "The selected "+prefix+"operation is invalid.")
	default:
		if op.needsInput() && params["input"] == nil || op.needsInput() && isEmpty(params["input"]) {
			p.required(prefix + "input")
		}
		p.parameters(prefix, op, t.params)
	}
	return t
}

// inputNames decodes a string or an array of strings.
func (p problems) inputNames(prefix string, v any) []string {
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
				p.add(prefix+"input", invalidInput)
				return nil
			}
			names = append(names, name)
		}
		return names
	}
	p.add(prefix+"input", invalidInput)
	return nil
}

// dependencies returns the names of the tasks in the input and in parameters that name a
// task.
func (t taskRequest) dependencies() []string {
	deps := slices.Clone(t.inputs)
	if image, ok := t.params["image"].(string); ok && t.operation == opWatermark {
		deps = append(deps, image)
	}
	return deps
}

// inputs checks the names of tasks that tasks depend on.
func (p problems) inputs(tasks []taskRequest) {
	graph := map[string][]string{}
	for _, t := range tasks {
		graph[t.name] = t.dependencies()
	}
	for _, t := range tasks {
		if slices.ContainsFunc(graph[t.name], func(dep string) bool { _, ok := graph[dep]; return !ok }) || inCycle(graph, t.name) {
			p.add("tasks."+t.name+".input", invalidInput)
		}
	}
}

// inCycle reports whether a task depends on itself, directly or through others.
func inCycle(graph map[string][]string, name string) bool {
	seen := map[string]bool{}
	next := slices.Clone(graph[name])
	for len(next) > 0 {
		dep := next[len(next)-1]
		next = next[:len(next)-1]
		if dep == name {
			return true
		}
		if !seen[dep] {
			seen[dep] = true
			next = append(next, graph[dep]...)
		}
	}
	return false
}
