package cloudconverttest

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// public is the scope of endpoints that need no key.
const public = ""

// call is a request to the API and its response.
type call struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	sync bool
}

// errAborted means that the connection was closed and there is no response.
var errAborted = errors.New("the connection is gone")

// run responds to the call, or returns the error to respond with.
func (c *call) run(scope string, h func(*Server, *call) error) error {
	if scope != public {
		if err := c.s.authenticate(c.r, scope); err != nil {
			return err
		}
	}
	c.s.mu.Lock()
	c.s.sweep()
	c.s.mu.Unlock()
	return h(c.s, c)
}

// finish responds with an error, if there is one.
func (c *call) finish(err error) {
	if err == nil || errors.Is(err, errAborted) {
		return
	}
	fail, ok := errors.AsType[*apiError](err)
	if !ok {
		fail = &apiError{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Server Error"}
		c.s.log.Error("request failed", "path", c.r.URL.Path, "error", err)
	}
	fail.write(c.w, !c.sync)
}

// data responds with an object in the usual envelope.
func (c *call) data(status int, v any) error { return c.json(status, wire.Data{Data: v}) }

func (c *call) json(status int, v any) error {
	body, err := wire.Encode(v)
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json")
	if c.sync {
		h.Set("Content-Type", "application/json; charset=utf-8")
		h.Set("Vary", "Accept-Encoding")
	} else {
		h.Set("Cache-Control", "no-cache, private")
		body = wire.EscapeSlashes(body)
	}
	writeBody(c.w, status, body)
	return nil
}

func (c *call) noContent() error {
	c.w.Header().Set("Cache-Control", "no-cache, private")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *call) redirect(to string) error {
	c.w.Header().Set("Location", to)
	writeBody(c.w, http.StatusFound, nil)
	return nil
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Server", "nginx")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has disconnected
}

// include returns the query parameter include as a set.
func (c *call) include() map[string]bool {
	set := map[string]bool{}
	for v := range strings.SplitSeq(c.r.URL.Query().Get("include"), ",") {
		if v != "" {
			set[v] = true
		}
	}
	return set
}

// flag returns a boolean query parameter.
func (c *call) flag(name string) bool {
	v := c.r.URL.Query().Get(name)
	return v == "true" || v == "1"
}

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
	errUnsupportedPair = &apiError{
		status: http.StatusUnprocessableEntity, code: codeUnsupported, message: messageUnsupported + hintOf("HandleConvert"),
	}
)

// Error returns the message.
func (e *apiError) Error() string { return e.message }

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
	writeBody(w, e.status, body)
}

// invalid returns the validation error of a field.
func invalid(field, message string) *apiError {
	p := problems{}
	p.add(field, message)
	return p.err()
}

// problems collects validation errors by field.
type problems map[string][]string

func (p problems) add(field, message string) { p[field] = append(p[field], message) }

func (p problems) required(field string) { p.add(field, "The "+field+" field is required.") }

// err returns nil without problems. Check len before returning it as an error.
func (p problems) err() *apiError {
	return &apiError{
		status: http.StatusUnprocessableEntity, code: "INVALID_DATA", message: "The given data was invalid.", fields: p,
	}
}
