package events

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/access"
	"github.com/cloudconvert/cloudconvert-go/internal/poll"
)

// Option changes how a [Client] is built.
type Option func(*config) error

// config is what options write to.
type config struct {
	url       *url.URL
	transport http.RoundTripper
	readLimit int64
	buffer    int
	backoff   poll.Backoff
	logger    *slog.Logger
}

// The addresses of the service.
const (
	serviceURL = "https://socketio.cloudconvert.com"
	sandboxURL = "https://socketio.sandbox.cloudconvert.com"
)

func newConfig(lent access.Access, opts []Option) (config, error) {
	c := config{
		transport: lent.Transport,
		readLimit: 4 << 20,
		buffer:    256,
		backoff:   poll.Backoff{First: 500 * time.Millisecond, Longest: 10 * time.Second},
		logger:    lent.Logger,
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
		problems = append(problems, c.choose(lent))
	}
	if c.url != nil && c.url.Scheme == "http" && !lent.PlainHTTP && !isLoopback(c.url.Hostname()) {
		problems = append(problems, fmt.Errorf("http://%s would get the API key in the clear: use https, or cloudconvert.WithPlainHTTP in a private test network", c.url.Host))
	}
	return c, errors.Join(problems...)
}

// choose takes the socket that belongs to what the client speaks to.
func (c *config) choose(lent access.Access) error {
	switch {
	case lent.Elsewhere:
		return errors.New("the client has base URLs of its own: give the address of the event socket with WithURL")
	case lent.Sandbox:
		return WithURL(sandboxURL)(c)
	default:
		return WithURL(serviceURL)(c)
	}
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// WithURL sets the address of the event socket, as in
// https://socketio.cloudconvert.com. By default it is the one of the service or
// its sandbox, whichever the client speaks to. A client made with
// [cloudconvert.WithBaseURLs] needs this option.
func WithURL(address string) Option {
	return func(c *config) error {
		base, err := url.Parse(address)
		if err != nil {
			return errors.New("WithURL: the address is no URL")
		}
		if base.User != nil || base.RawQuery != "" || base.Fragment != "" || base.Opaque != "" {
			return errors.New("WithURL: the address may have no user, query or fragment, only the form https://host")
		}
		switch base.Scheme {
		case "ws":
			base.Scheme = "http"
		case "wss":
			base.Scheme = "https"
		}
		if base.Scheme != "https" && base.Scheme != "http" || base.Hostname() == "" {
			return errors.New("WithURL: the address needs the form https://host")
		}
		c.url = base
		return nil
	}
}

// WithHTTPClient makes connections with the transport of the given client, and
// uses nothing else of it. By default it is the transport of the
// [cloudconvert.Client]. A transport that wraps the bodies of answers, for
// tracing or metering, cannot be used.
func WithHTTPClient(client *http.Client) Option {
	return func(c *config) error {
		if client == nil {
			return errors.New("WithHTTPClient: the client is nil")
		}
		c.transport = client.Transport
		return nil
	}
}

// WithReadLimit sets the largest message in bytes that is read. The default is
// 4 MiB. A larger one, which only a job with very many tasks could have, breaks
// the line.
func WithReadLimit(bytes int64) Option {
	return func(c *config) error {
		if bytes < 1 {
			return fmt.Errorf("WithReadLimit: %d is not positive", bytes)
		}
		c.readLimit = bytes
		return nil
	}
}

// WithBuffer sets how many events a subscription keeps for a program that is
// busy. The default is 256. When there are more, the oldest of those that only tell
// of progress are dropped. There is a bound for the others as well, see
// [Subscription.Dropped].
func WithBuffer(size int) Option {
	return func(c *config) error {
		if size < 1 {
			return fmt.Errorf("WithBuffer: %d is not positive", size)
		}
		c.buffer = size
		return nil
	}
}

// WithBackoff sets the pauses before a broken line is made again: they double
// from the first to the longest, and each is shortened at random. They begin anew
// after a line that has lasted as long as the longest. The defaults are 500 ms and
// 10 s.
func WithBackoff(first, longest time.Duration) Option {
	return func(c *config) error {
		if first <= 0 || longest < first {
			return fmt.Errorf("WithBackoff: %v and %v are no pauses that grow", first, longest)
		}
		c.backoff = poll.Backoff{First: first, Longest: longest}
		return nil
	}
}

// WithLogger logs to the given logger: a debug record when the line is there,
// and a warning when it is lost or there is no token. Records hold no events
// and no credentials. By default it is the logger of the [cloudconvert.Client].
func WithLogger(logger *slog.Logger) Option {
	return func(c *config) error {
		if logger == nil {
			return errors.New("WithLogger: the logger is nil: leave the option out")
		}
		c.logger = logger
		return nil
	}
}
