package cloudconverttest

import (
	"context"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// Codes and messages of failed tasks.
const (
	codeInputFailed     = string(cloudconvert.CodeInputTaskFailed)
	messageInputFailed  = "Input task has failed"
	codeCancelled       = string(cloudconvert.CodeCancelled)
	messageCancelled    = "Task has been cancelled"
	codeUnsupported     = string(cloudconvert.CodeInvalidConversionType)
	messageUnsupported  = "This conversion type is not supported"
	codeFilename        = string(cloudconvert.CodeInvalidFilename)
	codeOpen            = string(cloudconvert.CodeOpenFailed)
	codeDownload        = "DOWNLOAD_FAILED"
	codeUpload          = "UPLOAD_FAILED"
	codeTimeout         = "TIMEOUT"
	codeNotWhitelisted  = string(cloudconvert.CodeSandboxFileNotAllowed)
	messageAwaitsUpload = "Waiting for file upload"
)

// addJob adds a job without starting it.
func (s *Server) addJob(req *request.Job) *job {
	j := &job{
		id: random.ID(), tag: req.Tag, webhookURL: req.WebhookURL, status: waiting, created: s.clock.Now(),
		done: make(chan struct{}), open: len(req.Tasks),
	}
	byName := map[string]*task{}
	for _, r := range req.Tasks {
		t := s.addTask(r, j)
		byName[r.Name] = t
		j.tasks = append(j.tasks, t)
	}
	for _, t := range j.tasks {
		link(t, func(name string) *task { return byName[name] })
	}
	s.jobs.add(j.id, j)
	if j.tag != nil {
		if s.tagged[*j.tag] == nil {
			s.tagged[*j.tag] = &table[*job]{}
		}
		s.tagged[*j.tag].add(j.id, j)
	}
	return j
}

func (s *Server) addTask(r request.Task, j *job) *task {
	t := &task{
		id: random.ID(), name: r.Name, operation: r.Operation, job: j, request: r, status: waiting, percent: 100,
		created: s.clock.Now(), done: make(chan struct{}),
	}
	t.engine, t.engineVersion = engineOf(r)
	if r.Operation == catalog.ImportUpload {
		redirect, _ := request.Text(r.Params["redirect"])
		t.message, t.form = messageAwaitsUpload, &uploadForm{Form: s.storage.NewForm(t.id, redirect)}
		s.forms = append(s.forms, t)
	}
	s.tasks.add(t.id, t)
	return t
}

// link connects a task with those it needs, and ignores unknown names.
func link(t *task, find func(name string) *task) {
	for _, name := range t.request.Inputs {
		if in := find(name); in != nil && !slices.Contains(t.inputs, in) {
			t.inputs = append(t.inputs, in)
		}
	}
	for _, name := range t.request.Dependencies() {
		need := find(name)
		if need == nil || slices.Contains(t.needs, need) {
			continue
		}
		t.needs = append(t.needs, need)
		t.await(need)
	}
}

func (t *task) await(need *task) {
	if !need.terminal() {
		need.dependents = append(need.dependents, t)
		t.pending++
		return
	}
	t.doomed = t.doomed || need.blocks()
}

// blocks reports whether tasks that need t cannot run.
func (t *task) blocks() bool { return t.status == erroneous && !t.request.IgnoreError }

// launch starts the tasks that need no other task.
func (s *Server) launch(tasks ...*task) {
	for _, t := range tasks {
		if t.pending == 0 && !t.terminal() {
			s.ready(t)
		}
	}
}

// ready starts a task when all tasks that it needs have ended. An upload task waits for
// its file.
func (s *Server) ready(t *task) {
	switch {
	case t.doomed:
		s.fail(t, codeInputFailed, messageInputFailed)
	case t.form == nil:
		s.spawn(func(ctx context.Context) { s.work(ctx, t) })
	}
}

// receive adds an uploaded file to its task, unless that has a file or is deleted.
func (s *Server) receive(taskID, filename string, b *storage.Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tasks.get(taskID)
	if !ok || t.form == nil || t.terminal() || t.form.used {
		s.storage.Release(b)
		return
	}
	t.form.used, t.form.filename, t.form.blob = true, filename, b
	s.spawn(func(ctx context.Context) {
		if s.take(ctx, s.cfg.uploadSettle) == nil {
			s.work(ctx, t)
		}
	})
}

// fail ends a task with an error.
func (s *Server) fail(t *task, code, message string) {
	if t.terminal() {
		return
	}
	t.status, t.code, t.message = erroneous, code, message
	t.credits = new(0)
	s.end(t)
}

func (s *Server) logEnd(t *task) {
	job, took := "", time.Duration(0)
	if t.job != nil {
		job = t.job.id
	}
	if !t.started.IsZero() {
		took = t.ended.Sub(t.started)
	}
	s.log.Debug("task ended", "job", job, "id", t.id, "name", t.name, "operation", t.operation,
		"status", t.status, "code", t.code, "duration", took)
}

// end handles the end of a task: it may start others, and end the job.
func (s *Server) end(t *task) {
	t.ended = s.clock.Now()
	close(t.done)
	s.logEnd(t)
	s.emitTasks(endEvent(t), t)
	if t.stop != nil {
		t.stop()
	}
	if !t.retried() {
		s.settle(t)
	}
	if t.job == nil {
		s.expiring = append(s.expiring, expiry{at: t.ended.Add(retention), task: t})
	}
	for _, d := range t.dependents {
		d.pending--
		d.doomed = d.doomed || t.blocks()
		if d.pending == 0 && !d.terminal() {
			s.ready(d)
		}
	}
}

// retried reports whether a task is a copy made by a retry. Its job does not wait for it.
func (t *task) retried() bool { return t.retryOf != "" }

// settle counts the end of a task for its job.
func (s *Server) settle(t *task) {
	j := t.job
	if j == nil || j.deleted || !j.ended.IsZero() {
		return
	}
	j.open--
	j.failed = j.failed || t.blocks()
	if j.open > 0 {
		return
	}
	j.status, j.ended = finished, t.ended
	if j.started.IsZero() {
		j.started = j.ended
	}
	event := "job.finished"
	if j.failed {
		j.status, event = erroneous, "job.failed"
	}
	s.account.EndJob()
	s.expiring = append(s.expiring, expiry{at: j.ended.Add(retention), job: j})
	close(j.done)
	s.notify(event, j)
	s.log.Debug("job ended", "id", j.id, "status", j.status)
}
