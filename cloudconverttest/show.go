package cloudconverttest

import (
	"maps"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

const userID = 1

// wire.Job returns the current state of a job.
func (s *Server) wireJob(j *job, tasks bool) wire.Job {
	w := wire.Job{
		ID: j.id, Tag: j.tag, Status: j.status, CreatedAt: clock.Timestamp(j.created),
		StartedAt: clock.TimestampOrNull(j.started), EndedAt: clock.TimestampOrNull(j.ended),
		Links: wire.Self{Self: s.URL + "/jobs/" + j.id},
	}
	if tasks {
		w.Tasks = s.wireTasks(j.tasks)
		if !j.ended.IsZero() {
			slices.Reverse(w.Tasks) // clients must not rely on the order
		}
	}
	return w
}

func (s *Server) wireTasks(tasks []*task) []wire.Task {
	out := make([]wire.Task, len(tasks))
	for i, t := range tasks {
		out[i] = s.wireTask(t, nil)
	}
	return out
}

// wire.Task returns the current state of a task, with the parts in include.
func (s *Server) wireTask(t *task, include map[string]bool) wire.Task {
	w := wire.Task{
		ID: t.id, Name: t.name, Status: t.status, Credits: t.credits, Code: wire.OrNull(t.code), Message: wire.OrNull(t.message),
		Percent: t.percent, Operation: t.operation, Result: s.wireResult(t), CreatedAt: clock.Timestamp(t.created),
		StartedAt: clock.TimestampOrNull(t.started), EndedAt: clock.TimestampOrNull(t.ended),
		RetryOfTaskID: wire.OrNull(t.retryOf), CopyOfTaskID: wire.OrNull(t.retryOf), UserID: userID, Priority: 10,
		Region: "eu-central", DependsOnTaskIDs: []string{}, Links: wire.Self{Self: s.URL + "/tasks/" + t.id},
		Storage: new("local"),
	}
	if t.job != nil {
		w.JobID = &t.job.id
	}
	if !t.started.IsZero() {
		w.HostName = new("local")
	}
	if catalog.Operations[t.operation].Family == catalog.Processing {
		w.Engine = &wire.Engine{Engine: wire.OrNull(t.engine), EngineVersion: wire.OrNull(t.engineVersion)}
	}
	for _, need := range t.needs {
		w.DependsOnTaskIDs = append(w.DependsOnTaskIDs, need.id)
	}
	s.includes(&w, t, include)
	return w
}

func (s *Server) includes(w *wire.Task, t *task, include map[string]bool) {
	if include["payload"] {
		w.Payload = t.payload()
	}
	if include["retries"] {
		w.Retries = s.wireTasks(t.retries)
	}
	if include["depends_on_tasks"] {
		w.DependsOnTasks = s.wireTasks(t.needs)
	}
	if include["job"] && t.job != nil {
		w.Job = new(s.wireJob(t.job, false))
	}
}

// payload returns the request of the task, with its input as an array.
func (t *task) payload() map[string]any {
	p := maps.Clone(t.request.Params)
	p["operation"] = t.operation
	if len(t.request.Inputs) > 0 {
		p["input"] = t.request.Inputs
	}
	if t.request.IgnoreError {
		p["ignore_error"] = true
	}
	return p
}

func (s *Server) wireResult(t *task) *wire.Result {
	switch {
	case t.form != nil && t.status == waiting:
		return &wire.Result{Form: &t.form.Form.Form}
	case t.status != finished && len(t.files) == 0:
		return nil
	}
	r := &wire.Result{Metadata: t.metadata, Output: t.output}
	if t.metadata != nil && len(t.files) == 0 {
		return r
	}
	r.Files = make([]wire.File, len(t.files))
	for i, f := range t.files {
		r.Files[i] = s.wireFile(t, f)
	}
	return r
}

func (s *Server) wireFile(t *task, f *storage.File) wire.File {
	w := wire.File{Filename: f.Name, Dir: f.Dir, Size: &f.Size, URL: s.storage.URL(f)}
	if s.cfg.sandbox && catalog.Operations[t.operation].Family == catalog.Importing {
		w.Size, w.MD5 = nil, f.MD5
	}
	return w
}
