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
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/journal"
	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// defaultConcurrency is how many works [Client.RunAll] does at a time. A work spends most
// of its time waiting for the service, so that a few keep the network busy, and many only
// reach the number of jobs that an account may run at once.
const defaultConcurrency = 8

// Work is a job of [Client.RunAll].
type Work struct {
	// Name tells works apart, in results, in progress and in the journal. It defaults to
	// what [Source.String] returns of the first source: the path, the name, or the URL
	// with a hash of its query. Without a source it is required. Two works of one name are
	// refused.
	Name string
	// Request is the job to be run, see [Client.Run].
	Request *JobRequest
	// Destination is where the files go, as with [Client.RunFile]: a file, or a directory
	// if it ends in a separator. A relative path is below [WithOutputDir]. If it is empty,
	// the files go to that directory. Without either nothing is fetched: the files stay
	// in the job.
	Destination string
	// Options apply to this work, after those of the batch.
	Options []RunOption
}

// Result is what became of a [Work].
type Result struct {
	// Work is the work, with its name.
	Work Work
	// Job is the job when it has ended. It is nil if none was created, or if the journal
	// says that the work was finished before.
	Job *Job
	// Files are the files written, or found to be written before.
	Files []string
	// Err is why the work failed: everything that [Client.RunFile] may return, and
	// [ErrBudget].
	Err error
}

// RunAll runs many jobs, several at a time, and yields the result of each as it ends, in no
// particular order. A failure concerns its work only.
//
// Works are taken from the iterator as there is room for them, so that their number does
// not matter: RunAll remembers 16 bytes for each name and each path. The iterator runs in a
// goroutine of its own, and may wait for works to come. When a limit of the service is
// reached, be it for requests or for jobs at once, RunAll waits.
//
// No two works write the same file: paths are claimed in the order of the works, and a
// second claim fails before its job is created.
//
// Leaving the loop ends everything that runs. When the context ends, each work that was
// begun still has its result, and the others have none. Either way it is over within a
// second, for all works together, and no job is left waiting for an upload unless its
// result says so.
//
// The options apply to all works. If they are wrong or the journal cannot be used, the only
// result has the error and a Work without a name. So has a last result if the journal
// cannot be closed.
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

// batch is a run of RunAll.
type batch struct {
	client  *Client
	config  batchConfig
	works   iter.Seq[Work]
	slots   chan struct{}    // one for each work that may run
	journal *journal.Journal // nil if none is kept
	results chan Result      // closed when the last work has ended

	mu       sync.Mutex
	claimed  map[[16]byte]struct{} // names and paths
	spent    int                   // credits
	stopped  bool                  // nothing may be started any more
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

// run yields results until all works have ended or the consumer has enough. Nothing that it
// started goes on after it.
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
		panic(b.panicked) //nolint:forbidigo // it is the caller's own, who may want to recover
	}
}

// work starts works until there are no more or the context ends, and waits for those that
// run. It does not wait for the iterator, which may take as long as it likes and ends with
// the work it gives next.
func (b *batch) work(ctx context.Context) {
	defer close(b.results)
	fed := make(chan struct{})
	go func() {
		defer close(fed)
		defer func() { b.keep(recover()) }()
		b.feed(ctx)
	}()
	select {
	case <-fed:
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

// keep keeps a panic of the iterator for the goroutine of the caller.
func (b *batch) keep(panicked any) {
	if panicked == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panicked = fmt.Sprintf("%v\n\n%s", panicked, debug.Stack())
}

func (b *batch) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stopped = true
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

// start runs a work, unless the batch was stopped. The slot of the work is free when its
// result was delivered: a consumer that takes results slowly gets them slowly.
func (b *batch) start(ctx context.Context, work Work, prepared *work, err error) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stopped || ctx.Err() != nil {
		return false
	}
	b.running.Go(func() {
		result := Result{Work: work, Err: err}
		if err == nil {
			result.Job, result.Files, result.Err = prepared.runInBatch(ctx)
			b.pay(prepared, result.Job)
		}
		b.results <- result
		<-b.slots
	})
	return true
}

// pay counts what the job of a work has cost, unless an earlier run created it.
func (b *batch) pay(w *work, job *Job) {
	if job == nil || w.begun.IsZero() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.spent += job.Credits()
}

// permit returns an error if the budget is spent.
func (b *batch) permit() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.config.budget > 0 && b.spent >= b.config.budget {
		return fmt.Errorf("%w: the jobs of the batch have cost %d credits, and the budget is %d", ErrBudget, b.spent, b.config.budget)
	}
	return nil
}

// prepare validates a work and claims its name and its path. It sets its name, also if the
// work is refused: a result without one is the failure of the batch.
func (b *batch) prepare(given *Work) (*work, error) {
	given.Name = cmp.Or(given.Name, given.Request.defaultName())
	if err := b.permit(); err != nil {
		return nil, err
	}
	w, err := b.client.newWork(given.Request, b.config.run, given.Options)
	if err != nil {
		return nil, err
	}
	w.retry, w.permit = true, b.permit
	w.name = given.Name
	if err := b.checkName(w.name); err != nil {
		return nil, err
	}
	if dst := b.destination(*given); dst != "" {
		if err := w.writeTo(dst); err != nil {
			return nil, err
		}
	}
	if w.config.delete && w.dst == nil && w.plan.output.exports > 0 {
		return nil, invalid(errors.New("WithDelete: the work has no destination, and its files would be lost: give it one, or use WithOutputDir"))
	}
	if b.journal != nil {
		if err := w.recordIn(b.journal); err != nil {
			return nil, err
		}
	}
	return w, b.claim(w)
}

func (b *batch) checkName(name string) error {
	switch {
	case name == "":
		return invalid(errors.New("the work has no name: set Name, since it has no source to be named after"))
	case !utf8.ValidString(name) && b.journal != nil:
		return invalid(fmt.Errorf("the journal cannot hold the name %q, which is not UTF-8 text: set Name", engine.HideQueries(name)))
	}
	return nil
}

// destination returns where the files of a work go, or "" if they stay in the job.
func (b *batch) destination(w Work) string {
	switch {
	case b.config.outputDir == "" || filepath.IsAbs(w.Destination):
		return w.Destination
	case w.Destination == "":
		return b.config.outputDir + string(filepath.Separator)
	}
	path := filepath.Join(b.config.outputDir, w.Destination)
	if strings.HasSuffix(w.Destination, "/") || strings.HasSuffix(w.Destination, string(filepath.Separator)) {
		path += string(filepath.Separator)
	}
	return path
}

// claim reserves what no two works may share, as far as it is known beforehand.
func (b *batch) claim(w *work) error {
	if !b.take("name", w.name) {
		return invalid(fmt.Errorf("another work of the batch has the name %q: set Name", engine.HideQueries(w.name)))
	}
	if w.dst == nil {
		return nil
	}
	w.claimPath = b.claimPath
	if w.file = w.dst.file(w.plan.output); w.file == "" {
		return nil // the service names the files: they are claimed before they are written
	}
	return b.claimPath(w.file)
}

// claimPath reserves a path.
func (b *batch) claimPath(path string) error {
	if absolute, err := filepath.Abs(path); err == nil {
		path = absolute
	}
	claimed := path
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		claimed = strings.ToLower(path)
	}
	if !b.take("path", claimed) {
		return invalid(fmt.Errorf("another work of the batch writes %q: give each its own destination", engine.HideQueries(path)))
	}
	return nil
}

// take records a name or path. It reports false if that was recorded before.
func (b *batch) take(kind, value string) bool {
	sum := sha256.Sum256([]byte(kind + "\x00" + value))
	key := [16]byte(sum[:16])
	b.mu.Lock()
	defer b.mu.Unlock()
	_, taken := b.claimed[key]
	b.claimed[key] = struct{}{}
	return !taken
}

// recordIn reads what a journal has of the work, and has the work recorded in it.
func (w *work) recordIn(j *journal.Journal) error {
	if w.plan.request.Tag != "" {
		return invalid(errors.New("the journal finds jobs by their tags: leave the Tag of the request empty"))
	}
	if w.dst != nil && !utf8.ValidString(w.dst.path) {
		return invalid(fmt.Errorf("the journal cannot hold the destination %q, which is not UTF-8 text: use another name", w.dst.path))
	}
	hash, err := w.hash()
	if err == nil {
		w.record, err = j.Work(w.name, hash)
	}
	return err
}

// hash stands for the tasks and the destination of a work. Local sources count by what
// they were made of, and not by their content. URLs to import from count without their
// query, which may be a signature that is another one in each run.
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
		body.Tasks[s.task] = map[string]any{"source": s.String(), "name": s.name}
	}
	text, err := strictjson.Marshal(body)
	if err != nil {
		return "", invalid(err)
	}
	if w.dst != nil {
		text = append(text, w.dst.path...)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:12]), nil
}

// runInBatch runs the work, unless the journal says that it was done before.
func (w *work) runInBatch(ctx context.Context) (*Job, []string, error) {
	earlier := w.record.Earlier
	if earlier.IsDone() {
		return nil, earlier.Files, w.claimFiles(earlier.Files)
	}
	if w.dst != nil {
		own := slices.Contains(earlier.Remains(), w.dst.file(w.plan.output))
		if err := w.dst.prepare(w.plan.output, w.config.overwrite || own); err != nil {
			return nil, nil, err
		}
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

// saveInBatch writes the files of the job and records which are about to appear: those
// that are there when the run ends in the middle are then known as its own.
func (w *work) saveInBatch(ctx context.Context, job *Job) ([]string, error) {
	paths := w.dst.paths(job.Files(), w.plan.output)
	err := w.claimFiles(paths)
	// Files that are replaced cannot be told from those that were there.
	if err == nil && w.record.IsKept() && !w.config.overwrite {
		err = w.recordSaving(ctx, paths, job.Files())
	}
	if err != nil {
		return nil, &UnsavedError{Job: job, Destination: w.dst.path, err: err}
	}
	files, err := w.save(ctx, job)
	if err != nil && w.record.IsKept() {
		err = errors.Join(err, w.record.Begin(ctx, w.record.Tag)) // the next run fetches what the job made
	}
	return files, err
}

// recordSaving records the files that are about to appear, if none of them is there but
// those that an earlier run has left.
func (w *work) recordSaving(ctx context.Context, paths []string, files []File) error {
	remains := w.record.Earlier.Remains()
	sizes := make([]int64, len(paths))
	for i, path := range paths {
		if !slices.Contains(remains, path) {
			if err := checkFree(path, false); err != nil {
				return err
			}
		}
		sizes[i] = files[i].Size
	}
	return w.record.Saving(ctx, paths, sizes)
}

// checkEarlierFiles returns an error if some of the files that an earlier run has finished
// are gone, and others, which would be written again, are in the way.
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

// claimFiles reserves the paths of files that were not known beforehand.
func (w *work) claimFiles(paths []string) error {
	for _, path := range paths {
		if path == w.file {
			continue
		}
		if err := w.claimPath(path); err != nil {
			return err
		}
	}
	return nil
}

// fail does what is left to do for a work without a finished job. If there is a job that
// may still finish, the next run goes on with it.
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

// Format prints the name of the work and where its files go, whatever the verb.
func (w Work) Format(s fmt.State, _ rune) { write(s, w.outline()) }

// LogValue is what Format prints.
func (w Work) LogValue() slog.Value { return slog.StringValue(w.outline()) }

func (w Work) outline() string {
	outline := fmt.Sprintf("work %q", engine.HideQueries(w.Name))
	if w.Destination != "" {
		outline += fmt.Sprintf(" in %q", engine.HideQueries(w.Destination))
	}
	return outline
}

// Format prints what became of which work, whatever the verb.
func (r Result) Format(s fmt.State, _ rune) { write(s, r.outline()) }

// LogValue is what Format prints.
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
