package cloudconvert

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

const (
	// maxAnswer bounds what is read of an API answer. The largest known, the
	// unfiltered catalogue of formats, has about 350 kB.
	maxAnswer = 32 << 20
	// answerTimeout bounds one attempt on the host that answers at once.
	answerTimeout = time.Minute
	// slowestUpload is the rate of bytes per second that a request body is
	// allowed to be sent at, beyond answerTimeout.
	slowestUpload = 16 << 10
	// minKeyInPath is the length from which an API key is looked for in paths. A shorter
	// one, as tests use, could be a segment of the API's own, such as "webhooks".
	minKeyInPath = 10
)

// CaptureResponse stores status, header and body of the answer in r, also when
// the call fails. After several attempts it is the last answer.
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
		case !headerName.MatchString(key):
			return fmt.Errorf("WithHeader: %q is no name of a header", key)
		case strings.ContainsFunc(value, isControl):
			return fmt.Errorf("WithHeader: the value of %s has a control character in it", name)
		case name == "Authorization":
			return errors.New("WithHeader: Authorization is set by the client, and only for the API")
		case name == "Idempotency-Key", name == "X-Idempotency-Key":
			return fmt.Errorf("WithHeader: the API knows no %s, and package net/http would send the request twice for it", name)
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

var headerName = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")

func isControl(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

// A call is one request to the API.
type call struct {
	method string
	path   string // escaped, begins with a slash, without the base
	query  url.Values
	in     any // encoded as JSON unless nil

	sync    bool          // goes to the host that answers when the job has ended
	limited bool          // creates a job or task, which the service limits
	once    bool          // is never sent again
	timeout time.Duration // of each attempt beyond sending the body; 0 means answerTimeout

	header   http.Header
	captures []*Response
	queueing bool // it is a creation that waits while too many jobs run
}

func (c *call) setHeader(name, value string) {
	if c.header == nil {
		c.header = http.Header{}
	}
	c.header.Set(name, value)
}

// setQuery sets a parameter of the query.
func (c *call) setQuery(name, value string) {
	query := maps.Clone(c.query)
	if query == nil {
		query = url.Values{}
	}
	query.Set(name, value)
	c.query = query
}

// Do sends a request for which this package has no method. The path is below
// the base address, as in "/jobs?filter[status]=error". in is sent as JSON; if
// it is nil, POST, PUT and PATCH send an empty object, and other methods no body.
// out receives the whole JSON answer, the "data" around
// it included, unless it is nil.
//
// The same rules apply as for every call: a request that fails is an [*Error], GET
// and DELETE are sent again after a failure, and POST only if it is proved to have
// had no effect. Whether a POST that failed had one is for the caller to find out.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	if !methodName.MatchString(method) {
		return invalid(fmt.Errorf("method %q: use one such as GET, POST or DELETE", method))
	}
	target, err := url.Parse(path)
	if err != nil || target.IsAbs() || target.Host != "" || target.Fragment != "" {
		return invalid(errors.New("the path of the request is not one: give a path below the API's address, such as /jobs"))
	}
	shown, _, _ := strings.Cut(path, "?") // a query may hold a secret
	segments := strings.Split(strings.Trim(target.EscapedPath(), "/"), "/")
	if slices.ContainsFunc(segments, isNoSegment) {
		return invalid(fmt.Errorf("path %q: empty, . and .. are no segments", shown))
	}
	query, err := url.ParseQuery(target.RawQuery)
	if err != nil {
		return invalid(fmt.Errorf("path %q: the query is not well formed", shown))
	}
	return c.core.do(ctx, call{
		method:  method,
		path:    "/" + strings.Join(segments, "/"),
		query:   query,
		in:      in,
		limited: isLimited(method, segments),
	}, out, opts...)
}

// isLimited reports whether a request creates a job or a task, which is what the
// service limits. Of the other requests only these two are a POST.
func isLimited(method string, path []string) bool {
	return method == http.MethodPost && path[0] != "webhooks" && path[len(path)-1] != "cancel"
}

var methodName = regexp.MustCompile(`^[A-Z]+$`)

// isNoSegment reports whether a path segment would change the path around it.
func isNoSegment(segment string) bool {
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
		if isNoSegment(escaped) {
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

// do makes a call and decodes its answer into out.
func (c *core) do(ctx context.Context, call call, out any, opts ...CallOption) error {
	answer, err := c.send(ctx, call, opts)
	if err != nil {
		return err
	}
	if err := decode(answer, out); err != nil {
		answer.Err, answer.Open = err, true
		return newError(call.method, c.pathOn(call), answer)
	}
	return nil
}

// send makes a call. A refusal, and an answer that is not whole, is an error.
func (c *core) send(ctx context.Context, call call, opts []CallOption) (engine.Answer, error) {
	call.header = http.Header{}
	for _, opt := range opts {
		if opt == nil {
			return engine.Answer{}, invalid(errors.New("an option is nil"))
		}
		if err := opt.applyCall(&call); err != nil {
			return engine.Answer{}, invalid(err)
		}
	}
	request, err := c.request(call)
	if err != nil {
		return engine.Answer{}, err
	}
	answer, err := c.engine.Authorized(ctx, request)
	if err != nil {
		return engine.Answer{}, err
	}
	if call.method == http.MethodDelete {
		c.deletions.Add(1)
	}
	for _, capture := range call.captures {
		*capture = newResponse(answer)
	}
	if answer.Err != nil || !isSuccess(answer.Status) {
		return answer, newError(call.method, c.pathOn(call), answer)
	}
	return answer, nil
}

// logAgain tells that a request is sent again by something else than the engine,
// which tells it by itself. What was not sent before is not sent again.
func (c *core) logAgain(ctx context.Context, before error) {
	if e, ok := errors.AsType[*Error](before); ok && e.Attempts > 0 {
		c.config.logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying", slog.Any("error", e))
	}
}

// redirect makes a call that answers with an address, which is not followed.
func (c *core) redirect(ctx context.Context, call call, opts []CallOption) (string, error) {
	answer, err := c.send(ctx, call, opts)
	if location := redirectURL(answer.Status, answer.Header); location != "" {
		return location, nil
	}
	if err == nil {
		answer.Err = errors.New("the answer is no redirection: has the job finished, and does it have an export/url task?")
		err = newError(call.method, c.pathOn(call), answer)
	}
	return "", err
}

// redirectURL returns the URL that a response gives in place of a body. Other
// redirects, of a proxy for example, say where to repeat the request.
func redirectURL(status int, header http.Header) string {
	location := header.Get("Location")
	target, err := url.Parse(location)
	isURL := err == nil && target.Hostname() != "" && (target.Scheme == "https" || target.Scheme == "http")
	if !isURL || status != http.StatusFound && status != http.StatusSeeOther {
		return ""
	}
	return location
}

// request builds what the engine sends.
func (c *core) request(call call) (engine.Call, error) {
	if key := c.config.apiKey.value(); len(key) >= minKeyInPath && slices.Contains(strings.Split(call.path, "/"), key) {
		return engine.Call{}, invalid(errors.New("the API key stands where an id belongs"))
	}
	target, err := call.on(c.base(call))
	if err != nil {
		return engine.Call{}, err
	}
	header := http.Header{}
	header.Set("Accept", "application/json")
	header.Set("User-Agent", c.config.userAgentHeader())
	if call.in == nil && hasBody(call.method) {
		call.in = struct{}{}
	}
	if call.in != nil {
		header.Set("Content-Type", "application/json")
	}
	maps.Copy(header, call.header)
	request := engine.Call{
		Method:      call.method,
		URL:         target,
		Header:      header,
		Once:        call.once,
		Limited:     call.limited,
		Late:        call.sync,
		Accompanied: call.queueing,
		Timeout:     call.timeout,
	}
	if call.in != nil {
		if request.Body, err = encodeJSON(call.in); err != nil {
			return engine.Call{}, invalid(err)
		}
	}
	if call.sync && call.limited {
		if request.Prompt, err = call.on(c.hosts.api); err != nil {
			return engine.Call{}, err
		}
	}
	if request.Timeout == 0 {
		request.Timeout = answerTimeout
	}
	request.Timeout += time.Duration(len(request.Body)/slowestUpload) * time.Second
	return request, nil
}

// hasBody reports whether requests of a method have a body. Without one, the
// length of a POST would be unknown over HTTP/1.1, where it must have one that
// is not recognized as empty to be sent only once.
func hasBody(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// on returns the URL of the call below a base.
func (c *call) on(base *url.URL) (*url.URL, error) {
	target, err := url.Parse(base.String() + c.path)
	if err != nil {
		return nil, invalid(err)
	}
	target.RawQuery = c.query.Encode()
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

// encodeJSON encodes without escaping <, > and &, which URLs are full of, and
// refuses text that would become another one.
func encodeJSON(v any) ([]byte, error) {
	if err := checkText(v); err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	if !utf8.Valid(buffer.Bytes()) {
		return nil, errBrokenJSON
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
