package cloudconvert_test

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// storedTokens is a token source that fetches a token whenever it is asked,
// and so recovers from one that was revoked. The client asks it for one token
// at a time, and only when it needs one.
type storedTokens struct {
	config *oauth2.Config
	token  *oauth2.Token
	store  func(*oauth2.Token) error
}

// Token fetches a token and stores it: it may hold a new refresh token.
func (s *storedTokens) Token() (*oauth2.Token, error) {
	old := &oauth2.Token{RefreshToken: s.token.RefreshToken} // has expired
	token, err := s.config.TokenSource(context.Background(), old).Token()
	if err != nil {
		return nil, err
	}
	s.token = token
	return token, s.store(token)
}

// A program that works for users who log in.
func ExampleWithTokenSource() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		id, secret := server.OAuthClient() // with the service: from the dashboard
		config := cloudconvert.OAuthConfig(id, secret, "https://example.com/callback", cloudconvert.ScopeUserRead)
		config.Endpoint.AuthURL, config.Endpoint.TokenURL = server.OAuthURLs() // with the service: not needed

		code, err := logIn(ctx, config.AuthCodeURL("a random state"))
		if err != nil {
			return err
		}
		token, err := config.Exchange(ctx, code)
		if err != nil {
			return err
		}
		source := &storedTokens{config, token, func(*oauth2.Token) error {
			fmt.Println("stored a new token")
			return nil
		}}
		client, err := cloudconvert.NewClient("", append(server.Options(), cloudconvert.WithTokenSource(source))...)
		if err != nil {
			return err
		}
		_, err = client.Users.Me(ctx)
		fmt.Println("logged in:", err == nil)
		return nil
	})
	// Output:
	// stored a new token
	// logged in: true
}

// logIn is the browser of a user. It returns the code that the program finds in
// the query when the browser comes back.
func logIn(ctx context.Context, address string) (code string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		return "", err
	}
	return back.Query().Get("code"), nil
}
