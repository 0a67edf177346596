package cloudconvert

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/journal"
	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// defaultConcurrency is how many works [Client.RunAll] runs concurrently. A work spends
// most of its time waiting for the service: a few keep the network busy, and many only
// reach the number of jobs that an account may run at once.
const defaultConcurrency = 8

// Work is a job of [Client.RunAll].
type Work struct {
	// Name identifies the work in results, in progress and in the journal. The default
	// is what [Source.String] returns for the first source: the path, the name, or the
	// URL with a hash of its query. A work without a source must have a Name. If two
	// works have the same name, the second fails. The path of a source is compared as an
	// absolute path.
	Name string
	// Request is the job to run, see [Client.Run].
	Request *JobRequest
	// Destination is where the files are written, as with [Client.RunFile]: a file, or
	// a directory if it ends in a separator. A relative path is below the directory of
	// [WithOutputDir]. If Destination is empty, the files are written to that
	// directory. Without either, no files are written: they stay in the job.
	Destination string
	// Options apply to this work, after the options of the batch.
	Options []RunOption
}

// identity returns what identifies the work.
func (w Work) identity() string {
	if first, ok := w.Request.firstSource(); ok && w.Name == first.String() {
		return first.identity()
	}
	return w.Name
}

// Result is the result of a [Work].
type Result struct {
	// Work is the work, with its name.
	Work Work
	// Job is the finished job or, if Err is not nil, the job as last seen. It is nil if
	// no job was created, and if the journal lists the work as done.
	Job *Job
	// Files are the paths of the files that were written by this run or, if the journal
	// lists the work as done, by an earlier one. With [WithJournal] they are absolute.
	Files []string
	// Err is why the work failed: any error of [Client.RunFile], or [ErrBudget].
	Err error
}

// RunAll runs many jobs, several concurrently, and yields the result of each as it
// ends, in no particular order. If a work fails, the others go on. But once the service
// refuses the account, see [IsAccountError], no more works are begun.
//
// RunAll takes works from the iterator as there is room for them, see
// [WithConcurrency]. There may be any number of works: RunAll remembers 16 bytes for
// each name, path and key. When the service limits requests, or the jobs that may run at
// once, RunAll waits.
//
// The iterator runs in a separate goroutine, and may block until there are more works. If
// it panics, RunAll panics after the results of the works that were begun. RunAll waits
// for it, unless the batch ends early: then the iterator may still run when RunAll has
// returned, and a work that it yields is dropped.
//
// No two works write the same file. Paths are claimed in the order of the works, and a
// work whose path is already claimed fails before its job is created. Paths that only
// the service knows are claimed when the job has ended.
//
// When the context ends, or the budget or the account ends the batch, each work that was
// begun still yields its result, and the others yield none. A break from the loop ends all
// that runs. After it, or after the end of the context, RunAll returns within a second, for
// all works together. No job is left waiting for an upload unless its result says so. With
// [WithJournal], the next run continues with jobs that are still running.
//
// The options apply to all works. If they are invalid, or the journal cannot be used,
// the only result has the error and a Work without a name. If the journal cannot be
// closed, the last result is of this kind.
func (c *Client) RunAll(ctx context.Context, works iter.Seq[Work], opts ...BatchOption) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		b, err := c.newBatch(works, opts)
		if err != nil {
			yield(Result{Err: err})
			return
		}
		b.run(ctx, yield)
	}
}

// batch is a call of RunAll.
type batch struct {
	client  *Client
	config  batchConfig
	works   iter.Seq[Work]
	slots   chan struct{}    // has a value for each work that runs
	journal *journal.Journal // nil if none is kept
	results chan Result      // closed when the last work has ended

	stopped chan struct{} // closed when no more works may be begun

	mu       sync.Mutex
	claimed  map[[16]byte]struct{} // names, keys and paths
	spent    int                   // credits
	panicked any                   // what the iterator panicked with
	running  sync.WaitGroup
}

func (c *Client) newBatch(works iter.Seq[Work], opts []BatchOption) (*batch, error) {
	if works == nil {
		return nil, invalid(errors.New("the works are nil"))
	}
	config := batchConfig{run: defaultRun, concurrency: defaultConcurrency}
	if err := applyAll(opts, func(o BatchOption) error { return o.applyBatch(&config) }); err != nil {
		return nil, err
	}
	b := &batch{
		client: c, config: config, works: works,
		claimed: map[[16]byte]struct{}{},
		slots:   make(chan struct{}, config.concurrency),
		stopped: make(chan struct{}),
		results: make(chan Result, config.concurrency),
	}
	var err error
	if config.journal != "" {
		if b.journal, err = journal.Open(config.journal); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// run yields results until all works have ended or the consumer stops. When it returns,
// nothing runs any more.
func (b *batch) run(ctx context.Context, yield func(Result) bool) {
	ctx, cancel := context.WithCancel(ctx)
	ctx, release := poll.WithCleanup(ctx)
	go b.work(ctx)
	defer func() {
		cancel()
		for range b.results {
		}
		release()
	}()
	for result := range b.results {
		if !yield(result) {
			return
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.panicked != nil {
		panic(b.panicked) //nolint:forbidigo // the panic of the iterator; the caller may recover
	}
}

// work starts works until there are no more or the context ends, and waits for
// those that run. It does not wait for an iterator that blocks: feed returns after
// the next work.
func (b *batch) work(ctx context.Context) {
	defer close(b.results)
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer func() { b.keepPanic(recover()) }()
		b.feed(ctx)
	}()
	select {
	case <-fed:
	case <-b.stopped:
	case <-ctx.Done():
	}
	b.stop()
	b.running.Wait()
	if b.journal == nil {
		return
	}
	if err := b.journal.Close(ctx); err != nil {
		b.results <- Result{Err: err}
	}
}

// keepPanic keeps a panic of the iterator, so that run can panic in the goroutine of the
// caller.
func (b *batch) keepPanic(panicked any) {
	if panicked == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panicked = fmt.Sprintf("%v\n\n%s", panicked, debug.Stack())
}

// stop begins no more works.
func (b *batch) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.isStopped() {
		close(b.stopped)
	}
}

func (b *batch) isStopped() bool {
	select {
	case <-b.stopped:
		return true
	default:
		return false
	}
}

// feed starts works as there is room for them.
func (b *batch) feed(ctx context.Context) {
	for work := range b.works {
		select {
		case <-ctx.Done():
			return
		case b.slots <- struct{}{}:
		}
		prepared, err := b.prepare(&work)
		if !b.start(ctx, work, prepared, err) || errors.Is(err, ErrBudget) {
			return
		}
	}
}

// start runs a work, unless the batch was stopped. The slot of the work is freed when
// its result is delivered: a slow consumer slows the batch down.
func (b *batch) start(ctx context.Context, work Work, prepared *work, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.isStopped() || ctx.Err() != nil {
		return false
	}
	b.running.Go(func() {
		result := Result{Work: work, Err: err}
		if err == nil {
			result.Job, result.Err = prepared.observe(ctx, func(ctx context.Context) (job *Job, err error) {
				job, result.Files, err = prepared.runInBatch(ctx)
				return job, err
			})
			b.addCost(prepared, result.Job)
		}
		if IsAccountError(result.Err) {
			b.stop()
		}
		b.results <- result
		<-b.slots
	})
	return true
}

// addCost adds the credits of a job to those spent, unless an earlier run created it.
func (b *batch) addCost(w *work, job *Job) {
	if job == nil || w.begun.IsZero() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += job.Credits()
}

// permit returns an error if the budget is spent. Works call it before they
// create a job.
func (b *batch) permit() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.budget > 0 && b.spent >= b.config.budget {
		return fmt.Errorf("%w: the jobs of the batch cost %d credits, and the budget is %d", ErrBudget, b.spent, b.config.budget)
	}
	return nil
}

// prepare validates a work, and claims its name, key and path. It sets the name even if it
// returns an error: a result without a name is a failure of the batch.
func (b *batch) prepare(given *Work) (*work, error) {
	given.Name = cmp.Or(given.Name, given.Request.defaultName())
	if err := b.permit(); err != nil {
		return nil, err
	}
	if b.journal != nil && !utf8.ValidString(given.Name) {
		return nil, invalid(fmt.Errorf("the journal cannot hold the name %q, which is not UTF-8 text: set Name, and use Source.WithName", engine.HideQueries(given.Name)))
	}
	w, err := b.client.newWork(given.Request, b.config.run, given.Options)
	if err != nil {
		return nil, err
	}
	w.retry, w.permit = true, b.permit
	if given.Name == "" {
		return nil, invalid(errors.New("the work has no source to be named after: set Name"))
	}
	w.name, w.identity = given.Name, given.identity()
	dst, err := b.destination(*given)
	if err != nil {
		return nil, err
	}
	if dst != "" {
		if err := w.writeTo(dst); err != nil {
			return nil, err
		}
	}
	if w.config.delete && w.dst == nil && w.plan.output.exports > 0 {
		return nil, invalid(errors.New("WithDelete: the files would be lost, since the work has no destination: give it one, or use WithOutputDir"))
	}
	if b.journal != nil {
		if err := w.recordIn(b.journal); err != nil {
			return nil, err
		}
	}
	return w, b.claim(w)
}

// recordIn reads the entry of the work in a journal, and makes the work record its
// state there.
func (w *work) recordIn(j *journal.Journal) error {
	if w.plan.request.Tag != "" {
		return invalid(errors.New("the request has a Tag, but the journal sets tags to find jobs by: leave it empty"))
	}
	if w.dst != nil && !utf8.ValidString(w.dst.path) {
		return invalid(fmt.Errorf("the journal cannot hold the destination %q, which is not UTF-8 text: use another name", w.dst.path))
	}
	if w.dst != nil {
		if err := w.dst.makeAbsolute(); err != nil {
			return err
		}
	}
	hash, err := w.hash()
	if err == nil {
		w.record, err = j.Work(w.identity, hash)
	}
	return err
}

// hash returns a hash of the tasks and the destination of a work. Local sources count
// by their path or name, not by their content. URLs to import from count without their
// query, which may be a signature that differs in each run.
func (w *work) hash() (string, error) {
	body := w.plan.body
	body.Tasks = maps.Clone(body.Tasks)
	for name, task := range body.Tasks {
		if task["operation"] == string(OperationImportURL) {
			unsigned := maps.Clone(task)
			unsigned["url"], _, _ = strings.Cut(params.Text(task["url"]), "?")
			body.Tasks[name] = unsigned
		}
	}
	for _, s := range w.plan.sources {
		body.Tasks[s.task] = map[string]any{"source": strconv.QuoteToASCII(s.identity()), "name": strconv.QuoteToASCII(s.name)}
	}
	text, err := strictjson.Marshal(body)
	if err != nil {
		return "", invalid(err)
	}
	if w.dst != nil {
		text = fmt.Append(text, canonicalPath(w.dst.path), w.dst.isDir)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12]), nil
}

// runInBatch runs the work, unless the journal has it as done.
func (w *work) runInBatch(ctx context.Context) (*Job, []string, error) {
	earlier := w.record.Earlier
	if earlier.IsDone() {
		return nil, earlier.Files, w.claimFiles(earlier.Files)
	}
	if err := w.checkEarlierFiles(); err != nil {
		return nil, nil, err
	}
	job, err := w.run(ctx)
	if err != nil {
		return job, nil, errors.Join(err, w.fail(ctx, job, err))
	}
	var files []string
	if w.dst != nil {
		files, err = w.saveInBatch(ctx, job)
	}
	if err != nil {
		return job, nil, err
	}
	if err := w.record.Done(ctx, files); err != nil {
		return job, files, &finishedError{job.ID, err}
	}
	if err := w.discard(ctx, job, nil); err != nil {
		return job, files, &finishedError{job.ID, err}
	}
	return job, files, nil
}

// saveInBatch writes the files of the job. It first records which files are
// about to appear: if the process ends while they are written, the next run
// knows them as its own.
func (w *work) saveInBatch(ctx context.Context, job *Job) ([]string, error) {
	paths := w.dst.paths(job.Files(), w.plan.output)
	err := w.claimFiles(paths)
	// With overwrite, new files could not be distinguished from those that were there. With
	// a key, the next run compares their bytes.
	if err == nil && w.record.IsKept() && !w.config.overwrite && w.config.create.key == "" {
		err = w.recordSaving(ctx, paths, job.Files())
	}
	if err != nil {
		return nil, &UnsavedError{Job: job, Destination: w.dst.path, err: err}
	}
	files, err := w.save(ctx, job)
	if err != nil && w.record.IsKept() {
		err = errors.Join(err, w.record.Begin(ctx, w.record.Tag)) // the next run saves the files
	}
	return files, err
}

// recordSaving records the files that are about to appear. It returns an error if one
// of them exists, unless an earlier run has left it.
func (w *work) recordSaving(ctx context.Context, paths []string, files []File) error {
	sizes := make([]int64, len(paths))
	for i, path := range paths {
		if !w.remains(path) {
			if err := checkFree(path, false); err != nil {
				return err
			}
		}
		sizes[i] = files[i].Size
	}
	return w.record.Saving(ctx, paths, sizes)
}

// checkEarlierFiles returns an error if an earlier run has finished files of which some
// are gone, and others are still there: all would be written again.
func (w *work) checkEarlierFiles() error {
	if w.record.Earlier.IsSaving() {
		return nil
	}
	for _, file := range w.record.Earlier.Files {
		if err := checkFree(file, w.config.overwrite); err != nil {
			return err
		}
	}
	return nil
}

// fail cleans up after a work without a finished job. If its job may still finish, it
// leaves the job and the record of it to the next run.
func (w *work) fail(ctx context.Context, job *Job, failure error) error {
	if w.record.Tag == "" {
		return w.discard(ctx, job, failure)
	}
	lost := errors.Is(failure, ErrOutcomeUnknown)
	running := job != nil && !job.Status.Terminal() && !w.deleted
	if lost || running {
		return nil
	}
	return errors.Join(w.record.Forget(ctx), w.discard(ctx, job, failure))
}

// Format prints the name and the destination of the work, whatever the verb.
func (w Work) Format(s fmt.State, _ rune) { write(s, w.outline()) }

// LogValue returns what Format prints.
func (w Work) LogValue() slog.Value { return slog.StringValue(w.outline()) }

func (w Work) outline() string {
	outline := fmt.Sprintf("work %q", engine.HideQueries(w.Name))
	if w.Destination != "" {
		outline += fmt.Sprintf(" in %q", engine.HideQueries(w.Destination))
	}
	return outline
}

// Format prints the work, its job, its files and its error, whatever the verb.
func (r Result) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue returns what Format prints.
func (r Result) LogValue() slog.Value { return slog.StringValue(r.outline()) }

func (r Result) outline() string {
	parts := []any{r.Work}
	if r.Job != nil {
		parts = append(parts, r.Job)
	}
	if len(r.Files) > 0 {
		parts = append(parts, fmt.Sprintf("files %q", r.Files))
	}
	if r.Err != nil {
		parts = append(parts, r.Err)
	}
	return "result " + fmt.Sprint(parts)
}
