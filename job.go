package cloudconvert

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// Job is a job of the service. A field that the response leaves out, or sets to
// null, is zero.
//
// Package fmt prints a job without the URLs in it, except for a job in an unexported
// field of a struct, whose Format method it cannot call. Keep a *Job in such a field:
// %v and %+v print it as a hexadecimal address, but %s and %q print all of it.
type Job struct { //nolint:recvcheck // values can be printed too
	ID     string `json:"id"`
	Tag    string `json:"tag,omitzero"`
	Status Status `json:"status"`
	// Tasks are the tasks of the job in no particular order, see [Job.Task]. Lists of
	// jobs include them only if [IncludeTasks] is set.
	Tasks     []Task    `json:"tasks,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Links     Links     `json:"links,omitzero"`
}

// Task returns the task with a name.
func (j *Job) Task(name string) (Task, bool) {
	i := slices.IndexFunc(j.Tasks, func(t Task) bool { return t.Name == name })
	if i < 0 {
		return Task{}, false
	}
	return j.Tasks[i], true
}

// Files returns the files of all finished export/url tasks, ordered by the names of the
// tasks. Their URLs are secrets, see [File.LogValue].
func (j *Job) Files() []File {
	var files []File
	for _, task := range sortedByName(j.Tasks) {
		if task.Operation == OperationExportURL && task.Status == StatusFinished {
			files = append(files, task.Result.Files...)
		}
	}
	return files
}

// Credits returns the credits that the job has cost so far: the sum of those of its
// tasks.
func (j *Job) Credits() int {
	sum := 0
	for _, task := range j.Tasks {
		sum += task.Credits
	}
	return sum
}

// UnmarshalJSON decodes a job of any version of the API. It returns an error only if
// there is no id.
func (j *Job) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		return nil
	}
	job, err := newJob(data, maxLevels)
	if err != nil {
		return err
	}
	*j = job
	return nil
}

// newJob decodes a job with at most the given number of levels of tasks and jobs in it.
func newJob(data []byte, levels int) (Job, error) {
	wire := jobWire{Tasks: taskList{levels: levels}}
	lenient.Fields(data, &wire)
	return wire.job()
}

// jobWire is a job as it is sent. No field has a guaranteed shape.
type jobWire struct {
	ID        lenient.String            `json:"id"`
	Tag       lenient.String            `json:"tag"`
	Status    lenient.String            `json:"status"`
	Tasks     taskList                  `json:"tasks"`
	CreatedAt lenient.Time              `json:"created_at"`
	StartedAt lenient.Time              `json:"started_at"`
	EndedAt   lenient.Time              `json:"ended_at"`
	Links     lenient.Object[linksWire] `json:"links"`
}

func (w *jobWire) job() (Job, error) {
	if w.ID == "" {
		return Job{}, errors.New("a job has no id")
	}
	return Job{
		ID:        string(w.ID),
		Tag:       string(w.Tag),
		Status:    Status(w.Status),
		Tasks:     w.Tasks.tasks,
		CreatedAt: w.CreatedAt.Time,
		StartedAt: w.StartedAt.Time,
		EndedAt:   w.EndedAt.Time,
		Links:     Links{Self: string(w.Links.Value.Self)},
	}, nil
}

// sortedByName returns tasks in an order that does not differ between responses.
func sortedByName(tasks []Task) []Task {
	return slices.SortedStableFunc(slices.Values(tasks), compareTasks)
}

// compareTasks orders tasks by name, and tasks without a name by id.
func compareTasks(a, b Task) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}
