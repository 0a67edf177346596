package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

const (
	// syncSlice bounds one request to the host that answers when a job has
	// ended. Intermediaries drop idle connections without telling anybody.
	syncSlice = time.Minute
	// syncFailures is how many requests to that host may fail in a row before
	// polling takes over.
	syncFailures = 3
	// syncRetry is after how many polls that host is tried again.
	syncRetry = 5
)

// polls are the pauses between polls.
var polls = poll.Backoff{First: time.Second, Longest: 15 * time.Second}

// observer looks at a job or task until it has ended.
type observer[T any] struct {
	waiting

	core     *core
	path, id string
	identity func(*T) string
	status   func(*T) Status
	tasks    func(*T) []Task
	outcome  func(*T) error
	delete   func(context.Context) error

	last *T    // as last seen
	lost error // why nothing was seen since then
}

// look has a first look. It reports whether there is anything to wait for.
func (o *observer[T]) look(ctx context.Context) (over bool, result error) {
	for n := 0; ; n++ {
		seen, err := o.ask(ctx, false)
		if err != nil && n >= syncFailures {
			// Perhaps the other host is better off.
			if late, failure := o.ask(ctx, true); failure == nil {
				seen, err = late, nil
			}
		}
		if over, result := o.judge(ctx, seen, err); over {
			return true, result
		}
		if err == nil {
			result := o.refuse(seen)
			return result != nil, result
		}
		if poll.Pause(ctx, polls.Random(n)) != nil {
			return true, o.interrupted(ctx)
		}
	}
}

// refuse says why a job or task would never end.
func (o *observer[T]) refuse(seen *T) error {
	for _, task := range o.tasks(seen) {
		if err := o.core.checkUpload(task, o.waiting); err != nil {
			return err
		}
	}
	return nil
}

// wait looks at the host that answers when the end has come. When that host
// fails, it looks at the other one in growing intervals, and comes back.
func (o *observer[T]) wait(ctx context.Context) (*T, error) {
	var hosts hostChoice
	for n := 0; ; n++ {
		began := time.Now()
		sync := hosts.isSync()
		seen, err := o.ask(ctx, sync)
		held := sync && !isUnsent(err) && time.Since(began) > polls.Longest
		hosts.note(sync, err == nil || held)
		if sync && err != nil && ctx.Err() == nil {
			// A host that fails proves nothing, whatever it says. The other one
			// decides.
			seen, err = o.ask(ctx, false)
		}
		if over, result := o.judge(ctx, seen, err); over {
			return o.last, result
		}
		if held {
			n = 0 // even if its answer was lost, the request did wait
		}
		if poll.Pause(ctx, polls.Random(n)) != nil {
			return o.last, o.interrupted(ctx)
		}
	}
}

// hostChoice chooses the host that a wait asks next.
type hostChoice struct {
	failures int // of the host that answers late, in a row
	polls    int // of the other one since then
}

func (h *hostChoice) isSync() bool { return h.failures < syncFailures || h.polls >= syncRetry }

// note takes note of how the host served that was asked.
func (h *hostChoice) note(sync, served bool) {
	switch {
	case !sync:
		h.polls++
	case served:
		*h = hostChoice{}
	default:
		h.failures, h.polls = h.failures+1, 0
	}
}

// ask makes one request, which is not repeated: asking again is up to the wait.
func (o *observer[T]) ask(ctx context.Context, sync bool) (*T, error) {
	path, err := pathOf(o.path, o.id)
	if err != nil {
		return nil, err
	}
	read := call{method: http.MethodGet, path: path, sync: sync, once: true, timeout: syncSlice}
	seen, err := object[T](ctx, o.core, read, nil)
	if err == nil && !strings.EqualFold(o.identity(seen), o.id) {
		return nil, &Error{
			StatusCode: http.StatusOK, Attempts: 1, Method: read.method, Path: o.core.pathOn(read),
			err: fmt.Errorf("the answer is about %q", o.identity(seen)),
		}
	}
	return seen, err
}

// judge takes an observation and reports whether the wait is over.
func (o *observer[T]) judge(ctx context.Context, seen *T, err error) (over bool, result error) {
	switch {
	case err == nil:
		o.last, o.waiting.last, o.lost = seen, o.status(seen), nil
		return o.waiting.last.Terminal(), o.outcome(seen)
	case ctx.Err() != nil:
		return true, o.interrupted(ctx)
	case isTransient(err):
		o.lost = err
		return false, nil
	default:
		return true, err
	}
}

// isTransient reports whether a failed read says nothing about the job. Only the
// refusals that the API is known to give do: whatever else answers stands
// between it and us.
func isTransient(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.StatusCode {
	case 0:
		return !engine.IsPermanent(e.err)
	case http.StatusBadRequest, http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden,
		http.StatusNotFound, http.StatusGone, http.StatusUnprocessableEntity:
		return false
	default:
		return true
	}
}

// isUnsent reports whether a request never reached its host.
func isUnsent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.unsent
}

// interrupted says that the context ended.
func (o *observer[T]) interrupted(ctx context.Context) error {
	failure := &WaitError{ID: o.id, Status: o.waiting.last, lost: o.lost, err: ctx.Err()}
	if !o.deleteOnCancel {
		return failure
	}
	if err := removeLeft(ctx, o.path, o.id, o.delete); err != nil {
		return errors.Join(failure, err)
	}
	failure.deleted = true
	return failure
}

// deleteTimeout bounds a deletion for which there is more time than [poll.CleanupTime].
const deleteTimeout = 10 * time.Second

// removeLeft deletes a job or a task that is not wanted any more, even if the context
// ended. What is left is named in the error.
func removeLeft(ctx context.Context, path, id string, remove func(context.Context) error) error {
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
		// Its error would pass for that of the caller's context.
		err = errors.New("no response in time")
	}
	return fmt.Errorf("cloudconvert: the %s %s could not be deleted, use %s: %w", kind, id, remedy, err)
}
