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

// Sentinel errors for [errors.Is]. An [*Error] matches the one for its status and code.
var (
	// ErrUnauthorized means that the service does not accept the API key: it is wrong
	// or revoked.
	ErrUnauthorized = errors.New("cloudconvert: unauthorized")
	// ErrForbidden means that the API key lacks a scope, or that the URL of a file
	// has expired.
	ErrForbidden = errors.New("cloudconvert: forbidden")
	// ErrNotFound means that a job, task or webhook does not exist, or no
	// longer exists.
	ErrNotFound = errors.New("cloudconvert: not found")
	// ErrInvalid means that a request is invalid, and a retry would not help. If the
	// service refused it, [Error.Fields] has the reasons. Requests that this package
	// refuses to send match as well.
	ErrInvalid = errors.New("cloudconvert: invalid request")
	// ErrRateLimited means that too many jobs or tasks were created in a short time.
	// Retries did not help, or the pause before the next one did not end before the
	// deadline of the context.
	ErrRateLimited = errors.New("cloudconvert: rate limited")
	// ErrCreditsExceeded means that the account has no credits left.
	ErrCreditsExceeded = errors.New("cloudconvert: out of credits")
	// ErrTooManyJobs means that too many jobs of the account are running.
	ErrTooManyJobs = errors.New("cloudconvert: too many jobs at once")
	// ErrServer means that the service failed.
	ErrServer = errors.New("cloudconvert: server error")
	// ErrOutcomeUnknown means that a job or task may have been created, although no
	// response says so, see [OutcomeError].
	ErrOutcomeUnknown = errors.New("cloudconvert: outcome unknown")
	// ErrBudget means that a work was not begun because the budget of its batch is
	// spent, see [WithBudget].
	ErrBudget = errors.New("cloudconvert: budget spent")
	// ErrKeyConflict means that the job under a key belongs to another request, see
	// [WithKey]. It also matches ErrInvalid.
	ErrKeyConflict = fmt.Errorf("%w: key conflict", ErrInvalid)
	// ErrJobFailed means that a job or task ended in error, see [JobError] and
	// [TaskError].
	ErrJobFailed = errors.New("cloudconvert: job failed")
)

// Code is an error code of the service. The set is open: unknown codes are kept as they
// are. A Code is also an error, so that
//
//	errors.Is(err, cloudconvert.CodeInvalidConversionType)
//
// reports whether a request was refused, or a task failed, with this code. Package fmt
// prints a Code as an error, with a prefix: string(code) is the code itself.
type Code string

// Error returns the code with the prefix of this package.
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

// Error is a request that failed: the service or its storage refused it, sent an
// invalid response, or sent no response.
type Error struct { //nolint:recvcheck // Format is for values too
	// StatusCode is the HTTP status, or 0 without a response. It may be a success if
	// the body of the response is invalid.
	StatusCode int
	// Code is the error code of the service, such as "INVALID_DATA", or "" without one.
	Code Code
	// Message is the explanation of the service for humans.
	Message string
	// Fields has the problems of each parameter of an invalid request.
	Fields map[string][]string
	// RequestID is the id that the service gave the request, or "".
	RequestID string
	// RetryAfter is how long the service asks to wait, or 0 if it does not. It may come
	// from the response to an earlier call: this one was then not sent.
	RetryAfter time.Duration
	// Attempts is how often the request was sent, to both hosts of the API. With
	// [WithQueueing], it may leave out the attempts while too many jobs were running.
	Attempts int
	// Method and Path are those of the request. Path does not include the query.
	Method, Path string
	// Body is the beginning of the body of the response, for diagnosis. Error and
	// LogValue leave it out. Dots replace the secrets in it: those of the request, the
	// queries of URLs, and the values of forms and payloads. A [Response] has the
	// complete body, see [CaptureResponse].
	Body []byte

	err error // why there is no response, or why its body is invalid
	// unsent reports that nothing reached the service or, for an upload, that it may
	// succeed if it is repeated, which does no harm.
	unsent bool
	// unknown reports that the last attempt may have had an effect, and unknownBefore
	// that an earlier one may have.
	unknown, unknownBefore bool
}

// maxErrorBody bounds how much of a response an [Error] keeps.
const maxErrorBody = 8 << 10

func newError(method, path string, outcome engine.Outcome) *Error {
	refusal := outcome.Refusal(maxErrorBody)
	return &Error{
		StatusCode:    outcome.Status,
		Code:          Code(refusal.Code),
		Message:       refusal.Message,
		Fields:        refusal.Fields,
		RequestID:     refusal.RequestID,
		RetryAfter:    refusal.RetryAfter,
		Attempts:      outcome.Attempts,
		Method:        method,
		Path:          path,
		Body:          refusal.Body,
		err:           refusal.Err,
		unsent:        outcome.Status == 0 && !outcome.Unknown && !outcome.UnknownBefore,
		unknown:       outcome.Unknown,
		unknownBefore: outcome.UnknownBefore,
	}
}

// Error returns what was refused and why, without secrets.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "cloudconvert: %s %s", e.Method, e.Path)
	if e.StatusCode != 0 {
		fmt.Fprintf(&b, ": %d", e.StatusCode)
		if e.Code != "" {
			fmt.Fprintf(&b, " %s", string(e.Code))
		}
	}
	if message := strings.TrimRight(e.Message, ".: "); message != "" {
		fmt.Fprintf(&b, ": %s", message)
	} else if text := http.StatusText(e.StatusCode); text != "" && e.err == nil {
		fmt.Fprintf(&b, " %s", text)
	}
	var fields []string
	for _, field := range slices.Sorted(maps.Keys(e.Fields)) {
		fields = append(fields, field+": "+strings.TrimRight(strings.Join(e.Fields[field], " "), ". "))
	}
	if len(fields) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(fields, "; "))
	}
	if e.err != nil {
		fmt.Fprintf(&b, ": %v", e.err)
	}
	return b.String()
}

// Unwrap returns why there was no valid response, such as the error of the context. It
// is nil if the service refused the request.
func (e *Error) Unwrap() error { return e.err }

// Is matches the sentinel errors of this package and the [Code] of the error.
func (e *Error) Is(target error) bool {
	if code, ok := target.(Code); ok {
		return e.Code == code && code != ""
	}
	return target == e.sentinel() && target != nil
}

// sentinel returns the sentinel error that the error matches, or nil.
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

// LogValue returns the parts of the error as a group.
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

// IsRetryable reports whether the same call may succeed later, and does no harm if it
// is made again. It returns false if the call would fail again in the same way, and if
// [IsAccountError] returns true.
//
// Without [WithKey], it also returns false if a job may already have been created, if the
// context ended, and for failures after a job has finished, such as to save its files,
// because the repeated call would create, and charge, another job. With a key, the same
// call continues that job, and IsRetryable returns true.
//
// This package has usually retried the request before it returned the error: pause
// before you call again.
func IsRetryable(err error) bool {
	if errors.Is(err, ErrJobFailed) || errors.Is(err, ErrKeyConflict) || errors.Is(err, errNoFiles) || IsAccountError(err) {
		return false
	}
	if leavesJob(err) {
		_, keyed := errors.AsType[*keyError](err)
		return keyed
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
		return status == 0 || engine.IsSuccess(status) || engine.IsTemporary(status)
	}
}

// IsAccountError reports whether the service refuses the account or its API key, which
// concerns every call: the API responded with [ErrUnauthorized], [ErrForbidden] or
// [ErrCreditsExceeded]. Keep the work, and do not continue with other work. If storage
// refuses a file, IsAccountError returns false.
func IsAccountError(err error) bool {
	if e, ok := errors.AsType[*Error](err); ok && !strings.HasPrefix(e.Path, "/") {
		return false // the path begins with the host of the storage
	}
	return errors.Is(err, ErrUnauthorized) || errors.Is(err, ErrForbidden) || errors.Is(err, ErrCreditsExceeded)
}

// leavesJob reports whether a job may exist after a failure. The failure may be joined
// with the retryable failure to delete the job.
func leavesJob(err error) bool {
	_, isPaid := errors.AsType[paidError](err)
	return isPaid || errors.Is(err, ErrOutcomeUnknown) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// paidError is a failure after a job has finished: another job would be charged.
type paidError interface {
	error
	isPaid()
}

// OutcomeError is the creation of a job or task that may or may not have succeeded: the
// connection was lost, or the service failed, after the request was sent. It matches
// [ErrOutcomeUnknown]. If you sent the request again, it could create, and charge, a
// second job. Look for the first one instead:
//
//	job, err := client.Jobs.Find(ctx, outcome.Tag)
//
// With [WithKey], the same call does this.
// For a work of [Client.RunAll] with [WithJournal], the next run with the
// journal does this.
type OutcomeError struct {
	// Tag is the tag of the job. It is empty for tasks outside of jobs.
	Tag string

	pending   bool   // the job waits for an upload that will not come
	journaled bool   // the next run with the journal looks for the job
	key       string // of the call, "" if there is none
	err       error
}

// Error returns what happened, and the tag to look for the job by.
func (e *OutcomeError) Error() string {
	if e.Tag == "" {
		return fmt.Sprintf("%v; the task may have been created", e.err)
	}
	if e.key != "" {
		return fmt.Sprintf("%v; the job may have been created: the next call with the key %q looks for it", e.err, engine.HideQueries(e.key))
	}
	tag := engine.HideQueries(e.Tag)
	if e.journaled {
		return fmt.Sprintf("%v; the job may have been created: the next run with this journal looks for the tag %q", e.err, tag)
	}
	text := fmt.Sprintf("%v; the job may have been created: look for the tag %q before you create another", e.err, tag)
	if e.pending {
		text += ", and delete the job, which waits for its file"
	}
	return text
}

// Unwrap returns the failure after which the outcome is unknown.
func (e *OutcomeError) Unwrap() error { return e.err }

// Is matches [ErrOutcomeUnknown].
func (e *OutcomeError) Is(target error) bool { return target == ErrOutcomeUnknown }

// WaitError is the wait for a job or task that was ended by the context. The
// job continues, unless [WithDeleteOnCancel] or [WithDelete] deleted it, which
// Error then says.
type WaitError struct {
	// ID is the id of the job or task.
	ID string
	// Status is the last known status. It is empty if the job or task could not be
	// read.
	Status Status

	lost    error // why no later read succeeded
	deleted bool
	err     error
}

// Error returns the id, the last known status, the failure of later reads, and whether
// the job or task was deleted.
func (e *WaitError) Error() string {
	seen := "never seen"
	if e.Status != "" {
		seen = "last seen " + string(e.Status)
	}
	if e.lost != nil {
		seen += "; the last read failed: " + strings.TrimPrefix(e.lost.Error(), "cloudconvert: ")
	}
	if e.deleted {
		seen += "; deleted"
	}
	return fmt.Sprintf("cloudconvert: stopped waiting for %s (%s): %v", e.ID, seen, e.err)
}

// Unwrap returns the error of the context.
func (e *WaitError) Unwrap() error { return e.err }

// invalid joins problems to one error that matches [ErrInvalid].
func invalid(problems ...error) error {
	texts := make([]string, 0, len(problems))
	for _, problem := range problems {
		texts = append(texts, strings.ReplaceAll(problem.Error(), "\n", "; "))
	}
	return fmt.Errorf("%w: %s", ErrInvalid, strings.Join(texts, "; "))
}

// outcomeUnknown reports whether a request that failed may have had an effect.
func outcomeUnknown(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.unknown
}

// isTransient reports whether a failed read says nothing about the job. Only responses with
// which the API refuses requests do say something: others may come from a proxy.
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

// isUnsent reports whether a request did not reach its host.
func isUnsent(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.unsent
}

// isHeldBack reports whether a request was not sent because the limit would last longer
// than the context.
func isHeldBack(err error) bool {
	_, blocked := errors.AsType[*limiter.BlockedError](err)
	return blocked
}
