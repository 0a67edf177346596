package jobs

import (
	"context"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// The statuses of jobs and tasks.
const (
	Waiting    = "waiting"
	Processing = "processing"
	Finished   = "finished"
	Failed     = "error"
)

// Job is a job. Its fields may be read in [Jobs.View], and the id and Done at any time.
type Job struct {
	ID         string
	Tag        *string
	WebhookURL string
	Status     string
	Created    time.Time
	Started    time.Time
	Ended      time.Time
	Tasks      []*Task       // in the order of creation
	Done       chan struct{} // closed when the job has ended or is deleted
	Deleted    bool

	copies []*Task // retried tasks
	open   int     // tasks that have not ended
	failed bool
}

// Task is a task. Its fields may be read in [Jobs.View], and those up to Done at any
// time.
type Task struct {
	ID        string
	Name      string
	Operation string
	Job       *Job          // nil for a task on its own
	Request   request.Task  // without the content of an inline import
	Done      chan struct{} // closed when the task has ended

	Needs         []*Task // all tasks it depends on
	Status        string
	Code          string
	Message       string
	Percent       int
	Engine        string
	EngineVersion string
	Credits       *int
	Created       time.Time
	Started       time.Time
	Ended         time.Time
	RetryOf       string
	Retries       []*Task
	Files         []*storage.File
	Metadata      map[string]any
	Output        *string
	Deleted       bool

	inputs     []*Task // whose files it uses
	dependents []*Task
	pending    int  // needs that have not ended
	doomed     bool // a task in needs has failed
	upload     *upload
	inline     *inline
	stop       context.CancelFunc
}

// upload is the form of an upload task, and the file that was uploaded with it.
type upload struct {
	form     *storage.Form // nil after the end of the task
	used     bool          // a file was stored
	filename string
	blob     *storage.Blob
}

// Form returns the form of an upload task that waits for its file, or nil.
func (t *Task) Form() *wire.Form {
	if t.upload == nil || t.upload.form == nil || t.Status != Waiting {
		return nil
	}
	return &t.upload.form.Form
}

func (t *Task) terminal() bool { return !t.Ended.IsZero() }
