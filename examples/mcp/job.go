package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// jobOutput is the result of a job.
type jobOutput struct {
	JobID    string                    `json:"job_id" jsonschema:"the id of the job at the service"`
	Paths    []string                  `json:"paths" jsonschema:"the files that were written, as absolute paths"`
	Credits  int                       `json:"credits" jsonschema:"what the job has cost"`
	Left     int                       `json:"budget_left" jsonschema:"the credits that this session may still spend"`
	Metadata map[string]map[string]any `json:"metadata,omitzero" jsonschema:"the results of metadata tasks, by task name"`
}

// run runs a job within the budget, and writes its files to o, which is nil for a job
// without files.
func (s *server) run(ctx context.Context, request *mcp.CallToolRequest, job *cloudconvert.JobRequest, o *output) (*jobOutput, error) {
	reserved := leastCost(job)
	if err := s.budget.reserve(reserved); err != nil {
		return nil, err
	}
	p := newProgress(ctx, request)
	ended, err := s.startAndWait(ctx, job, p)
	cost := costOf(ended, reserved)
	if ended == nil && ctx.Err() == nil && !errors.Is(err, cloudconvert.ErrOutcomeUnknown) {
		cost = 0 // the job was not created
	}
	s.budget.settle(reserved, cost)
	if err != nil {
		return nil, err
	}
	out := &jobOutput{JobID: ended.ID, Paths: []string{}, Credits: cost, Metadata: metadata(ended)}
	_, out.Left = s.budget.state()
	if o == nil {
		return out, nil
	}
	s.remember(ended.ID)
	if out.Paths, err = o.save(ctx, s.client, ended, p); err != nil {
		return nil, &unsavedError{job: ended.ID, credits: cost, paths: out.Paths, err: err}
	}
	return out, nil
}

// startAndWait starts a job and waits for its end. With an error, it returns the job as last
// seen, or nil. If ctx ends first, the job is deleted. It does not use Client.Run, whose
// single request hides the id of the job until it has ended.
func (s *server) startAndWait(ctx context.Context, request *cloudconvert.JobRequest, p *progress) (*cloudconvert.Job, error) {
	job, err := s.client.Start(ctx, request, cloudconvert.WithProgress(p.report))
	if err != nil {
		if ctx.Err() != nil {
			s.deleteLost(ctx, err)
		}
		return job, err
	}
	// The files are sent, but the service may report their tasks as waiting for a while.
	watch := s.client.Jobs.Watch(ctx, job.ID, cloudconvert.WithPendingUpload(), cloudconvert.WithDeleteOnCancel())
	for seen, failure := range watch {
		if err = failure; seen != nil {
			job = seen
			p.reportTasks(job)
		}
	}
	return job, err
}

// costOf returns what a job has cost. If that is not known, because a task was not seen
// to end or the job is nil, it is at least what was reserved.
func costOf(job *cloudconvert.Job, reserved int) int {
	if job == nil {
		return reserved
	}
	for _, task := range job.Tasks {
		if !task.Status.Terminal() {
			return max(reserved, job.Credits())
		}
	}
	return job.Credits()
}

// deleteLost deletes the job of a creation that was cancelled, if there is one.
func (s *server) deleteLost(ctx context.Context, err error) {
	lost, ok := errors.AsType[*cloudconvert.OutcomeError](err)
	if !ok {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if job, err := s.client.Jobs.Find(ctx, lost.Tag); err == nil {
		_ = s.client.Jobs.Delete(ctx, job.ID) // no one is left to report a failure to
	}
}

// leastCost returns the credits to reserve for a job: one for each task that may cost
// something.
func leastCost(job *cloudconvert.JobRequest) int {
	n := 0
	for _, task := range job.Tasks {
		operation := string(task.Operation())
		if !strings.HasPrefix(operation, "import/") && !strings.HasPrefix(operation, "export/") &&
			task.Operation() != cloudconvert.OperationMetadata {
			n++
		}
	}
	return n
}

// metadata returns the results of the metadata tasks of a job.
func metadata(job *cloudconvert.Job) map[string]map[string]any {
	var results map[string]map[string]any
	for _, task := range job.Tasks {
		if task.Operation == cloudconvert.OperationMetadata && task.Result.Metadata != nil {
			if results == nil {
				results = map[string]map[string]any{}
			}
			results[clean(task.Name)] = cleanObject(task.Result.Metadata)
		}
	}
	return results
}

// remember lets save_job save a job.
func (s *server) remember(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.jobs[id] = true
}

// saveInput has the arguments of save_job.
type saveInput struct {
	JobID  string `json:"job_id" jsonschema:"the id in the error of the earlier call"`
	Output string `json:"output" jsonschema:"the file to write, or a directory if it ends in a slash"`
}

// saveJob implements the tool save_job.
func (s *server) saveJob(ctx context.Context, request *mcp.CallToolRequest, in saveInput) (*mcp.CallToolResult, *jobOutput, error) {
	w, roots, err := s.workspace(request)
	if w == nil {
		return roots, nil, err
	}
	defer w.close()
	s.mu.Lock()
	known := s.jobs[in.JobID]
	s.mu.Unlock()
	if !known {
		return nil, nil, fmt.Errorf("%q is not a job of this session that has finished: use an id from the error of an earlier call", in.JobID)
	}
	o, err := s.output(w, in.Output)
	if err != nil {
		return nil, nil, err
	}
	defer o.close()
	job, err := s.client.Jobs.Get(ctx, in.JobID)
	if err != nil {
		return nil, nil, err
	}
	out := &jobOutput{JobID: job.ID, Credits: job.Credits(), Metadata: metadata(job)}
	_, out.Left = s.budget.state()
	if out.Paths, err = o.save(ctx, s.client, job, newProgress(ctx, request)); err != nil {
		return nil, nil, &unsavedError{job: job.ID, credits: out.Credits, paths: out.Paths, err: err}
	}
	return nil, out, nil
}
