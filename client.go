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

// Client sends requests to the API. It is made by [NewClient], is immutable, and is
// safe for concurrent use. A program needs one for each account, see [Client.With]. A
// client does not have to be closed. [Client.CloseIdleConnections] is for programs that
// count connections or goroutines.
type Client struct {
	// Jobs creates, reads, lists and deletes jobs, and waits for them.
	Jobs *JobsService
	// Tasks does the same for tasks, and uploads files to them.
	Tasks *TasksService
	// Users reads the account.
	Users *UsersService
	// Webhooks registers URLs that the service calls when a job has ended.
	Webhooks *WebhooksService
	// Formats reads the catalog of operations and formats.
	Formats *FormatsService

	core *core
}

// NewClient returns a client with the API key, which the dashboard issues at
// https://cloudconvert.com/dashboard/api/v2/keys. It neither uses the network nor reads
// the environment. The error names each invalid option. With [WithTokenSource] the key
// must be empty.
func NewClient(apiKey string, opts ...Option) (*Client, error) {
	c := config{apiKey: newSecret(apiKey), logger: slog.New(slog.DiscardHandler)}
	return newClient(c, nil, slices.Concat(opts, []Option{refuseTokensWithKey(apiKey)}))
}

// refuseTokensWithKey refuses a token source if [NewClient] was called with a key.
func refuseTokensWithKey(apiKey string) Option {
	return func(c *config) error {
		if apiKey != "" && c.tokens != nil {
			return errors.New("WithTokenSource: a client has either an API key or a token source: leave the key empty")
		}
		return nil
	}
}

// NewClientFromEnv returns a client with the API key in CLOUDCONVERT_API_KEY. If
// CLOUDCONVERT_SANDBOX is true, it uses the sandbox. If CLOUDCONVERT_REGION is set, it
// uses that region. CLOUDCONVERT_API_URL and CLOUDCONVERT_SYNC_URL together replace the
// base URLs of the API, as [WithBaseURLs] does. The options are applied after the
// environment.
func NewClientFromEnv(opts ...Option) (*Client, error) {
	key := os.Getenv("CLOUDCONVERT_API_KEY")
	if key == "" {
		return nil, errors.New("cloudconvert: the environment variable CLOUDCONVERT_API_KEY is not set: set it to your API key")
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
	api, sync := os.Getenv("CLOUDCONVERT_API_URL"), os.Getenv("CLOUDCONVERT_SYNC_URL")
	switch {
	case (api == "") != (sync == ""):
		return nil, errors.New("cloudconvert: only one of CLOUDCONVERT_API_URL and CLOUDCONVERT_SYNC_URL is set: set both or neither")
	case api != "":
		fromEnv = append(fromEnv, WithBaseURLs(api, sync))
	}
	return NewClient(key, slices.Concat(fromEnv, opts)...)
}

// With returns a copy of the client with other options. The two clients share
// connections. They also share what is known of the limits of the service, unless
// [WithAPIKey] or [WithTokenSource] changes the credential: the limit of one account
// does not delay another.
//
// A program that works with many accounts should keep one client for each. If With is
// called twice for the same account, the two clients do not share its limits, unless it
// is the account of c.
func (c *Client) With(opts ...Option) (*Client, error) {
	return newClient(c.core.config, c.core, opts)
}

// RateLimit returns the limits that the service last reported to this client, or to a
// client that shares them, see [Client.With]. It reports false until there are any.
func (c *Client) RateLimit() (RateLimit, bool) { return c.core.limits.get() }

// CloseIdleConnections closes the connections that are not in use, including those of
// clients that share them, see [Client.With]. The client can still be used. It does
// nothing if the transport given to [WithHTTPClient] has no such method.
func (c *Client) CloseIdleConnections() {
	c.core.config.client.CloseIdleConnections()
	c.core.storage.CloseIdleConnections()
}

// String returns the host of the API, and not the key.
func (c *Client) String() string { return "cloudconvert.Client(" + c.core.hosts.api.Host + ")" }

// Do sends a request for which this package has no method. The path is below the base
// URL, as in "/jobs?filter[status]=error". in is sent as JSON. If it is nil, POST, PUT
// and PATCH send an empty object, and other methods no body. Unless out is nil, the
// whole JSON response is decoded into it, including the "data" around it.
//
// The rules of all calls apply: a request that fails is an [*Error], GET and DELETE are
// retried after a failure, and POST only if the failure proves that it had no effect.
// If a POST fails otherwise, the caller has to find out whether it had an effect.
func (c *Client) Do(ctx context.Context, method, path string, in, out any, opts ...CallOption) error {
	if !methodName.MatchString(method) {
		return invalid(fmt.Errorf("invalid method %q: use one such as GET, POST or DELETE", method))
	}
	target, err := url.Parse(path)
	if err != nil || target.IsAbs() || target.Host != "" || target.Fragment != "" {
		return invalid(errors.New("invalid path: use one below the base URL of the API, such as /jobs"))
	}
	shown, _, _ := strings.Cut(path, "?") // a query may hold a secret
	segments := strings.Split(strings.Trim(target.EscapedPath(), "/"), "/")
	if slices.ContainsFunc(segments, changesPath) {
		return invalid(fmt.Errorf("invalid path %q: no segment may be empty or consist of one or two dots", shown))
	}
	query, err := url.ParseQuery(target.RawQuery)
	if err != nil {
		return invalid(fmt.Errorf("invalid path %q: invalid query", shown))
	}
	return c.core.do(ctx, call{
		method:  method,
		path:    "/" + strings.Join(segments, "/"),
		query:   query,
		in:      in,
		limited: isLimited(method, segments),
	}, out, opts...)
}

// isLimited reports whether a request creates a job or a task, which the service
// limits. Only two other requests are a POST.
func isLimited(method string, path []string) bool {
	return method == http.MethodPost && path[0] != "webhooks" && path[len(path)-1] != "cancel"
}

var methodName = regexp.MustCompile(`^[A-Z]+$`)

// newClient applies options to a configuration. If shared is not nil, the client shares
// its account and its record of uploads.
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
		core.account = &account{queue: limiter.NewQueue(), keys: newKeys()}
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
		Record:      account.limits.record,
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

// header returns the header of all requests to the API.
func (c *config) header() http.Header {
	return http.Header{"Accept": {"application/json"}, "User-Agent": {c.userAgentHeader()}}
}

func (c *config) userAgentHeader() string {
	own := fmt.Sprintf("cloudconvert-go/%s (%s; %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return strings.TrimSpace(c.userAgent + " " + own)
}
