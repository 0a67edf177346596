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
// context that it returns must be derived from the one that it was given.
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
// it is not known yet, or does not apply. No field has a key or the query of a URL.
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
	// Bytes is the size of an upload, and what was downloaded.
	Bytes int64
	// Method and Path are those of a request. StatusCode is that of its last response.
	Method, Path string
	StatusCode   int
	// Attempts counts how often a request, or that of an upload or a download, was sent.
	// RateLimited counts the responses of the API with the status 429 among them.
	Attempts, RateLimited int
	// Err is the error of the activity, or nil.
	Err error
}

// activity is an activity that has begun.
type activity struct {
	Activity

	attempts atomic.Int64   // they may be made by another goroutine than the one that ends it
	end      func(Activity) // may be nil
}

// observe begins an activity.
func (c *core) observe(ctx context.Context, begun Activity) (context.Context, *activity) {
	a := &activity{Activity: begun}
	if c.config.observer == nil {
		return ctx, a
	}
	inner, end := c.config.observer(ctx, begun.withoutQueries())
	a.end = end
	if inner == nil {
		inner = ctx
	}
	return inner, a
}

// observeDownload begins the activity of a download.
func (c *core) observeDownload(ctx context.Context, f File) (context.Context, *activity) {
	return c.observe(ctx, Activity{Kind: ActivityDownload, Name: f.Filename, TaskID: f.TaskID})
}

// withoutQueries returns the activity with names that are safe to show: those that the
// caller chose may be URLs.
func (a Activity) withoutQueries() Activity {
	a.Name, a.Tag = engine.HideQueries(a.Name), engine.HideQueries(a.Tag)
	return a
}

// attempted counts an attempt.
func (a *activity) attempted() { a.attempts.Add(1) }

// finish ends the activity.
func (a *activity) finish(err error) {
	a.Err, a.Attempts = err, int(a.attempts.Load())
	if a.end != nil {
		a.end(a.withoutQueries())
	}
}

// finishJob ends the activity, with a job that may be nil.
func (a *activity) finishJob(job *Job, err error) {
	if job != nil {
		a.JobID, a.Tag, a.Status, a.Credits = job.ID, job.Tag, job.Status, job.Credits()
	}
	a.finish(err)
}

// operationsOf returns the operations of tasks, sorted, without repetitions.
func operationsOf(tasks map[string]map[string]any) []Operation {
	var all []Operation
	for _, task := range tasks {
		all = append(all, Operation(fmt.Sprint(task["operation"])))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// observedReader ends the activity of a download when it is closed.
type observedReader struct {
	io.ReadCloser

	mu       sync.Mutex
	activity *activity // nil when it has ended
	failed   error
}

// Read reads from the file.
func (r *observedReader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	r.record(int64(n), err)
	return n, err
}

// WriteTo implements [io.WriterTo], as the reader of an unobserved file does.
func (r *observedReader) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, r.ReadCloser)
	r.record(n, err)
	return n, err
}

// record records what was read.
func (r *observedReader) record(n int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.activity == nil {
		return
	}
	r.activity.Bytes += n
	if err != nil && !errors.Is(err, io.EOF) {
		r.failed = err
	}
}

// Close closes the file. The activity ends first: a read that Close interrupts has not
// failed.
func (r *observedReader) Close() error {
	r.mu.Lock()
	ended := r.activity
	r.activity = nil
	r.mu.Unlock()
	if ended != nil {
		ended.finish(r.failed)
	}
	return r.ReadCloser.Close()
}
