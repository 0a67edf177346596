package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

// What went wrong, for use with [errors.Is]. An [*Error] matches the one that
// its status and code stand for.
var (
	// ErrUnauthorized means that the API key is missing, wrong or revoked.
	ErrUnauthorized = errors.New("cloudconvert: unauthorized")
	// ErrForbidden means that the API key lacks a scope, or that a storage
	// address expired.
	ErrForbidden = errors.New("cloudconvert: forbidden")
	// ErrNotFound means that there is no such job, task or webhook, or no longer.
	ErrNotFound = errors.New("cloudconvert: not found")
	// ErrInvalid means that the request is wrong: sending it again would not
	// help. [Error.Fields] says what, where the service refused it. Requests
	// that this package refuses to send match as well.
	ErrInvalid = errors.New("cloudconvert: invalid request")
	// ErrRateLimited means that too many jobs or tasks were created in a
	// short time, and that waiting did not help or did not fit before the
	// context's deadline.
	ErrRateLimited = errors.New("cloudconvert: rate limited")
	// ErrCreditsExceeded means that the account has no credits left.
	ErrCreditsExceeded = errors.New("cloudconvert: out of credits")
	// ErrTooManyJobs means that too many jobs of the account run at once.
	ErrTooManyJobs = errors.New("cloudconvert: too many jobs at once")
	// ErrServer means that the service failed.
	ErrServer = errors.New("cloudconvert: server error")
	// ErrOutcomeUnknown means that a job or task may have been created
	// although no answer says so, see [OutcomeError].
	ErrOutcomeUnknown = errors.New("cloudconvert: outcome unknown")
	// ErrBudget means that a work was not begun since the budget of its batch is spent,
	// see [WithBudget].
	ErrBudget = errors.New("cloudconvert: budget spent")
	// ErrJobFailed means that a job or task ended in error, see [JobError] and
	// [TaskError].
	ErrJobFailed = errors.New("cloudconvert: job failed")
)

// Code is an error code of the service. The set is open: unknown codes pass
// through. A Code is an error itself, so that
//
//	errors.Is(err, cloudconvert.CodeInvalidConversionType)
//
// reports whether a request was refused, or a task failed, with this code. As an
// error, it prints with a prefix, also by %s and %v: string(code) is the service's word.
type Code string

// Error returns the code with the package's prefix.
func (c Code) Error() string { return "cloudconvert: " + string(c) }

// Codes of refused requests.
const (
	CodeUnauthenticated          Code = "UNAUTHENTICATED"
	CodeInvalidData              Code = "INVALID_DATA"
	CodeInvalidConversionType    Code = "INVALID_CONVERSION_TYPE" // also of failed tasks
	CodeCreditsExceeded          Code = "CREDITS_EXCEEDED"
	CodeParallelJobLimitExceeded Code = "PARALLEL_JOB_LIMIT_EXCEEDED"
	CodeTooManyRequests          Code = "TOO_MANY_REQUESTS"
	CodeInternalError            Code = "INTERNAL_ERROR"
)

// Codes of failed tasks. A failed task may also have no code.
const (
	CodeInputTaskFailed       Code = "INPUT_TASK_FAILED"
	CodeSandboxFileNotAllowed Code = "SANDBOX_FILE_NOT_ALLOWED"
	CodeInvalidFilename       Code = "INVALID_FILENAME"
	CodeOpenFailed            Code = "OPEN_FAILED"
	CodeCancelled             Code = "CANCELLED" // by [TasksService.Cancel] or [JobsService.Cancel]
)

// Error is a request that failed: the service or its storage refused it, sent
// something that is not an answer to it, or did not answer at all.
type Error struct { //nolint:recvcheck // Format is for values too
	// StatusCode is the HTTP status, or 0 if no answer came. It may be a
	// successful one when the answer's body is broken.
	StatusCode int
	// Code is the service's error code, for example "INVALID_DATA". It is
	// empty when the answer had none.
	Code Code
	// Message is the service's explanation for humans.
	Message string
	// Fields says what is wrong with which parameter, for invalid requests.
	Fields map[string][]string
	// RequestID is the id that the service gave the request, if it did.
	RequestID string
	// RetryAfter is how long the service asks to wait. 0 if it does not. It
	// may have asked this of an earlier call, and this one was then not sent.
	RetryAfter time.Duration
	// Attempts counts how often the request was sent, to both hosts of the API. With
	// [WithQueueing], it may leave out what was sent while too many jobs ran.
	Attempts int
	// Method and Path are those of the request. Path has no query.
	Method, Path string
	// Body is the beginning of the response's body, for diagnosis. Error and
	// LogValue leave it out. Secrets in it are replaced by dots: those of the
	// request, queries of URLs, and the values of forms and payloads. All of it is
	// in a [Response], see [CaptureResponse].
	Body []byte

	err error // why there is no answer, or why its body is broken
	// What the answers prove: that nothing reached the service, that the last
	// attempt may have had its effect, and that an earlier one may have.
	unsent, open, openBefore bool
}

// maxErrorBody bounds what an [Error] keeps of an answer.
const maxErrorBody = 8 << 10

// newError returns the error of a call that failed.
func newError(method, path string, answer engine.Outcome) *Error {
	refusal := answer.Refusal(maxErrorBody)
	return &Error{
		StatusCode: answer.Status,
		Code:       Code(refusal.Code),
		Message:    refusal.Message,
		Fields:     refusal.Fields,
		RequestID:  refusal.RequestID,
		RetryAfter: refusal.RetryAfter,
		Attempts:   answer.Attempts,
		Method:     method,
		Path:       path,
		Body:       refusal.Body,
		err:        refusal.Err,
		unsent:     answer.Status == 0 && !answer.Open && !answer.OpenBefore,
		open:       answer.Open,
		openBefore: answer.OpenBefore,
	}
}

// Error says what was refused and why, without any secret.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cloudconvert: %s %s", e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": %d", e.StatusCode)
		if e.Code != "" {
			fmt.Fprintf(&b, " %s", string(e.Code))
		}
	}
	if message := strings.TrimRight(e.Message, ". "); message != "" {
		fmt.Fprintf(&b, ": %s", message)
	} else if text := http.StatusText(e.StatusCode); text != "" && e.err == nil {
		fmt.Fprintf(&b, " %s", text)
	}
	for i, field := range slices.Sorted(maps.Keys(e.Fields)) {
		separator := map[bool]string{true: " (", false: "; "}[i == 0]
		fmt.Fprintf(&b, "%s%s: %s", separator, field, strings.TrimRight(strings.Join(e.Fields[field], " "), ". "))
	}
	if len(e.Fields) > 0 {
		b.WriteString(")")
	}
	if e.err != nil {
		fmt.Fprintf(&b, ": %v", e.err)
	}
	return b.String()
}

// Unwrap returns why there was no usable answer, the context's error for
// example. It is nil when the service answered.
func (e *Error) Unwrap() error { return e.err }

// Is matches the sentinel errors of this package and the error's own [Code].
func (e *Error) Is(target error) bool {
	if code, ok := target.(Code); ok {
		return e.Code == code && code != ""
	}
	return target == e.sentinel() && target != nil
}

// sentinel returns what the error stands for, or nil.
func (e *Error) sentinel() error {
	if isHeldBack(e.err) {
		return ErrRateLimited
	}
	switch status := e.StatusCode; {
	case e.Code == CodeParallelJobLimitExceeded:
		return ErrTooManyJobs
	case status == http.StatusPaymentRequired && strings.Contains(strings.ToLower(e.Message), "too many jobs"):
		return ErrTooManyJobs
	case e.Code == CodeCreditsExceeded, status == http.StatusPaymentRequired:
		return ErrCreditsExceeded
	case status == http.StatusUnauthorized:
		return ErrUnauthorized
	case status == http.StatusForbidden:
		return ErrForbidden
	case status == http.StatusNotFound:
		return ErrNotFound
	case status == http.StatusTooManyRequests:
		return ErrRateLimited
	case status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		return ErrInvalid
	case status >= http.StatusInternalServerError:
		return ErrServer
	default:
		return nil
	}
}

// LogValue lets [slog] log the error by its parts.
func (e *Error) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("method", e.Method), slog.String("path", e.Path),
		slog.Int("status", e.StatusCode), slog.Int("attempts", e.Attempts),
	}
	for _, text := range []slog.Attr{
		slog.String("code", string(e.Code)), slog.String("message", e.Message), slog.String("request_id", e.RequestID),
	} {
		if text.Value.String() != "" {
			attrs = append(attrs, text)
		}
	}
	if e.err != nil {
		attrs = append(attrs, slog.String("error", e.err.Error()))
	}
	return slog.GroupValue(attrs...)
}

// IsRetryable reports whether the same call may succeed later and can do no harm
// when it is made again. It is false for everything that may already have created
// a job, such as a failure to save what a conversion has made, and for what would
// fail again in the same way.
//
// This package has usually tried again before it returned the error: pause before
// you do.
func IsRetryable(err error) bool {
	if _, isPaid := errors.AsType[paidError](err); isPaid {
		return false
	}
	// Each of these may be joined with a failure to delete the job.
	for _, final := range []error{ErrOutcomeUnknown, ErrJobFailed, context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, final) {
			return false
		}
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch status := e.StatusCode; {
	case errors.Is(e, ErrRateLimited), errors.Is(e, ErrTooManyJobs):
		return true
	case errors.Is(e.err, transfer.ErrChanged):
		return true
	case engine.IsPermanent(e.err):
		return false
	case e.unsent:
		return true
	case e.Method != http.MethodGet && e.Method != http.MethodDelete:
		return false
	default:
		return status == 0 || engine.IsSuccess(status) || status == http.StatusRequestTimeout ||
			status >= http.StatusInternalServerError && status != http.StatusNotImplemented
	}
}

// paidError is a failure after a job has finished: another job would be paid again.
type paidError interface {
	error
	isPaid()
}

// OutcomeError is the creation of a job or task that may or may not have taken
// place: the connection was lost, or the service failed, after the request was
// sent. It matches [ErrOutcomeUnknown]. Sending the request again could create,
// and charge, a second job. Look for the first one instead:
//
//	page, err := client.Jobs.List(ctx, cloudconvert.JobListOptions{Tag: outcome.Tag})
//
// For an item of [Client.ConvertAll] with [WithJournal], the next run with the
// journal does that.
type OutcomeError struct {
	// Tag is the tag of the job. It is empty for tasks outside of jobs.
	Tag string

	pending   bool // the job waits for an upload that is not going to come
	journaled bool // the next run with the journal looks for the job
	err       error
}

// Error says what happened and by which tag the job can be found.
func (e *OutcomeError) Error() string {
	if e.Tag == "" {
		return fmt.Sprintf("%v; the task may have been created nevertheless", e.err)
	}
	if e.journaled {
		return fmt.Sprintf("%v; the job may have been created nevertheless, the next run with this journal looks for it by the tag %q", e.err, e.Tag)
	}
	text := fmt.Sprintf("%v; the job may have been created nevertheless, look for the tag %q before you send it again", e.err, e.Tag)
	if e.pending {
		text += ", and delete it: it waits for its file"
	}
	return text
}

// Unwrap returns the failure that left the outcome open.
func (e *OutcomeError) Unwrap() error { return e.err }

// Is matches [ErrOutcomeUnknown].
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// WaitError is a wait that ended before the job or task did, because the
// context ended. The job goes on unless it was deleted, by [WithDeleteOnCancel] or
// [WithDelete], which the text of the error says.
type WaitError struct {
	// ID is the job or task.
	ID string
	// Status is the state it was last seen in. It is empty if it was never seen.
	Status Status

	lost    error // why nothing was seen since then
	deleted bool
	err     error
}

// Error says what was waited for, how it was last seen, why it was not seen since
// then, and whether it was deleted.
func (e *WaitError) Error() string {
	seen := "never seen"
	if e.Status != "" {
		seen = "last seen " + string(e.Status)
	}
	if e.lost != nil {
		seen += "; the last look failed: " + strings.TrimPrefix(e.lost.Error(), "cloudconvert: ")
	}
	if e.deleted {
		seen += "; deleted"
	}
	return fmt.Sprintf("cloudconvert: stopped waiting for %s (%s): %v", e.ID, seen, e.err)
}

// Unwrap returns the error of the context.
func (e *WaitError) Unwrap() error { return e.err }

// invalid joins problems into one error that matches [ErrInvalid].
func invalid(problems ...error) error {
	texts := make([]string, 0, len(problems))
	for _, problem := range problems {
		texts = append(texts, strings.ReplaceAll(problem.Error(), "\n", "; "))
	}
	return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(texts, "; "))
}

// isOpen reports whether a request that failed may have had its effect.
func isOpen(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.open
}

// isTransient reports whether a failed read says nothing about the job. Only the refusals
// that the API is known to give do: whatever else responds stands in between.
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

// isHeldBack reports whether a request was not sent because the limit that it
// would have to wait for lasts longer than its context.
func isHeldBack(err error) bool {
	_, blocked := errors.AsType[*limiter.BlockedError](err)
	return blocked
}
