package cloudconvert

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// Job is a job as the service describes it. A field that the answer leaves
// out, or gives as null, is zero. Printing a job does not show the URLs in it, except
// from an unexported field of a struct, where package fmt cannot ask it: keep a *Job
// there, of which %v and %+v print the address. %s and %q print all of it.
type Job struct { //nolint:recvcheck // what prints it is for values too
	ID     string `json:"id"`
	Tag    string `json:"tag,omitzero"`
	Status Status `json:"status"`
	// Tasks are the tasks of the job, in no particular order, see [Job.Task].
	// Lists of jobs leave them out unless asked for.
	Tasks     []Task    `json:"tasks,omitzero"`
	CreatedAt time.Time `json:"created_at,omitzero"`
	StartedAt time.Time `json:"started_at,omitzero"`
	EndedAt   time.Time `json:"ended_at,omitzero"`
	Links     Links     `json:"links,omitzero"`
}

// Task returns the task of the given name.
func (j *Job) Task(name string) (Task, bool) {
	i := slices.IndexFunc(j.Tasks, func(t Task) bool { return t.Name == name })
	if i < 0 {
		return Task{}, false
	}
	return j.Tasks[i], true
}

// Files returns the files of all finished export/url tasks, ordered by the
// names of the tasks. Their addresses are secrets, see [File.LogValue].
func (j *Job) Files() []File {
	var files []File
	for _, task := range sortedByName(j.Tasks) {
		if task.Operation == OperationExportURL && task.Status == StatusFinished {
			files = append(files, task.Result.Files...)
		}
	}
	return files
}

// Credits returns what the job has cost so far: the sum of its tasks.
func (j *Job) Credits() int {
	sum := 0
	for _, task := range j.Tasks {
		sum += task.Credits
	}
	return sum
}

// UnmarshalJSON reads a job of any generation of the API. Only an answer that
// is no job at all is an error.
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

// newJob reads a job, with as many levels of tasks and jobs in it.
func newJob(data []byte, levels int) (Job, error) {
	wire := jobWire{Tasks: taskList{levels: levels}}
	lenient.Fields(data, &wire)
	return wire.job()
}

// jobWire is a job on the wire, where no field can be relied on.
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

// sortedByName returns tasks in an order that does not change between answers.
func sortedByName(tasks []Task) []Task {
	return slices.SortedStableFunc(slices.Values(tasks), compareTasks)
}

// compareTasks orders tasks by name, and those without one by id.
func compareTasks(a, b Task) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}
