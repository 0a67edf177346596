package cloudconverttest

import (
	"errors"
	"maps"
	"net/http"
	"strconv"
	"strings"
)

// public marks endpoints that need no key.
const public = ""

// call is one request to the API and the way to answer it.
type call struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	sync bool
}

// errNoAnswer ends a call whose connection has been taken away.
var errNoAnswer = errors.New("the connection is gone")

// run answers the call or returns why it cannot be answered as asked.
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

// finish answers with an error, if there is one.
func (c *call) finish(err error) {
	if err == nil || errors.Is(err, errNoAnswer) {
		return
	}
	fail, ok := errors.AsType[*apiError](err)
	if !ok {
		fail = &apiError{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Server Error"}
		c.s.log.Error("request failed", "path", c.r.URL.Path, "error", err)
	}
	fail.write(c.w, !c.sync)
}

// data answers with an object in the usual envelope.
func (c *call) data(status int, v any) error { return c.json(status, wireData{v}) }

func (c *call) json(status int, v any) error {
	body, err := encode(v)
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
		body = escapeSlashes(body)
	}
	writeBody(c.w, status, body)
	return nil
}

// noContent answers 204.
func (c *call) noContent() error {
	c.w.Header().Set("Cache-Control", "no-cache, private")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// redirect answers 302.
func (c *call) redirect(to string) error {
	c.w.Header().Set("Location", to)
	writeBody(c.w, http.StatusFound, nil)
	return nil
}

func writeBody(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Server", "nginx")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // an error means that the client has left
}

// include is the query parameter of that name, as a set.
func (c *call) include() map[string]bool {
	set := map[string]bool{}
	for v := range strings.SplitSeq(c.r.URL.Query().Get("include"), ",") {
		if v != "" {
			set[v] = true
		}
	}
	return set
}

// flag is a boolean query parameter.
func (c *call) flag(name string) bool {
	v := c.r.URL.Query().Get(name)
	return v == "true" || v == "1"
}

// apiError is an answer that says no.
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
		status: http.StatusUnprocessableEntity, code: codeUnsupported, message: messageUnsupported,
	}
)

// Error is the message of the answer.
func (e *apiError) Error() string { return e.message }

func (e *apiError) write(w http.ResponseWriter, escape bool) {
	body, err := encode(wireError{Message: e.message, Code: e.code, Errors: e.fields})
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	if escape {
		body = escapeSlashes(body)
	}
	maps.Copy(w.Header(), e.header)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache, private")
	writeBody(w, e.status, body)
}

// invalid is a validation failure of one field.
func invalid(field, message string) *apiError {
	p := problems{}
	p.add(field, message)
	return p.err()
}

// problems collects validation failures by field.
type problems map[string][]string

func (p problems) add(field, message string) { p[field] = append(p[field], message) }

func (p problems) required(field string) { p.add(field, "The "+field+" field is required.") }

// err is nil without problems; callers that return it as an error must ask for its length first.
func (p problems) err() *apiError {
	return &apiError{
		status: http.StatusUnprocessableEntity, code: "INVALID_DATA", message: "The given data was invalid.", fields: p,
	}
}
