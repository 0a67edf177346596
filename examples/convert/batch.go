package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"sync/atomic"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

// errIncomplete ends a batch whose failures have been printed.
var errIncomplete = errors.New("not all files were converted")

// batch converts many files.
type batch struct {
	*settings
	plan     *plan
	files    map[string]file // by name
	stdout   io.Writer
	terminal *terminal
	progress *progress
	summary  summary

	stopped      atomic.Bool // no more files are begun
	outOfCredits bool        // the budget is spent
	retryable    int         // failures that the next run with the journal may mend
	errs         []error     // failures of the batch itself
}

// convertAll converts many files and prints their paths. Failures are printed as they
// occur, and a summary at the end. The error is nil if all files were converted.
func convertAll(ctx context.Context, s *settings, stdout io.Writer, term *terminal) error {
	plan, err := s.makePlan(ctx)
	if err != nil {
		return errors.New("interrupted before the first file was converted")
	}
	b := &batch{settings: s, plan: plan, files: map[string]file{}, stdout: stdout, terminal: term}
	for _, f := range plan.files {
		b.files[f.name] = f
	}
	for _, failure := range plan.failures {
		b.fail(failure.name, failure.reason)
		b.summary.counts[failed]++
	}
	started := time.Now()
	if len(plan.files) > 0 {
		if err := b.run(ctx); err != nil {
			return err
		}
	}
	return b.end(ctx, time.Since(started))
}

// run converts the files of the plan.
func (b *batch) run(ctx context.Context) error {
	client, closeClient, err := connect(ctx, b.settings, b.terminal)
	if err != nil {
		return err
	}
	defer closeClient()
	b.progress = newProgress(b.terminal, len(b.plan.files))
	defer b.progress.stop()
	for result := range client.RunAll(ctx, b.works(), b.batchOptions()...) {
		b.take(ctx, result)
	}
	return nil
}

// works returns the works of the files, until the batch is stopped.
func (b *batch) works() iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		for _, f := range b.plan.files {
			work := cloudconvert.Work{Name: f.name, Request: b.request(f.source), Destination: f.destination}
			if b.stopped.Load() || !yield(work) {
				return
			}
		}
	}
}

func (b *batch) batchOptions() []cloudconvert.BatchOption {
	options := []cloudconvert.BatchOption{
		cloudconvert.WithConcurrency(b.concurrency), cloudconvert.WithProgress(b.progress.report),
	}
	for _, option := range b.runOptions() {
		options = append(options, option)
	}
	if b.journal != "" {
		options = append(options, cloudconvert.WithJournal(b.journal))
	}
	if b.budget > 0 {
		options = append(options, cloudconvert.WithBudget(b.budget))
	}
	return options
}

// take reports a result.
func (b *batch) take(ctx context.Context, result cloudconvert.Result) {
	if result.Work.Name == "" {
		if ctx.Err() != nil {
			return // the journal was not closed in time, which the end of the process does
		}
		b.errs = append(b.errs, errors.New(b.explain(result.Err, file{})))
		return
	}
	if result.Job != nil {
		b.summary.credits += result.Job.Credits()
	}
	o := outcomeOf(ctx, result)
	if o != doneBefore {
		b.print(result.Files)
	}
	b.outOfCredits = b.outOfCredits || errors.Is(result.Err, cloudconvert.ErrBudget)
	if o == failed {
		o = b.takeFailure(result)
	}
	b.summary.counts[o]++
	b.progress.end(o)
}

// takeFailure reports a failure. A file that was only the first to meet a failure of them
// all counts as not begun.
func (b *batch) takeFailure(result cloudconvert.Result) outcome {
	reason := b.explain(result.Err, b.files[result.Work.Name])
	switch {
	case len(result.Files) > 0:
		reason = written + reason
	case isHopeless(result.Err):
		b.stop(errors.New(reason))
		return notBegun
	}
	b.fail(result.Work.Name, reason)
	if mayMend(result.Err) {
		b.retryable++
	}
	return failed
}

// mayMend reports whether the same command with the same journal may succeed: the call
// can be made again, or the journal has a job to go on with.
func mayMend(err error) bool {
	_, unsaved := errors.AsType[*cloudconvert.UnsavedError](err)
	_, waiting := errors.AsType[*cloudconvert.WaitError](err)
	if errors.Is(err, fs.ErrExist) {
		return false
	}
	return unsaved || waiting || errors.Is(err, cloudconvert.ErrOutcomeUnknown) || cloudconvert.IsRetryable(err)
}

// stop begins no more files, since they would fail in the same way.
func (b *batch) stop(err error) {
	if !b.stopped.Swap(true) {
		b.errs = append(b.errs, err)
	}
}

func outcomeOf(ctx context.Context, result cloudconvert.Result) outcome {
	switch {
	case errors.Is(result.Err, cloudconvert.ErrBudget):
		return notBegun
	case ctx.Err() != nil && errors.Is(result.Err, ctx.Err()):
		return interrupted
	case result.Err != nil:
		return failed
	case result.Job == nil:
		return doneBefore
	default:
		return converted
	}
}

// isHopeless reports whether no file can be converted after such a failure.
func isHopeless(err error) bool {
	_, paid := errors.AsType[*cloudconvert.UnsavedError](err)
	return !paid && cloudconvert.IsAccountError(err)
}

// print prints the paths of files. If nothing reads them, the batch is stopped.
func (b *batch) print(paths []string) {
	if err := b.terminal.without(func() error { return printPaths(b.stdout, paths) }); err != nil {
		b.stop(err)
	}
}

// fail prints why a file was not converted.
func (b *batch) fail(name, reason string) {
	b.terminal.printf("convert: %s: %s", name, reason)
}

// end prints the summary, and returns an error if not all files are converted.
func (b *batch) end(ctx context.Context, took time.Duration) error {
	counted := 0
	for _, n := range b.summary.counts {
		counted += n
	}
	b.summary.counts[notBegun] += len(b.plan.files) + len(b.plan.failures) - counted
	b.summary.skipped = b.plan.skipped.count
	for _, line := range b.plan.skipped.lines() {
		b.terminal.printf("%s", line)
	}
	b.terminal.printf("%s", b.summary.line(took))
	for _, err := range b.errs {
		b.terminal.printf("convert: %v", err)
	}
	counts := b.summary.counts
	switch {
	case counts[failed]+counts[interrupted]+counts[notBegun] == 0 && len(b.errs) == 0:
		return nil
	case ctx.Err() != nil:
		return b.advice("interrupted")
	case b.outOfCredits:
		return b.advice(fmt.Sprintf("the %d credits of -budget are spent", b.budget))
	case b.journal == "" || b.retryable == 0 || len(b.errs) > 0:
		return errIncomplete
	case b.retryable < counts[failed]:
		return fmt.Errorf("%w: run the same command again to retry %d of them", errIncomplete, b.retryable)
	default:
		return fmt.Errorf("%w: run the same command again to retry the others", errIncomplete)
	}
}

// advice returns an error that says why the batch ended and how to go on.
func (b *batch) advice(why string) error {
	if b.journal != "" {
		return fmt.Errorf("%s: run the same command again to go on", why)
	}
	if b.summary.counts[interrupted] > 0 && !b.local {
		why += "; conversions that had begun go on at the service, and are charged"
	}
	return fmt.Errorf("%s: use -resume JOURNAL from the start, and the same command goes on where it ended", why)
}
