package cloudconvert

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// JobRequest describes a job to be created.
type JobRequest struct { //nolint:recvcheck // LogValue is for values too
	// Tasks are the tasks of the job by name. At least one is required.
	Tasks Tasks `json:"tasks"`
	// Tag is a text by which the job can be found, see [JobListOptions]. Several jobs may
	// have the same. If it is empty, the job gets a unique one. By that one
	// [JobsService.Create] looks for the job for about half a minute if the response is
	// lost. With a Tag, the job is not looked for, and the error is returned at once.
	Tag string `json:"tag,omitzero"`
	// WebhookURL receives the event job.finished or job.failed of this job.
	// It is independent of the webhooks of the account, which may receive the event
	// too. The service documents no signature for its deliveries, see
	// [WebhooksService.UnsignedHandler].
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
	for _, name := range params.SortedKeys(t) {
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
// "source", and numbered if a name is taken ("source-2").
//
// A job of another shape is written as a [JobRequest] with [Tasks].
func Pipeline(tasks ...TaskRequest) *JobRequest {
	r := &JobRequest{Tasks: Tasks{}}
	var named []string // by a parameter other than Input
	for _, task := range tasks {
		if known := taskOf(task); known != nil {
			named = append(named, params.References(known)...)
		}
	}
	var feeding []string // the names of the tasks that the next one takes its input from
	leading := true
	for i, task := range tasks {
		known := taskOf(task)
		if known == nil {
			r.problems = append(r.problems, fmt.Errorf("task %d of the pipeline is nil", i+1))
			continue
		}
		base := strings.ReplaceAll(string(task.Operation()), "/", "-")
		if _, ok := known.(Source); ok {
			base = "source"
		}
		name := r.Tasks.numbered(base)
		takes := takesInput(known)
		switch {
		case takes && len(feeding) > 0:
			task, _ = params.WithInput(known, feeding).(TaskRequest)
		case !takes && !leading:
			r.problems = append(r.problems, misplaced(known, i+1))
		}
		r.Tasks[name] = task
		switch leading = leading && !takes; {
		case !leading:
			feeding = []string{name}
		case !slices.Contains(named, name):
			feeding = append(feeding, name)
		}
	}
	return r
}

// misplaced returns the error for a task of a pipeline that takes no input and does not
// come first.
func misplaced(task TaskRequest, place int) error {
	if source, ok := task.(Source); ok {
		return fmt.Errorf("source %q is in place %d: put sources before the first task with an input, or use Tasks", source.String(), place)
	}
	return fmt.Errorf("task %d of the pipeline: %s takes no input and can only come first: use Tasks for jobs of another shape", place, task.Operation())
}

// numbered returns a name that no task has: base, or base with a number.
func (t Tasks) numbered(base string) string {
	name := base
	for n := 2; t[name] != nil; n++ {
		name = base + "-" + strconv.Itoa(n)
	}
	return name
}

// takesInput reports whether a task works on the files of others.
func takesInput(t TaskRequest) bool {
	if raw, ok := t.(RawTask); ok {
		return !strings.HasPrefix(string(raw.Op), "import/") && raw.Op != OperationCaptureWebsite
	}
	return params.HasField(t, "input")
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
	_, err := r.body(r.encodeTasks())
	return err
}

// jobBody is a job as it is sent. Encoding it visits each parameter, which may hold a
// whole file, only once: nested [json.Marshaler]s would visit it again at each level.
type jobBody struct {
	Tasks      map[string]map[string]any `json:"tasks"`
	Tag        string                    `json:"tag,omitzero"`
	WebhookURL string                    `json:"webhook_url,omitzero"`
	Redirect   bool                      `json:"redirect,omitzero"`
}

// encodeTasks encodes each task, whether it is valid or not. A nil task is left out.
func (r *JobRequest) encodeTasks() map[string]params.Task {
	if r == nil {
		return nil
	}
	encoded := make(map[string]params.Task, len(r.Tasks))
	for name, task := range r.Tasks {
		if taskOf(task) != nil {
			encoded[name] = encodeTask(task)
		}
	}
	return encoded
}

// body returns what is sent for the job, or all that is wrong with it.
func (r *JobRequest) body(tasks map[string]params.Task) (jobBody, error) {
	if r == nil || len(r.Tasks) == 0 && len(r.problems) == 0 {
		return jobBody{}, invalid(errors.New("the job has no tasks"))
	}
	body := jobBody{Tasks: make(map[string]map[string]any, len(tasks)), Tag: r.Tag, WebhookURL: r.WebhookURL}
	inputs := make(map[string][]string, len(tasks))
	problems := slices.Clone(r.problems)
	for _, name := range params.SortedKeys(r.Tasks) {
		for _, problem := range r.Tasks.check(name, tasks) {
			problems = append(problems, fmt.Errorf("task %q: %w", name, problem))
		}
		task := tasks[name]
		body.Tasks[name], inputs[name] = task.Params, task.Inputs
	}
	if _, exports := r.Tasks.uses(OperationExportURL); r.Redirect && !exports {
		problems = append(problems, fmt.Errorf("a redirect needs a task of the operation %s", OperationExportURL))
	}
	if cycle := params.Cycle(inputs); cycle != nil {
		problems = append(problems, fmt.Errorf("tasks wait for each other: %s", strings.Join(cycle, " → ")))
	}
	for _, err := range []error{strictjson.Check("tag", r.Tag, nil), strictjson.Check("webhook_url", r.WebhookURL, nil)} {
		if err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return jobBody{}, invalid(problems...)
	}
	return body, nil
}

// check returns what is wrong with one task.
func (t Tasks) check(name string, encoded map[string]params.Task) (problems []error) {
	if !taskName.MatchString(name) {
		problems = append(problems, errors.New("a name consists of letters, digits, - and _"))
	}
	task, ok := encoded[name]
	if !ok {
		return append(problems, errors.New("the task is nil"))
	}
	if t[name].Operation() == "" {
		problems = append(problems, errors.New("the operation is missing"))
	}
	for _, input := range task.Inputs {
		if _, ok := encoded[input]; !ok {
			problems = append(problems, fmt.Errorf("input %q is no task of the job", input))
		}
	}
	return slices.Concat(problems, task.Broken, task.Rejected)
}

// remoteBody returns the body of a job without local sources, which only [Client.Run] and
// its like can send.
func (r *JobRequest) remoteBody() (jobBody, error) {
	if r != nil {
		for _, name := range params.SortedKeys(r.Tasks) {
			if source, ok := taskOf(r.Tasks[name]).(Source); ok && source.isLocal() {
				return jobBody{}, source.localOnly()
			}
		}
	}
	return r.body(r.encodeTasks())
}

// uses returns the name of a task with the given operation, if there is one.
func (t Tasks) uses(operation Operation) (string, bool) {
	for _, name := range params.SortedKeys(t) {
		if taskOf(t[name]) != nil && t[name].Operation() == operation {
			return name, true
		}
	}
	return "", false
}

// UnmarshalJSON reads a job as the Job Builder of the service and other clients
// write it, see [Tasks.UnmarshalJSON].
func (r *JobRequest) UnmarshalJSON(data []byte) error {
	members, err := strictjson.Members(data)
	if err != nil {
		return invalid(fmt.Errorf("the job %w", err))
	}
	var request JobRequest
	var problems []error
	for _, name := range params.SortedKeys(members) {
		var err error
		switch name {
		case "tasks":
			request.Tasks, err = decodeTasks(members[name])
		case "tag":
			err = params.Set(&request.Tag, name, members[name])
		case "webhook_url":
			err = params.Set(&request.WebhookURL, name, members[name])
		case "redirect":
			err = params.Set(&request.Redirect, name, members[name])
		default:
			err = fmt.Errorf("field %q of the job is unknown", name)
		}
		if err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return invalid(problems...)
	}
	*r = request
	return nil
}

// UnmarshalJSON reads each task into the struct of its operation, and tasks of
// operations without a struct into a [RawTask].
//
// Numbers and booleans may also be strings, and a list of one string may be that
// string. What a field does not hold goes into Options and is encoded from there: unknown
// parameters, null, and values that a field does not send, such as false. There, a
// number is a float64, or a [json.Number] if a float64 would be written differently.
// A key that occurs twice, a value of the wrong type and a missing operation are
// errors, which match [ErrInvalid].
func (t *Tasks) UnmarshalJSON(data []byte) error {
	tasks, err := decodeTasks(data)
	if err != nil {
		return invalid(err)
	}
	*t = tasks
	return nil
}

func decodeTasks(data []byte) (Tasks, error) {
	if strictjson.KindOf(data) == strictjson.Null {
		return nil, nil //nolint:nilnil // as encoding/json decodes null into a map
	}
	members, err := strictjson.Members(data)
	if err != nil {
		return nil, fmt.Errorf("field %q %w", "tasks", err)
	}
	tasks := make(Tasks, len(members))
	var problems []error
	for _, name := range params.SortedKeys(members) {
		if tasks[name], err = decodeTask(members[name], nil); err != nil {
			problems = append(problems, fmt.Errorf("task %q: %w", name, err))
		}
	}
	return tasks, errors.Join(problems...)
}
