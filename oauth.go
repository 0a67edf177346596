package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// The scopes of the API. An API key or an access token has the scopes it was
// created with. [OAuthConfig] accepts other scopes, too.
const (
	ScopeUserRead     = "user.read"     // read account data
	ScopeUserWrite    = "user.write"    // change account data
	ScopeTaskRead     = "task.read"     // read jobs and tasks
	ScopeTaskWrite    = "task.write"    // create, cancel, retry and delete jobs and tasks
	ScopeWebhookRead  = "webhook.read"  // read webhooks
	ScopeWebhookWrite = "webhook.write" // create and delete webhooks
)

// OAuthConfig returns the configuration of package oauth2 for programs that use
// the accounts of their users. Register the program in the dashboard to get a
// client id and a client secret. Send the user to AuthCodeURL, read the code from
// the request to the redirect URL, and exchange it:
//
//	config := cloudconvert.OAuthConfig(id, secret, "https://example.com/callback",
//		cloudconvert.ScopeUserRead, cloudconvert.ScopeTaskRead, cloudconvert.ScopeTaskWrite)
//	token, err := config.Exchange(ctx, code)
//	...
//	client, err := cloudconvert.NewClient("", cloudconvert.WithTokenSource(config.TokenSource(ctx, token)))
//
// The context passed to TokenSource must not end while the client is in use.
func OAuthConfig(clientID, clientSecret, redirectURL string, scopes ...string) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     clientID,
		ClientSecret: clientSecret,
		RedirectURL:  redirectURL,
		Scopes:       slices.Clone(scopes),
		Endpoint: oauth2.Endpoint{ //nolint:gosec // a URL with the word token in it is not a credential.
			AuthURL:   "https://cloudconvert.com/oauth/authorize",
			TokenURL:  "https://cloudconvert.com/oauth/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// WithTokenSource authorizes requests with the access tokens of a source instead
// of an API key. The key passed to [NewClient] must be empty. With [Client.With]
// it replaces the key or the source of the client.
//
// The client uses a token until shortly before it expires, and then gets another
// from the source, once for all goroutines. It also does so when the service
// refuses a token, and retries the request if the source returns a different one.
// The sources of package oauth2 return a different token only when the old one
// has expired. To recover from a revoked token, write a source that fetches a new
// token on each call, as in the example.
//
// If the token endpoint refuses to issue a token, the error matches [ErrUnauthorized]
// and the user has to log in again. A source takes no context. A source that never
// returns leaks a goroutine, but each call still returns when its context ends.
func WithTokenSource(source oauth2.TokenSource) Option {
	return func(c *config) error {
		if source == nil {
			return errors.New("WithTokenSource: the source is nil")
		}
		c.apiKey, c.tokens = nil, engine.NewTokens(source, checkKey)
		return nil
	}
}

// token returns the key or the access token for the next request. If refused is
// set, it returns another token if the source has one.
func (c *config) token(ctx context.Context, refused string) (string, error) {
	if c.tokens == nil {
		return c.apiKey.value(), nil
	}
	token, err := c.tokens.Get(ctx, refused)
	if err == nil {
		return token, nil
	}
	if failure, ok := errors.AsType[*engine.TokenError](err); ok && failure.Refused() {
		return "", fmt.Errorf("%w: no access token: %w", ErrUnauthorized, err)
	}
	return "", fmt.Errorf("cloudconvert: no access token: %w", err)
}

// checkKey refuses what cannot be an API key. It never repeats the key.
func checkKey(key string) error {
	switch {
	case key == "":
		return errors.New("the API key is empty: create one at https://cloudconvert.com/dashboard/api/v2/keys")
	case strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the API key contains a blank, a line break or another character that no key has: was it read from a file with its last line break?")
	}
	return nil
}
