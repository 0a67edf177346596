package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// names of the tasks of a conversion.
const (
	importName  = "import"
	convertName = "convert"
	exportName  = "export"
)

// creation is the job that converts what a task imports.
func (c *conversion) creation(source TaskRequest) (*creation, error) {
	task := c.task
	task.Input = []string{importName}
	creation, err := newCreation(&JobRequest{Tag: c.tag, WebhookURL: c.webhookURL, Tasks: Tasks{
		importName:  source,
		convertName: task,
		exportName:  ExportURL{Input: []string{convertName}, ArchiveMultipleFiles: c.archive},
	}})
	if err != nil {
		return nil, err
	}
	creation.own = creation.own || c.ownTag
	creation.journaled = c.note != nil
	return creation, nil
}

// patiently creates the job. Where limits are waited for, a refusal that
// outlasts the attempts of a call is no reason to give up, and one that
// outlasts the context none to go on to the next item.
func (c *conversion) patiently(
	ctx context.Context, creation *creation, create func(context.Context, *creation, []CallOption) (*Job, error),
) (*Job, error) {
	if c.note != nil {
		stop, err := c.note(ctx)
		if err != nil {
			return nil, err
		}
		defer stop()
	}
	c.begun = time.Now()
	if !c.queueing {
		return create(ctx, creation, nil)
	}
	for {
		job, err := create(ctx, creation, []CallOption{WithQueueing()})
		if !errors.Is(err, ErrRateLimited) || ctx.Err() != nil {
			return job, err
		}
		if deadline, ok := ctx.Deadline(); ok && retryAfter(err) > time.Until(deadline) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		}
		c.client.core.logAgain(ctx, err)
	}
}

// retryAfter is how long the service asks to wait.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// createAndWait runs a job that needs no upload.
func (c *conversion) createAndWait(ctx context.Context, source TaskRequest) (*Job, error) {
	creation, err := c.creation(source)
	if err != nil {
		return nil, err
	}
	c.reportProcess(0)
	create := c.client.Jobs.createAndWait
	if c.signal != nil {
		create = c.client.Jobs.create
	}
	job, err := c.patiently(ctx, creation, create)
	if err != nil {
		return nil, creation.asError(err)
	}
	return c.wait(ctx, job)
}

// createAndUpload runs a job that takes the file from storage.
func (c *conversion) createAndUpload(ctx context.Context, name string, content *content) (*Job, error) {
	creation, err := c.creation(ImportUpload{})
	if err != nil {
		return nil, err
	}
	creation.pending = true
	job, err := c.patiently(ctx, creation, c.client.Jobs.create)
	switch {
	case err != nil && isOpen(err) && creation.own && c.abandonLost(ctx, creation.body.Tag):
		return nil, err
	case err != nil:
		return nil, creation.asError(err)
	}
	return c.upload(ctx, job, name, content)
}

// upload sends the file to a job that waits for it.
func (c *conversion) upload(ctx context.Context, job *Job, name string, content *content) (*Job, error) {
	job, err := c.complete(ctx, job)
	if err == nil && ctx.Err() != nil {
		err = fmt.Errorf("cloudconvert: upload: %w", ctx.Err())
	}
	if err == nil {
		task, _ := job.Task(importName)
		u := &upload{core: c.client.core, task: task}
		err = u.checkAndSend(ctx, name, content)
	}
	if err != nil {
		return job, c.abandon(ctx, job, err)
	}
	c.release(ctx, content)
	return c.wait(ctx, job)
}

// abandon deletes a job whose upload failed: it would go on waiting for its file, and
// count as running. It returns the failure, with what became of that.
func (c *conversion) abandon(ctx context.Context, job *Job, failure error) error {
	c.abandoned = true
	if err := c.remove(ctx, job); err != nil {
		return errors.Join(failure, err)
	}
	c.gone = true
	return failure
}

// adopt goes on with a job that an earlier process has created.
func (c *conversion) adopt(ctx context.Context, src Source, job *Job) (*Job, error) {
	job, err := c.complete(ctx, job)
	if err != nil {
		return job, err
	}
	if task, _ := job.Task(importName); task.Operation != OperationImportUpload || task.Status != StatusWaiting {
		return c.wait(ctx, job)
	}
	ended, err := c.withContent(ctx, src, func(name string, content *content) (*Job, error) {
		return c.upload(ctx, job, name, content)
	})
	if ended == nil {
		return job, err
	}
	return ended, err
}

// complete reads a job again if it came from a list, which may leave out what
// an upload needs to know.
func (c *conversion) complete(ctx context.Context, job *Job) (*Job, error) {
	task, found := job.Task(importName)
	if found && (task.Operation != OperationImportUpload || task.Status != StatusWaiting || task.Result.Form != nil) {
		return job, nil
	}
	whole, err := c.client.Jobs.Get(ctx, job.ID)
	if err != nil {
		return job, err
	}
	if _, found := whole.Task(importName); !found {
		return whole, fmt.Errorf("cloudconvert: job %s came back without its import task", job.ID)
	}
	return whole, nil
}

// wait waits for the end of a job and reports its progress meanwhile.
func (c *conversion) wait(ctx context.Context, job *Job) (*Job, error) {
	if job.Status.Terminal() {
		c.reportProcess(percentOf(job))
		return job, c.client.Jobs.outcome(job)
	}
	stop := c.followProcess(ctx, job.ID)
	ended, err := c.client.Jobs.wait(ctx, job.ID, waiting{last: job.Status, pendingUpload: true, signal: c.signal, begun: c.begun})
	stop()
	if ended == nil {
		return job, err
	}
	c.reportProcess(percentOf(ended))
	return ended, err
}

// reportProcess tells how far the service has got.
func (c *conversion) reportProcess(percent int) {
	if c.client.core.config.transfers.Progress != nil {
		c.client.core.report(Progress{Phase: PhaseProcess, Percent: percent})
	}
}

// processInterval is how often the progress of a running job is asked for.
const processInterval = 2 * time.Second

// followProcess reports how a job gets on until it is told to stop.
func (c *conversion) followProcess(ctx context.Context, id string) (stop func()) {
	if c.client.core.config.transfers.Progress == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for pause(ctx, processInterval) == nil {
			if job, err := c.client.Jobs.Get(ctx, id); err == nil {
				c.reportProcess(percentOf(job))
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// percentOf returns how far a job has got: the mean of its tasks. A waiting
// task counts as not begun, whatever its percentage says.
func percentOf(job *Job) int {
	sum := 0
	for _, task := range job.Tasks {
		switch {
		case task.Status.Terminal():
			sum += 100
		case task.Status == StatusProcessing:
			sum += min(max(task.Percent, 0), 100)
		}
	}
	return sum / max(len(job.Tasks), 1)
}

// discard deletes the job if that was asked for. If a wait for it failed, the
// error of the wait says so.
func (c *conversion) discard(ctx context.Context, job *Job, failure error) error {
	if !c.delete || job == nil || c.abandoned {
		return nil
	}
	err := c.remove(ctx, job)
	if wait, ok := errors.AsType[*WaitError](failure); ok {
		wait.deleted = err == nil
	}
	return err
}

// remove deletes a job, even if the context ended.
func (c *conversion) remove(ctx context.Context, job *Job) error {
	return removeLeft(ctx, "jobs", job.ID, func(ctx context.Context) error { return c.client.Jobs.Delete(ctx, job.ID) })
}

// abandonLost deletes a job whose creation was under way when the context
// ended, for nothing is going to send it a file. It reports whether it did.
func (c *conversion) abandonLost(ctx context.Context, tag string) bool {
	if ctx.Err() == nil {
		return false // the job has been looked for already
	}
	for attempt := range 3 {
		if attempt > 0 && pause(lasting(ctx), cleanupTime/3) != nil {
			return false
		}
		if job, err := c.client.Jobs.find(lasting(ctx), tag, lookup); err == nil && job != nil {
			return c.remove(ctx, job) == nil
		}
	}
	return false
}
