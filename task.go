package cloudconvert

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// Status is the state of a job or task. The set is open: unknown states are kept as
// they are, and count as not ended.
type Status string

// The states of jobs and tasks.
const (
	StatusWaiting    Status = "waiting"    // for its input, its file, or to be started
	StatusQueued     Status = "queued"     // seen on tasks inside of jobs
	StatusProcessing Status = "processing" // running
	StatusFinished   Status = "finished"   // ended without an error
	StatusError      Status = "error"      // failed or was cancelled
)

// Terminal reports whether a job or task with this status has ended.
func (s Status) Terminal() bool { return s == StatusFinished || s == StatusError }

// Task is a task of the service. A field that the response leaves out, or sets to null,
// is zero. Tasks and jobs within a task are decoded ten levels deep, which is much
// deeper than in any known response.
type Task struct { //nolint:recvcheck // values are printed, and pointers decoded into
	ID        string    `json:"id"`
	Name      string    `json:"name,omitzero"`   // within its job
	JobID     string    `json:"job_id,omitzero"` // empty for a task outside of jobs
	Operation Operation `json:"operation"`
	Status    Status    `json:"status"`
	// Percent is the progress from 0 to 100. It does not show the end: waiting tasks
	// have been seen with 100.
	Percent int `json:"percent"`
	// Code and Message are why a task failed. A failed task may have no code, and a
	// finished task may have a message.
	Code    Code   `json:"code,omitzero"`
	Message string `json:"message,omitzero"`
	// Credits is the cost of the task. It is 0 until the task has ended.
	Credits       int    `json:"credits,omitzero"`
	Engine        string `json:"engine,omitzero"`
	EngineVersion string `json:"engine_version,omitzero"`
	// Result is the output of the task. It is empty until the task has ended, except
	// for the form of an upload task.
	Result    TaskResult `json:"result,omitzero"`
	CreatedAt time.Time  `json:"created_at,omitzero"`
	StartedAt time.Time  `json:"started_at,omitzero"`
	EndedAt   time.Time  `json:"ended_at,omitzero"`
	// DependsOnTaskIDs are the ids of the tasks whose files this task takes.
	DependsOnTaskIDs []string `json:"depends_on_task_ids,omitzero"`
	// DependsOnTasks are the same tasks, if [IncludeDependsOnTasks] was set. In
	// responses of older versions of the API they have only names and ids.
	DependsOnTasks []Task `json:"depends_on_tasks,omitzero"`
	// RetryOfTaskID is the id of the task that this one retries.
	RetryOfTaskID string `json:"retry_of_task_id,omitzero"`
	CopyOfTaskID  string `json:"copy_of_task_id,omitzero"`
	// Retries are the tasks that retry this one, if [IncludeRetries] was set.
	Retries []Task `json:"retries,omitzero"`
	// Payload has the parameters that the task was created with, if [IncludePayload]
	// was set. It may contain credentials.
	Payload json.RawMessage `json:"payload,omitzero"`
	// Job is the job of the task, if [IncludeJob] was set.
	Job      *Job   `json:"job,omitzero"`
	UserID   string `json:"user_id,omitzero"`
	Priority int    `json:"priority,omitzero"`
	HostName string `json:"host_name,omitzero"`
	Storage  string `json:"storage,omitzero"`
	Region   Region `json:"region,omitzero"`
	Links    Links  `json:"links,omitzero"`
}

// Links are the URLs of an object in the API.
type Links struct {
	Self string `json:"self,omitzero"`
}

// TaskResult is the output of a task.
type TaskResult struct {
	// Files are the output files. Only those of export/url tasks have a URL.
	Files []File `json:"files,omitzero"`
	// Form is the form by which the file of an upload task is uploaded.
	Form *UploadForm `json:"form,omitzero"`
	// Metadata is the result of a metadata task, under the names that ExifTool uses.
	Metadata map[string]any `json:"metadata,omitzero"`
	// Output is the console output of a command task.
	Output string `json:"output,omitzero"`
	// Raw is the result as it was sent, for operations that this package does not know.
	Raw json.RawMessage `json:"-"`
}

// File is an output file of a task. [Client.Open], [Client.Download] and [Client.Save]
// download it.
//
// Package fmt prints a file without its URL, except for a file in an unexported field
// of a struct, whose Format method it cannot call. Keep a *File in such a field: %v and
// %+v print it as a hexadecimal address, but %s and %q print all of it.
type File struct {
	// Filename is the name that the service gave the file. It is untrusted: do not use
	// it as a path. [Client.Save] makes it safe.
	Filename string `json:"filename"`
	// Dir is the directory of the file within an unpacked archive.
	Dir string `json:"dir,omitzero"`
	// Size is the size in bytes, or 0 if it is unknown.
	Size int64 `json:"size,omitzero"`
	// URL is where the file can be downloaded for 24 hours. It is a secret, since
	// anyone who knows it can read the file. Only files of export/url tasks have one.
	URL string `json:"url,omitzero"`
	// MD5 is the checksum in hex. Only files of imports in the sandbox have one.
	MD5 string `json:"md5,omitzero"`
	// TaskID is the id of the task that made the file. The task is read for a new URL
	// if this one has expired. The service does not send TaskID in a file: it is part
	// of the JSON so that a stored file keeps it.
	TaskID string `json:"task_id,omitzero"`
}

// UnmarshalJSON decodes a task of any version of the API. It returns an error only if
// there is no id.
func (t *Task) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	return t.decode(data, maxLevels)
}

// maxLevels is how deep tasks and jobs within each other are decoded. Each level parses
// the JSON of all levels below it: a thousand levels would take minutes.
const maxLevels = 10

// decode decodes a task with at most the given number of levels of tasks and jobs in
// it.
func (t *Task) decode(data []byte, levels int) error {
	wire := taskWires.Get().(*taskWire) //nolint:errcheck,forcetypeassert // the pool has only these
	defer taskWires.Put(wire)
	*wire = taskWire{
		DependsOnTasks: dependencies{levels: levels},
		Retries:        taskList{levels: levels},
		Job:            nestedJob{levels: levels},
	}
	lenient.Fields(data, wire)
	if wire.ID == "" {
		return errNoTaskID
	}
	*t = wire.task()
	return nil
}

// taskWires are reused, since a taskWire is larger than a task.
var taskWires = sync.Pool{New: func() any { return new(taskWire) }}

var errNoTaskID = errors.New("a task has no id")

// taskWire is a task as it is sent. No field has a guaranteed shape.
type taskWire struct {
	ID               lenient.String             `json:"id"`
	Name             lenient.String             `json:"name"`
	JobID            lenient.String             `json:"job_id"`
	Operation        lenient.String             `json:"operation"`
	Status           lenient.String             `json:"status"`
	Percent          lenient.Int                `json:"percent"`
	Code             lenient.String             `json:"code"`
	Message          lenient.String             `json:"message"`
	Credits          lenient.Int                `json:"credits"`
	Engine           lenient.String             `json:"engine"`
	EngineVersion    lenient.String             `json:"engine_version"`
	Result           lenient.Object[TaskResult] `json:"result"`
	CreatedAt        lenient.Time               `json:"created_at"`
	StartedAt        lenient.Time               `json:"started_at"`
	EndedAt          lenient.Time               `json:"ended_at"`
	DependsOnTaskIDs lenient.Strings            `json:"depends_on_task_ids"`
	DependsOnTasks   dependencies               `json:"depends_on_tasks"`
	RetryOfTaskID    lenient.String             `json:"retry_of_task_id"`
	CopyOfTaskID     lenient.String             `json:"copy_of_task_id"`
	Retries          taskList                   `json:"retries"`
	Payload          json.RawMessage            `json:"payload"`
	Job              nestedJob                  `json:"job"`
	UserID           lenient.String             `json:"user_id"`
	Priority         lenient.Int                `json:"priority"`
	HostName         lenient.String             `json:"host_name"`
	Storage          lenient.String             `json:"storage"`
	Region           lenient.String             `json:"region"`
	Links            lenient.Object[linksWire]  `json:"links"`
}

func (w *taskWire) task() Task {
	for i := range w.Result.Value.Files {
		w.Result.Value.Files[i].TaskID = string(w.ID)
	}
	return Task{
		ID:               string(w.ID),
		Name:             string(w.Name),
		JobID:            string(w.JobID),
		Operation:        Operation(w.Operation),
		Status:           Status(w.Status),
		Percent:          int(w.Percent),
		Code:             Code(w.Code),
		Message:          string(w.Message),
		Credits:          int(w.Credits),
		Engine:           string(w.Engine),
		EngineVersion:    string(w.EngineVersion),
		Result:           w.Result.Value,
		CreatedAt:        w.CreatedAt.Time,
		StartedAt:        w.StartedAt.Time,
		EndedAt:          w.EndedAt.Time,
		DependsOnTaskIDs: w.DependsOnTaskIDs,
		DependsOnTasks:   w.DependsOnTasks.tasks,
		RetryOfTaskID:    string(w.RetryOfTaskID),
		CopyOfTaskID:     string(w.CopyOfTaskID),
		Retries:          w.Retries.tasks,
		Payload:          withoutNull(w.Payload),
		Job:              w.Job.job,
		UserID:           string(w.UserID),
		Priority:         int(w.Priority),
		HostName:         string(w.HostName),
		Storage:          string(w.Storage),
		Region:           Region(w.Region),
		Links:            Links{Self: string(w.Links.Value.Self)},
	}
}

type linksWire struct {
	Self lenient.String `json:"self"`
}

func withoutNull(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// taskList decodes the tasks within another object, if there are levels left. It leaves
// out entries that are not tasks.
type taskList struct {
	levels int
	tasks  []Task
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *taskList) UnmarshalJSON(data []byte) error {
	l.tasks = nil
	if l.levels == 0 {
		return nil
	}
	l.tasks = lenient.Collect(data, '[', func(entry []byte, task *Task) bool {
		return entry[0] == '{' && task.decode(entry, l.levels-1) == nil
	})
	return nil
}

// nestedJob decodes the job within a task, if there are levels left.
type nestedJob struct {
	levels int
	job    *Job
}

// UnmarshalJSON implements [json.Unmarshaler].
func (n *nestedJob) UnmarshalJSON(data []byte) error {
	n.job = nil
	if n.levels == 0 {
		return nil
	}
	if job, err := newJob(data, n.levels-1); err == nil {
		n.job = &job
	}
	return nil
}

// dependencies decodes an array of tasks or, in old responses, an object from
// names to ids.
type dependencies struct {
	levels int
	tasks  []Task
}

// minDependency is the least number of bytes of a name and an id. The Task that they
// are decoded to takes many times as much memory.
const minDependency = 24

// UnmarshalJSON implements [json.Unmarshaler].
func (d *dependencies) UnmarshalJSON(data []byte) error {
	list := taskList{levels: d.levels}
	var ids lenient.Object[map[string]lenient.String]
	err := errors.Join(list.UnmarshalJSON(data), ids.UnmarshalJSON(data))
	d.tasks = list.tasks
	maps.DeleteFunc(ids.Value, func(_ string, id lenient.String) bool { return id == "" })
	if (len(ids.Value)-1)*minDependency > len(data) {
		return err
	}
	d.tasks = slices.Grow(d.tasks, len(ids.Value))
	for _, name := range slices.Sorted(maps.Keys(ids.Value)) {
		d.tasks = append(d.tasks, Task{ID: string(ids.Value[name]), Name: name})
	}
	return err
}

// UnmarshalJSON decodes a result. It leaves out parts of an unknown shape.
func (r *TaskResult) UnmarshalJSON(data []byte) error {
	var wire struct {
		Files    fileList                       `json:"files"`
		Form     lenient.Object[*UploadForm]    `json:"form"`
		Metadata lenient.Object[map[string]any] `json:"metadata"`
		Output   lenient.String                 `json:"output"`
	}
	lenient.Fields(data, &wire)
	*r = TaskResult{
		Files:    wire.Files,
		Form:     wire.Form.Value,
		Metadata: wire.Metadata.Value,
		Output:   string(wire.Output),
		Raw:      bytes.Clone(withoutNull(data)), // the decoder reuses its buffer
	}
	return nil
}

// fileWire is a file as it is sent.
type fileWire struct {
	Filename lenient.String `json:"filename"`
	Dir      lenient.String `json:"dir"`
	Size     lenient.Int    `json:"size"`
	URL      lenient.String `json:"url"`
	MD5      lenient.String `json:"md5"`
	TaskID   lenient.String `json:"task_id"`
}

func (w *fileWire) file() File {
	return File{
		Filename: string(w.Filename),
		Dir:      string(w.Dir),
		Size:     max(int64(w.Size), 0),
		URL:      string(w.URL),
		MD5:      string(w.MD5),
		TaskID:   string(w.TaskID),
	}
}

// fileList leaves out entries that are not files.
type fileList []File

// UnmarshalJSON implements [json.Unmarshaler].
func (l *fileList) UnmarshalJSON(data []byte) error {
	*l = lenient.Collect(data, '[', func(entry []byte, file *File) bool {
		var wire fileWire
		lenient.Fields(entry, &wire)
		*file = wire.file()
		return wire != (fileWire{TaskID: wire.TaskID})
	})
	return nil
}

// UnmarshalJSON decodes a file. It accepts fields of any shape.
func (f *File) UnmarshalJSON(data []byte) error {
	var wire fileWire
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	file := wire.file()
	file.TaskID = cmp.Or(file.TaskID, f.TaskID)
	*f = file
	return nil
}
