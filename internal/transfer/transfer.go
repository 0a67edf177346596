// Package transfer moves files to and from storage. It retries attempts that failed or
// stalled, resumes downloads if the response proves that the file is the same, and keeps
// the secrets of URLs out of errors and logs.
package transfer

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Config configures a [Client]. Every field must be set.
type Config struct {
	// Transport sends the requests. It must not add credentials.
	Transport http.RoundTripper
	// UserAgent is the value of the User-Agent header.
	UserAgent string
	// AllowHTTP reports whether a host may be used without TLS.
	AllowHTTP func(host string) bool
	// StallTimeout is how long an attempt may make no progress.
	StallTimeout time.Duration
	// Resumptions is the maximum number of retries in a row without progress.
	Resumptions int
	// Pauses are the pauses between attempts.
	Pauses engine.Pauses
	// Fail returns the error of a failed transfer. The path starts with the host. The
	// outcome hides the secrets of the transfer.
	Fail func(method, path string, failed Outcome) error
	// Logger gets a debug record for each attempt and a warning for each retry.
	Logger *slog.Logger
}

// An Outcome is the result of an attempt or a transfer. The Unknown and UnknownBefore
// fields are not set, because a transfer may be repeated whatever effect it had.
type Outcome struct {
	engine.Outcome

	// Retryable reports whether another attempt may succeed.
	Retryable bool
}

// errorOutcome returns the outcome of an attempt that has no response and is not retried.
func errorOutcome(err error) Outcome { return Outcome{Outcome: engine.Outcome{Err: err}} }

// responseOutcome returns the outcome of a response without its body. It is retryable if
// the status is temporary.
func responseOutcome(resp *http.Response) Outcome {
	return Outcome{
		Outcome:   engine.Outcome{Status: resp.StatusCode, Header: resp.Header},
		Retryable: engine.IsTemporary(resp.StatusCode),
	}
}

// Client transfers files. It is safe for concurrent use.
type Client struct{ config Config }

// New returns a client.
func New(config Config) *Client { return &Client{config} }

// CloseIdleConnections closes the idle connections of the transport, if it has such a
// method.
func (c *Client) CloseIdleConnections() {
	(&http.Client{Transport: c.config.Transport}).CloseIdleConnections()
}

// newRequest returns a request without a body. It uses the URL as it is, because parsing
// its text again could change it.
func (c *Client) newRequest(ctx context.Context, method string, target *url.URL) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "", http.NoBody)
	if err != nil {
		return nil, err
	}
	req.URL = target
	req.Header.Set("User-Agent", c.config.UserAgent)
	return req, nil
}

// attemptAttrs returns the log attributes of an attempt.
func attemptAttrs(method string, target *url.URL, outcome Outcome) []slog.Attr {
	attrs := []slog.Attr{
		slog.String("method", method), slog.String("path", pathOf(target)),
		slog.Int("attempt", outcome.Attempts), slog.Int("status", outcome.Status),
	}
	if outcome.Err != nil {
		attrs = append(attrs, slog.String("error", outcome.Err.Error()))
	}
	return attrs
}
