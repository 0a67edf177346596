package jobs

import (
	"context"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// Codes and messages of failed tasks.
const (
	CodeInputFailed     = "INPUT_TASK_FAILED"
	MessageInputFailed  = "Input task has failed"
	CodeUnsupported     = "INVALID_CONVERSION_TYPE"
	MessageUnsupported  = "This conversion type is not supported"
	CodeFilename        = "INVALID_FILENAME"
	CodeDownload        = "DOWNLOAD_FAILED"
	CodeUpload          = "UPLOAD_FAILED"
	codeCancelled       = "CANCELLED"
	messageCancelled    = "Task has been cancelled"
	CodeOpen            = "OPEN_FAILED"
	codeTimeout         = "TIMEOUT"
	codeNotWhitelisted  = "SANDBOX_FILE_NOT_ALLOWED"
	messageAwaitsUpload = "Waiting for file upload"
)

// The events of tasks.
const (
	taskCreated = "task.created"
	taskUpdated = "task.updated"
)

// endEvent returns the event of a task that has ended.
func endEvent(t *Task) string {
	if t.Status == Finished {
		return "task.finished"
	}
	return "task.failed"
}

// addJob adds a job without starting it.
func (s *Jobs) addJob(req *request.Job, contents []*inline) *Job {
	j := &Job{
		ID: random.ID(), Tag: req.Tag, WebhookURL: req.WebhookURL, Status: Waiting, Created: s.cfg.Clock.Now(),
		Done: make(chan struct{}), open: len(req.Tasks),
	}
	byName := map[string]*Task{}
	for i, r := range req.Tasks {
		t := s.addTask(r, j, contents[i])
		byName[r.Name] = t
		j.Tasks = append(j.Tasks, t)
	}
	for _, t := range j.Tasks {
		link(t, func(name string) *Task { return byName[name] })
	}
	s.jobs.add(j.ID, j)
	if j.Tag != nil {
		if s.tagged[*j.Tag] == nil {
			s.tagged[*j.Tag] = &table[*Job]{}
		}
		s.tagged[*j.Tag].add(j.ID, j)
	}
	return j
}

func (s *Jobs) addTask(r request.Task, j *Job, content *inline) *Task {
	t := &Task{
		ID: random.ID(), Name: r.Name, Operation: r.Operation, Job: j, Request: r, Status: Waiting, Percent: 100,
		Created: s.cfg.Clock.Now(), Done: make(chan struct{}), inline: content,
	}
	if catalog.Operations[r.Operation].Family == catalog.Processing {
		t.Engine, _ = request.Text(r.Params["engine"])
		t.EngineVersion, _ = request.Text(r.Params["engine_version"])
	}
	if r.Operation == catalog.ImportUpload {
		redirect, _ := request.Text(r.Params["redirect"])
		t.Message, t.upload = messageAwaitsUpload, &upload{form: s.cfg.Storage.NewForm(t.ID, redirect)}
		s.forms.add(t.ID, t)
	}
	s.tasks.add(t.ID, t)
	return t
}

// link connects a task with those it needs, and ignores unknown names.
func link(t *Task, find func(name string) *Task) {
	t.inputs = tasksOf(t.Request.Inputs, find)
	t.Needs = tasksOf(t.Request.Dependencies(), find)
	for _, need := range t.Needs {
		t.await(need)
	}
}

// tasksOf returns the tasks with the given names, each once.
func tasksOf(names []string, find func(name string) *Task) []*Task {
	var found []*Task
	seen := map[*Task]bool{}
	for _, name := range names {
		if t := find(name); t != nil && !seen[t] {
			seen[t] = true
			found = append(found, t)
		}
	}
	return found
}

func (t *Task) await(need *Task) {
	if !need.terminal() {
		need.dependents = append(need.dependents, t)
		t.pending++
		return
	}
	t.doomed = t.doomed || need.blocks()
}

// blocks reports whether tasks that need t cannot run.
func (t *Task) blocks() bool { return t.Status == Failed && !t.Request.IgnoreError }

// launch starts the tasks that need no other task.
func (s *Jobs) launch(tasks ...*Task) {
	for _, t := range tasks {
		if t.pending == 0 && !t.terminal() {
			s.ready(t)
		}
	}
}

// ready starts a task when all tasks that it needs have ended. An upload task waits for
// its file.
func (s *Jobs) ready(t *Task) {
	switch {
	case t.doomed:
		s.fail(t, CodeInputFailed, MessageInputFailed)
	case t.upload == nil:
		s.cfg.Go(func(ctx context.Context) { s.work(ctx, t) })
	}
}

// Receive adds an uploaded file to its task, unless that has a file or is deleted.
func (s *Jobs) Receive(taskID, filename string, b *storage.Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.taskByID(taskID)
	if t == nil || t.upload == nil || t.terminal() || t.upload.used {
		s.cfg.Storage.Release(b)
		return
	}
	t.upload.used, t.upload.filename, t.upload.blob = true, filename, b
	s.forms.remove(t.ID)
	s.cfg.Go(func(ctx context.Context) {
		if sleep(ctx, s.cfg.UploadSettle) == nil {
			s.work(ctx, t)
		}
	})
}

// fail ends a task with an error.
func (s *Jobs) fail(t *Task, code, message string) {
	if t.terminal() {
		return
	}
	t.Status, t.Code, t.Message = Failed, code, clip(message)
	t.Credits = new(0)
	s.end(t)
}

// maxMessage is the length in bytes of the longest message of a failed task, which may
// repeat names of the request.
const maxMessage = 1000

func clip(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxMessage], "") + "…"
}

func (s *Jobs) logEnd(t *Task) {
	job, took := "", time.Duration(0)
	if t.Job != nil {
		job = t.Job.ID
	}
	if !t.Started.IsZero() {
		took = t.Ended.Sub(t.Started)
	}
	s.cfg.Log.Debug("task ended", "job", job, "id", t.ID, "name", t.Name, "operation", t.Operation,
		"status", t.Status, "engine", t.Engine, "code", t.Code, "message", t.Message, "duration", took)
}

// end handles the end of a task: it may start others, and end the job.
func (s *Jobs) end(t *Task) {
	t.Ended = s.cfg.Clock.Now()
	close(t.Done)
	s.logEnd(t)
	s.cfg.TaskEvent(endEvent(t), t)
	if t.stop != nil {
		t.stop()
	}
	s.releaseUpload(t)
	if !t.retried() {
		s.settle(t)
	}
	if t.Job == nil {
		s.expiring.add(t.ID, expiry{at: t.Ended.Add(Retention), task: t})
	}
	for _, d := range t.dependents {
		d.pending--
		d.doomed = d.doomed || t.blocks()
		if d.pending == 0 && !d.terminal() {
			s.ready(d)
		}
	}
	t.dependents, t.stop = nil, nil
}

// retried reports whether a task is a copy made by a retry. Its job does not wait for it.
func (t *Task) retried() bool { return t.RetryOf != "" }

// settle counts the end of a task for its job.
func (s *Jobs) settle(t *Task) {
	j := t.Job
	if j == nil || j.Deleted || !j.Ended.IsZero() {
		return
	}
	j.open--
	j.failed = j.failed || t.blocks()
	if j.open > 0 {
		return
	}
	j.Status, j.Ended = Finished, t.Ended
	if j.Started.IsZero() {
		j.Started = j.Ended
	}
	event := "job.finished"
	if j.failed {
		j.Status, event = Failed, "job.failed"
	}
	s.cfg.Account.EndJob()
	s.expiring.add(j.ID, expiry{at: j.Ended.Add(Retention), job: j})
	close(j.Done)
	s.cfg.JobEvent(event, j)
	s.cfg.Log.Debug("job ended", "id", j.ID, "status", j.Status)
}
