package cloudconvert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/journal"
	"github.com/cloudconvert/cloudconvert-go/internal/parallel"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Run runs a job and returns it when it has ended: it creates the job, sends its local
// sources, and waits. [Job.Files] lists the files of the job, and [Client.SaveAs]
// writes them to disk.
//
// If the request has no export task, Run adds an export/url task for each task whose
// output no other task uses, except for [Metadata] tasks, whose results are in the job
// itself. The export is called "export-" followed by the name of the task, and has the
// IgnoreError of the task.
//
// Small sources are sent within the request that creates the job, see
// [WithInlineLimit], and larger ones are uploaded when it is created, at most
// [TransferPolicy.Parallel] concurrently. If an upload fails, the job is deleted, unless
// [WithKey] is given. A job without uploads usually takes a single request. It takes two
// if the request has a Tag, or if other creations wait to learn the limits of the service
// from its response. Run does not change the request, which can be used again unless it
// contains a reader that can be read only once.
//
// If the job ends in error, Run returns it together with a [*JobError]. A job is never
// created twice, see [JobsService.Create].
//
// The wait ends with the context, and with an error that a retry would not change. If
// the context ends during the wait, the job continues, and the error is a [*WaitError]
// with its id. If the context ends during the request that creates the job, the error
// is an [*OutcomeError] with its tag. A job that was not sent all of its files would
// never end, and is deleted. Run returns within a second after the context has ended,
// and its error names what could not be deleted by then.
func (c *Client) Run(ctx context.Context, r *JobRequest, opts ...RunOption) (*Job, error) {
	return c.runWithoutFiles(ctx, r, opts, "Run", "RunFile")
}

// runWithoutFiles implements Run and Convert. Errors name the method, and the other one,
// which writes files.
func (c *Client) runWithoutFiles(ctx context.Context, r *JobRequest, opts []RunOption, method, other string) (*Job, error) {
	w, err := c.newWork(r, defaultRun, opts)
	if err != nil {
		return nil, err
	}
	if err := w.config.refuse(method, "it writes no files: use "+other, "WithOverwrite"); err != nil {
		return nil, err
	}
	if w.config.delete && w.plan.output.exports > 0 {
		return nil, invalid(fmt.Errorf("WithDelete: the files of the job would be lost: use %s", other))
	}
	return w.observe(ctx, func(ctx context.Context) (*Job, error) {
		job, err := w.run(ctx)
		return job, errors.Join(err, w.discard(ctx, job, err))
	})
}

// RunFile runs a job as [Client.Run] does, writes its files to dst as [Client.SaveAs]
// does, and returns their paths. Only the name of a single file in a directory differs:
// it is the Filename of the task, or else the name of the first source with the extension
// of the output. SaveAs uses the name that the service gave the file.
//
// RunFile checks dst before it creates the job. A file that exists is an error without
// [WithOverwrite]. Missing directories are created, and must be writable. The extension
// of dst must be that of the output, if the request determines the format. Files that
// only the service can name are checked when the job has ended.
//
// If the files of a finished job could not be written, the error is an [*UnsavedError]
// with the job. Continue with [Client.SaveAs]: another RunFile would create, and
// charge, a second job, unless [WithKey] is given.
func (c *Client) RunFile(ctx context.Context, r *JobRequest, dst string, opts ...RunOption) ([]string, error) {
	w, err := c.newWork(r, defaultRun, opts)
	if err != nil {
		return nil, err
	}
	if err := w.writeTo(dst); err != nil {
		return nil, err
	}
	var paths []string
	_, err = w.observe(ctx, func(ctx context.Context) (job *Job, err error) {
		job, paths, err = w.runAndSave(ctx)
		return job, err
	})
	return paths, err
}

// Start creates a job, sends its local sources, and returns the job without waiting for
// its end. Use it if a webhook, the event socket or another process waits for the job.
// A task may wait for a file that another program uploads, such as a browser, see
// [TasksService.UploadForm]. Otherwise Start works as [Client.Run] does.
//
// A webhook may report the end of the job before Start has returned. Store the work under
// an id first, pass the id to [WithKey], and find the work by the Tag of the job in the
// event.
func (c *Client) Start(ctx context.Context, r *JobRequest, opts ...RunOption) (*Job, error) {
	w, err := c.newWork(r, defaultRun, append(slices.Clip(opts), WithPendingUpload()))
	if err != nil {
		return nil, err
	}
	if err := w.config.refuse("Start", "it does not wait for the job: use Run or RunFile", "WithDelete", "WithOverwrite", "WithSignal", "WithDeleteOnCancel"); err != nil {
		return nil, err
	}
	return w.observe(ctx, func(ctx context.Context) (*Job, error) {
		return w.start(ctx, false)
	})
}

// Convert converts a source to a format and returns the job when it has ended. It is
// [Client.Run] with a [Pipeline] of the source and a [Convert].
func (c *Client) Convert(ctx context.Context, src Source, outputFormat string, opts ...ConvertOption) (*Job, error) {
	request, runOpts, err := conversion(src, outputFormat, opts)
	if err != nil {
		return nil, err
	}
	return c.runWithoutFiles(ctx, request, []RunOption{runOpts}, "Convert", "ConvertFile")
}

// ConvertFile converts the file src to the file dst and returns the paths of the files
// it has written. The formats are those of the extensions. If src begins with https://
// or http://, it is a URL, which the service fetches. Missing directories of dst are
// created. It is [Client.RunFile] with a [Pipeline] of the source and a [Convert]: use these
// and [Source.WithName] if the name of the source has no extension.
//
// If a conversion has several output files, such as the pages of a document as images,
// they are numbered: page.png becomes page-1.png, page-2.png and so on.
func (c *Client) ConvertFile(ctx context.Context, src, dst string, opts ...ConvertOption) ([]string, error) {
	format, known := filename.Format(dst)
	if !known {
		return nil, invalid(fmt.Errorf("cannot tell the output format from %q: add an extension such as .pdf", engine.HideQueries(dst)))
	}
	request, runOpts, err := conversion(sourceOf(src), format, opts)
	if err != nil {
		return nil, err
	}
	return c.RunFile(ctx, request, dst, runOpts)
}

// conversion returns the request of a conversion, and its options as a single
// option of a run.
func conversion(src Source, outputFormat string, opts []ConvertOption) (*JobRequest, RunOption, error) {
	config := convertConfig{run: defaultRun}
	if err := applyAll(opts, func(o ConvertOption) error { return o.applyConvert(&config) }); err != nil {
		return nil, nil, err
	}
	format := filename.Normalize(outputFormat)
	if !filename.IsFormat(format) {
		return nil, nil, invalid(fmt.Errorf("%q is not an output format: use one such as pdf", outputFormat))
	}
	all := runOption{set: func(c *runConfig) error {
		*c = config.run
		return nil
	}}
	return Pipeline(src, Convert{OutputFormat: format, Options: config.options}), all, nil
}

// work is the run of one job: its creation, uploads, wait and downloads.
type work struct {
	client   *Client
	plan     *plan
	config   runConfig
	name     string       // in progress
	identity string       // in the journal
	reporter *reporter    // nil if progress is not reported
	dst      *destination // nil if no files are written
	begun    time.Time    // when the creation of the job began, zero if it did not

	record   journal.Work // of a batch with a journal
	replaced string       // the id of the job that had the key
	known    []string     // the canonical paths of files that are known before the creation
	// claimPath reserves a path that no other work of the batch may write.
	claimPath func(path string) error
	permit    func() error // called right before a creation, may be nil
	retry     bool         // waits for limits of the service until the context ends
	sources   *sources
	// unsent reports that a file was not sent, so that the job had to be deleted, and
	// deleted that it was.
	unsent, deleted bool
}

// newWork plans a job. The options are applied to config.
func (c *Client) newWork(r *JobRequest, config runConfig, opts []RunOption) (*work, error) {
	if err := config.apply(opts); err != nil {
		return nil, err
	}
	plan, err := newPlan(r)
	if err != nil {
		return nil, err
	}
	if err := config.checkKey(plan.request.Tag); err != nil {
		return nil, err
	}
	if !config.wait.pendingUpload {
		if err := plan.checkUploads(); err != nil {
			return nil, err
		}
	}
	w := &work{
		client: c, plan: plan, config: config, name: r.defaultName(),
		reporter: cmp.Or(config.reporter, c.core.reporter), sources: newSources(c.core, plan.sources),
	}
	return w, nil
}

// observe runs the work as an activity, with time to clean up after the end of the context.
// It marks the error if the call has a key.
func (w *work) observe(ctx context.Context, run func(context.Context) (*Job, error)) (*Job, error) {
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	begun := Activity{
		Kind: ActivityRun, Name: w.name, Tag: w.plan.request.Tag,
		// How local sources are sent is decided later.
		Operations: w.client.core.operationsOf(w.plan.body.Tasks, w.plan.sources),
	}
	return w.client.core.observeJob(ctx, begun, func(ctx context.Context) (*Job, error) {
		job, err := run(ctx)
		return job, w.config.create.underKey(err)
	})
}

// writeTo sets the destination of the files.
func (w *work) writeTo(dst string) error {
	if err := w.plan.checkFiles(); err != nil {
		return err
	}
	destination, err := newDestination(dst)
	if err != nil {
		return err
	}
	if !destination.isDir {
		if err := w.plan.output.checkExtension(dst); err != nil {
			return err
		}
	}
	w.dst = destination
	return nil
}

func (w *work) runAndSave(ctx context.Context) (*Job, []string, error) {
	job, err := w.run(ctx)
	if err != nil {
		return job, nil, errors.Join(err, w.discard(ctx, job, err))
	}
	paths, err := w.saveAndDiscard(ctx, job)
	return job, paths, err
}

// prepareDestination checks that the files can be written, and creates their directory.
func (w *work) prepareDestination() error {
	err := w.dst.prepare(w.plan.output, w.isReplaceable)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	for _, path := range w.dst.knownFiles(w.plan.output) {
		for _, source := range w.plan.sources {
			if source.isAt(path) {
				return fmt.Errorf("cloudconvert: the destination %q is the source: name another file, or use WithOverwrite: %w", engine.HideQueries(path), fs.ErrExist)
			}
		}
	}
	return err
}

// isReplaceable reports whether a file that has a path may be replaced.
func (w *work) isReplaceable(path string) bool {
	return w.config.overwrite || w.remains(path)
}

// remains reports whether an interrupted run has left a file of the work at a path.
func (w *work) remains(path string) bool {
	return slices.ContainsFunc(w.record.Earlier.Remains(), func(left string) bool { return canonicalPath(left) == canonicalPath(path) })
}

// saveAndDiscard writes the files of the finished job, and then deletes the job if
// WithDelete was given.
func (w *work) saveAndDiscard(ctx context.Context, job *Job) ([]string, error) {
	paths, err := w.save(ctx, job)
	if err != nil {
		return nil, err
	}
	if err := w.discard(ctx, job, nil); err != nil {
		return paths, &finishedError{job.ID, err}
	}
	return paths, nil
}

func (w *work) save(ctx context.Context, job *Job) ([]string, error) {
	s := saver{
		client: w.client, isReplaceable: w.isReplaceable, keepsIdentical: w.config.create.key != "",
		reporter: w.reporter, work: w.name,
	}
	files := job.Files()
	if len(files) == 0 {
		return nil, &UnsavedError{Job: job, Destination: w.dst.path, err: errNoFiles}
	}
	paths, err := s.save(ctx, w.dst.dir(), files, w.dst.names(files, w.plan.output))
	if err != nil {
		return nil, &UnsavedError{Job: job, Destination: w.dst.path, err: err}
	}
	return paths, nil
}

// run runs the job and returns it when it has ended.
func (w *work) run(ctx context.Context) (*Job, error) {
	job, err := w.start(ctx, true)
	if err != nil {
		return job, err
	}
	return w.wait(ctx, job)
}

// start creates or adopts the job and sends its sources. If the caller then waits for a
// job without uploads, the job may have ended already.
func (w *work) start(ctx context.Context, waited bool) (*Job, error) {
	defer w.sources.closeAll(ctx)
	done, err := w.client.core.keys.take(ctx, w.config.create.key)
	if err != nil {
		return nil, err
	}
	defer done()
	job, err := w.adopt(ctx)
	if err != nil {
		return nil, err
	}
	if job != nil {
		job, err := w.resume(ctx, job)
		if !w.deleted || w.config.create.key == "" {
			return job, err
		}
		w.replaced, w.unsent, w.deleted = job.ID, false, false // its upload form had expired
	}
	if w.dst != nil {
		if err := w.prepareDestination(); err != nil {
			return nil, err
		}
	}
	if err := w.sources.openAll(ctx, w.config.inlineLimit); err != nil {
		return nil, err
	}
	if job, err = w.create(ctx, waited); err != nil {
		return nil, err
	}
	return w.upload(ctx, job)
}

// adopt returns the job that an earlier call has left, in the journal or under the key,
// or nil.
func (w *work) adopt(ctx context.Context) (*Job, error) {
	earlier, config := w.record.Earlier, w.config.create
	var patience time.Duration
	if earlier.Tag != "" {
		patience = patienceFor(earlier)
	}
	var job *Job
	var err error
	if earlier.Tag != "" && earlier.Tag != config.tag() {
		job, _, err = w.client.Jobs.adopt(ctx, search{tag: earlier.Tag, patience: patience})
		patience = 0
	}
	if config.key != "" && job == nil && err == nil {
		job, w.replaced, err = w.client.Jobs.adoptByKey(ctx, config, patience, keyedRequest{w.plan.body.Tasks, w.plan.sources})
	}
	if job != nil {
		w.record.Tag = job.Tag
	}
	return job, err
}

// resume sends an adopted job the sources that it still waits for. It opens them first:
// the job must not be deleted because a source cannot be read at the moment.
func (w *work) resume(ctx context.Context, job *Job) (*Job, error) {
	if job.Status.Terminal() {
		return job, nil
	}
	job, err := w.loadUploadForms(ctx, job)
	if err != nil {
		return job, err
	}
	for _, s := range w.sources.awaited(job) {
		if err := w.sources.open(ctx, s, w.config.inlineLimit); err != nil {
			return job, err
		}
		w.sources.closeSurplus(ctx, s)
	}
	return w.upload(ctx, job)
}

func (w *work) create(ctx context.Context, waited bool) (*Job, error) {
	if w.permit != nil {
		if err := w.permit(); err != nil {
			return nil, err
		}
	}
	body := w.plan.body
	var err error
	if body.Tasks, err = w.sources.fill(ctx, body.Tasks); err != nil {
		return nil, err
	}
	creation := newCreation(body, w.config.create)
	creation.replaced = w.replaced
	creation.pending = w.sources.needUploads()
	stop, err := creation.recordIn(ctx, &w.record)
	if err != nil {
		return nil, err
	}
	defer stop()
	w.begun = time.Now()
	if waited && !creation.pending {
		w.reportProcess(0) // otherwise it is reported after the uploads
	}
	create := createFunc(w.client.Jobs.create)
	if waited && !creation.pending && !w.config.wait.pendingUpload && w.config.wait.signal == nil {
		create = w.client.Jobs.createAndWait
	}
	return creation.observe(ctx, w.client.core, func(ctx context.Context) (*Job, error) {
		job, err := w.createWithRetry(ctx, creation, create)
		if creation.pending && creation.uniqueTag && creation.key == "" && outcomeUnknown(err) && w.removeLost(ctx, creation.body.Tag) {
			return nil, err // it is known that there is no job any more
		}
		return job, creation.asError(err)
	})
}

// createWithRetry creates the job. If the work waits for limits, it retries a
// creation that is refused after all attempts of a call. If the limit lasts longer
// than the context, it waits for the end of the context, so that the batch does not
// begin the next work.
func (w *work) createWithRetry(
	ctx context.Context, c *creation, create createFunc,
) (*Job, error) {
	config := w.config.create
	config.queueing = config.queueing || w.retry
	if !w.retry {
		return create(ctx, c, config)
	}
	for {
		job, err := create(ctx, c, config)
		if !errors.Is(err, ErrRateLimited) || ctx.Err() != nil {
			return job, err
		}
		if deadline, ok := ctx.Deadline(); ok && retryAfter(err) > time.Until(deadline) {
			<-ctx.Done()
			return nil, fmt.Errorf("%w: %w", err, ctx.Err())
		}
		w.client.core.logRetry(ctx, err)
	}
}

// retryAfter returns how long the service asks to wait.
func retryAfter(err error) time.Duration {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.RetryAfter
	}
	return 0
}

// upload sends the sources that the job waits for.
func (w *work) upload(ctx context.Context, job *Job) (*Job, error) {
	if len(w.sources.byTask) == 0 || job.Status.Terminal() {
		return job, nil
	}
	job, err := w.loadUploadForms(ctx, job)
	if err != nil {
		return job, w.removeUnsent(ctx, job, err)
	}
	awaited := w.sources.awaited(job)
	if len(awaited) == 0 {
		return job, nil // nothing is missing, even if the context ended
	}
	send := func(ctx context.Context, s *openSource) error { return w.send(ctx, job, s) }
	if err := parallel.Each(ctx, w.client.core.policy.Parallel, awaited, send); err != nil {
		return job, w.removeUnsent(ctx, job, err)
	}
	return job, nil
}

func (w *work) send(ctx context.Context, job *Job, s *openSource) error {
	if err := w.sources.open(ctx, s, w.config.inlineLimit); err != nil {
		return err
	}
	defer w.sources.close(ctx, s)
	task, _ := job.Task(s.task)
	return w.client.core.upload(ctx, task, s.name, s.content, w.reporter.transfer(PhaseUpload, w.name, s.name))
}

// loadUploadForms reads the job if it came from a list, or from a response without the
// forms that uploads need.
func (w *work) loadUploadForms(ctx context.Context, job *Job) (*Job, error) {
	if w.sources.hasUploadForms(job) {
		return job, nil
	}
	whole, err := w.client.Jobs.Get(ctx, job.ID)
	if err != nil {
		return job, err
	}
	for name := range w.sources.byTask {
		if _, found := whole.Task(name); !found {
			return whole, fmt.Errorf("cloudconvert: the response for job %s has no task %q", job.ID, name)
		}
	}
	return whole, nil
}

// wait waits for the end of the job, and reports its progress.
func (w *work) wait(ctx context.Context, job *Job) (*Job, error) {
	if job.Status.Terminal() {
		w.reportProcess(percentOf(job))
		return job, w.client.Jobs.outcome(job)
	}
	w.reportProcess(0)
	stop := w.followProcess(ctx, job.ID)
	// The files are uploaded, but the service may report the tasks as waiting for a while.
	config := w.config.wait
	config.pendingUpload = true
	ended, err := w.client.Jobs.wait(ctx, job.ID, waiting{waitConfig: config, seen: job.Status, begun: w.begun})
	stop()
	if ended == nil {
		return job, err
	}
	w.reportProcess(percentOf(ended))
	return ended, err
}

func (w *work) reportProcess(percent int) {
	w.reporter.report(Progress{Work: w.name, Phase: PhaseProcess, Percent: percent})
}

// processInterval is the time between reads of a job for its progress.
const processInterval = 2 * time.Second

// followProcess reports the progress of a running job until stop is called.
func (w *work) followProcess(ctx context.Context, id string) (stop func()) {
	if w.reporter == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for poll.Pause(ctx, processInterval) == nil {
			if job, err := w.client.Jobs.Get(ctx, id); err == nil {
				w.reportProcess(percentOf(job))
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// percentOf returns the progress of a job: the mean of its tasks. A waiting task counts
// as 0, whatever its Percent.
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

// removeUnsent deletes a job that was not sent all of its files: it would wait for
// them forever, and count as running. Under a key the next call sends them, unless they
// were refused. removeUnsent returns the failure, joined with that of the deletion.
func (w *work) removeUnsent(ctx context.Context, job *Job, failure error) error {
	if w.config.create.key != "" && IsRetryable(w.config.create.underKey(failure)) {
		return failure
	}
	w.unsent = true
	if err := w.remove(ctx, job); err != nil {
		return errors.Join(failure, err)
	}
	w.deleted = true
	return failure
}

// discard deletes the job if WithDelete was given. If failure is a WaitError, it
// records the deletion in it.
func (w *work) discard(ctx context.Context, job *Job, failure error) error {
	if !w.config.delete || job == nil || w.unsent {
		return nil
	}
	err := w.remove(ctx, job)
	if wait, ok := errors.AsType[*WaitError](failure); ok {
		wait.deleted = err == nil
	}
	return err
}

// remove deletes a job, even if the context has ended.
func (w *work) remove(ctx context.Context, job *Job) error {
	return deleteUnwanted(ctx, "jobs", job.ID, func(ctx context.Context) error { return w.client.Jobs.Delete(ctx, job.ID) })
}

// removeLost deletes a job whose creation was interrupted by the end of the context:
// its files will not be sent. It reports whether it did.
func (w *work) removeLost(ctx context.Context, tag string) bool {
	if ctx.Err() == nil {
		return false // settle has already looked for the job
	}
	for attempt := range 3 {
		if attempt > 0 && poll.Pause(poll.Cleanup(ctx), poll.CleanupTime/3) != nil {
			return false
		}
		if job, err := w.client.Jobs.find(poll.Cleanup(ctx), tag, lookup); err == nil && job != nil {
			return w.remove(ctx, job) == nil
		}
	}
	return false
}
