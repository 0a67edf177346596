package cloudconvert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/journal"
	"github.com/cloudconvert/cloudconvert-go/internal/parallel"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Run runs a job: it creates the job, sends the local sources in it, and returns it when
// it has ended. [Job.Files] lists its files, and [Client.SaveAs] fetches them.
//
// If the job has no export task, Run adds an export/url task for each task that no other
// one names, called "export-" and the name of that task, and with its IgnoreError. The
// results of [Metadata] tasks are in the job itself.
//
// A job whose sources are small or URLs takes a single request, see [WithInlineLimit], or
// two if it finds out about limits for others that are created at the same time. Larger
// sources are uploaded first, at most [TransferPolicy.Parallel] at a time. If an upload
// fails the job is deleted. The request is never changed and may be used again, but for
// readers that can be read only once.
//
// If the job ends in error, it is returned together with a [*JobError]. A job is never
// created twice, see [JobsService.Create]. The context ends the wait, and so does an error that a retry would not
// change. If the context ends it, the job goes on, unless a file was not uploaded: such a job, which would never end, is deleted.
// The error is a [*WaitError] with the job's id or, if the request that creates the job was
// under way, an [*OutcomeError] with its tag. Run returns within a second, and what could
// not be deleted by then is named in the error.
func (c *Client) Run(ctx context.Context, r *JobRequest, opts ...RunOption) (*Job, error) {
	return c.runWithoutFiles(ctx, r, opts, "Run", "RunFile")
}

// runWithoutFiles is Run, under the name of the method that was called. The other one
// writes files.
func (c *Client) runWithoutFiles(ctx context.Context, r *JobRequest, opts []RunOption, method, other string) (*Job, error) {
	w, err := c.newWork(r, defaultRun, opts)
	if err != nil {
		return nil, err
	}
	if err := w.config.refuse(method, "it writes no files, use "+other, "WithOverwrite"); err != nil {
		return nil, err
	}
	if w.config.delete && w.plan.output.exports > 0 {
		return nil, invalid(fmt.Errorf("WithDelete: the files of the job would be lost: use %s", other))
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	job, err := w.run(ctx)
	return job, errors.Join(err, w.discard(ctx, job, err))
}

// RunFile runs a job as [Client.Run] does, writes its files to dst as [Client.SaveAs]
// does, and returns their paths.
//
// Whether dst can be written is checked before the job is created: that nothing is in the
// way, that its directory can be made and written to, and that its extension is that of
// the output, as far as the request tells the format. Which further files there are is
// known only afterwards. If the files of a finished job could not be written, the error is
// an [*UnsavedError] with the job: go on with [Client.SaveAs], as another RunFile would
// create, and charge, a second job.
func (c *Client) RunFile(ctx context.Context, r *JobRequest, dst string, opts ...RunOption) ([]string, error) {
	w, err := c.newWork(r, defaultRun, opts)
	if err != nil {
		return nil, err
	}
	if err := w.writeTo(dst); err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	_, paths, err := w.runAndSave(ctx)
	return paths, err
}

// Start creates a job, sends its local sources, and returns the job without waiting for
// its end: a webhook, the event socket or another process does. Everything else is as with
// [Client.Run], but that a task may wait for a file that another program sends, a browser
// for example: see [TasksService.UploadForm].
func (c *Client) Start(ctx context.Context, r *JobRequest, opts ...RunOption) (*Job, error) {
	w, err := c.newWork(r, defaultRun, append(slices.Clip(opts), WithPendingUpload()))
	if err != nil {
		return nil, err
	}
	if err := w.config.refuse("Start", "it does not wait for the job, use Run or RunFile", "WithDelete", "WithOverwrite", "WithSignal", "WithDeleteOnCancel"); err != nil {
		return nil, err
	}
	ctx, release := poll.WithCleanup(ctx)
	defer release()
	return w.start(ctx, false)
}

// Convert converts a source to a format and returns the job when it has ended. It is
// [Client.Run] of the pipeline of a source and a [Convert].
func (c *Client) Convert(ctx context.Context, src Source, outputFormat string, opts ...ConvertOption) (*Job, error) {
	request, runOpts, err := conversion(src, outputFormat, opts)
	if err != nil {
		return nil, err
	}
	return c.runWithoutFiles(ctx, request, []RunOption{runOpts}, "Convert", "ConvertFile")
}

// ConvertFile converts the file src to the file dst and returns the paths written. Their
// extensions tell the formats. src may also be a URL that begins with https:// or
// http://, which the service fetches. Missing directories of dst are made. It is
// [Client.RunFile] of the pipeline of a source and a [Convert].
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

// conversion returns the request of a conversion, and its options as one of a run.
func conversion(src Source, outputFormat string, opts []ConvertOption) (*JobRequest, RunOption, error) {
	config := convertConfig{run: defaultRun}
	if err := applyAll(opts, func(o ConvertOption) error { return o.applyConvert(&config) }); err != nil {
		return nil, nil, err
	}
	format := filename.Normalize(outputFormat)
	if !filename.IsFormat(format) {
		return nil, nil, invalid(fmt.Errorf("%q is not an output format: use the extension of one, such as pdf", outputFormat))
	}
	all := runOption{set: func(c *runConfig) error {
		*c = config.run
		return nil
	}}
	return Pipeline(src, Convert{OutputFormat: format, Options: config.options}), all, nil
}

// work is one job on its way: created, sent its sources, waited for, saved.
type work struct {
	client   *Client
	plan     *plan
	config   runConfig
	name     string       // by which progress knows it
	reporter *reporter    // nil if progress is not reported
	dst      *destination // nil if no files are written
	begun    time.Time    // when the creation of the job began, zero if it did not

	record journal.Work // of a batch with a journal
	file   string       // the path of the only file, "" if it is not known
	// claimPath reserves a path that no other work of the batch may write.
	claimPath func(path string) error
	permit    func() error // asked right before a creation, nil if there is nobody to ask
	retry     bool         // limits of the service are waited for, as long as the context lasts
	sources   *sources
	// unsent reports that the job was to be deleted since a file did not get there, and
	// deleted that it was.
	unsent, deleted bool
}

// newWork plans a job. Options are applied to a configuration.
func (c *Client) newWork(r *JobRequest, config runConfig, opts []RunOption) (*work, error) {
	if err := config.apply(opts); err != nil {
		return nil, err
	}
	plan, err := newPlan(r)
	if err != nil {
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

// writeTo sets where the files go.
func (w *work) writeTo(dst string) error {
	if err := w.plan.checkFiles(); err != nil {
		return err
	}
	destination, err := newDestination(dst)
	if err != nil {
		return err
	}
	if !destination.isDir {
		if err := w.plan.output.fits(dst); err != nil {
			return err
		}
	}
	w.dst = destination
	return nil
}

// runAndSave runs the job and writes its files.
func (w *work) runAndSave(ctx context.Context) (*Job, []string, error) {
	if err := w.dst.prepare(w.plan.output, w.config.overwrite); err != nil {
		return nil, nil, err
	}
	job, err := w.run(ctx)
	if err != nil {
		return job, nil, errors.Join(err, w.discard(ctx, job, err))
	}
	paths, err := w.saveAndDiscard(ctx, job)
	return job, paths, err
}

// saveAndDiscard writes the files of the finished job, and then deletes it if that was
// asked for.
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

// save writes the files of the finished job.
func (w *work) save(ctx context.Context, job *Job) ([]string, error) {
	s := saver{
		client: w.client, overwrite: w.config.overwrite, own: w.record.Earlier.Remains(),
		reporter: w.reporter, work: w.name,
	}
	files := job.Files()
	if len(files) == 0 {
		return nil, &UnsavedError{Job: job, Destination: w.dst.path, err: errors.New("the job has no exported files")}
	}
	paths, err := s.save(ctx, w.dst.dir(), files, w.dst.names(files, w.plan.output))
	if err != nil {
		return nil, &UnsavedError{Job: job, Destination: w.dst.path, err: err}
	}
	return paths, nil
}

// run returns the job when it has ended.
func (w *work) run(ctx context.Context) (*Job, error) {
	job, err := w.start(ctx, true)
	if err != nil {
		return job, err
	}
	return w.wait(ctx, job)
}

// start returns the job when its sources are sent. If it is going to be waited for and
// needs no uploads, it may have ended by then.
func (w *work) start(ctx context.Context, waited bool) (*Job, error) {
	defer w.sources.closeAll(ctx)
	job, err := w.client.Jobs.adopt(ctx, w.record.Earlier)
	if err != nil {
		return nil, err
	}
	if job != nil {
		w.record.Tag = w.record.Earlier.Tag
		return w.goOn(ctx, job)
	}
	if err := w.sources.openAll(ctx, w.config.inlineLimit); err != nil {
		return nil, err
	}
	if job, err = w.create(ctx, waited); err != nil {
		return nil, err
	}
	return w.upload(ctx, job)
}

// goOn sends an adopted job the sources that it still waits for. It opens them first: a
// source that cannot be read now is no reason to delete the job.
func (w *work) goOn(ctx context.Context, job *Job) (*Job, error) {
	if job.Status.Terminal() {
		return job, nil
	}
	job, err := w.describe(ctx, job)
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

// create creates the job.
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
	creation := newCreation(body)
	creation.pending = w.sources.needUploads()
	stop, err := creation.recordIn(ctx, &w.record)
	if err != nil {
		return nil, err
	}
	defer stop()
	w.begun = time.Now()
	if waited && !creation.pending {
		w.reportProcess(0) // and else when the uploads are done
	}
	create := w.client.Jobs.create
	if waited && !creation.pending && !w.config.wait.pendingUpload && w.config.wait.signal == nil {
		create = w.client.Jobs.createAndWait
	}
	job, err := w.createWithRetry(ctx, creation, create)
	switch {
	case err == nil:
		return job, nil
	case creation.pending && isOpen(err) && creation.own && w.removeLost(ctx, creation.body.Tag):
		return nil, err
	default:
		return nil, creation.asError(err)
	}
}

// createWithRetry creates the job. Where limits are waited for, a refusal that outlasts the
// attempts of a call is no reason to give up, and one that outlasts the context none to go
// on to the next work.
func (w *work) createWithRetry(
	ctx context.Context, c *creation, create func(context.Context, *creation, createConfig) (*Job, error),
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

// retryAfter is how long the service asks to wait.
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
	job, err := w.describe(ctx, job)
	if err != nil {
		return job, w.removeUnsent(ctx, job, err)
	}
	awaited := w.sources.awaited(job)
	if len(awaited) == 0 {
		return job, nil // it has all that it needs, also if the context ended
	}
	send := func(ctx context.Context, s *openSource) error { return w.send(ctx, job, s) }
	if err := parallel.Each(ctx, w.client.core.policy.Parallel, awaited, send); err != nil {
		return job, w.removeUnsent(ctx, job, err)
	}
	return job, nil
}

// send uploads a source.
func (w *work) send(ctx context.Context, job *Job, s *openSource) error {
	if err := w.sources.open(ctx, s, w.config.inlineLimit); err != nil {
		return err
	}
	defer w.sources.close(ctx, s)
	task, _ := job.Task(s.task)
	return w.client.core.upload(ctx, task, s.name, s.content, w.reporter.transfer(PhaseUpload, w.name, s.name))
}

// describe reads the job again if it came from a list or a response that leaves out what
// an upload has to know.
func (w *work) describe(ctx context.Context, job *Job) (*Job, error) {
	if w.sources.isDescribed(job) {
		return job, nil
	}
	whole, err := w.client.Jobs.Get(ctx, job.ID)
	if err != nil {
		return job, err
	}
	for name := range w.sources.byTask {
		if _, found := whole.Task(name); !found {
			return whole, fmt.Errorf("cloudconvert: job %s came back without its task %q", job.ID, name)
		}
	}
	return whole, nil
}

// wait waits for the end of the job and reports its progress meanwhile.
func (w *work) wait(ctx context.Context, job *Job) (*Job, error) {
	if job.Status.Terminal() {
		w.reportProcess(percentOf(job))
		return job, w.client.Jobs.outcome(job)
	}
	w.reportProcess(0)
	stop := w.followProcess(ctx, job.ID)
	// The uploads are sent, and the service may go on to report them as waiting.
	config := w.config.wait
	config.pendingUpload = true
	ended, err := w.client.Jobs.wait(ctx, job.ID, waiting{waitConfig: config, last: job.Status, begun: w.begun})
	stop()
	if ended == nil {
		return job, err
	}
	w.reportProcess(percentOf(ended))
	return ended, err
}

// reportProcess reports how far the service has got.
func (w *work) reportProcess(percent int) {
	w.reporter.report(Progress{Work: w.name, Phase: PhaseProcess, Percent: percent})
}

// processInterval is how often the progress of a running job is asked for.
const processInterval = 2 * time.Second

// followProcess reports how a job gets on until it is stopped.
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

// percentOf returns how far a job has got: the mean of its tasks. A waiting task counts as
// not begun, whatever its percentage says.
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

// removeUnsent deletes a job that was not sent its files: it would go on waiting for them,
// and count as running. It returns the failure, with what became of that.
func (w *work) removeUnsent(ctx context.Context, job *Job, failure error) error {
	w.unsent = true
	if err := w.remove(ctx, job); err != nil {
		return errors.Join(failure, err)
	}
	w.deleted = true
	return failure
}

// discard deletes the job if that was asked for. If a wait for it failed, the error of
// the wait says so.
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

// remove deletes a job, even if the context ended.
func (w *work) remove(ctx context.Context, job *Job) error {
	return deleteUnwanted(ctx, "jobs", job.ID, func(ctx context.Context) error { return w.client.Jobs.Delete(ctx, job.ID) })
}

// removeLost deletes a job whose creation was under way when the context ended, since
// nothing is going to send it its files. It reports whether it did.
func (w *work) removeLost(ctx context.Context, tag string) bool {
	if ctx.Err() == nil {
		return false // the job has been looked for already
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
