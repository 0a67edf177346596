package cloudconverttest

import (
	"context"
	"errors"
	"os"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

var errTimeout = errors.New("the task timed out")

func (s *Server) work(ctx context.Context, t *task) {
	ctx, run, ok := s.begin(ctx, t)
	if !ok {
		return
	}
	ctx, cancel := withTimeout(ctx, run)
	err := s.take(ctx, s.cfg.taskDuration(t.operation))
	if err == nil {
		err = s.executeAside(ctx, run)
	}
	s.finish(ctx, t, run, err)
	cancel()
	s.cleanUp(run)
}

// begin starts the processing of a task. It returns false if the task has ended.
func (s *Server) begin(ctx context.Context, t *task) (context.Context, *Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.terminal() || t.deleted {
		return nil, nil, false
	}
	if slices.ContainsFunc(t.inputs, func(in *task) bool { return in.deleted }) {
		s.fail(t, codeInputFailed, messageInputFailed)
		return nil, nil, false
	}
	t.status, t.started, t.message = working, s.clock.Now(), ""
	if j := t.job; j != nil && j.started.IsZero() {
		j.started, j.status = t.started, working
		s.emitJob("job.updated", j)
	}
	s.emitTasks(taskUpdated, t)
	ctx, cancel := context.WithCancel(ctx)
	t.stop = cancel
	return ctx, s.newRun(t), true
}

// withTimeout applies the parameter timeout.
func withTimeout(ctx context.Context, run *Run) (context.Context, context.CancelFunc) {
	if seconds := run.Number("timeout"); seconds > 0 {
		return context.WithTimeoutCause(ctx, time.Duration(seconds*float64(time.Second)), errTimeout)
	}
	return context.WithCancel(ctx)
}

func (s *Server) take(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// newRun collects the inputs of a task. They stay on disk until cleanUp, even if their
// tasks are deleted.
func (s *Server) newRun(t *task) *Run {
	r := &Run{
		Operation: t.operation, TaskID: t.id, Name: t.name, Params: t.request.Params, s: s, t: t, total: 1,
		results: &results{},
	}
	if t.job != nil {
		r.JobID = t.job.id
	}
	r.OutputFormat = formatOf(r.Text("output_format"))
	for _, in := range t.inputs {
		r.Inputs = append(r.Inputs, s.inputsFrom(in, r.Text("input_format"))...)
	}
	return r
}

func (s *Server) inputsFrom(t *task, format string) []Input {
	if t.status != finished {
		return nil // it failed with ignore_error
	}
	inputs := make([]Input, 0, len(t.files))
	for _, f := range t.files {
		in := Input{
			Name: f.Name, Dir: f.Dir, Path: f.Blob.Path, Size: f.Size, TaskID: t.id, Task: t.name,
			Format: formatOf(names.Extension(f.Name)), blob: s.storage.Retain(f.Blob),
		}
		if format != "" {
			in.Format = formatOf(format)
		}
		inputs = append(inputs, in)
	}
	return inputs
}

// finish ends a task with the result of its run.
func (s *Server) finish(ctx context.Context, t *task, run *Run, err error) {
	res := run.results
	res.mu.Lock()
	defer res.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.terminal() || t.deleted || s.ctx.Err() != nil {
		return // it was cancelled or deleted
	}
	op := catalog.Operations[t.operation]
	if err == nil && op.Family == catalog.Importing && s.cfg.sandbox {
		err = s.admit(t, res)
	}
	if err != nil {
		code, message := failure(ctx, err)
		s.fail(t, code, message)
		return
	}
	t.files, res.files = res.files, nil
	if op.Family == catalog.Exporting && t.operation == catalog.ExportURL {
		s.publish(t, run.Bool("inline"))
	}
	t.status, t.percent, t.message, t.metadata, t.output = finished, 100, res.message, res.metadata, res.output
	if res.engine != "" {
		t.engine, t.engineVersion = res.engine, res.engineVersion
	}
	t.credits = new(s.account.Charge(op.Credits))
	s.end(t)
}

// admit refuses files that are not on the whitelist. The failed task lists them.
func (s *Server) admit(t *task, res *results) error {
	for _, f := range res.files {
		if !slices.Contains(s.cfg.whitelist, f.MD5) {
			t.files = []*storage.File{{Name: f.Name, MD5: f.MD5, Size: f.Size}}
			return Fail(codeNotWhitelisted, "The file "+f.Name+" is not whitelisted for sandbox use")
		}
	}
	return nil
}

// cleanUp releases the files of a run.
func (s *Server) cleanUp(run *Run) {
	for _, in := range run.Inputs {
		s.storage.Release(in.blob)
	}
	run.results.mu.Lock()
	defer run.results.mu.Unlock()
	for _, b := range run.results.held {
		s.storage.Release(b)
	}
	s.storage.Free(run.results.files...)
	run.results.files = nil
	if run.results.scratch == "" {
		return
	}
	if err := os.RemoveAll(run.results.scratch); err != nil {
		s.log.Warn("remove the directory of a task", "error", err)
	}
}
