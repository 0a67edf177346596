package jobs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

var errTimeout = errors.New("the task timed out")

// work does the work of a task, whose inputs are ready. ctx ends with the server.
func (s *Jobs) work(ctx context.Context, t *Task) {
	server := ctx
	ctx, run, ok := s.begin(ctx, t)
	if !ok {
		return
	}
	defer run.Close()
	ctx, cancel := withTimeout(ctx, run)
	defer cancel()
	err := sleep(ctx, s.cfg.TaskDuration(t.Operation))
	if err == nil {
		err = s.cfg.Execute(ctx, run)
	}
	if server.Err() == nil {
		s.finish(ctx, t, run, err)
	}
}

// begin starts the processing of a task. It returns false if the task has ended.
func (s *Jobs) begin(ctx context.Context, t *Task) (context.Context, *Run, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.terminal() || t.Deleted {
		return nil, nil, false
	}
	if slices.ContainsFunc(t.inputs, func(in *Task) bool { return in.Deleted }) {
		s.fail(t, CodeInputFailed, MessageInputFailed)
		return nil, nil, false
	}
	t.Status, t.Started, t.Message = Processing, s.cfg.Clock.Now(), ""
	if j := t.Job; j != nil && j.Started.IsZero() {
		j.Started, j.Status = t.Started, Processing
		s.cfg.JobEvent("job.updated", j)
	}
	s.cfg.TaskEvent(taskUpdated, t)
	ctx, cancel := context.WithCancel(ctx)
	t.stop = cancel
	return ctx, s.newRun(t), true
}

// withTimeout applies the parameter timeout.
func withTimeout(ctx context.Context, run *Run) (context.Context, context.CancelFunc) {
	text, _ := request.Text(run.Request.Params["timeout"])
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds > 0 {
		seconds = min(seconds, Retention.Seconds()) // more could overflow
		return context.WithTimeoutCause(ctx, time.Duration(seconds*float64(time.Second)), errTimeout)
	}
	return context.WithCancel(ctx)
}

// sleep waits for d. It returns the cause if ctx ends first.
func sleep(ctx context.Context, d time.Duration) error {
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

// finish ends a task with the result of its run.
func (s *Jobs) finish(ctx context.Context, t *Task, run *Run, err error) {
	run.mu.Lock()
	defer run.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.terminal() || t.Deleted {
		return // it was cancelled or deleted
	}
	op, res := catalog.Operations[t.Operation], &run.result
	if err == nil && op.Family == catalog.Importing && s.cfg.Sandbox {
		err = s.admit(t, res)
	}
	if err != nil {
		code, message := failure(ctx, err)
		s.fail(t, code, message)
		return
	}
	t.Files, res.Files = slices.Clip(res.Files), nil
	if t.Operation == catalog.ExportURL {
		s.publish(t)
	}
	t.Status, t.Percent, t.Message, t.Metadata, t.Output = Finished, 100, res.Message, res.Metadata, res.Output
	if res.Engine != "" {
		t.Engine, t.EngineVersion = res.Engine, res.EngineVersion
	}
	t.Credits = new(s.cfg.Account.Charge(op.Credits))
	s.end(t)
}

// publish makes the files of a finished export/url downloadable.
func (s *Jobs) publish(t *Task) {
	inline, _ := request.Bool(t.Request.Params["inline"])
	for i, f := range t.Files {
		s.cfg.Storage.Publish(f, inline, t.ID+"/"+f.Name, t.ID+"/"+strconv.Itoa(i)+"/"+f.Name)
	}
}

// admit refuses files that are not on the whitelist. The failed task lists them.
func (s *Jobs) admit(t *Task, res *Result) error {
	for _, f := range res.Files {
		if !slices.Contains(s.cfg.Whitelist, f.MD5) {
			t.Files = []*storage.File{{Name: f.Name, MD5: f.MD5, Size: f.Size}}
			return Fail(codeNotWhitelisted, "The file "+f.Name+" is not whitelisted for sandbox use")
		}
	}
	return nil
}
