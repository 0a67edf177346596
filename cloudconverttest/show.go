package cloudconverttest

import (
	"maps"
	"slices"
)

const userID = 1

// wireJob returns the current state of a job.
func (s *Server) wireJob(j *job, tasks bool) wireJob {
	w := wireJob{
		ID: j.id, Tag: j.tag, Status: j.status, CreatedAt: timestamp(j.created),
		StartedAt: timestampOrNull(j.started), EndedAt: timestampOrNull(j.ended),
		Links: wireSelf{s.URL + "/jobs/" + j.id},
	}
	if tasks {
		w.Tasks = s.wireTasks(j.tasks)
		if !j.ended.IsZero() {
			slices.Reverse(w.Tasks) // clients must not rely on the order
		}
	}
	return w
}

func (s *Server) wireTasks(tasks []*task) []wireTask {
	out := make([]wireTask, len(tasks))
	for i, t := range tasks {
		out[i] = s.wireTask(t, nil)
	}
	return out
}

// wireTask returns the current state of a task, with the parts in include.
func (s *Server) wireTask(t *task, include map[string]bool) wireTask {
	w := wireTask{
		ID: t.id, Name: t.name, Status: t.status, Credits: t.credits, Code: orNull(t.code), Message: orNull(t.message),
		Percent: t.percent, Operation: t.operation, Result: s.wireResult(t), CreatedAt: timestamp(t.created),
		StartedAt: timestampOrNull(t.started), EndedAt: timestampOrNull(t.ended),
		RetryOfTaskID: orNull(t.retryOf), CopyOfTaskID: orNull(t.retryOf), UserID: userID, Priority: 10,
		Region: "eu-central", DependsOnTaskIDs: []string{}, Links: wireSelf{s.URL + "/tasks/" + t.id},
		Storage: new("local"),
	}
	if t.job != nil {
		w.JobID = &t.job.id
	}
	if !t.started.IsZero() {
		w.HostName = new("local")
	}
	if operations[t.operation].family == processing {
		w.Engine = &wireEngine{Engine: orNull(t.engine), EngineVersion: orNull(t.engineVersion)}
	}
	for _, need := range t.needs {
		w.DependsOnTaskIDs = append(w.DependsOnTaskIDs, need.id)
	}
	s.includes(&w, t, include)
	return w
}

func (s *Server) includes(w *wireTask, t *task, include map[string]bool) {
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
	p := maps.Clone(t.request.params)
	p["operation"] = t.operation
	if len(t.request.inputs) > 0 {
		p["input"] = t.request.inputs
	}
	if t.request.ignoreError {
		p["ignore_error"] = true
	}
	return p
}

func (s *Server) wireResult(t *task) *wireResult {
	switch {
	case t.form != nil && t.status == waiting:
		return &wireResult{Form: s.wireForm(t)}
	case t.status != finished && len(t.files) == 0:
		return nil
	}
	r := &wireResult{Metadata: t.metadata, Output: t.output}
	if t.metadata != nil && len(t.files) == 0 {
		return r
	}
	r.Files = make([]wireFile, len(t.files))
	for i, f := range t.files {
		r.Files[i] = s.wireFile(t, f)
	}
	return r
}

func (s *Server) wireFile(t *task, f *file) wireFile {
	w := wireFile{Filename: f.name, Dir: f.dir, Size: &f.size}
	if s.cfg.sandbox && operations[t.operation].family == importing {
		w.Size, w.MD5 = nil, f.md5
	}
	if f.object != "" {
		w.URL = s.fileURL(f)
	}
	return w
}
