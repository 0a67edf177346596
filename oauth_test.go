package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestOAuthConfig(t *testing.T) {
	t.Parallel()
	scopes := []string{cloudconvert.ScopeUserRead, cloudconvert.ScopeTaskRead, "preset.read"}
	config := cloudconvert.OAuthConfig("some-id", "s3cr3t", "https://example.com/callback", scopes...)
	scopes[0] = "changed"
	target, err := url.Parse(config.AuthCodeURL("some-state"))
	require.NoError(t, err)
	assert.Equal(t, "https://cloudconvert.com/oauth/authorize", target.Scheme+"://"+target.Host+target.Path)
	assert.Equal(t, url.Values{
		"response_type": {"code"}, "client_id": {"some-id"}, "redirect_uri": {"https://example.com/callback"},
		"scope": {"user.read task.read preset.read"}, "state": {"some-state"},
	}, target.Query())
	assert.Equal(t, "https://cloudconvert.com/oauth/token", config.Endpoint.TokenURL)
}

// tokenEndpoint is an OAuth server that counts requests.
type tokenEndpoint struct {
	asked    atomic.Int32
	lifetime int // in seconds
	status   int // of error responses
	body     string
}

func (e *tokenEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := e.asked.Add(1)
	w.Header().Set("Content-Type", "application/json")
	if e.status != 0 {
		w.WriteHeader(e.status)
		_, _ = io.WriteString(w, e.body)
		return
	}
	if r.PostFormValue("client_id") != "some-id" || r.PostFormValue("client_secret") != "s3cr3t-client" || r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = fmt.Fprintf(w, `{"token_type":"Bearer","expires_in":%d,"access_token":"access-%d"}`, e.lifetime, n)
}

// configFor returns a configuration with this token endpoint.
func configFor(t *testing.T, endpoint http.Handler) *oauth2.Config {
	t.Helper()
	server := httptest.NewServer(endpoint)
	t.Cleanup(server.Close)
	config := cloudconvert.OAuthConfig("some-id", "s3cr3t-client", "https://example.com/callback")
	config.Endpoint.TokenURL = server.URL
	return config
}

// expired is a token that has to be refreshed.
func expired() *oauth2.Token {
	return &oauth2.Token{AccessToken: "access-0", RefreshToken: "s3cr3t-refresh", Expiry: time.Now().Add(-time.Hour)}
}

// tokenClient returns a client with a token source.
func tokenClient(t *testing.T, source oauth2.TokenSource, api testkit.API, opts ...cloudconvert.Option) *cloudconvert.Client {
	t.Helper()
	client, err := cloudconvert.NewClient("", append([]cloudconvert.Option{
		cloudconvert.WithTokenSource(source),
		cloudconvert.WithHTTPClient(&http.Client{Transport: api}),
		cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1}),
	}, opts...)...)
	require.NoError(t, err)
	return client
}

// accepting returns an API that accepts one token.
func accepting(token *atomic.Value) testkit.API {
	return func(r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "Bearer "+token.Load().(string) {
			return http.StatusUnauthorized, `{"message":"Unauthenticated.","code":"UNAUTHENTICATED"}`
		}
		return http.StatusOK, `{"data":{"id":1}}`
	}
}

func only(token string) *atomic.Value {
	var value atomic.Value
	value.Store(token)
	return &value
}

// sourceFunc is a token source that calls a function for each token.
type sourceFunc func() (*oauth2.Token, error)

func (f sourceFunc) Token() (*oauth2.Token, error) { return f() }

// atOnce calls a function concurrently from many goroutines.
func atOnce(call func()) {
	var group sync.WaitGroup
	for range 64 {
		group.Go(call)
	}
	group.Wait()
}

func TestTokenIsRefreshedOnce(t *testing.T) {
	t.Parallel()
	endpoint := &tokenEndpoint{lifetime: 3600}
	source := configFor(t, endpoint).TokenSource(t.Context(), expired())
	client := tokenClient(t, source, accepting(only("access-1")))
	sharing, err := client.With(cloudconvert.WithUserAgent("another"))
	require.NoError(t, err)
	atOnce(func() {
		for _, c := range []*cloudconvert.Client{client, sharing} {
			_, err := c.Users.Me(t.Context())
			assert.NoError(t, err)
		}
	})
	assert.EqualValues(t, 1, endpoint.asked.Load())
}

func TestTokenIsKeptForSourcesWithoutCache(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := sourceFunc(func() (*oauth2.Token, error) {
			n := asked.Add(1)
			<-time.After(time.Second)
			return &oauth2.Token{AccessToken: fmt.Sprintf("access-%d", n), Expiry: time.Now().Add(time.Hour)}, nil
		})
		valid := only("access-1")
		client := tokenClient(t, source, accepting(valid))
		all := func() {
			atOnce(func() {
				_, err := client.Users.Me(t.Context())
				assert.NoError(t, err)
			})
		}
		all()
		assert.EqualValues(t, 1, asked.Load())
		elapse(58 * time.Minute)
		all()
		assert.EqualValues(t, 1, asked.Load())
		// The token is replaced a minute before it expires.
		valid.Store("access-2")
		elapse(90 * time.Second)
		all()
		assert.EqualValues(t, 2, asked.Load())
	})
}

func TestShortLivedTokensAreKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		source := sourceFunc(func() (*oauth2.Token, error) {
			asked++
			return &oauth2.Token{AccessToken: "access", Expiry: time.Now().Add(20 * time.Second)}, nil
		})
		client := tokenClient(t, source, accepting(only("access")))
		for range 19 {
			_, err := client.Users.Me(t.Context())
			require.NoError(t, err)
			elapse(time.Second)
		}
		assert.Equal(t, 2, asked)
	})
}

func TestRefusedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		source := sourceFunc(func() (*oauth2.Token, error) {
			return &oauth2.Token{AccessToken: fmt.Sprintf("access-%d", asked.Add(1)), Expiry: time.Now().Add(time.Hour)}, nil
		})
		valid := only("access-1")
		var sent atomic.Int32
		client := tokenClient(t, source, func(r *http.Request) (int, string) {
			sent.Add(1)
			// All requests are refused before a new token is fetched.
			<-time.After(time.Second)
			return accepting(valid)(r)
		})
		_, err := client.Users.Me(t.Context())
		require.NoError(t, err)

		valid.Store("access-2")
		sent.Store(0)
		atOnce(func() {
			response := cloudconvert.Response{}
			_, err := client.Users.Me(t.Context(), cloudconvert.CaptureResponse(&response))
			assert.Equal(t, 2, response.Attempts)
			assert.NoError(t, err)
		})
		assert.EqualValues(t, 2, asked.Load())
		assert.EqualValues(t, 2*64, sent.Load())

		valid.Store("none")
		_, err = client.Users.Me(t.Context())
		require.ErrorIs(t, err, cloudconvert.ErrUnauthorized)
		assert.EqualValues(t, 3, asked.Load(), "not a third time")
	})
}

// A POST that is refused with 401 has no effect.
func TestCreationIsRetriedWithANewToken(t *testing.T) {
	t.Parallel()
	asked := 0
	source := sourceFunc(func() (*oauth2.Token, error) {
		asked++
		return &oauth2.Token{AccessToken: fmt.Sprintf("access-%d", asked)}, nil
	})
	var log testkit.Log
	client := tokenClient(t, source, func(r *http.Request) (int, string) {
		if r.Header.Get("Authorization") != "Bearer access-2" {
			return http.StatusUnauthorized, ""
		}
		return http.StatusCreated, `{"data":{"id":"a","status":"waiting"}}`
	}, log.Option())
	job, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}))
	require.NoError(t, err)
	assert.Equal(t, "a", job.ID)
	warnings := log.Lines(slog.LevelWarn)
	require.Len(t, warnings, 1)
	assert.Contains(t, warnings[0], `"msg":"cloudconvert: retrying with another token","method":"POST","path":"/v2/jobs","status":401`)
}

func TestRefusedTokenIsNotRetried(t *testing.T) {
	t.Parallel()
	sent := 0
	client := tokenClient(t, oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "s3cr3t"}), func(*http.Request) (int, string) {
		sent++
		return http.StatusUnauthorized, `{"message":"Unauthenticated.","code":"UNAUTHENTICATED"}`
	})
	_, err := client.Users.Me(t.Context())
	require.ErrorIs(t, err, cloudconvert.ErrUnauthorized)
	require.ErrorIs(t, err, cloudconvert.CodeUnauthenticated)
	assert.Equal(t, 1, sent)
}

func TestRefusedAPIKeyIsNotRetried(t *testing.T) {
	t.Parallel()
	sent := 0
	client := testkit.NewClient(t, func(*http.Request) (int, string) {
		sent++
		return http.StatusUnauthorized, ""
	})
	_, err := client.Users.Me(t.Context())
	require.ErrorIs(t, err, cloudconvert.ErrUnauthorized)
	assert.Equal(t, 1, sent)
}

func TestRefusalOfTokenEndpointIsReported(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status     int
		body       string
		final      bool
		mentioning string
	}{
		"the grant":    {400, `{"error":"invalid_grant","error_description":"s3cr3t-refresh is revoked"}`, true, "invalid_grant"},
		"the client":   {401, `{"error":"invalid_client","message":"s3cr3t-client"}`, true, "invalid_client"},
		"without JSON": {403, "<html>s3cr3t-refresh", true, "403"},
		"for now":      {503, "<html>s3cr3t-refresh", false, "503"},
		"too often":    {429, `{"error_description":"s3cr3t-refresh"}`, false, "429"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := &tokenEndpoint{status: tt.status, body: tt.body}
			source := configFor(t, endpoint).TokenSource(t.Context(), expired())
			var logged bytes.Buffer
			client := tokenClient(t, source, func(*http.Request) (int, string) {
				assert.Fail(t, "no request may be sent")
				return http.StatusOK, ""
			}, cloudconvert.WithLogger(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))))
			_, err := client.Users.Me(t.Context())
			require.Error(t, err)
			assert.Equal(t, tt.final, errors.Is(err, cloudconvert.ErrUnauthorized))
			assert.Equal(t, !tt.final, cloudconvert.IsRetryable(err))
			assert.Contains(t, err.Error(), tt.mentioning)
			slog.New(slog.NewJSONHandler(&logged, nil)).Error("failed", slog.Any("error", err))
			fmt.Fprintf(&logged, "%v %+v %#v", err, err, err)
			for cause := err; cause != nil; cause = errors.Unwrap(cause) {
				fmt.Fprintf(&logged, "%v %+v %#v", cause, cause, cause)
			}
			assert.NotContains(t, logged.String(), "s3cr3t")
			var retrieve *oauth2.RetrieveError
			assert.NotErrorAs(t, err, &retrieve, "it has the whole response")
		})
	}
}

// A wait continues while the token endpoint is down, and ends when it refuses the
// token.
func TestWaitSurvivesTokenFailures(t *testing.T) {
	t.Parallel()
	refusal := func(status int) error {
		return &oauth2.RetrieveError{Response: &http.Response{StatusCode: status}, ErrorCode: "some_code"}
	}
	tests := map[string]struct {
		failure error
		passing bool
	}{
		"down":          {refusal(http.StatusBadGateway), true},
		"not reachable": {&url.Error{Op: "Post", URL: "https://example.com", Err: errors.New("connection lost")}, true},
		"refused":       {refusal(http.StatusBadRequest), false},
		"given up":      {&url.Error{Op: "Post", URL: "https://example.com", Err: context.Canceled}, false},
		"anything else": {errors.New("no refresh token is set"), false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				client := tokenClient(t, sourceFunc(func() (*oauth2.Token, error) {
					asked++
					if asked > 1 && asked < 5 {
						return nil, tt.failure
					}
					return &oauth2.Token{AccessToken: "access", Expiry: time.Now()}, nil
				}), func(*http.Request) (int, string) {
					status := map[bool]string{true: "finished", false: "processing"}[asked > 5]
					return http.StatusOK, `{"data":{"id":"a","status":"` + status + `"}}`
				})
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				job, err := client.Jobs.Wait(ctx, "a")
				require.NoError(t, ctx.Err())
				if tt.passing {
					require.NoError(t, err)
					assert.Equal(t, cloudconvert.StatusFinished, job.Status)
					return
				}
				require.Error(t, err)
				assert.Equal(t, 3, asked, "the first read, and one at each host")
			})
		})
	}
}

// A token source takes no context, but a call must still end with its context.
func TestContextEndsHangingTokenSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		client := tokenClient(t, sourceFunc(func() (*oauth2.Token, error) {
			<-release
			return &oauth2.Token{AccessToken: "access"}, nil
		}), accepting(only("access")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := client.Users.Me(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.False(t, cloudconvert.IsRetryable(err))
		close(release)
		_, err = client.Users.Me(t.Context())
		require.NoError(t, err)
	})
}

func TestInvalidTokensAreRefused(t *testing.T) {
	t.Parallel()
	for name, source := range map[string]sourceFunc{
		"nil":             func() (*oauth2.Token, error) { return nil, nil }, //nolint:nilnil // what is tested
		"empty":           func() (*oauth2.Token, error) { return new(oauth2.Token), nil },
		"no header value": func() (*oauth2.Token, error) { return &oauth2.Token{AccessToken: "s3cr3t\r\n"}, nil },
		"canceled": func() (*oauth2.Token, error) {
			return nil, &url.Error{Op: "Post", URL: "https://s3cr3t@example.com", Err: context.Canceled}
		},
		"without a refresh token": func() (*oauth2.Token, error) { return nil, errors.New("no refresh token is set") },
		"without a response":      func() (*oauth2.Token, error) { return nil, &oauth2.RetrieveError{} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := tokenClient(t, source, func(*http.Request) (int, string) {
				assert.Fail(t, "no request may be sent")
				return http.StatusOK, ""
			})
			_, err := client.Jobs.Wait(t.Context(), "a")
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "s3cr3t")
			assert.False(t, cloudconvert.IsRetryable(err))
		})
	}
}

func TestTokenSourceOptions(t *testing.T) {
	t.Parallel()
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: "s3cr3t"})
	_, err := cloudconvert.NewClient("some-key", cloudconvert.WithTokenSource(source))
	require.ErrorContains(t, err, "WithTokenSource")
	assert.NotContains(t, err.Error(), "some-key")
	_, err = cloudconvert.NewClient("", cloudconvert.WithTokenSource(nil))
	require.ErrorContains(t, err, "WithTokenSource")
	_, err = cloudconvert.NewClient("")
	require.ErrorContains(t, err, "API key")

	client, err := cloudconvert.NewClient("", cloudconvert.WithTokenSource(source))
	require.NoError(t, err)
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v %s", client, client, *client, client), "s3cr3t")
	_, err = client.With(cloudconvert.WithSandbox())
	require.NoError(t, err)
}

// Storage refuses requests with a token.
func TestOAuthWithTheSandbox(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	id, secret := server.OAuthClient()
	config := cloudconvert.OAuthConfig(id, secret, "https://example.com/callback", cloudconvert.ScopeTaskRead, cloudconvert.ScopeTaskWrite)
	config.Endpoint.AuthURL, config.Endpoint.TokenURL = server.OAuthURLs()

	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	visit, err := http.NewRequestWithContext(t.Context(), http.MethodGet, config.AuthCodeURL("some-state"), http.NoBody)
	require.NoError(t, err)
	resp, err := browser.Do(visit)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	back, err := resp.Location()
	require.NoError(t, err)
	assert.Equal(t, "some-state", back.Query().Get("state"))
	token, err := config.Exchange(t.Context(), back.Query().Get("code"))
	require.NoError(t, err)
	token.Expiry = time.Now() // forces a refresh

	client, err := cloudconvert.NewClient("", append(server.ClientOptions(),
		cloudconvert.WithTokenSource(config.TokenSource(t.Context(), token)))...)
	require.NoError(t, err)
	job, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	upload, found := job.Task("import-upload")
	require.True(t, found)
	require.NoError(t, client.Tasks.Upload(t.Context(), upload, cloudconvert.FromBytes("hello.txt", []byte("hello"))))
	job, err = client.Jobs.Wait(t.Context(), job.ID)
	require.NoError(t, err)
	var content bytes.Buffer
	_, err = client.Download(t.Context(), job.Files()[0], &content)
	require.NoError(t, err)
	assert.Equal(t, "hello", content.String())
	_, err = client.Users.Me(t.Context())
	require.ErrorIs(t, err, cloudconvert.ErrForbidden, "the scope was not requested")
}

// A mock that fails a test ends its goroutine, which is not that of the call.
func TestTokenSourceMayEndItsGoroutine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := tokenClient(t, sourceFunc(func() (*oauth2.Token, error) {
			runtime.Goexit()
			return nil, nil //nolint:nilnil // not reached
		}), accepting(only("access")))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		for range 2 {
			_, err := client.Users.Me(ctx)
			require.ErrorContains(t, err, "the token source ended its goroutine")
		}
	})
}
