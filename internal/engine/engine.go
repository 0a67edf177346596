// Package engine sends API requests: it makes the attempts, pauses between them, bounds
// what is read, and reports what a response proves about the effect of a request. It
// knows nothing about jobs and tasks.
package engine

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// Config configures an [Engine]. Every field must be set.
type Config struct {
	// Client sends the requests. Its CheckRedirect is not used: redirects are never
	// followed, because the credentials belong to one host. Its Timeout bounds each
	// attempt, which does not include the wait for the limiter.
	Client *http.Client
	// Attempts is the maximum number of attempts of a call.
	Attempts int
	// Pauses are the pauses between the attempts of a call.
	Pauses
	// MaxResponse bounds the number of bytes read of a response.
	MaxResponse int64
	// Limiter delays the attempts of limited calls.
	Limiter *limiter.Limiter
	// Token returns a token for the next request. After a token was refused, it returns
	// another one, or the same if there is no other. Only [Engine.Authorized] calls it.
	Token func(ctx context.Context, refused string) (string, error)
	// Record is called after each attempt. It may be called concurrently.
	Record func(Outcome)
	// Logger gets a debug record for each attempt and a warning for each retry.
	Logger *slog.Logger
}

// A Call is one request, which may take several attempts.
type Call struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	// Once disables retries.
	Once bool
	// Limited reports whether the call counts against the rate limit of the service.
	Limited bool
	// Slow reports whether the response arrives only when a job has ended. A limited slow
	// call is not retried after a 429.
	Slow bool
	// InBatch reports whether a limited slow call is one of many. While the limit is
	// unknown it is sent to PromptURL, so that the others do not wait for a job.
	InBatch bool
	// PromptURL is the URL at which a limited slow call gets its response immediately. The
	// call is sent there if the limiter uses it to find out whether the service accepts
	// more requests.
	PromptURL *url.URL
	// Timeout bounds each attempt. Zero means no timeout.
	Timeout time.Duration
}

// An Outcome is the result of a call.
type Outcome struct {
	// Status is the HTTP status, or 0 if there was no response.
	Status int
	Header http.Header
	Body   []byte
	// Err is why there was no response, or why its body is incomplete.
	Err error
	// Attempts is the number of requests sent.
	Attempts int
	// RateLimited is the number of responses with the status 429.
	RateLimited int
	// Unknown reports whether the service may have carried out the last attempt although
	// the response does not say so.
	Unknown bool
	// UnknownBefore reports the same of an earlier attempt.
	UnknownBefore bool
	// Sent is the body of the request, which the response may repeat.
	Sent []byte

	secrets *secretSet // hidden by Hide
}

// Engine sends calls. It is safe for concurrent use.
type Engine struct {
	config Config
	client *http.Client
	// observable reports whether the transport reports the connections that it gets.
	observable bool
	timeout    time.Duration // of each attempt, from Config.Client; 0 means none
	silent     atomic.Bool   // an attempt timed out on a reused connection
}

// New returns an engine.
func New(config Config) *Engine {
	transport := config.Client.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	_, observable := transport.(*http.Transport)
	client := *config.Client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	client.Timeout = 0
	e := &Engine{config: config, client: &client, observable: observable, timeout: config.Client.Timeout}
	client.Transport = &attemptTransport{engine: e, next: transport}
	return e
}

// Send makes a call, with retries. It returns when ctx ends.
func (e *Engine) Send(ctx context.Context, call Call) Outcome {
	state := &state{call: call}
	if call.Limited {
		state.ticket = e.config.Limiter.Ticket()
	}
	req, err := newRequest(context.WithValue(ctx, stateKey{}, state), call)
	if err != nil {
		return Outcome{Err: err}
	}
	resp, err := e.loop(state).Do(req)
	if resp != nil {
		// The attempt has already read and closed the body.
		_ = resp.Body.Close()
	}
	outcome := state.last
	outcome.Attempts, outcome.RateLimited = state.attempts, state.rateLimited
	outcome.UnknownBefore = state.unknownBefore
	outcome.Sent = call.Body
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		outcome.Err = contextError(ctx, outcome.Err)
	case err != nil && outcome.Err == nil:
		outcome.Err = WithoutURL(err)
	}
	return outcome
}

func newRequest(ctx context.Context, call Call) (*retryablehttp.Request, error) {
	var body any
	if call.Body != nil {
		body = call.Body
	}
	req, err := retryablehttp.NewRequestWithContext(ctx, call.Method, call.URL.String(), body)
	if err != nil {
		return nil, WithoutURL(err)
	}
	req.Header = call.Header.Clone()
	return req, nil
}

// loop returns the client that retries one call.
func (e *Engine) loop(state *state) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: e.client,
		RetryMax:   e.config.Attempts - 1,
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) {
			return e.shouldRetry(ctx, state), nil
		},
		Backoff: func(time.Duration, time.Duration, int, *http.Response) time.Duration {
			return state.pause
		},
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) { return resp, err },
	}
}
