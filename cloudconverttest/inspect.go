package cloudconverttest

import (
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
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
	Engine    string // empty if unknown
	Status    string // waiting, processing, finished or error
	Code      string // of a failed task; may be empty
	Message   string
	Inputs    []string       // as in the request
	Params    map[string]any // as in the request, without credentials and the content of a file
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
	var all []Job
	s.jobs.View(func() {
		n, _ := s.jobs.Count()
		all = make([]Job, 0, n)
		for j := range s.jobs.OldestFirst() {
			shown := Job{ID: j.ID, WebhookURL: record.URL(j.WebhookURL), Status: j.Status, Created: j.Created, Ended: j.Ended}
			if j.Tag != nil {
				shown.Tag = *j.Tag
			}
			for _, t := range j.Tasks {
				shown.Tasks = append(shown.Tasks, s.inspect(t))
			}
			all = append(all, shown)
		}
	})
	return all
}

// Tasks returns all tasks that were not deleted, with and without a job, in the order of
// their creation.
func (s *Server) Tasks() []Task {
	var all []Task
	s.jobs.View(func() {
		_, n := s.jobs.Count()
		all = make([]Task, 0, n)
		for t := range s.jobs.TasksOldestFirst() {
			all = append(all, s.inspect(t))
		}
	})
	return all
}

func (s *Server) inspect(t *jobs.Task) Task {
	shown := Task{
		ID: t.ID, Name: t.Name, Operation: t.Operation, Engine: t.Engine, Status: t.Status, Code: t.Code, Message: t.Message,
		Inputs: slices.Clone(t.Request.Inputs), Params: record.Parameters(t.Request.Params), Metadata: t.Metadata, Ended: t.Ended,
	}
	for _, f := range t.Files {
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
