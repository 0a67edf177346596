package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
	"github.com/cloudconvert/cloudconvert-go/internal/recent"
	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

// version is the version of this package, as sent in the User-Agent header.
const version = "0.1.0"

// Client speaks to the API. It is made by [NewClient], never changes and is
// safe for concurrent use. It need not be closed; [Client.CloseIdleConnections]
// is for programs that count connections or goroutines. Programs need one for each
// account, see [Client.With].
type Client struct {
	// Jobs creates jobs, follows them and waits for them.
	Jobs *JobsService
	// Tasks does the same for single tasks, and uploads files to them.
	Tasks *TasksService
	// Users tells about the account.
	Users *UsersService
	// Webhooks registers addresses that the service calls when a job has ended.
	Webhooks *WebhooksService
	// Formats reads the catalogue of operations and formats.
	Formats *FormatsService

	core *core
}

// NewClient returns a client for the API key, which the dashboard issues at
// https://cloudconvert.com/dashboard/api/v2/keys. It neither uses the network nor
// reads the environment. The error names each option that is wrong. With
// [WithTokenSource] the key must be empty.
func NewClient(apiKey string, opts ...Option) (*Client, error) {
	c := config{apiKey: newSecret(apiKey), logger: slog.New(slog.DiscardHandler)}
	return newClient(c, nil, slices.Concat(opts, []Option{noTokensBeside(apiKey)}))
}

// noTokensBeside refuses a token source beside the key that [NewClient] was given.
func noTokensBeside(apiKey string) Option {
	return func(c *config) error {
		if apiKey != "" && c.tokens != nil {
			return errors.New("WithTokenSource: a client has an API key or a token source: leave the key empty")
		}
		return nil
	}
}

// NewClientFromEnv returns a client for the API key in CLOUDCONVERT_API_KEY.
// If CLOUDCONVERT_SANDBOX is true it uses the sandbox, and if
// CLOUDCONVERT_REGION is set that region. CLOUDCONVERT_API_URL and
// CLOUDCONVERT_SYNC_URL together replace the addresses of the API, as
// [WithBaseURLs] does. Options are applied after the environment.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	key := os.Getenv("CLOUDCONVERT_API_KEY")
	if key == "" {
		return nil, errors.New("cloudconvert: the environment variable CLOUDCONVERT_API_KEY is not set: it holds your API key")
	}
	var fromEnv []Option
	if value := os.Getenv("CLOUDCONVERT_SANDBOX"); value != "" {
		sandbox, err := strconv.ParseBool(value)
		if err != nil {
			return nil, fmt.Errorf("cloudconvert: the environment variable CLOUDCONVERT_SANDBOX is %q: use true or false", value)
		}
		if sandbox {
			fromEnv = append(fromEnv, WithSandbox())
		}
	}
	if region := os.Getenv("CLOUDCONVERT_REGION"); region != "" {
		fromEnv = append(fromEnv, WithRegion(Region(region)))
	}
	if api, sync := os.Getenv("CLOUDCONVERT_API_URL"), os.Getenv("CLOUDCONVERT_SYNC_URL"); api != "" || sync != "" {
		fromEnv = append(fromEnv, WithBaseURLs(api, sync))
	}
	return NewClient(key, slices.Concat(fromEnv, opts)...)
}

// With returns a client that differs by the given options. The two share
// connections, and what they know of the service's limits unless [WithAPIKey] or
// [WithTokenSource] changes the credential: a limit that one account has reached
// does not delay another.
//
// A program that works with many accounts should keep one client for each. Two
// calls of With for the same account return clients that do not share its limits,
// unless it is the account of c.
func (c *Client) With(opts ...Option) (*Client, error) {
	return newClient(c.core.config, c.core, opts)
}

// RateLimit returns what the service last said about its limits to this client or
// to one that shares with it, see [Client.With]. It reports false until the service
// has said something.
func (c *Client) RateLimit() (RateLimit, bool) { return c.core.limits.get() }

// CloseIdleConnections closes the connections that are not in use, those of
// clients that share them by [Client.With] too. The client may go on to be used.
// It does nothing if the transport given to [WithHTTPClient] has no such method.
func (c *Client) CloseIdleConnections() {
	c.core.config.client.CloseIdleConnections()
	c.core.storage.CloseIdleConnections()
}

// String names the address the client speaks to, and no key.
func (c *Client) String() string { return "cloudconvert.Client(" + c.core.hosts.api.Host + ")" }

// Do sends a request for which this package has no method. The path is below the base
// URL, as in "/jobs?filter[status]=error". in is sent as JSON; if it is nil, POST, PUT and
// PATCH send an empty object, and other methods no body. out receives the whole JSON
// response, including the "data" around it, unless it is nil.
//
// The same rules apply as for every call: a request that fails is an [*Error], GET and
// DELETE are retried after a failure, and POST only if it is proved to have had no effect.
// Whether a POST that failed had one is for the caller to find out.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	if !methodName.MatchString(method) {
		return invalid(fmt.Errorf("invalid method %q: use one such as GET, POST or DELETE", method))
	}
	target, err := url.Parse(path)
	if err != nil || target.IsAbs() || target.Host != "" || target.Fragment != "" {
		return invalid(errors.New("invalid path: give one below the base URL of the API, such as /jobs"))
	}
	shown, _, _ := strings.Cut(path, "?") // a query may hold a secret
	segments := strings.Split(strings.Trim(target.EscapedPath(), "/"), "/")
	if slices.ContainsFunc(segments, changesPath) {
		return invalid(fmt.Errorf("invalid path %q: no segment may be empty or consist of one or two dots", shown))
	}
	query, err := url.ParseQuery(target.RawQuery)
	if err != nil {
		return invalid(fmt.Errorf("invalid path %q: the query is not well formed", shown))
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

// newClient applies options to a configuration. A client to share with may be
// given.
func newClient(c config, shared *core, opts []Option) (*Client, error) {
	var problems []error
	for i, opt := range opts {
		if opt == nil {
			problems = append(problems, fmt.Errorf("option %d is nil: leave it out", i+1))
			continue
		}
		problems = append(problems, opt(&c))
	}
	if c.tokens == nil {
		problems = append(problems, checkKey(c.apiKey.value()))
	}
	hosts, err := c.hosts()
	if err := errors.Join(append(problems, err)...); err != nil {
		return nil, fmt.Errorf("cloudconvert: %s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if c.client == nil {
		c.client = &http.Client{}
	}
	if c.client.Transport == nil {
		c.useTransport(engine.NewTransport())
	}
	core := &core{config: c, hosts: hosts, header: c.header(), policy: c.transfers.withDefaults(), uploads: recent.NewSet[string](maxUploads), reporter: newReporter(c.transfers.Progress)}
	if shared != nil {
		core.uploads = shared.uploads
	}
	if shared != nil && c.tokens == shared.config.tokens && c.apiKey.value() == shared.config.apiKey.value() {
		core.account = shared.account
	} else {
		core.account = &account{queue: limiter.NewQueue()}
	}
	core.engine = newEngine(c, core.account)
	core.storage = newStorageClient(c, core.policy)
	client := &Client{core: core}
	client.Jobs = &JobsService{core}
	client.Tasks = &TasksService{core}
	client.Users = &UsersService{core}
	client.Webhooks = &WebhooksService{core}
	client.Formats = &FormatsService{core}
	return client, nil
}

func newEngine(c config, account *account) *engine.Engine {
	retry := c.retry.withDefaults()
	return engine.New(engine.Config{
		Client:      c.client,
		Attempts:    retry.Attempts,
		Pauses:      retry.pauses(),
		MaxResponse: maxResponse,
		Token:       c.token,
		Limiter:     &account.limiter,
		Observe:     account.limits.observe,
		Logger:      c.logger,
	})
}

func newStorageClient(c config, policy TransferPolicy) *transfer.Client {
	return transfer.New(transfer.Config{
		Transport:    c.transfer,
		UserAgent:    c.userAgentHeader(),
		AllowHTTP:    c.allowsHTTP,
		StallTimeout: policy.StallTimeout,
		Resumptions:  policy.Resumptions,
		Pauses:       c.retry.withDefaults().pauses(),
		Fail:         transferError,
		Logger:       c.logger,
	})
}

// header returns the header that all requests to the API have.
func (c *config) header() http.Header {
	return http.Header{"Accept": {"application/json"}, "User-Agent": {c.userAgentHeader()}}
}

// userAgentHeader returns the value of the User-Agent header.
func (c *config) userAgentHeader() string {
	own := fmt.Sprintf("cloudconvert-go/%s (%s; %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return strings.TrimSpace(c.userAgent + " " + own)
}
