package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// converter converts what the destination lacks.
type converter struct {
	*settings
	client           *cloudconvert.Client
	listener         *events.Client
	sources, results *s3.Client
	credentials      aws.CredentialsProvider // for the jobs
	stdout, stderr   io.Writer
	started          time.Time
	summary          summary
}

// Errors of a run that has printed its failures.
var (
	errIncomplete  = errors.New("not everything was converted: run the same command again to continue")
	errInterrupted = errors.New("interrupted: run the same command again to continue")
)

// run prints each conversion, each failure and a summary.
func (c *converter) run(ctx context.Context) error {
	inputs, err := c.inputFormats(ctx)
	if err != nil {
		return err
	}
	if c.dryRun {
		err = c.show(ctx, inputs)
	} else {
		err = c.convert(ctx, inputs)
	}
	fmt.Fprintln(c.stderr, c.summary.line(time.Since(c.started)))
	switch {
	case ctx.Err() != nil:
		return errInterrupted
	case err == nil && !c.summary.isComplete():
		return errIncomplete
	default:
		return err
	}
}

// inputFormats returns the formats that can be converted to that of the results.
func (c *converter) inputFormats(ctx context.Context) (map[string]bool, error) {
	inputs := map[string]bool{}
	catalog := cloudconvert.FormatListOptions{Operation: cloudconvert.OperationConvert, OutputFormat: c.format}
	for format, err := range c.client.Formats.All(ctx, catalog) {
		if err != nil {
			return nil, err
		}
		inputs[format.InputFormat] = true
	}
	if len(inputs) == 0 {
		return nil, fmt.Errorf("CloudConvert converts nothing to %q: use another format for -to", c.format)
	}
	return inputs, nil
}

// lacking yields what is to be converted, and counts the rest.
func (c *converter) lacking(ctx context.Context, inputs map[string]bool) iter.Seq2[conversion, error] {
	return func(yield func(conversion, error) bool) {
		for found, err := range merge(list(ctx, c.sources, c.from), list(ctx, c.results, c.to), "."+c.format) {
			if err != nil {
				yield(found, err)
				return
			}
			reason := skipReason(found.source, inputs, c.format)
			stale := found.source.modified.After(found.result.modified)
			switch {
			case reason != "":
				c.summary.add(reason)
			case found.result.name != "" && !stale:
				c.summary.add(present)
			case found.result.name != "" && !c.newer:
				c.summary.add(outdated)
			case !yield(found, nil):
				return
			}
		}
	}
}

// show prints what would be converted.
func (c *converter) show(ctx context.Context, inputs map[string]bool) error {
	for found, err := range c.lacking(ctx, inputs) {
		if err != nil {
			return err
		}
		c.summary.add(planned)
		if _, err := fmt.Fprintln(c.stdout, printable(c.title(found))); err != nil {
			return err
		}
	}
	return nil
}

// convert runs the jobs.
func (c *converter) convert(ctx context.Context, inputs map[string]bool) error {
	options := []cloudconvert.BatchOption{cloudconvert.WithConcurrency(c.concurrency)}
	if c.budget > 0 {
		options = append(options, cloudconvert.WithBudget(c.budget))
	}
	if account, err := c.listener.Account(ctx); err == nil {
		defer account.Close()
		options = append(options, cloudconvert.WithSignal(account))
	} else {
		fmt.Fprintln(c.stderr, "There are no events, so that jobs are polled:", printable(err.Error()))
	}
	failure := make(chan error, 1) // of the listings
	for result := range c.client.RunAll(ctx, c.works(ctx, inputs, failure), options...) {
		if err := c.take(ctx, result); err != nil {
			return err
		}
	}
	select {
	case err := <-failure:
		return err
	default:
		return nil
	}
}

// works yields the works, up to a failure. Those that run by then continue.
func (c *converter) works(ctx context.Context, inputs map[string]bool, failure chan<- error) iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		wait := !c.fresh
		for found, err := range c.lacking(ctx, inputs) {
			if wait && err == nil {
				fmt.Fprintln(c.stderr, "Looking for jobs of an earlier run: new ones begin in half a minute (see -fresh).")
				wait = false
			}
			var work cloudconvert.Work
			if err == nil {
				work, err = c.work(ctx, found)
			}
			if err != nil {
				failure <- err
				return
			}
			if !yield(work) {
				return
			}
		}
	}
}

// work returns the work of a conversion.
//
// The key continues the job of an earlier run, which may have been created a moment before
// that run was killed, and not be found yet. With WithTakeover, the works of the first half
// minute look for such a job until its end. Later works find every job of an earlier run at
// once.
func (c *converter) work(ctx context.Context, found conversion) (cloudconvert.Work, error) {
	credentials, err := c.credentials.Retrieve(ctx) // a token may have been renewed
	if err != nil {
		return cloudconvert.Work{}, fmt.Errorf("get the credentials for CloudConvert: %w", err)
	}
	options := []cloudconvert.RunOption{cloudconvert.WithKey(c.key(found))}
	if !c.fresh {
		options = append(options, cloudconvert.WithTakeover(c.started))
	}
	return cloudconvert.Work{
		Name: c.title(found),
		Request: cloudconvert.Pipeline(
			cloudconvert.ImportS3{
				Bucket: c.from.bucket, Region: c.from.region, Endpoint: c.endpoint(), Key: c.from.prefix + found.source.name,
				AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken,
			},
			cloudconvert.Convert{OutputFormat: c.format},
			cloudconvert.ExportS3{
				Bucket: c.to.bucket, Region: c.to.region, Endpoint: c.endpoint(), Key: c.to.prefix + found.name,
				AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: credentials.SessionToken,
			},
		),
		Options: options,
	}, nil
}

// key identifies the conversion of one content of a source in place of one state of the
// destination. A new content, and a result that has been replaced since, are another one.
// Options of the conversion, if you add some, belong here too.
func (c *converter) key(found conversion) string {
	parts := []string{
		c.endpoint(), c.from.bucket, c.from.prefix + found.source.name, found.source.etag,
		c.to.bucket, c.to.prefix + found.name, found.result.etag, found.result.modified.UTC().Format(time.RFC3339),
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return "bucket-" + hex.EncodeToString(sum[:])
}

// endpoint returns the URL of a store that is compatible with S3, or "".
func (c *converter) endpoint() string { return aws.ToString(c.sources.Options().BaseEndpoint) }

// title is the line of a conversion.
func (c *converter) title(found conversion) string {
	return c.from.url(found.source.name) + " -> " + c.to.url(found.name)
}

// take prints a result. Its own error ends the run.
func (c *converter) take(ctx context.Context, result cloudconvert.Result) error {
	if result.Work.Name == "" {
		return result.Err // of the batch
	}
	err := result.Err
	if err == nil {
		err = c.check(ctx, result)
	}
	switch {
	case err == nil:
		c.summary.addConverted(result.Job.Credits())
		_, err := fmt.Fprintln(c.stdout, printable(result.Work.Name))
		return err
	case errors.Is(err, cloudconvert.ErrBudget):
		c.summary.add(overBudget)
	case ctx.Err() != nil:
		c.summary.add(interrupted)
	case cloudconvert.IsAccountError(err):
		return err // no other object would succeed
	default:
		c.summary.add(failed)
		fmt.Fprintln(c.stderr, printable(result.Work.Name+": "+err.Error()))
	}
	return nil
}

// check returns an error unless the result of a finished job is where the next run looks
// for it: that run would convert the source again.
func (c *converter) check(ctx context.Context, result cloudconvert.Result) error {
	export, _ := result.Work.Request.Tasks["export-s3"].(cloudconvert.ExportS3)
	stored, err := exists(ctx, c.results, export.Bucket, export.Key)
	if err != nil {
		return err
	}
	if !stored {
		return fmt.Errorf("job %s has finished, but its object is gone: delete the job to convert the source again, or wait for 24 hours", result.Job.ID)
	}
	task, _ := result.Job.Task("convert")
	if n := len(task.Result.Files); n > 1 {
		return fmt.Errorf("job %s made %d files, of which one is stored: use a format that holds all of them", result.Job.ID, n)
	}
	return nil
}
