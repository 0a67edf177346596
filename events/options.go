package events

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"

	"github.com/cloudconvert/cloudconvert-go/internal/access"
)

// Option changes how a [Client] is built.
type Option func(*config) error

type config struct {
	url       *url.URL
	transport http.RoundTripper
	readLimit int64
	buffer    int // events that a subscription keeps
	logger    *slog.Logger
}

// The event sockets of the service.
const (
	serviceURL = "https://socketio.cloudconvert.com"
	sandboxURL = "https://socketio.sandbox.cloudconvert.com"
)

func newConfig(api access.Access, opts []Option) (config, error) {
	c := config{
		transport: api.Transport,
		readLimit: 4 << 20,
		buffer:    256,
		logger:    api.Logger,
	}
	var problems []error
	for _, opt := range opts {
		if opt == nil {
			problems = append(problems, errors.New("an option is nil"))
			continue
		}
		problems = append(problems, opt(&c))
	}
	if c.url == nil {
		problems = append(problems, c.setDefaultURL(api))
	}
	if c.url != nil && c.url.Scheme == "http" && !api.PlainHTTP && !isLoopback(c.url.Hostname()) {
		problems = append(problems, fmt.Errorf("http://%s would receive the API key unencrypted: use https, or cloudconvert.WithPlainHTTP in a private test network", c.url.Host))
	}
	return c, errors.Join(problems...)
}

// setDefaultURL chooses the socket by the API that the client uses.
func (c *config) setDefaultURL(api access.Access) error {
	switch {
	case api.Elsewhere:
		return errors.New("the API client uses WithBaseURLs: set the URL of the event socket with WithURL")
	case api.Sandbox:
		return WithURL(sandboxURL)(c)
	default:
		return WithURL(serviceURL)(c)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// WithURL sets the URL of the event socket, such as
// https://socketio.cloudconvert.com. The default is that of the service or of its
// sandbox, like the API client's. An API client with [cloudconvert.WithBaseURLs]
// needs this option.
func WithURL(rawURL string) Option {
	return func(c *config) error {
		base, err := url.Parse(rawURL)
		if err != nil {
			return errors.New("WithURL: invalid URL: use the form https://host")
		}
		if base.User != nil || base.RawQuery != "" || base.Fragment != "" || base.Opaque != "" {
			return errors.New("WithURL: the URL has a user, query or fragment: use the form https://host")
		}
		switch base.Scheme {
		case "ws":
			base.Scheme = "http"
		case "wss":
			base.Scheme = "https"
		}
		if base.Scheme != "https" && base.Scheme != "http" || base.Hostname() == "" {
			return errors.New("WithURL: invalid URL: use the form https://host")
		}
		c.url = base
		return nil
	}
}

// WithHTTPClient makes connections with the transport of the given client, and
// uses nothing else of it. The default is the transport of the
// [cloudconvert.Client]. A transport that wraps response bodies, for tracing or
// metering, cannot be used.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		c.transport = client.Transport
		return nil
	}
}

// WithReadLimit sets the size in bytes of the largest message that is read. The
// default is 4 MiB. A larger message, which only a job with very many tasks could
// cause, breaks the connection.
func WithReadLimit(bytes int64) Option {
	return func(c *config) error {
		if bytes < 1 {
			return fmt.Errorf("WithReadLimit: %d is not positive", bytes)
		}
		c.readLimit = bytes
		return nil
	}
}

// WithLogger logs to the given logger: a debug record when the client has connected,
// a warning when the connection is lost or the token source fails, and an error when
// the client cannot connect. Records hold no events and no credentials. The default is
// the logger of the [cloudconvert.Client].
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil: leave the option out")
		}
		c.logger = logger
		return nil
	}
}
