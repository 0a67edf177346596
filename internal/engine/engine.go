// Package engine sends API requests: it decides what may be sent again, waits
// between attempts, bounds what is read and reports what an answer proves. It
// knows nothing of jobs and tasks.
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

// Config says how an [Engine] sends. Every field must be set.
type Config struct {
	// Client is used as it is, but for its redirect policy and its Timeout.
	// Redirects are never followed, since the credentials belong to one host,
	// and the Timeout bounds an attempt, not the wait for the limiter as well.
	Client *http.Client
	// Attempts bounds how often one call is sent.
	Attempts int
	// Pauses are those between the attempts of a call.
	Pauses
	// MaxAnswer bounds the bytes read of one answer.
	MaxAnswer int64
	// Limiter holds back the attempts of limited calls.
	Limiter *limiter.Limiter
	// Token returns what the next request is authorized with. If a token was refused, it
	// is another one, if there is another. Only [Engine.Authorized] asks for it.
	Token func(ctx context.Context, refused string) (string, error)
	// Observe is told of the answer to each attempt. It may be called from many
	// goroutines at once.
	Observe func(Outcome)
	// Logger gets a debug record for each attempt and a warning for each retry.
	Logger *slog.Logger
}

// A Call is one request, which may take several attempts.
type Call struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte
	// Once forbids sending again.
	Once bool
	// Limited tells that the service counts the call against its rate limit.
	Limited bool
	// Late reports that the response waits for a job to end. A limited call of
	// this kind is not sent again after a refusal.
	Late bool
	// Accompanied reports that a limited late call is one of many. If nothing is
	// known of the limit, it goes to Prompt, so that the others need not wait long.
	Accompanied bool
	// Prompt is where a limited late call has its response at once. It is sent
	// there if it is to find out for others whether the service has room.
	Prompt *url.URL
	// Timeout bounds each attempt. Zero means no bound but the context.
	Timeout time.Duration
}

// An Outcome is what became of a call.
type Outcome struct {
	// Status is the HTTP status, or 0 if no answer came.
	Status int
	Header http.Header
	Body   []byte
	// Err is why there is no answer, or why the body is not whole.
	Err error
	// Attempts counts how often the request was sent.
	Attempts int
	// Open tells that the service may have carried out the last attempt
	// although its answer does not say so.
	Open bool
	// OpenBefore tells the same of an earlier attempt.
	OpenBefore bool
	// Sent is the body of the request, which the answer may repeat.
	Sent []byte

	secrets *secretSet // see Hiding
}

// Engine sends calls. It is safe for concurrent use.
type Engine struct {
	config Config
	client *http.Client
	// observable tells that the transport reports whether it got a connection.
	observable bool
	timeout    time.Duration // the client's own, for each attempt; 0 means none
	silent     atomic.Bool   // an attempt got no response on a connection that was idle before
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
	client.Transport = &attempts{engine: e, next: transport}
	return e
}

// Send makes the call. It ends when the context ends.
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
		// The attempt has read the body already: this releases nothing.
		_ = resp.Body.Close()
	}
	answer := state.last
	answer.Attempts = state.attempts
	answer.OpenBefore = state.openBefore
	answer.Sent = call.Body
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		answer.Err = ended(ctx, answer.Err)
	case err != nil && answer.Err == nil:
		answer.Err = WithoutURL(err)
	}
	return answer
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

// loop returns what repeats the attempts of one call.
func (e *Engine) loop(state *state) *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: e.client,
		RetryMax:   e.config.Attempts - 1,
		CheckRetry: func(ctx context.Context, _ *http.Response, _ error) (bool, error) {
			return e.again(ctx, state), nil
		},
		Backoff: func(time.Duration, time.Duration, int, *http.Response) time.Duration {
			return state.pause
		},
		ErrorHandler: func(resp *http.Response, err error, _ int) (*http.Response, error) { return resp, err },
	}
}
