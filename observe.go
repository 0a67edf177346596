package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// An Observer is called when an activity of a client begins, with what is known of it.
// It returns a context, for the requests and the activities within, and a function that
// is called once, when the activity has ended, with all that is known then. A nil context
// means the one that it was given, and a nil function that the end does not matter.
//
// An Observer is called from several goroutines, and delays the work while it runs. The
// context that it returns must be derived from the one that it was given. An Observer must
// not panic: some of these goroutines are the client's, where a panic ends the program.
type Observer func(ctx context.Context, a Activity) (context.Context, func(Activity))

// WithObserver makes a client report its activities, for traces and metrics. Package otel,
// a module below this one, has an observer for OpenTelemetry. Of several observers, the last
// one is used.
func WithObserver(observer Observer) Option {
	return func(c *config) error {
		if observer == nil {
			return errors.New("WithObserver: the observer is nil: omit the option to report nothing")
		}
		c.observer = observer
		return nil
	}
}

// ActivityKind is the kind of an [Activity]. Later versions may have others.
type ActivityKind string

// The kinds of activities.
const (
	// ActivityRun is a job from its creation to the last saved file: a call of Run,
	// RunFile, Start, Convert or ConvertFile, or a work of RunAll. The next four kinds are
	// within it, or on their own if their methods are called.
	ActivityRun ActivityKind = "run"
	// ActivityCreate is the creation of a job. If there is nothing to upload, it can last
	// until the end of the job, and no wait follows.
	ActivityCreate ActivityKind = "create"
	// ActivityUpload is the upload of a file.
	ActivityUpload ActivityKind = "upload"
	// ActivityWait is a wait for the end of a job or a task.
	ActivityWait ActivityKind = "wait"
	// ActivityDownload is the download of a file.
	ActivityDownload ActivityKind = "download"
	// ActivityRequest is a request to the API with all its attempts.
	ActivityRequest ActivityKind = "request"
)

// Activity is something that a client does, as an [Observer] sees it. A field is zero if
// it is not known yet, or does not apply. No field has the API key or the query of a URL,
// not even one that the caller passed as an id or a name.
type Activity struct {
	Kind ActivityKind
	// Name is the name of a work, see [Work], or of a file that is transferred.
	Name string
	// JobID and TaskID are the job or the task of the activity, and Tag is the tag of the
	// job: that of the request, the key of [WithKey], or one that this package chose.
	JobID, TaskID, Tag string
	// Operations are the operations of the tasks of a job, sorted, without repetitions. A
	// run does not have those of its local sources.
	Operations []Operation
	// Status is the status of the job or the task, as last seen.
	Status Status
	// Credits is what the job has cost so far.
	Credits int
	// Bytes is the size of an upload, or how much a download has read. This is more than
	// the size of the file if the download had to start over.
	Bytes int64
	// Method and Path are those of a request. StatusCode is that of its last response.
	Method, Path string
	StatusCode   int
	// Attempts counts how often a request, or that of an upload or a download, was sent.
	// RateLimited counts the responses of the API with the status 429 among them.
	Attempts, RateLimited int
	// Err is the error of the activity, or nil. If a panic or [runtime.Goexit] of the
	// caller's code ended the activity, it says so. The message of a failed task in it is
	// that of the service, which may quote the parameters of the task.
	Err error
}

// activity is an activity that has begun.
type activity struct {
	Activity

	attempts atomic.Int64   // they may be made by another goroutine than the one that ends it
	onEnd    func(Activity) // may be nil
}

// observe runs a function as an activity, in which the function records what it learns. The
// activity ends even if the function does not return.
func (c *core) observe(ctx context.Context, begun Activity, run func(context.Context, *activity) error) error {
	ctx, a := c.begin(ctx, begun)
	err := errNotReturned
	defer func() { c.end(a, err) }()
	err = run(ctx, a)
	return err
}

// observeJob is like observe for a function that returns a job, which may be nil.
func (c *core) observeJob(ctx context.Context, begun Activity, run func(context.Context) (*Job, error)) (*Job, error) {
	var job *Job
	err := c.observe(ctx, begun, func(ctx context.Context, a *activity) (err error) {
		job, err = run(ctx)
		a.recordJob(job)
		return err
	})
	return job, err
}

// errNotReturned is the error of an activity whose function did not return.
var errNotReturned = errors.New("cloudconvert: ended by a panic or by runtime.Goexit")

// begin begins an activity, which the caller must end. Use observe where it is possible.
func (c *core) begin(ctx context.Context, begun Activity) (context.Context, *activity) {
	a := &activity{Activity: begun}
	if c.config.observer == nil {
		return ctx, a
	}
	inner, end := c.config.observer(ctx, c.withoutSecrets(begun))
	a.onEnd = end
	if inner == nil {
		inner = ctx
	}
	return inner, a
}

// end ends an activity.
func (c *core) end(a *activity, err error) {
	a.Err, a.Attempts = err, int(a.attempts.Load())
	if a.onEnd != nil {
		a.onEnd(c.withoutSecrets(a.Activity))
	}
}

// attempted counts an attempt.
func (a *activity) attempted() { a.attempts.Add(1) }

// recordJob records what is known of a job, which may be nil.
func (a *activity) recordJob(job *Job) {
	if job != nil {
		a.JobID, a.Tag, a.Status, a.Credits = job.ID, job.Tag, job.Status, job.Credits()
	}
}

// withoutSecrets returns the activity without secrets in its texts. The caller chose some
// of them, such as names and ids, and may have passed a URL or the API key.
func (c *core) withoutSecrets(a Activity) Activity {
	var secrets []string
	if key := c.config.apiKey.value(); len(key) >= minKeyInPath {
		secrets = []string{key}
	}
	hiding := engine.Outcome{Err: a.Err}.Hiding(secrets...)
	a.Err = hiding.Err
	for _, text := range []*string{&a.Name, &a.JobID, &a.TaskID, &a.Tag, &a.Path} {
		*text = hiding.Hide(*text)
	}
	a.Operations = slices.Clone(a.Operations)
	for i, operation := range a.Operations {
		a.Operations[i] = Operation(hiding.Hide(string(operation)))
	}
	return a
}

// operationsOf returns the operations of tasks but for local sources, sorted, without
// repetitions. Without an observer it returns nil.
func (c *core) operationsOf(tasks map[string]map[string]any, sources []plannedSource) []Operation {
	if c.config.observer == nil {
		return nil
	}
	var all []Operation
	for name, task := range tasks {
		if !slices.ContainsFunc(sources, func(s plannedSource) bool { return s.task == name }) {
			all = append(all, Operation(fmt.Sprint(task["operation"])))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// observedFile ends the activity of a download when it is closed.
type observedFile struct {
	io.ReadCloser

	core     *core
	mu       sync.Mutex
	activity *activity // nil when it has ended
	failed   error
}

// Read reads from the file.
func (f *observedFile) Read(p []byte) (int, error) {
	n, err := f.ReadCloser.Read(p)
	f.record(n, err)
	return n, err
}

// WriteTo implements [io.WriterTo], as the reader of an unobserved file does.
func (f *observedFile) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(observedWriter{w, f}, f.ReadCloser)
	f.record(0, err)
	return n, err
}

// observedWriter records what is written of a file.
type observedWriter struct {
	io.Writer

	file *observedFile
}

// Write implements [io.Writer].
func (w observedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.file.record(n, nil) // WriteTo records the error
	return n, err
}

// record records what was read.
func (f *observedFile) record(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.activity == nil {
		return
	}
	f.activity.Bytes += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		f.failed = err
	}
}

// Close closes the file. The activity ends first: a read that Close interrupts has not
// failed.
func (f *observedFile) Close() error {
	f.mu.Lock()
	ended := f.activity
	f.activity = nil
	f.mu.Unlock()
	if ended != nil {
		f.core.end(ended, f.failed)
	}
	return f.ReadCloser.Close()
}
