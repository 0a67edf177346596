package cloudconvert

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// JobRequest describes a job to be created.
type JobRequest struct { //nolint:recvcheck // LogValue is for values too
	// Tasks are the tasks of the job by name. At least one is required.
	Tasks Tasks `json:"tasks"`
	// Tag is a text by which the job can be found again, see [JobListOptions]. It
	// need not be unique. If it is empty, the job gets a unique one, by which
	// [JobsService.Create] can tell whether it was created if the answer is lost.
	Tag string `json:"tag,omitzero"`
	// WebhookURL receives the event job.finished or job.failed of this job.
	// It is independent of the webhooks of the account. The service documents no
	// signature for its deliveries, see [WebhooksService.UnsignedHandler].
	WebhookURL string `json:"webhook_url,omitzero"`
	// Redirect asks for the URL of the first exported file instead of the job. Only
	// [JobsService.CreateForURL] takes such a response, and sets Redirect by itself.
	Redirect bool `json:"redirect,omitzero"`

	problems []error // what Pipeline could not express
}

// Format prints the tag and the tasks without the values of their parameters,
// whatever the verb.
func (r JobRequest) Format(s fmt.State, _ rune) {
	write(s, fmt.Sprintf("job request %q %v", r.Tag, r.Tasks))
}

// LogValue is the job without the values of the parameters of its tasks.
func (r JobRequest) LogValue() slog.Value {
	return slog.GroupValue(slog.String("tag", r.Tag), slog.Any("tasks", r.Tasks))
}

// Tasks maps names to tasks. A name consists of letters, digits, "-" and "_".
type Tasks map[string]TaskRequest

// LogValue is the tasks without the values of their parameters.
func (t Tasks) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, len(t))
	for _, name := range slices.Sorted(maps.Keys(t)) {
		attrs = append(attrs, slog.Any(name, t[name]))
	}
	return slog.GroupValue(attrs...)
}

// Pipeline returns a job in which each task takes its input from the one before. All
// leading tasks that take no input, such as sources, imports and [CaptureWebsite], feed
// the first task that takes one, in their order, except those that a later task names
// itself, as [Watermark] names its Image. A task whose Input is set keeps it.
//
// Tasks are named after their operations ("import-url", "convert", "export-url"), sources
// "source", and numbered where a name occurs again ("source-2").
//
// A job of another shape is written as a [JobRequest] with [Tasks].
func Pipeline(tasks ...TaskRequest) *JobRequest {
	r := &JobRequest{Tasks: Tasks{}}
	named := namedInputs(tasks)
	var feeding []string // the names of the tasks that the next one takes its input from
	leading := true
	for i, task := range tasks {
		if isNil(task) {
			r.problems = append(r.problems, fmt.Errorf("task %d of the pipeline is nil", i+1))
			continue
		}
		name := r.Tasks.freeName(task)
		switch takes := takesInput(task); {
		case takes && len(feeding) > 0:
			task = withInput(task, feeding)
		case !takes && !leading:
			r.problems = append(r.problems, fmt.Errorf("task %d of the pipeline: %s takes no input and can only come first: use Tasks for jobs of another shape", i+1, task.Operation()))
		}
		r.Tasks[name] = task
		switch leading = leading && !takesInput(task); {
		case !leading:
			feeding = []string{name}
		case !slices.Contains(named, name):
			feeding = append(feeding, name)
		}
	}
	return r
}

// namedInputs returns the names of tasks that others name by another parameter than Input.
func namedInputs(tasks []TaskRequest) []string {
	var names []string
	for _, task := range tasks {
		if isNil(task) {
			continue
		}
		for _, p := range parameters(task) {
			if p.is("input") && p.name != "input" {
				body, _ := taskBody(task, parameters(task)) // the parameter may stand in Options
				names = append(names, textsOf(body[p.name])...)
			}
		}
	}
	return names
}

// freeName derives a name from a task that no other one has.
func (t Tasks) freeName(task TaskRequest) string {
	base := strings.ReplaceAll(string(task.Operation()), "/", "-")
	if _, ok := sourceBehind(task); ok {
		base = "source"
	}
	return t.numbered(base)
}

// numbered returns a name that no task has: base, or base with a number.
func (t Tasks) numbered(base string) string {
	name := base
	for n := 2; t[name] != nil; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	return name
}

// sourceBehind returns the source that a task is, if it is one.
func sourceBehind(t TaskRequest) (Source, bool) {
	if isNil(t) {
		return Source{}, false
	}
	return reflect.TypeAssert[Source](structOf(t))
}

// takesInput reports whether a task works on the files of others.
func takesInput(t TaskRequest) bool {
	if _, ok := reflect.TypeAssert[RawTask](structOf(t)); ok {
		return !strings.HasPrefix(string(t.Operation()), "import/") && t.Operation() != OperationCaptureWebsite
	}
	return structOf(t).FieldByName("Input").IsValid()
}

// withInput returns a copy of a task that takes its input from others, or the task
// itself if its input is set.
func withInput(t TaskRequest, names []string) TaskRequest {
	if !isEmpty(options(t)["input"]) {
		return t
	}
	if raw, ok := reflect.TypeAssert[RawTask](structOf(t)); ok {
		fields := map[string]any{}
		maps.Copy(fields, raw.Fields)
		fields["input"] = names
		return RawTask{Op: raw.Op, Fields: fields}
	}
	linked := reflect.New(structOf(t).Type()).Elem()
	linked.Set(structOf(t))
	if input := linked.FieldByName("Input"); input.Len() == 0 {
		input.Set(reflect.ValueOf(names))
	}
	if task, ok := reflect.TypeAssert[TaskRequest](linked); ok {
		return task
	}
	return t
}

// isNil reports whether there is no task behind the interface.
func isNil(t TaskRequest) bool {
	return t == nil || !structOf(t).IsValid()
}

var taskName = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Validate checks the job without sending it: it has tasks, their names are allowed,
// inputs exist and form no cycle, required parameters are set, and no parameter is set
// twice, contains itself or a task, or has text that is not UTF-8. It also refuses
// values that would fail only after other tasks were paid for: an output Filename with
// the extension of another format, a credential with white space, a private key that
// is not PEM. It returns all problems in one error, which matches [ErrInvalid] and
// repeats no credential. The service checks the values of options, see
// [Format.Validate].
//
// [JobsService.Create] and everything that creates jobs call it.
func (r *JobRequest) Validate() error {
	_, err := r.body()
	return err
}

// jobBody is a job as it is sent. Encoded from it, the parameters of a task, a
// file perhaps, are gone through once, and not once more for each
// [json.Marshaler] around them.
type jobBody struct {
	Tasks      map[string]map[string]any `json:"tasks"`
	Tag        string                    `json:"tag,omitzero"`
	WebhookURL string                    `json:"webhook_url,omitzero"`
	Redirect   bool                      `json:"redirect,omitzero"`
}

// body returns what is sent for the job, if it is valid.
func (r *JobRequest) body() (jobBody, error) {
	if r == nil || len(r.Tasks) == 0 && len(r.problems) == 0 {
		return jobBody{}, invalid(errors.New("the job has no tasks"))
	}
	body := jobBody{Tasks: make(map[string]map[string]any, len(r.Tasks)), Tag: r.Tag, WebhookURL: r.WebhookURL}
	inputs := make(map[string][]string, len(r.Tasks))
	problems := slices.Clone(r.problems)
	for _, name := range slices.Sorted(maps.Keys(r.Tasks)) {
		task := r.Tasks.read(name)
		for _, problem := range task.problems {
			problems = append(problems, fmt.Errorf("task %q: %w", name, problem))
		}
		body.Tasks[name], inputs[name] = task.body, task.inputs
	}
	if _, exports := r.Tasks.uses(OperationExportURL); r.Redirect && !exports {
		problems = append(problems, fmt.Errorf("a redirect needs a task of the operation %s", OperationExportURL))
	}
	if cycle := cycleOf(inputs); cycle != nil {
		problems = append(problems, fmt.Errorf("tasks wait for each other: %s", strings.Join(cycle, " → ")))
	}
	if err := checkText(jobBody{Tag: r.Tag, WebhookURL: r.WebhookURL}); err != nil {
		problems = append(problems, err)
	}
	if len(problems) > 0 {
		return jobBody{}, invalid(problems...)
	}
	return body, nil
}

// remoteBody is body where local sources have no place.
func (r *JobRequest) remoteBody() (jobBody, error) {
	if r != nil {
		if err := r.Tasks.checkRemote(); err != nil {
			return jobBody{}, err
		}
	}
	return r.body()
}

// read looks through one task.
func (t Tasks) read(name string) taskReading {
	var problems []error
	if !taskName.MatchString(name) {
		problems = append(problems, errors.New("a name consists of letters, digits, - and _"))
	}
	if isNil(t[name]) {
		return taskReading{problems: append(problems, errors.New("the task is nil"))}
	}
	if t[name].Operation() == "" {
		problems = append(problems, errors.New("the operation is missing"))
	}
	reading := readTaskOrSource(t[name])
	for _, input := range reading.inputs {
		if isNil(t[input]) {
			problems = append(problems, fmt.Errorf("input %q is no task of the job", input))
		}
	}
	reading.problems = append(problems, reading.problems...)
	return reading
}

// readTaskOrSource reads a source as the task that imports it. How a local one is sent is
// settled when it is opened.
func readTaskOrSource(t TaskRequest) taskReading {
	source, ok := sourceBehind(t)
	if !ok {
		return readTask(t)
	}
	if err := source.check(); err != nil {
		return taskReading{problems: []error{err}}
	}
	if source.isLocal() {
		return readTask(ImportUpload{})
	}
	return readTask(source.urlTask())
}

// checkRemote returns an error if a local source is among the tasks, which only this
// package can send.
func (t Tasks) checkRemote() error {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if source, ok := sourceBehind(t[name]); ok && source.isLocal() {
			return source.localOnly()
		}
	}
	return nil
}

// cycleOf returns the names along a cycle of inputs, or nil if there is none.
func cycleOf(inputs map[string][]string) []string {
	done := map[string]bool{}
	var path []string
	var visit func(name string) []string
	visit = func(name string) []string {
		if i := slices.Index(path, name); i >= 0 {
			return append(slices.Clone(path[i:]), name)
		}
		if done[name] {
			return nil
		}
		path = append(path, name)
		for _, input := range inputs[name] {
			if cycle := visit(input); cycle != nil {
				return cycle
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		if cycle := visit(name); cycle != nil {
			return cycle
		}
	}
	return nil
}

// uses returns the name of a task with the given operation, if there is one.
func (t Tasks) uses(operation Operation) (string, bool) {
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if !isNil(t[name]) && t[name].Operation() == operation {
			return name, true
		}
	}
	return "", false
}
