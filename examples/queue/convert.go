package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/riverqueue/river"

	"github.com/cloudconvert/cloudconvert-go"
)

// converter does the jobs of the queue.
type converter struct {
	river.WorkerDefaults[conversion]

	client         *cloudconvert.Client
	db             *database
	webhook        string // empty for none
	pace           pace
	stdout, stderr io.Writer
	stop           func(error) // ends the process
}

// keyPrefix distinguishes the keys of this program from those of others in the account.
const keyPrefix = "queue-"

// key returns the key of a queued job, under which it has a single job of the service.
// The ids of two queues both count from 1, so the batch is a part of it.
func key(batch string, id int64) string {
	return keyPrefix + batch + "-" + strconv.FormatInt(id, 10)
}

// Work converts a file. River calls it again after a snooze, a failure, a stop or the
// death of a process, in any process, and it continues where the last call has ended.
func (c *converter) Work(ctx context.Context, job *river.Job[conversion]) error {
	percent, paths, err := c.convert(ctx, job)
	switch {
	case err == nil && paths == nil:
		c.report(job, fmt.Sprintf("converting, %d %%", percent))
		return river.JobSnooze(c.pace.snooze)
	case err == nil:
		for _, path := range paths {
			fmt.Fprintln(c.stdout, path)
		}
		return nil
	case errors.Is(ctx.Err(), context.Canceled): // by a stop of the process; a timeout is DeadlineExceeded
		return ctx.Err() // River makes the job available, without losing an attempt
	case cloudconvert.IsAccountError(err):
		c.stop(err)
		return river.JobSnooze(0) // the other files would fail, too
	case errors.Is(err, fs.ErrExist):
		c.report(job, err.Error())
		return river.JobCancel(err) // retryable, but the file is not ours to remove
	case ctx.Err() != nil || cloudconvert.IsRetryable(err): // the attempt took too long, or failed
		c.report(job, fmt.Sprintf("%v; to be retried", err))
		return err
	default:
		c.report(job, err.Error())
		return river.JobCancel(err)
	}
}

// convert begins a conversion, or continues it, and saves its result. If it takes long,
// convert returns its progress, and no paths.
func (c *converter) convert(ctx context.Context, job *river.Job[conversion]) (percent int, paths []string, err error) {
	key := key(job.Args.Batch, job.ID)
	options := []cloudconvert.RunOption{cloudconvert.WithKey(key)}
	var run *cloudconvert.Job
	if len(job.AttemptedBy) > 1 { // job.Attempt does not count snoozes and stops
		options = append(options, cloudconvert.WithTakeover(job.ScheduledAt)) // the last attempt ended before that
		run, err = c.client.Jobs.Find(ctx, key)
		if err != nil && !errors.Is(err, cloudconvert.ErrNotFound) {
			return 0, nil, err
		}
	}
	request := cloudconvert.Pipeline(
		cloudconvert.FromFile(job.Args.Source),
		cloudconvert.Convert{OutputFormat: strings.TrimPrefix(filepath.Ext(job.Args.Destination), ".")},
	)
	request.WebhookURL = c.webhook
	if run == nil {
		// RunFile comes too late for this check: by then the job is paid.
		if _, err := os.Lstat(job.Args.Destination); err == nil {
			return 0, nil, fmt.Errorf("%s: %w", job.Args.Destination, fs.ErrExist)
		}
	}
	switch {
	case run == nil || !run.Status.Terminal(): // a job may wait for the rest of an upload
		run, err = c.begin(ctx, job, request, options)
	case run.Status == cloudconvert.StatusError:
		_, err = c.client.Jobs.Wait(ctx, run.ID) // RunFile would replace it
	}
	if err != nil {
		return 0, nil, err
	}
	if !run.Status.Terminal() {
		return percentOf(run), nil, nil
	}
	// Under the key, unlike with SaveAs, a file that an earlier attempt saved counts as saved.
	paths, err = c.client.RunFile(ctx, request, job.Args.Destination, options...)
	return 0, paths, err
}

// begin creates a job, or continues it, and waits for it for a moment.
func (c *converter) begin(
	ctx context.Context, job *river.Job[conversion], request *cloudconvert.JobRequest, options []cloudconvert.RunOption,
) (*cloudconvert.Job, error) {
	run, err := c.client.Start(ctx, request, append(options, cloudconvert.WithQueueing())...)
	if err != nil {
		return nil, err
	}
	if job.Priority != priorityBegun {
		// River has no method for it, and it is optional. The two databases write
		// placeholders differently.
		update := fmt.Sprintf("UPDATE river_job SET priority = %d WHERE id = %d", priorityBegun, job.ID)
		if _, err := c.db.ExecContext(ctx, update); err != nil {
			c.report(job, err.Error()) // it works with any priority
		}
	}
	waiting, cancel := context.WithTimeout(ctx, c.pace.wait)
	defer cancel()
	seen, err := c.client.Jobs.Wait(waiting, run.ID)
	switch {
	case err == nil:
		return seen, nil
	case waiting.Err() == nil || ctx.Err() != nil:
		return nil, err
	case seen != nil:
		return seen, nil
	}
	return run, nil
}

// percentOf returns the progress of a conversion.
func percentOf(run *cloudconvert.Job) int {
	task, _ := run.Task("convert")
	return task.Percent
}

func (c *converter) report(job *river.Job[conversion], message string) {
	fmt.Fprintf(c.stderr, "queue: %s: %s\n", printable(job.Args.Source), printable(message))
}
