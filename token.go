package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// earlyExpiry is how long before it expires a token is replaced, unless that
// is more than a tenth of the time it has.
const earlyExpiry = time.Minute

// authorized sends a request with the credentials of the client. A token that
// the service refuses, which proves that nothing happened, is replaced once.
func (c *core) authorized(ctx context.Context, request engine.Call) (engine.Answer, error) {
	token, err := c.config.token(ctx, "")
	if err != nil {
		return c.unauthorized(ctx, engine.Answer{}, err)
	}
	answer := c.sendAs(ctx, token, request)
	if answer.Status != http.StatusUnauthorized || c.config.tokens == nil {
		return answer, nil
	}
	fresh, err := c.config.token(ctx, token)
	if err != nil {
		return c.unauthorized(ctx, answer, err)
	}
	if fresh == token {
		return answer, nil
	}
	c.logAgain(ctx, newError(request.Method, request.URL.EscapedPath(), answer))
	second := c.sendAs(ctx, fresh, request).Without(token)
	second.Attempts += answer.Attempts
	second.OpenBefore = second.OpenBefore || answer.OpenBefore
	return second, nil
}

func (c *core) sendAs(ctx context.Context, token string, request engine.Call) engine.Answer {
	request.Header.Set("Authorization", "Bearer "+token)
	return c.engine.Send(ctx, request)
}

// unauthorized is the outcome of a request that there was no token for. What
// may be over soon is an answer that did not come, which waits survive.
func (c *core) unauthorized(ctx context.Context, before engine.Answer, err error) (engine.Answer, error) {
	failure := c.config.tokens.failure(err)
	if ctx.Err() == nil && !isPassing(err) {
		return engine.Answer{}, failure
	}
	return engine.Answer{Err: failure, Attempts: before.Attempts, OpenBefore: before.OpenBefore}, nil
}

// token returns what the next request is authorized with. If a token was
// refused, it is another one, if there is another.
func (c *config) token(ctx context.Context, refused string) (string, error) {
	if c.tokens == nil {
		return c.apiKey.value(), nil
	}
	return c.tokens.get(ctx, refused)
}

// checkCredentials refuses what no request can be authorized with.
func (c *config) checkCredentials() error {
	if c.tokens == nil {
		return checkKey(c.apiKey.value())
	}
	return nil
}

// sameCredential reports whether both configurations authorize requests alike.
func (c *config) sameCredential(other *config) bool {
	return c.tokens == other.tokens && c.apiKey.value() == other.apiKey.value()
}

// tokenCache keeps the token of a source.
type tokenCache struct {
	source oauth2.TokenSource

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

// get returns a token that is valid, as far as is known, and was not refused.
func (t *tokenCache) get(ctx context.Context, refused string) (string, error) {
	value, fetch := t.look(refused)
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

// look returns the token kept, or else the question to the source that is
// going on.
func (t *tokenCache) look(refused string) (string, *tokenFetch) {
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

// fetch asks the source, which may end the goroutine.
func (t *tokenCache) fetch(fetch *tokenFetch) {
	var token *oauth2.Token
	err := errors.New("the token source ended its goroutine")
	defer func() { t.settle(fetch, token, err) }()
	token, err = t.source.Token()
	if err == nil && (token == nil || checkKey(token.AccessToken) != nil) {
		err = errors.New("the token source gave no usable access token")
	}
}

// settle records what the source returned.
func (t *tokenCache) settle(fetch *tokenFetch, token *oauth2.Token, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(fetch.done)
	t.fetched = nil
	if fetch.err = err; err != nil {
		return
	}
	fetch.value = token.AccessToken
	t.value, t.until = token.AccessToken, time.Time{}
	if !token.Expiry.IsZero() {
		left := max(time.Until(token.Expiry), 0)
		t.until = token.Expiry.Add(-min(earlyExpiry, left/10))
	}
}

// isPassing reports whether a source that failed may do better soon.
func isPassing(err error) bool {
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		status := statusOf(refusal)
		return status >= http.StatusInternalServerError || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout
	}
	_, network := errors.AsType[net.Error](err)
	return network && !errors.Is(err, context.Canceled)
}

// errorCode is what an error of a token endpoint is called. What has another form
// may be anything, the secret of the client for example.
var errorCode = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)

// failure says what is wrong without what the token endpoint answered, since that
// may be a token, and without the last token.
func (t *tokenCache) failure(err error) error {
	refusal, ok := errors.AsType[*oauth2.RetrieveError](err)
	switch {
	case !ok:
		t.mu.Lock()
		defer t.mu.Unlock()
		return fmt.Errorf("cloudconvert: no access token: %w", engine.Answer{Err: engine.WithoutURL(err)}.Hiding(t.value).Err)
	case isPassing(err):
		return fmt.Errorf("cloudconvert: no access token: the token endpoint answered %d", statusOf(refusal))
	case !errorCode.MatchString(refusal.ErrorCode):
		return fmt.Errorf("%w: no access token: the token endpoint answered %d", ErrUnauthorized, statusOf(refusal))
	default:
		return fmt.Errorf("%w: no access token: the token endpoint answered %d %q", ErrUnauthorized, statusOf(refusal), refusal.ErrorCode)
	}
}

func statusOf(refusal *oauth2.RetrieveError) int {
	if refusal.Response == nil {
		return 0
	}
	return refusal.Response.StatusCode
}
