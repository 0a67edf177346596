package cloudconvert_test

import (
	"context"
	"fmt"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// storedTokens is a token source that fetches and stores a new token at each call. The
// client calls it when it has no valid token, or when the service refused the last one. It
// does not call it concurrently.
type storedTokens struct {
	config *oauth2.Config
	token  *oauth2.Token
	store  func(*oauth2.Token) error
}

// Token fetches a token and stores it, since it may have a new refresh token.
func (s *storedTokens) Token() (*oauth2.Token, error) {
	expired := &oauth2.Token{RefreshToken: s.token.RefreshToken}
	token, err := s.config.TokenSource(context.Background(), expired).Token()
	if err != nil {
		return nil, err
	}
	s.token = token
	return token, s.store(token)
}

// Work with the account of a user who has logged in.
func ExampleWithTokenSource() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	ctx := context.Background()

	logIn := func() error {
		id, secret := server.OAuthClient() // with the service: from the dashboard
		config := cloudconvert.OAuthConfig(id, secret, "https://example.com/callback", cloudconvert.ScopeUserRead)
		config.Endpoint.AuthURL, config.Endpoint.TokenURL = server.OAuthURLs() // not needed with the service

		code, err := browse(ctx, config.AuthCodeURL("a random state"))
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
		client, err := cloudconvert.NewClient("", append(server.ClientOptions(), cloudconvert.WithTokenSource(source))...)
		if err != nil {
			return err
		}
		_, err = client.Users.Me(ctx)
		return err
	}

	fmt.Println(logIn())
	// Output:
	// stored a new token
	// <nil>
}

// browse stands in for the browser of a user. It returns the code in the query of the
// redirect.
func browse(ctx context.Context, url string) (code string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	location, err := response.Location()
	if err != nil {
		return "", err
	}
	return location.Query().Get("code"), nil
}
