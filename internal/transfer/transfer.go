// Package transfer moves the bytes of files to and from storage. It retries attempts
// that broke or stalled, resumes downloads where the response proves that it is the same
// file, and keeps the secrets of URLs out of errors and logs.
package transfer

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Config says how a [Client] transfers files. Every field must be set.
type Config struct {
	// Transport sends the requests. It must not add credentials.
	Transport http.RoundTripper
	// UserAgent is the header of that name.
	UserAgent string
	// AllowHTTP reports whether a host may be reached without TLS.
	AllowHTTP func(host string) bool
	// StallTimeout ends an attempt in which no byte has moved for this long.
	StallTimeout time.Duration
	// Resumptions is how many times in a row a transfer is retried without getting any
	// further.
	Resumptions int
	// Pauses are those between attempts.
	Pauses engine.Pauses
	// Fail returns the error of a transfer that has failed. The path begins with the
	// host. The answer hides the secrets of the transfer, and is open if the same
	// transfer may succeed later.
	Fail func(method, path string, failed engine.Outcome) error
	// Logger gets a debug record for each attempt and a warning for each retry.
	Logger *slog.Logger
}

// Client transfers files. It is safe for concurrent use.
type Client struct{ config Config }

// New returns a client.
func New(config Config) *Client { return &Client{config} }

// CloseIdleConnections closes the idle connections, if the transport can.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.config.Transport}).CloseIdleConnections()
}

// newRequest returns a request without a body. The URL is requested as it is: parsing its
// text again could change it.
func (c *Client) newRequest(ctx context.Context, method string, target *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.URL = target
	req.Header.Set("User-Agent", c.config.UserAgent)
	return req, nil
}

// describe returns what records say of an attempt.
func describe(method string, target *url.URL, answer engine.Outcome) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", method), slog.String("path", pathOf(target)),
		slog.Int("attempt", answer.Attempts), slog.Int("status", answer.Status),
	}
	if answer.Err != nil {
		attrs = append(attrs, slog.String("error", answer.Err.Error()))
	}
	return attrs
}
