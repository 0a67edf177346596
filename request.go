package cloudconvert

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/recent"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

const (
	// attemptTimeout bounds one attempt on the host that responds at once.
	attemptTimeout = time.Minute
	// slowestBody is the lowest rate, in bytes per second, at which a request body may
	// be sent in addition to attemptTimeout.
	slowestBody = 16 << 10
	// minKeyInPath is the length of the shortest API key that is searched for in paths.
	// A shorter key, as in tests, could be a segment of the API, such as "webhooks".
	minKeyInPath = 10
)

// CaptureResponse stores the status, header and body of the response in r, also if the
// call fails. After several attempts it stores the last response.
func CaptureResponse(r *Response) CallOption {
	return callOption{"CaptureResponse", func(c *call) error {
		if r == nil {
			return errors.New("CaptureResponse: the response is nil")
		}
		c.captures = append(c.captures, r)
		return nil
	}}
}

// WithHeader sets a header of the request. It refuses Authorization, which the client
// sets; Host, Accept-Encoding, Expect, Content-Length, Transfer-Encoding, Trailer and
// the headers of a connection, which package net/http sets; the headers of a proxy; and
// Idempotency-Key, for which net/http would retry the request.
func WithHeader(key, value string) CallOption {
	return callOption{"WithHeader", func(c *call) error {
		switch name := http.CanonicalHeaderKey(key); {
		case !params.IsHeaderName(key):
			return fmt.Errorf("WithHeader: invalid header name %q", key)
		case !params.IsHeaderValue(value):
			return fmt.Errorf("WithHeader: the value of %s contains a control character", name)
		case name == "Authorization":
			return errors.New("WithHeader: Authorization is set by the client: use WithAPIKey or WithTokenSource")
		case name == "Idempotency-Key", name == "X-Idempotency-Key":
			return fmt.Errorf("WithHeader: the API does not use %s, and net/http would retry the request because of it", name)
		case strings.HasPrefix(name, "Proxy-"):
			return fmt.Errorf("WithHeader: %s is for a proxy, but would reach the API: set it in the transport, see WithHTTPClient", name)
		case ownHeaders[name] != "":
			return fmt.Errorf("WithHeader: %s %s", name, ownHeaders[name])
		default:
			c.setHeader(name, value)
			return nil
		}
	}}
}

// ownHeaders are the headers that package net/http drops or sends wrongly over some
// version of HTTP, with the reason and the remedy.
var ownHeaders = map[string]string{
	"Host":              "is taken from the URL: use WithBaseURLs",
	"Content-Length":    "is determined by the body",
	"Transfer-Encoding": "is determined by the body",
	"Trailer":           "is not sent: requests have no trailers",
	"Accept-Encoding":   "is set by package net/http, which would not decode the response otherwise",
	"Connection":        "is set by package net/http: see WithHTTPClient",
	"Keep-Alive":        "is set by package net/http: see WithHTTPClient",
	"Upgrade":           "would switch to another protocol than HTTP",
	"Te":                "is set by package net/http",
	"Expect":            "is set by package net/http",
}

// core is what the services of a client share.
type core struct {
	*account

	config   config
	hosts    hosts
	header   http.Header // of each request
	engine   *engine.Engine
	storage  *transfer.Client // without credentials
	policy   TransferPolicy   // with its defaults
	reporter *reporter        // of TransferPolicy.Progress, nil if there is none
	// uploads has the ids of tasks whose files were uploaded. The service reports such
	// tasks as waiting for some seconds more.
	uploads *recent.Set[string]
}

// account is what the clients of one credential share.
type account struct {
	limits    limitMemory
	limiter   limiter.Limiter
	queue     *limiter.Queue
	keys      *keys
	deletions atomic.Int64 // counts DELETE requests
}

// maxUploads is how many uploads a client remembers.
const maxUploads = 4096

type service struct{ core *core }

// setQuery sets a parameter of the query. It copies the query, which calls may share.
func (c *call) setQuery(name, value string) {
	query := maps.Clone(c.query)
	if query == nil {
		query = url.Values{}
	}
	query.Set(name, value)
	c.query = query
}

// changesPath reports whether a path segment would change the path around it.
func changesPath(segment string) bool {
	plain, err := url.PathUnescape(segment)
	return err != nil || plain == "" || plain == "." || plain == ".."
}

// pathOf joins segments, some of which are ids, to a path below the base URL. Its
// errors do not quote a segment that may be a URL or another secret.
func pathOf(segments ...string) (string, error) {
	var path strings.Builder
	for _, segment := range segments {
		if strings.ContainsFunc(segment, isInvalidInID) {
			return "", invalid(errors.New("invalid id: it has a character such as / or :, as a URL does"))
		}
		escaped := url.PathEscape(segment)
		if changesPath(escaped) {
			return "", invalid(fmt.Errorf("invalid id %q", segment))
		}
		path.WriteString("/" + escaped)
	}
	return path.String(), nil
}

// isInvalidInID reports whether a character cannot occur in an id.
func isInvalidInID(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`/\?%:#`, r)
}

// do sends a call and decodes its response into out, unless out is nil.
func (c *core) do(ctx context.Context, call call, out any, opts ...CallOption) error {
	outcome, err := c.send(ctx, call, opts)
	if err != nil || out == nil || call.isRedirected() {
		return err
	}
	return c.decode(call, outcome, out)
}

// maxResponse bounds how much of a response of the API is read. The largest known
// response, the unfiltered catalog of formats, has about 350 kB.
const maxResponse = 32 << 20

// decode reads the body of a successful response into out.
func (c *core) decode(call call, outcome engine.Outcome, out any) error {
	err := lenient.CheckDensity(outcome.Body)
	switch {
	case len(bytes.TrimSpace(outcome.Body)) == 0:
		err = errors.New("it is empty")
	case err == nil && !json.Valid(outcome.Body):
		err = json.Unmarshal(outcome.Body, new(json.RawMessage)) // returns the syntax error
	case err == nil:
		err = lenient.Unmarshal(outcome.Body, out)
	}
	if err == nil {
		return nil
	}
	contentType := cmp.Or(outcome.Header.Get("Content-Type"), "no content type")
	outcome.Err, outcome.Unknown = fmt.Errorf("unexpected response (%s): %w", contentType, err), true
	return newError(call.method, c.pathOn(call), outcome)
}

// envelope is the JSON object around every object of the API.
type envelope[T any] struct{ data T }

// UnmarshalJSON implements [json.Unmarshaler].
func (e *envelope[T]) UnmarshalJSON(data []byte) error {
	object := lenient.Find(data, "data")
	if object == nil || string(object) == "null" {
		return errors.New("it has no data")
	}
	return lenient.Unmarshal(object, &e.data)
}

// object sends a call whose response is one object.
func object[T any](ctx context.Context, c *core, call call, opts []CallOption) (*T, error) {
	var response envelope[T]
	if err := c.do(ctx, call, &response, opts...); err != nil {
		return nil, err
	}
	return &response.data, nil
}

// remove sends a DELETE call. If an attempt had no response and a later one is a 404,
// the first one deleted the object. The response of the API has no body: a body that is
// not JSON was not sent by the API.
func remove(ctx context.Context, c *core, path string, opts []CallOption) error {
	call := call{method: http.MethodDelete, path: path}
	outcome, err := c.send(ctx, call, opts)
	if e, ok := errors.AsType[*Error](err); ok && e.StatusCode == http.StatusNotFound && e.unknownBefore {
		return nil
	}
	if err != nil || len(bytes.TrimSpace(outcome.Body)) == 0 {
		return err
	}
	return c.decode(call, outcome, new(any))
}

// redirect sends a call whose response redirects to a URL, which is not followed.
func (c *core) redirect(ctx context.Context, call call, opts []CallOption) (string, error) {
	var location string
	call.location = &location
	outcome, err := c.send(ctx, call, opts)
	if err == nil && location == "" {
		outcome.Err = errors.New("the response is not a redirect: has the job finished, and does it have an export/url task?")
		err = newError(call.method, c.pathOn(call), outcome)
	}
	return location, err
}

// redirectURL returns the URL in the Location of a 302 or 303, or "". Other redirects,
// such as those of a proxy, ask for the request to be sent elsewhere.
func redirectURL(status int, header http.Header) string {
	location := header.Get("Location")
	target, err := url.Parse(location)
	isURL := err == nil && target.Hostname() != "" && (target.Scheme == "https" || target.Scheme == "http")
	if !isURL || status != http.StatusFound && status != http.StatusSeeOther {
		return ""
	}
	return location
}

// send sends a call. It returns an error for a status other than 2xx, unless it is that of
// a redirect that the call expects, and for an incomplete response.
func (c *core) send(ctx context.Context, call call, opts []CallOption) (engine.Outcome, error) {
	call.header = http.Header{}
	if err := applyAll(opts, func(o CallOption) error { return o.applyCall(&call) }); err != nil {
		return engine.Outcome{}, err
	}
	request, err := c.request(call)
	if err != nil {
		return engine.Outcome{}, err
	}
	var outcome engine.Outcome
	begun := Activity{Kind: ActivityRequest, Method: call.method, Path: c.pathOn(call)}
	err = c.observe(ctx, begun, func(ctx context.Context, a *activity) (err error) {
		outcome, err = c.exchange(ctx, call, request)
		a.StatusCode, a.RateLimited = outcome.Status, outcome.RateLimited
		a.attempts.Store(int64(outcome.Attempts))
		return err
	})
	return outcome, err
}

// exchange sends a request and returns its response.
func (c *core) exchange(ctx context.Context, call call, request engine.Call) (engine.Outcome, error) {
	outcome, err := c.engine.Authorized(ctx, request)
	if err != nil {
		return engine.Outcome{}, err
	}
	if call.method == http.MethodDelete {
		c.deletions.Add(1)
	}
	for _, capture := range call.captures {
		*capture = newResponse(outcome)
	}
	if call.location != nil {
		*call.location = redirectURL(outcome.Status, outcome.Header)
	}
	if !call.isRedirected() && (outcome.Err != nil || !engine.IsSuccess(outcome.Status)) {
		return outcome, newError(call.method, c.pathOn(call), outcome)
	}
	return outcome, nil
}

// request returns the call as the engine sends it.
func (c *core) request(call call) (engine.Call, error) {
	if key := c.config.apiKey.value(); len(key) >= minKeyInPath && slices.Contains(strings.Split(call.path, "/"), key) {
		return engine.Call{}, invalid(errors.New("invalid id: it is the API key"))
	}
	target, err := c.url(call)
	if err != nil {
		return engine.Call{}, err
	}
	request := engine.Call{
		Method:  call.method,
		URL:     target,
		Header:  c.header.Clone(),
		Once:    call.once,
		Limited: call.limited,
		Slow:    call.sync,
		InBatch: call.queueing,
		Timeout: cmp.Or(call.timeout, attemptTimeout),
	}
	// Over HTTP/1.1, net/http may send a request more than once if it knows that the body is
	// empty, and sends no length if it does not know. POST, PUT and PATCH therefore always
	// have a body.
	if call.in == nil && slices.Contains([]string{http.MethodPost, http.MethodPut, http.MethodPatch}, call.method) {
		call.in = struct{}{}
	}
	if call.in != nil {
		request.Header.Set("Content-Type", "application/json")
		if request.Body, err = strictjson.Marshal(call.in); err != nil {
			return engine.Call{}, invalid(err)
		}
		request.Timeout += time.Duration(len(request.Body)/slowestBody) * time.Second
	}
	maps.Copy(request.Header, call.header)
	if call.sync && call.limited {
		call.sync = false
		request.PromptURL, err = c.url(call)
	}
	return request, err
}

func (c *core) url(call call) (*url.URL, error) {
	target, err := url.Parse(c.base(call).String() + call.path)
	if err != nil {
		return nil, invalid(err)
	}
	target.RawQuery = call.query.Encode()
	return target, nil
}

func (c *core) base(call call) *url.URL {
	if call.sync {
		return c.hosts.sync
	}
	return c.hosts.api
}

// pathOn returns the path of a call for errors.
func (c *core) pathOn(call call) string { return c.base(call).Path + call.path }

// logRetry logs a retry that is made outside of the engine, which logs its own. If the
// request was not sent before, this is not a retry.
func (c *core) logRetry(ctx context.Context, before error) {
	if e, ok := errors.AsType[*Error](before); ok && e.Attempts > 0 {
		c.config.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying", slog.Any("error", e))
	}
}
