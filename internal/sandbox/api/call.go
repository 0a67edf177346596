package api

import (
	"errors"
	"maps"
	"net/http"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// public is the scope of endpoints that need no key.
const public = ""

// call is a request to the API and its response.
type call struct {
	api  *API
	w    http.ResponseWriter
	r    *http.Request
	sync bool
}

// errAborted means that the connection was closed and there is no response.
var errAborted = errors.New("the connection is gone")

// run responds to the call, or returns the error to respond with.
func (c *call) run(scope string, h func(*API, *call) error) error {
	if scope != public {
		if err := c.authenticate(scope); err != nil {
			return err
		}
	}
	c.api.cfg.Jobs.Expire()
	return h(c.api, c)
}

// authenticate checks the key of a request and its scope.
func (c *call) authenticate(scope string) error {
	found, ok := c.api.cfg.Keys.Find(c.r.Header.Get("Authorization"), c.api.cfg.Clock.Now())
	switch {
	case !ok:
		return errUnauthenticated
	case !found.May(scope):
		return errForbidden
	}
	return nil
}

// throttle returns a 429 if a creation exceeds the limit.
func (c *call) throttle() error {
	header, ok := c.api.cfg.Rate.Take(c.api.cfg.Clock.Now())
	if !ok {
		return &apiError{
			status: http.StatusTooManyRequests, code: "TOO_MANY_REQUESTS", message: "Too Many Attempts.", header: header,
		}
	}
	if !c.sync { // the sync host sends no headers
		maps.Copy(c.w.Header(), header)
	}
	return nil
}

// finish responds with an error, if there is one.
func (c *call) finish(err error) {
	if err == nil || errors.Is(err, errAborted) {
		return
	}
	fail := c.api.errorOf(err)
	if fail == nil {
		fail = &apiError{status: http.StatusInternalServerError, code: "INTERNAL_ERROR", message: "Server Error"}
		c.api.cfg.Log.Error("request failed", "path", c.r.URL.Path, "error", err)
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
		h.Add("Vary", "Accept-Encoding")
		h.Set("Access-Control-Allow-Credentials", "true") // also without an Origin
	} else {
		h.Set("Cache-Control", "no-cache, private")
		body = wire.EscapeSlashes(body)
	}
	wire.WriteBody(c.w, status, body)
	return nil
}

func (c *call) noContent() error {
	c.w.Header().Set("Cache-Control", "no-cache, private")
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

func (c *call) redirect(to string) error {
	c.w.Header().Set("Location", to)
	wire.WriteBody(c.w, http.StatusFound, nil)
	return nil
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
