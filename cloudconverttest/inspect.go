package cloudconverttest

import (
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/record"
)

// Job is a snapshot of a job.
type Job struct {
	ID         string
	Tag        string
	WebhookURL string
	Status     string // waiting, processing, finished or error
	Created    time.Time
	Ended      time.Time // zero until then
	Tasks      []Task    // in the order of the request
}

// Task is a snapshot of a task.
type Task struct {
	ID        string
	Name      string // empty for a task without a job
	Operation string
	Status    string // waiting, processing, finished or error
	Code      string // of a failed task; may be empty
	Message   string
	Inputs    []string       // as in the request
	Params    map[string]any // as in the request, with credentials redacted
	Files     []File
	Metadata  map[string]any
	Ended     time.Time // zero until then
}

// File is a file of a finished task.
type File struct {
	Name string
	Dir  string
	Size int64
	MD5  string
	URL  string // of exported files
	Path string // on disk, while the task exists
}

// Jobs returns all jobs that were not deleted, in the order of their creation.
func (s *Server) Jobs() []Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	jobs := make([]Job, 0, s.jobs.order.Len())
	for j := range s.jobs.oldestFirst() {
		shown := Job{ID: j.id, WebhookURL: j.webhookURL, Status: j.status, Created: j.created, Ended: j.ended}
		if j.tag != nil {
			shown.Tag = *j.tag
		}
		for _, t := range j.tasks {
			shown.Tasks = append(shown.Tasks, s.inspect(t))
		}
		jobs = append(jobs, shown)
	}
	return jobs
}

// Tasks returns all tasks that were not deleted, with and without a job, in the order of
// their creation.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	tasks := make([]Task, 0, s.tasks.order.Len())
	for t := range s.tasks.oldestFirst() {
		tasks = append(tasks, s.inspect(t))
	}
	return tasks
}

func (s *Server) inspect(t *task) Task {
	shown := Task{
		ID: t.id, Name: t.name, Operation: t.operation, Status: t.status, Code: t.code, Message: t.message,
		Inputs: slices.Clone(t.request.Inputs), Params: record.Parameters(t.request.Params), Metadata: t.metadata, Ended: t.ended,
	}
	for _, f := range t.files {
		file := File{Name: f.Name, Dir: f.Dir, Size: f.Size, MD5: f.MD5, URL: s.storage.URL(f)}
		if f.Blob != nil {
			file.Path = f.Blob.Path
		}
		shown.Files = append(shown.Files, file)
	}
	return shown
}

// BytesStored returns the size of all files that the server keeps. Each content counts
// once.
func (s *Server) BytesStored() int64 { return s.storage.Stored() }
