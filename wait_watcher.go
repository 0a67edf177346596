package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

const (
	// syncSlice bounds one request to the host that responds when a job has ended.
	// Proxies drop idle connections silently.
	syncSlice = time.Minute
	// syncFailures is how many consecutive requests to that host may fail before
	// polling takes over.
	syncFailures = 3
	// syncRetry is the number of polls after which that host is used again.
	syncRetry = 5
)

// polls are the pauses between polls.
var polls = poll.Backoff{First: time.Second, Longest: 15 * time.Second}

// waiting has the options of a wait, and what is known before it.
type waiting struct {
	waitConfig

	seen  Status    // as last seen
	begun time.Time // before the job was created, zero if that is not known
}

// watcher reads a job or task until it has ended.
type watcher[T any] struct {
	waiting

	core     *core
	path, id string
	identity func(*T) string
	status   func(*T) Status
	tasks    func(*T) []Task
	outcome  func(*T) error
	delete   func(context.Context) error

	last *T    // as last read
	lost error // why no later read succeeded
}

// observe runs a wait as an activity.
func (w *watcher[T]) observe(ctx context.Context, wait func(context.Context) (*T, error)) (*T, error) {
	begun := Activity{Kind: ActivityWait, JobID: w.id}
	if w.path == "tasks" {
		begun.JobID, begun.TaskID = "", w.id
	}
	var last *T
	err := w.core.observe(ctx, begun, func(ctx context.Context, a *activity) (err error) {
		defer func() {
			a.Status = w.seen
			job, _ := any(w.last).(*Job)
			a.recordJob(job)
		}()
		last, err = wait(ctx)
		return err
	})
	return last, err
}

// beginAndWait waits for a job or task of which nothing is known.
func (w *watcher[T]) beginAndWait(ctx context.Context) (*T, error) {
	if over, result := w.begin(ctx); over {
		return w.last, result
	}
	return w.wait(ctx)
}

// begin reads the job or task for the first time. It reports whether the wait is over,
// and returns an error if nothing would ever end it.
func (w *watcher[T]) begin(ctx context.Context) (over bool, result error) {
	for n := 0; ; n++ {
		seen, err := w.read(ctx, false)
		if err != nil && n >= syncFailures {
			// The other host may be reachable.
			if late, failure := w.read(ctx, true); failure == nil {
				seen, err = late, nil
			}
		}
		if over, result := w.record(ctx, seen, err); over {
			return true, result
		}
		if err == nil {
			result := w.checkUploads(seen)
			return result != nil, result
		}
		if poll.Pause(ctx, polls.Random(n)) != nil {
			return true, w.interrupted(ctx)
		}
	}
}

// checkUploads returns an error if a task waits for a file that this client has not
// uploaded: the wait would never end.
func (w *watcher[T]) checkUploads(seen *T) error {
	for _, t := range w.tasks(seen) {
		if t.Operation != OperationImportUpload || t.Status != StatusWaiting || t.Result.Form == nil {
			continue
		}
		if !w.pendingUpload && !w.core.uploads.Has(t.ID) {
			return invalid(fmt.Errorf("task %s waits for its file: upload it first, or pass WithPendingUpload if another program does", taskLabel(t)))
		}
	}
	return nil
}

// wait reads from the host that responds when the job or task has ended. While that
// host fails, it polls the other one after growing pauses.
func (w *watcher[T]) wait(ctx context.Context) (*T, error) {
	var hosts hostChoice
	for n := 0; ; n++ {
		began := time.Now()
		sync := hosts.isSync()
		seen, err := w.read(ctx, sync)
		held := sync && !isUnsent(err) && time.Since(began) > polls.Longest
		hosts.record(sync, err == nil || held)
		if sync && err != nil && ctx.Err() == nil {
			// Whatever a failing host responds proves nothing: ask the other one.
			seen, err = w.read(ctx, false)
		}
		if over, result := w.record(ctx, seen, err); over {
			return w.last, result
		}
		if held {
			n = 0 // the request did wait, even if its response was lost
		}
		if poll.Pause(ctx, polls.Random(n)) != nil {
			return w.last, w.interrupted(ctx)
		}
	}
}

// hostChoice chooses the host that a wait reads from next.
type hostChoice struct {
	failures int // consecutive ones, of the sync host
	polls    int // of the other host since then
}

func (h *hostChoice) isSync() bool { return h.failures < syncFailures || h.polls >= syncRetry }

// record records whether a host has served a request.
func (h *hostChoice) record(sync, served bool) {
	switch {
	case !sync:
		h.polls++
	case served:
		*h = hostChoice{}
	default:
		h.failures, h.polls = h.failures+1, 0
	}
}

// read makes one request without retries: the wait retries it.
func (w *watcher[T]) read(ctx context.Context, sync bool) (*T, error) {
	path, err := pathOf(w.path, w.id)
	if err != nil {
		return nil, err
	}
	get := call{method: http.MethodGet, path: path, sync: sync, once: true, timeout: syncSlice}
	seen, err := object[T](ctx, w.core, get, nil)
	if err == nil && !strings.EqualFold(w.identity(seen), w.id) {
		return nil, &Error{
			StatusCode: http.StatusOK, Attempts: 1, Method: get.method, Path: w.core.pathOn(get),
			err: fmt.Errorf("the response is about %q", w.identity(seen)),
		}
	}
	return seen, err
}

// record records the result of a read, and reports whether the wait is over.
func (w *watcher[T]) record(ctx context.Context, seen *T, err error) (over bool, result error) {
	switch {
	case err == nil:
		w.last, w.seen, w.lost = seen, w.status(seen), nil
		return w.seen.Terminal(), w.outcome(seen)
	case ctx.Err() != nil:
		return true, w.interrupted(ctx)
	case isTransient(err):
		w.lost = err
		return false, nil
	default:
		return true, err
	}
}

// interrupted returns the error of a wait whose context has ended. It deletes the job
// or task if WithDeleteOnCancel was given.
func (w *watcher[T]) interrupted(ctx context.Context) error {
	failure := &WaitError{ID: w.id, Status: w.seen, lost: w.lost, err: ctx.Err()}
	if !w.deleteOnCancel {
		return failure
	}
	if err := deleteUnwanted(ctx, w.path, w.id, w.delete); err != nil {
		return errors.Join(failure, err)
	}
	failure.deleted = true
	return failure
}

// deleteTimeout bounds a deletion before the end of the context: after it,
// [poll.CleanupTime] does.
const deleteTimeout = 10 * time.Second

// deleteUnwanted deletes a job or task, even if the context has ended. If that fails,
// the error names what to delete.
func deleteUnwanted(ctx context.Context, path, id string, remove func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(poll.Cleanup(ctx), deleteTimeout)
	defer cancel()
	err := remove(ctx)
	if err == nil || errors.Is(err, ErrNotFound) {
		return nil
	}
	kind, remedy := "job", "Jobs.Delete"
	if path == "tasks" {
		kind, remedy = "task", "Tasks.Delete"
	}
	if ctx.Err() != nil {
		// The error of ctx could be mistaken for that of the context of the caller.
		err = errors.New("no response in time")
	}
	return fmt.Errorf("cloudconvert: the %s %s could not be deleted, use %s: %w", kind, id, remedy, err)
}
