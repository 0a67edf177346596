package api

import (
	"errors"
	"maps"
	"net/http"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// apiError is an error response of the API.
type apiError struct {
	status  int
	code    string
	message string
	fields  map[string][]string
	header  http.Header
}

var (
	errUnauthenticated = &apiError{status: http.StatusUnauthorized, code: "UNAUTHENTICATED", message: "Unauthenticated."}
	errForbidden       = &apiError{status: http.StatusForbidden, code: "FORBIDDEN", message: "Invalid scope(s) provided."}
	errNotFound        = &apiError{status: http.StatusNotFound, code: "NOT_FOUND", message: "Resource not found."}
	errNoCredits       = &apiError{
		status: http.StatusPaymentRequired, code: "CREDITS_EXCEEDED",
		message: "Your account has run out of conversion credits",
	}
	errTooManyJobs = &apiError{
		status: http.StatusPaymentRequired, code: "PARALLEL_JOB_LIMIT_EXCEEDED",
		message: "You have started too many jobs at once",
	}
)

// Error returns the message.
func (e *apiError) Error() string { return e.message }

// errorOf returns the response to an error, or nil for an unexpected one.
func (a *API) errorOf(err error) *apiError {
	if fail, ok := errors.AsType[*apiError](err); ok {
		return fail
	}
	if p, ok := errors.AsType[request.Problems](err); ok {
		return invalid(p)
	}
	switch {
	case errors.Is(err, jobs.ErrNotFound):
		return errNotFound
	case errors.Is(err, jobs.ErrNoCredits):
		return errNoCredits
	case errors.Is(err, jobs.ErrTooManyJobs):
		return errTooManyJobs
	case errors.Is(err, jobs.ErrInvalidInput):
		return invalid(request.Problems{"input": {request.InvalidInput}})
	case errors.Is(err, jobs.ErrEnded):
		return invalid(request.Problems{"status": {"Cannot change status: task already completed."}})
	case errors.Is(err, jobs.ErrNotEnded):
		return invalid(request.Problems{"status": {"Cannot retry: task not completed."}})
	case errors.Is(err, jobs.ErrUnsupported):
		return &apiError{
			status: http.StatusUnprocessableEntity, code: jobs.CodeUnsupported,
			message: jobs.MessageUnsupported + a.cfg.UnsupportedHint,
		}
	}
	return nil
}

func invalid(p request.Problems) *apiError {
	return &apiError{status: http.StatusUnprocessableEntity, code: "INVALID_DATA", message: p.Error(), fields: p}
}

// WriteError responds with an error of the API host.
func WriteError(w http.ResponseWriter, status int, code, message string) {
	fail := &apiError{status: status, code: code, message: message}
	fail.write(w, true)
}

func (e *apiError) write(w http.ResponseWriter, escape bool) {
	body, err := wire.Encode(wire.Error{Message: e.message, Code: e.code, Errors: e.fields})
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	if escape {
		body = wire.EscapeSlashes(body)
	}
	maps.Copy(w.Header(), e.header)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache, private")
	wire.WriteBody(w, e.status, body)
}
