package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// earlyExpiry is how long before its expiry a token is replaced, but at most a tenth of
// its remaining lifetime.
const earlyExpiry = time.Minute

// Authorized makes a call with the credentials of the account. If the service refuses the
// token, which proves that the request had no effect, the call is retried once with
// another token. It returns an error if the source fails for good to return a token. A
// temporary failure of the source is an outcome without a response, so that the caller
// retries it like a failure of the network.
func (e *Engine) Authorized(ctx context.Context, call Call) (Outcome, error) {
	token, err := e.config.Token(ctx, "")
	if err != nil {
		return tokenFailure(ctx, Outcome{}, err)
	}
	outcome := e.sendAs(ctx, token, call)
	if outcome.Status != http.StatusUnauthorized {
		return outcome, nil
	}
	fresh, err := e.config.Token(ctx, token)
	if err != nil {
		return tokenFailure(ctx, outcome, err)
	}
	if fresh == token {
		return outcome, nil
	}
	e.config.Logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying with another token",
		slog.String("method", call.Method), slog.String("path", call.URL.EscapedPath()), slog.Int("status", outcome.Status))
	second := e.sendAs(ctx, fresh, call).Without(token)
	second.Attempts += outcome.Attempts
	second.RateLimited += outcome.RateLimited
	second.UnknownBefore = second.UnknownBefore || outcome.UnknownBefore
	return second, nil
}

func (e *Engine) sendAs(ctx context.Context, token string, call Call) Outcome {
	call.Header.Set("Authorization", "Bearer "+token)
	return e.Send(ctx, call)
}

// tokenFailure returns the result of a call for which the source returned no token, after
// the outcome of an earlier token.
func tokenFailure(ctx context.Context, before Outcome, err error) (Outcome, error) {
	if failure, ok := errors.AsType[*TokenError](err); ok && !failure.temporary && ctx.Err() == nil {
		return Outcome{}, err
	}
	return Outcome{Err: err, Attempts: before.Attempts, RateLimited: before.RateLimited, UnknownBefore: before.UnknownBefore}, nil
}

// TokenError is the error of a source that returned no token.
type TokenError struct {
	temporary bool // a retry may succeed
	err       error
}

// Error returns the message of the error.
func (e *TokenError) Error() string { return e.err.Error() }

// Unwrap returns the error of the source.
func (e *TokenError) Unwrap() error { return e.err }

// Refused reports whether the token endpoint refused to issue a token.
func (e *TokenError) Refused() bool {
	_, responded := errors.AsType[endpointError](e.err)
	return responded && !e.temporary
}

// Tokens caches the token of a source. It is safe for concurrent use.
type Tokens struct {
	source oauth2.TokenSource
	check  func(token string) error

	mu      sync.Mutex
	value   string
	until   time.Time // zero if it does not expire
	fetched *tokenFetch
}

// tokenFetch is a call of the source. Its result may be read once done is closed.
type tokenFetch struct {
	done  chan struct{}
	value string
	err   error
}

// NewTokens returns a cache for the tokens of a source. Tokens that fail check are not
// used.
func NewTokens(source oauth2.TokenSource, check func(token string) error) *Tokens {
	return &Tokens{source: source, check: check}
}

// Get returns a token that has not expired and is not the refused one. The error is a
// [*TokenError], or that of the context.
func (t *Tokens) Get(ctx context.Context, refused string) (string, error) {
	value, fetch := t.lookUp(refused)
	if fetch == nil {
		return value, nil
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case <-fetch.done:
		return fetch.value, fetch.err
	}
}

// lookUp returns the cached token, or the call of the source that will return one.
func (t *Tokens) lookUp(refused string) (string, *tokenFetch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.value != "" && t.value != refused && (t.until.IsZero() || time.Now().Before(t.until)) {
		return t.value, nil
	}
	if t.fetched == nil {
		t.fetched = &tokenFetch{done: make(chan struct{})}
		go t.fetch(t.fetched)
	}
	return "", t.fetched
}

func (t *Tokens) fetch(fetch *tokenFetch) {
	var token *oauth2.Token
	err := errors.New("the token source ended its goroutine") // as a mock does that fails a test
	defer func() { t.settle(fetch, token, err) }()
	token, err = t.source.Token()
	if err == nil && (token == nil || t.check(token.AccessToken) != nil) {
		err = errors.New("the token source returned no usable access token")
	}
}

// settle records what the source returned.
func (t *Tokens) settle(fetch *tokenFetch, token *oauth2.Token, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(fetch.done)
	t.fetched = nil
	if err != nil {
		fetch.err = t.failure(err)
		return
	}
	fetch.value, t.value, t.until = token.AccessToken, token.AccessToken, time.Time{}
	if !token.Expiry.IsZero() {
		left := max(time.Until(token.Expiry), 0)
		t.until = token.Expiry.Add(-min(earlyExpiry, left/10))
	}
}

// errorCode matches the error codes of token endpoints. Anything else may hold a secret,
// such as that of the client.
var errorCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// endpointError is an error response of a token endpoint.
type endpointError struct {
	status int
	code   string // "" if there is no code that can be shown
}

func (e endpointError) Error() string {
	if e.code == "" {
		return fmt.Sprintf("the token endpoint responded %d", e.status)
	}
	return fmt.Sprintf("the token endpoint responded %d %q", e.status, e.code)
}

// failure returns an error without the body of the response of the token endpoint, which
// may hold a token, and without the last token.
func (t *Tokens) failure(err error) *TokenError {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		_, network := errors.AsType[net.Error](err)
		temporary := network && !errors.Is(err, context.Canceled)
		return &TokenError{temporary: temporary, err: Outcome{Err: WithoutURL(err)}.Hiding(t.value).Err}
	}
	response := endpointError{}
	if refusal.Response != nil {
		response.status = refusal.Response.StatusCode
	}
	temporary := IsTemporary(response.status)
	if !temporary && errorCode.MatchString(refusal.ErrorCode) {
		response.code = refusal.ErrorCode
	}
	return &TokenError{temporary: temporary, err: response}
}
