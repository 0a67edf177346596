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

// earlyExpiry is how long before it expires a token is replaced, unless that is more than
// a tenth of the time it has.
const earlyExpiry = time.Minute

// Authorized makes a call with the credentials of the account. A token that the service
// refuses, which proves that nothing happened, is replaced once. Without a token nothing
// is sent: the error says why, unless the source may do better soon, which then is an
// answer that did not come.
func (e *Engine) Authorized(ctx context.Context, call Call) (Outcome, error) {
	token, err := e.config.Token(ctx, "")
	if err != nil {
		return withoutToken(ctx, Outcome{}, err)
	}
	answer := e.sendAs(ctx, token, call)
	if answer.Status != http.StatusUnauthorized {
		return answer, nil
	}
	fresh, err := e.config.Token(ctx, token)
	if err != nil {
		return withoutToken(ctx, answer, err)
	}
	if fresh == token {
		return answer, nil
	}
	e.config.Logger.LogAttrs(ctx, slog.LevelWarn, "cloudconvert: retrying with another token",
		slog.String("method", call.Method), slog.String("path", call.URL.EscapedPath()), slog.Int("status", answer.Status))
	second := e.sendAs(ctx, fresh, call).Without(token)
	second.Attempts += answer.Attempts
	second.OpenBefore = second.OpenBefore || answer.OpenBefore
	return second, nil
}

func (e *Engine) sendAs(ctx context.Context, token string, call Call) Outcome {
	call.Header.Set("Authorization", "Bearer "+token)
	return e.Send(ctx, call)
}

func withoutToken(ctx context.Context, before Outcome, err error) (Outcome, error) {
	if failure, ok := errors.AsType[*TokenError](err); ok && !failure.passing && ctx.Err() == nil {
		return Outcome{}, err
	}
	return Outcome{Err: err, Attempts: before.Attempts, OpenBefore: before.OpenBefore}, nil
}

// TokenError is a source that gave no token.
type TokenError struct {
	passing bool // it may soon do better
	err     error
}

// Error says what is wrong.
func (e *TokenError) Error() string { return e.err.Error() }

// Unwrap returns what is wrong.
func (e *TokenError) Unwrap() error { return e.err }

// Refused reports whether the token endpoint refuses to give a token.
func (e *TokenError) Refused() bool {
	_, answered := errors.AsType[endpointError](e.err)
	return answered && !e.passing
}

// Tokens keeps the token of a source.
type Tokens struct {
	source oauth2.TokenSource
	check  func(token string) error

	mu      sync.Mutex
	value   string
	until   time.Time // zero if it does not expire
	fetched *tokenFetch
}

// tokenFetch is a question to the source. Its result may be read when it is done.
type tokenFetch struct {
	done  chan struct{}
	value string
	err   error
}

// NewTokens returns the tokens of a source. Tokens that do not pass check are not used.
func NewTokens(source oauth2.TokenSource, check func(token string) error) *Tokens {
	return &Tokens{source: source, check: check}
}

// Get returns a token that is valid, as far as is known, and was not refused. It fails with
// a [*TokenError] or the error of the context.
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

// lookUp returns the token kept, or else the question to the source that is under way.
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
	token, err := t.source.Token()
	if err == nil && (token == nil || t.check(token.AccessToken) != nil) {
		err = errors.New("the token source gave no usable access token")
	}
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

// errorCode is what an error of a token endpoint is called. What has another form may be
// anything, the secret of the client for example.
var errorCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// endpointError is what a token endpoint responded.
type endpointError struct {
	status int
	code   string // "" if it gave none that can be shown
}

func (e endpointError) Error() string {
	if e.code == "" {
		return fmt.Sprintf("the token endpoint responded %d", e.status)
	}
	return fmt.Sprintf("the token endpoint responded %d %q", e.status, e.code)
}

// failure says what is wrong without what the token endpoint responded, since that may be
// a token, and without the last token.
func (t *Tokens) failure(err error) *TokenError {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		_, network := errors.AsType[net.Error](err)
		passing := network && !errors.Is(err, context.Canceled)
		return &TokenError{passing: passing, err: Outcome{Err: WithoutURL(err)}.Hiding(t.value).Err}
	}
	response := endpointError{}
	if refusal.Response != nil {
		response.status = refusal.Response.StatusCode
	}
	passing := response.status >= http.StatusInternalServerError ||
		response.status == http.StatusTooManyRequests || response.status == http.StatusRequestTimeout
	if !passing && errorCode.MatchString(refusal.ErrorCode) {
		response.code = refusal.ErrorCode
	}
	return &TokenError{passing: passing, err: response}
}
