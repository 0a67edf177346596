package cloudconvert_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// otherKey is the key of a second account.
const otherKey = "another-invented-key"

// tokens returns a source that has one token.
func tokens(token string) oauth2.TokenSource {
	return oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
}

// accounts replies by the account of the request: with limited to testKey, and with a job
// to others.
func accounts(limited testkit.Reply) testkit.Reply {
	return func(req *http.Request) (*http.Response, error) {
		if req.Header.Get("Authorization") == "Bearer "+testkit.Key {
			return limited(req)
		}
		return testkit.Says(http.StatusCreated, testkit.EndedJob, "X-RateLimit-Limit", "77")(req)
	}
}

// otherAccounts returns options that make a client of another account.
func otherAccounts() map[string][]cloudconvert.Option {
	return map[string][]cloudconvert.Option{
		"key":               {cloudconvert.WithAPIKey(otherKey)},
		"token source":      {cloudconvert.WithTokenSource(tokens(otherKey))},
		"key and the agent": {cloudconvert.WithUserAgent("other"), cloudconvert.WithAPIKey(otherKey)},
	}
}

func TestRateLimitOfOneAccountDoesNotHoldAnother(t *testing.T) {
	t.Parallel()
	for name, opts := range otherAccounts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, script := testkit.NewScript(t, accounts(testkit.Says(http.StatusTooManyRequests, "{}", "Retry-After", "60", "X-RateLimit-Limit", "500")))
				other, err := client.With(opts...)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				var held sync.WaitGroup
				held.Go(func() {
					assert.ErrorIs(t, client.Do(ctx, http.MethodPost, "/jobs", nil, nil), context.Canceled)
				})
				synctest.Wait()

				start := time.Now()
				require.NoError(t, other.Do(t.Context(), http.MethodPost, "/jobs", nil, nil))
				assert.Zero(t, time.Since(start))
				limit, _ := client.RateLimit()
				assert.Equal(t, 500, limit.Limit)
				limit, _ = other.RateLimit()
				assert.Equal(t, 77, limit.Limit)
				cancel()
				held.Wait()
				assert.Len(t, script.Requests, 2)
			})
		})
	}
}

func TestQueueOfOneAccountDoesNotHoldAnother(t *testing.T) {
	t.Parallel()
	for name, opts := range otherAccounts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, _ := testkit.NewScript(t, accounts(testkit.Says(http.StatusPaymentRequired, `{"code": "PARALLEL_JOB_LIMIT_EXCEEDED"}`)))
				other, err := client.With(opts...)
				require.NoError(t, err)
				ctx, cancel := context.WithCancel(t.Context())
				var held sync.WaitGroup
				held.Go(func() {
					_, err := client.Jobs.Create(ctx, testkit.TextJob(), cloudconvert.WithQueueing())
					assert.ErrorIs(t, err, cloudconvert.ErrTooManyJobs)
				})
				synctest.Wait()

				start := time.Now()
				_, err = other.Jobs.Create(t.Context(), testkit.TextJob(), cloudconvert.WithQueueing())
				require.NoError(t, err)
				assert.Zero(t, time.Since(start))
				cancel()
				held.Wait()
			})
		})
	}
}

// A deletion makes All read the last page a second time. Another account has other pages.
func TestAllIgnoresDeletionsOfAnotherAccount(t *testing.T) {
	t.Parallel()
	for name, opts := range otherAccounts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t,
				testkit.Says(http.StatusOK, `{"data": [{"id": "1"}], "links": {"next": "?page=2"}}`), testkit.Says(http.StatusNoContent, ""),
				testkit.Says(http.StatusOK, `{"data": [{"id": "2"}]}`))
			other, err := client.With(opts...)
			require.NoError(t, err)
			for job, err := range client.Jobs.All(t.Context(), cloudconvert.JobListOptions{}) {
				require.NoError(t, err)
				if job.ID == "1" {
					require.NoError(t, other.Jobs.Delete(t.Context(), "3"))
				}
			}
			require.Len(t, script.Requests, 3)
			assert.Equal(t, "page=2", script.Requests[2].URL.RawQuery)
		})
	}
}

// limitsOf returns the limit that a client knows.
func limitsOf(client *cloudconvert.Client) int {
	limit, _ := client.RateLimit()
	return limit.Limit
}

func TestClientsOfOneCredentialShareLimits(t *testing.T) {
	t.Parallel()
	with := func(client *cloudconvert.Client, opts ...cloudconvert.Option) *cloudconvert.Client {
		other, err := client.With(opts...)
		assert.NoError(t, err)
		return other
	}
	agent := cloudconvert.WithUserAgent("other")
	key := cloudconvert.WithAPIKey(otherKey)
	for name, tt := range map[string]struct {
		first, second func(client *cloudconvert.Client) *cloudconvert.Client
		shared        bool
	}{
		"no option of credentials": {
			func(c *cloudconvert.Client) *cloudconvert.Client { return c },
			func(c *cloudconvert.Client) *cloudconvert.Client { return with(c, agent) }, true,
		},
		"the same key": {
			func(c *cloudconvert.Client) *cloudconvert.Client { return c },
			func(c *cloudconvert.Client) *cloudconvert.Client {
				return with(c, cloudconvert.WithAPIKey(testkit.Key))
			}, true,
		},
		"there and back in one call": {
			func(c *cloudconvert.Client) *cloudconvert.Client { return c },
			func(c *cloudconvert.Client) *cloudconvert.Client {
				return with(c, cloudconvert.WithTokenSource(tokens(otherKey)), cloudconvert.WithAPIKey(testkit.Key))
			}, true,
		},
		"two of one parent": {
			func(c *cloudconvert.Client) *cloudconvert.Client { return with(c, key) },
			func(c *cloudconvert.Client) *cloudconvert.Client { return with(c, key) }, false,
		},
		"two token sources": {
			func(c *cloudconvert.Client) *cloudconvert.Client {
				return with(c, cloudconvert.WithTokenSource(tokens(otherKey)))
			},
			func(c *cloudconvert.Client) *cloudconvert.Client {
				return with(c, cloudconvert.WithTokenSource(tokens(otherKey)))
			}, false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser, "X-RateLimit-Limit", "500"))
			first, second := tt.first(client), tt.second(client)
			_, err := first.Users.Me(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 500, limitsOf(first))
			assert.Equal(t, tt.shared, limitsOf(second) == 500)
		})
	}
	// A client made from that of an account is of that account, too.
	for name, opts := range otherAccounts() {
		t.Run("of another account by "+name, func(t *testing.T) {
			t.Parallel()
			client, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser, "X-RateLimit-Limit", "500"))
			first := with(client, opts...)
			second := with(first, agent)
			_, err := second.Users.Me(t.Context())
			require.NoError(t, err)
			assert.Equal(t, 500, limitsOf(first))
			assert.Zero(t, limitsOf(client))
		})
	}
}

func TestCredentialsReplaceEachOther(t *testing.T) {
	t.Parallel()
	key, source := cloudconvert.WithAPIKey("the-key"), cloudconvert.WithTokenSource(tokens("the-token"))
	for name, tt := range map[string]struct {
		steps [][]cloudconvert.Option
		want  string
	}{
		"key by key":                  {[][]cloudconvert.Option{{key}}, "the-key"},
		"key by source":               {[][]cloudconvert.Option{{source}}, "the-token"},
		"source by key":               {[][]cloudconvert.Option{{source}, {key}}, "the-key"},
		"source by source":            {[][]cloudconvert.Option{{cloudconvert.WithTokenSource(tokens("x"))}, {source}}, "the-token"},
		"the last of one call":        {[][]cloudconvert.Option{{source, key}}, "the-key"},
		"the last of one call, again": {[][]cloudconvert.Option{{key, source}}, "the-token"},
		"nothing":                     {[][]cloudconvert.Option{{source}, {}}, "the-token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser))
			for _, opts := range tt.steps {
				var err error
				client, err = client.With(opts...)
				require.NoError(t, err)
			}
			_, err := client.Users.Me(t.Context())
			require.NoError(t, err)
			assert.Equal(t, "Bearer "+tt.want, script.Requests[0].Header.Get("Authorization"))
		})
	}
}

func TestWithAPIKeyRefusesInvalidKeys(t *testing.T) {
	t.Parallel()
	client, _ := testkit.NewScript(t)
	for _, key := range []string{"", "s3cr3t\n", "s3cr3t s3cr3t", "s3cr3tß"} {
		other, err := client.With(cloudconvert.WithAPIKey(key))
		require.ErrorContains(t, err, "API key")
		assert.NotContains(t, err.Error(), "s3cr3t")
		assert.Nil(t, other)
	}
}

func TestNewClientWithAPIKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", testkit.Key} {
		script := &testkit.Script{Replies: []testkit.Reply{testkit.Says(http.StatusOK, testkit.EmptyUser)}}
		client, err := cloudconvert.NewClient(key, cloudconvert.WithAPIKey(otherKey), cloudconvert.WithHTTPClient(&http.Client{Transport: script}))
		require.NoError(t, err)
		_, err = client.Users.Me(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "Bearer "+otherKey, script.Requests[0].Header.Get("Authorization"))
	}
	// A positional key and a token source are two credentials, in any order.
	source := cloudconvert.WithTokenSource(tokens("s3cr3t"))
	_, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithAPIKey(otherKey), source)
	require.ErrorContains(t, err, "WithTokenSource")
}
