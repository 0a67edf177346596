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
	// slowestBody is the rate of bytes per second that a request body may be sent at,
	// beyond attemptTimeout.
	slowestBody = 16 << 10
	// minKeyInPath is the length from which an API key is looked for in paths. A shorter
	// one, as tests use, could be a segment of the API's own, such as "webhooks".
	minKeyInPath = 10
)

// CaptureResponse stores status, header and body of the response in r, also when the call
// fails. After several attempts it is the last response.
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
// sets; Host, Accept-Encoding, Expect, Content-Length, Transfer-Encoding, Trailer and the
// headers of a connection, which package net/http sets; those of a proxy; and
// Idempotency-Key, for which net/http would repeat the request.
func WithHeader(key, value string) CallOption {
	return callOption{"WithHeader", func(c *call) error {
		switch name := http.CanonicalHeaderKey(key); {
		case !params.IsHeaderName(key):
			return fmt.Errorf("WithHeader: invalid header name %q", key)
		case !params.IsHeaderValue(value):
			return fmt.Errorf("WithHeader: the value of %s contains a control character", name)
		case name == "Authorization":
			return errors.New("WithHeader: Authorization is set by the client, and only for the API")
		case name == "Idempotency-Key", name == "X-Idempotency-Key":
			return fmt.Errorf("WithHeader: the API does not use %s, and net/http would repeat the request because of it", name)
		case strings.HasPrefix(name, "Proxy-"):
			return fmt.Errorf("WithHeader: %s is for a proxy and would reach the API: set it in the transport, see WithHTTPClient", name)
		case ownHeaders[name] != "":
			return fmt.Errorf("WithHeader: %s %s", name, ownHeaders[name])
		default:
			c.setHeader(name, value)
			return nil
		}
	}}
}

// ownHeaders are those that package net/http drops, or lets break a request, over one
// of the versions of HTTP.
var ownHeaders = map[string]string{
	"Host":              "is not sent from here: use WithBaseURLs",
	"Content-Length":    "follows from the body",
	"Transfer-Encoding": "follows from the body",
	"Trailer":           "is not sent: a request has no trailers",
	"Accept-Encoding":   "is set by package net/http, which would not decode the response otherwise",
	"Connection":        "is for package net/http to set: see WithHTTPClient",
	"Keep-Alive":        "is for package net/http to set: see WithHTTPClient",
	"Upgrade":           "would end in another protocol than HTTP",
	"Te":                "is for package net/http to set",
	"Expect":            "is for package net/http to set",
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
	// uploads has the tasks that were sent their file. The service goes on to report such
	// a task as waiting for some seconds.
	uploads *recent.Set[string]
}

// account is what clients of one credential share.
type account struct {
	limits    limitMemory
	limiter   limiter.Limiter
	queue     *limiter.Queue
	deletions atomic.Int64 // counts the requests to delete something
}

// maxUploads is how many uploads are remembered.
const maxUploads = 4096

// service gives the services access to it.
type service struct{ core *core }

// setQuery sets a parameter of the query.
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

// pathOf joins segments, ids among them, to a path below the base address. It does
// not repeat what may be a URL or another secret in place of an id.
func pathOf(segments ...string) (string, error) {
	var path strings.Builder
	for _, segment := range segments {
		if strings.ContainsFunc(segment, isForeignToIDs) {
			return "", invalid(errors.New("the id is not one: it has a character such as / or : in it, like a URL"))
		}
		escaped := url.PathEscape(segment)
		if changesPath(escaped) {
			return "", invalid(fmt.Errorf("%q is not an id", segment))
		}
		path.WriteString("/" + escaped)
	}
	return path.String(), nil
}

// isForeignToIDs reports whether a character is in no id.
func isForeignToIDs(r rune) bool {
	return unicode.IsSpace(r) || unicode.IsControl(r) || strings.ContainsRune(`/\?%:#`, r)
}

// do makes a call and decodes its response into out, unless that is nil.
func (c *core) do(ctx context.Context, call call, out any, opts ...CallOption) error {
	answer, err := c.send(ctx, call, opts)
	if err != nil || out == nil {
		return err
	}
	return c.decode(call, answer, out)
}

// maxResponse bounds what is read of a response of the API. The largest known, the
// unfiltered catalogue of formats, has about 350 kB.
const maxResponse = 32 << 20

// decode reads the body of a successful response into out.
func (c *core) decode(call call, answer engine.Outcome, out any) error {
	err := lenient.CheckDensity(answer.Body)
	switch {
	case len(bytes.TrimSpace(answer.Body)) == 0:
		err = errors.New("it is empty")
	case err == nil && !json.Valid(answer.Body):
		err = json.Unmarshal(answer.Body, new(json.RawMessage)) // says what is wrong with it
	case err == nil:
		err = lenient.Unmarshal(answer.Body, out)
	}
	if err == nil {
		return nil
	}
	contentType := cmp.Or(answer.Header.Get("Content-Type"), "of no content type")
	answer.Err, answer.Open = fmt.Errorf("unexpected response (%s): %w", contentType, err), true
	return newError(call.method, c.pathOn(call), answer)
}

// envelope is what the API puts around every object.
type envelope[T any] struct{ data T }

// UnmarshalJSON takes the object out.
func (e *envelope[T]) UnmarshalJSON(data []byte) error {
	object := lenient.Find(data, "data")
	if object == nil || string(object) == "null" {
		return errors.New("it has no data")
	}
	return lenient.Unmarshal(object, &e.data)
}

// object makes a call whose response is one object.
func object[T any](ctx context.Context, c *core, call call, opts []CallOption) (*T, error) {
	var response envelope[T]
	if err := c.do(ctx, call, &response, opts...); err != nil {
		return nil, err
	}
	return &response.data, nil
}

// remove makes a DELETE call. An object that is not there any more after a first attempt
// without a response was deleted by that attempt. The API responds without a body; one
// that is not JSON is not the API's.
func remove(ctx context.Context, c *core, path string, opts []CallOption) error {
	call := call{method: http.MethodDelete, path: path}
	answer, err := c.send(ctx, call, opts)
	if e, ok := errors.AsType[*Error](err); ok && e.StatusCode == http.StatusNotFound && e.openBefore {
		return nil
	}
	if err != nil || len(bytes.TrimSpace(answer.Body)) == 0 {
		return err
	}
	return c.decode(call, answer, new(any))
}

// redirect makes a call whose response is a URL, which is not followed.
func (c *core) redirect(ctx context.Context, call call, opts []CallOption) (string, error) {
	answer, err := c.send(ctx, call, opts)
	if location := redirectURL(answer.Status, answer.Header); location != "" {
		return location, nil
	}
	if err == nil {
		answer.Err = errors.New("the response is not a redirect: has the job finished, and does it have an export/url task?")
		err = newError(call.method, c.pathOn(call), answer)
	}
	return "", err
}

// redirectURL returns the URL that a response gives in place of a body. Other redirects,
// of a proxy for example, say where to repeat the request.
func redirectURL(status int, header http.Header) string {
	location := header.Get("Location")
	target, err := url.Parse(location)
	isURL := err == nil && target.Hostname() != "" && (target.Scheme == "https" || target.Scheme == "http")
	if !isURL || status != http.StatusFound && status != http.StatusSeeOther {
		return ""
	}
	return location
}

// send makes a call. A refusal, and a response that is not whole, is an error.
func (c *core) send(ctx context.Context, call call, opts []CallOption) (engine.Outcome, error) {
	call.header = http.Header{}
	if err := applyAll(opts, func(o CallOption) error { return o.applyCall(&call) }); err != nil {
		return engine.Outcome{}, err
	}
	request, err := c.request(call)
	if err != nil {
		return engine.Outcome{}, err
	}
	answer, err := c.engine.Authorized(ctx, request)
	if err != nil {
		return engine.Outcome{}, err
	}
	if call.method == http.MethodDelete {
		c.deletions.Add(1)
	}
	for _, capture := range call.captures {
		*capture = newResponse(answer)
	}
	if answer.Err != nil || !engine.IsSuccess(answer.Status) {
		return answer, newError(call.method, c.pathOn(call), answer)
	}
	return answer, nil
}

// request returns what the engine sends.
func (c *core) request(call call) (engine.Call, error) {
	if key := c.config.apiKey.value(); len(key) >= minKeyInPath && slices.Contains(strings.Split(call.path, "/"), key) {
		return engine.Call{}, invalid(errors.New("the API key stands where an id belongs"))
	}
	target, err := c.url(call)
	if err != nil {
		return engine.Call{}, err
	}
	request := engine.Call{
		Method:      call.method,
		URL:         target,
		Header:      c.header.Clone(),
		Once:        call.once,
		Limited:     call.limited,
		Late:        call.sync,
		Accompanied: call.queueing,
		Timeout:     cmp.Or(call.timeout, attemptTimeout),
	}
	// Without a body, the length of a POST would be unknown over HTTP/1.1, where it must
	// have one that is not recognized as empty to be sent only once.
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
		request.Prompt, err = c.url(call)
	}
	return request, err
}

// url returns the URL of a call.
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

// pathOn returns the path of a call as errors name it.
func (c *core) pathOn(call call) string { return c.base(call).Path + call.path }

// logRetry logs that a request is sent once more by something else than the engine, which
// does so by itself. A request that was not sent before is not a retry.
func (c *core) logRetry(ctx context.Context, before error) {
	if e, ok := errors.AsType[*Error](before); ok && e.Attempts > 0 {
		c.config.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying", slog.Any("error", e))
	}
}
