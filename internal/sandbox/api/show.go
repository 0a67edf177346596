package api

import (
	"maps"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// UserID is the id of the account.
const UserID = 1

// Job returns the current state of a job.
func (a *API) Job(j *jobs.Job, tasks bool) wire.Job {
	w := wire.Job{
		ID: j.ID, Tag: j.Tag, Status: j.Status, CreatedAt: clock.Timestamp(j.Created),
		StartedAt: clock.TimestampOrNull(j.Started), EndedAt: clock.TimestampOrNull(j.Ended),
		Links: wire.Self{Self: a.url + "/jobs/" + j.ID},
	}
	if tasks {
		w.Tasks = a.wireTasks(j.Tasks)
		if !j.Ended.IsZero() {
			slices.Reverse(w.Tasks) // clients must not rely on the order
		}
	}
	return w
}

func (a *API) wireTasks(tasks []*jobs.Task) []wire.Task {
	out := make([]wire.Task, len(tasks))
	for i, t := range tasks {
		out[i] = a.Task(t, nil)
	}
	return out
}

// Task returns the current state of a task, with the parts in include.
func (a *API) Task(t *jobs.Task, include map[string]bool) wire.Task {
	w := wire.Task{
		ID: t.ID, Name: t.Name, Status: t.Status, Credits: t.Credits, Code: wire.OrNull(t.Code), Message: wire.OrNull(t.Message),
		Percent: t.Percent, Operation: t.Operation, Result: a.wireResult(t), CreatedAt: clock.Timestamp(t.Created),
		StartedAt: clock.TimestampOrNull(t.Started), EndedAt: clock.TimestampOrNull(t.Ended),
		RetryOfTaskID: wire.OrNull(t.RetryOf), CopyOfTaskID: wire.OrNull(t.RetryOf), UserID: UserID, Priority: 10,
		Region: "eu-central", DependsOnTaskIDs: []string{}, Links: wire.Self{Self: a.url + "/tasks/" + t.ID},
		Storage: new("local"),
	}
	if t.Job != nil {
		w.JobID = &t.Job.ID
	}
	if !t.Started.IsZero() {
		w.HostName = new("local")
	}
	if catalog.Operations[t.Operation].Family == catalog.Processing {
		w.Engine = &wire.Engine{Engine: wire.OrNull(t.Engine), EngineVersion: wire.OrNull(t.EngineVersion)}
	}
	for _, need := range t.Needs {
		w.DependsOnTaskIDs = append(w.DependsOnTaskIDs, need.ID)
	}
	a.includes(&w, t, include)
	return w
}

func (a *API) includes(w *wire.Task, t *jobs.Task, include map[string]bool) {
	if include["payload"] {
		w.Payload = payload(t)
	}
	if include["retries"] {
		w.Retries = a.wireTasks(t.Retries)
	}
	if include["depends_on_tasks"] {
		w.DependsOnTasks = a.wireTasks(t.Needs)
	}
	if include["job"] && t.Job != nil {
		w.Job = new(a.Job(t.Job, false))
	}
}

// payload returns the request of the task, with its input as an array.
func payload(t *jobs.Task) map[string]any {
	p := maps.Clone(t.Request.Params)
	p["operation"] = t.Operation
	if len(t.Request.Inputs) > 0 {
		p["input"] = t.Request.Inputs
	}
	if t.Request.IgnoreError {
		p["ignore_error"] = true
	}
	return p
}

func (a *API) wireResult(t *jobs.Task) *wire.Result {
	if form := t.Form(); form != nil {
		return &wire.Result{Form: form}
	}
	if t.Status != jobs.Finished && len(t.Files) == 0 {
		return nil
	}
	r := &wire.Result{Metadata: t.Metadata, Output: t.Output}
	if t.Metadata != nil && len(t.Files) == 0 {
		return r
	}
	r.Files = make([]wire.File, len(t.Files))
	for i, f := range t.Files {
		r.Files[i] = a.wireFile(t, f)
	}
	return r
}

func (a *API) wireFile(t *jobs.Task, f *storage.File) wire.File {
	w := wire.File{Filename: f.Name, Dir: f.Dir, Size: &f.Size, URL: a.cfg.Storage.URL(f)}
	if a.cfg.Sandbox && catalog.Operations[t.Operation].Family == catalog.Importing {
		w.Size, w.MD5 = nil, f.MD5
	}
	return w
}
