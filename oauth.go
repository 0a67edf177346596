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

// The scopes of the API. An API key or an access token has those that it was
// made with. The set is open: [OAuthConfig] takes others as well.
const (
	ScopeUserRead     = "user.read"     // read account data
	ScopeUserWrite    = "user.write"    // change account data
	ScopeTaskRead     = "task.read"     // read jobs and tasks
	ScopeTaskWrite    = "task.write"    // create, cancel, retry and delete jobs and tasks
	ScopeWebhookRead  = "webhook.read"  // read webhooks
	ScopeWebhookWrite = "webhook.write" // create and delete webhooks
)

// OAuthConfig returns what package oauth2 has to know to let users of your
// program lend it their accounts. The client is registered in the
// dashboard, which shows its id and secret. Send the user to AuthCodeURL, take
// the code that comes back to the redirect URL, and exchange it:
//
//	config := cloudconvert.OAuthConfig(id, secret, "https://example.com/callback",
//		cloudconvert.ScopeUserRead, cloudconvert.ScopeTaskRead, cloudconvert.ScopeTaskWrite)
//	token, err := config.Exchange(ctx, code)
//	...
//	client, err := cloudconvert.NewClient("", cloudconvert.WithTokenSource(config.TokenSource(ctx, token)))
//
// The context given to TokenSource must live as long as the client.
func OAuthConfig(clientID, clientSecret, redirectURL string, scopes ...string) *oauth2.Config {
	return &oauth2.Config{
		ClientID:     clientID,
		ClientSecret: clientSecret,
		RedirectURL:  redirectURL,
		Scopes:       slices.Clone(scopes),
		Endpoint: oauth2.Endpoint{ //nolint:gosec // an address with the word token in it is no credential.
			AuthURL:   "https://cloudconvert.com/oauth/authorize",
			TokenURL:  "https://cloudconvert.com/oauth/token",
			AuthStyle: oauth2.AuthStyleInParams,
		},
	}
}

// WithTokenSource authorizes requests with the access tokens of a source
// instead of an API key, which [NewClient] must not be given. In [Client.With] it
// replaces the key or the source of the client.
//
// The client keeps a token until shortly before it expires and then asks the
// source for another, once for all goroutines. It does the same when the
// service refuses the token, and repeats the request if the source gives a
// different one. A source of package oauth2 does that only when its own token has
// expired: to recover from a revoked token, write a source that fetches a token
// whenever it is asked, as in the example.
//
// If the token endpoint refuses to give a token, the error matches
// [ErrUnauthorized] and the user has to log in again. A source has no
// context: one that never returns leaves a goroutine behind, though no call waits
// for it beyond the end of its own context.
func WithTokenSource(source oauth2.TokenSource) Option {
	return func(c *config) error {
		if source == nil {
			return errors.New("WithTokenSource: the source is nil")
		}
		c.apiKey, c.tokens = nil, engine.NewTokens(source, checkKey)
		return nil
	}
}

// token returns what the next request is authorized with. If a token was refused, it is
// another one, if there is another.
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
