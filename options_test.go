package cloudconvert_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestOptionErrorsNameTheOption(t *testing.T) {
	t.Parallel()
	const base = "https://api.example.com/v2"
	for name, c := range map[string]struct {
		option cloudconvert.Option
		want   string
	}{
		"region, empty":         {cloudconvert.WithRegion(""), "WithRegion"},
		"region, a host":        {cloudconvert.WithRegion("evil.example.com/"), "WithRegion"},
		"region, upper case":    {cloudconvert.WithRegion("US-EAST"), "WithRegion"},
		"region, one word":      {cloudconvert.WithRegion("eu"), "WithRegion"},
		"region, line break":    {cloudconvert.WithRegion("eu-central\n"), "WithRegion"},
		"base, empty":           {cloudconvert.WithBaseURLs("", base), "WithBaseURLs: invalid API URL"},
		"base, sync empty":      {cloudconvert.WithBaseURLs(base, ""), "WithBaseURLs: invalid sync URL"},
		"base, malformed":       {cloudconvert.WithBaseURLs("https://a b/v2", base), "WithBaseURLs: invalid API URL"},
		"base, no host":         {cloudconvert.WithBaseURLs("https:///v2", base), "WithBaseURLs: invalid API URL"},
		"base, only a host":     {cloudconvert.WithBaseURLs("api.example.com", base), "WithBaseURLs: invalid API URL"},
		"base, other scheme":    {cloudconvert.WithBaseURLs("ftp://api.example.com/v2", base), "WithBaseURLs: invalid API URL"},
		"base, no version":      {cloudconvert.WithBaseURLs("https://api.example.com", base), "WithBaseURLs: invalid API URL"},
		"base, half a version":  {cloudconvert.WithBaseURLs("https://api.example.com/xv2", base), "WithBaseURLs: invalid API URL"},
		"base, query":           {cloudconvert.WithBaseURLs(base, base+"?key=s3cret"), "WithBaseURLs: invalid sync URL"},
		"base, fragment":        {cloudconvert.WithBaseURLs(base, base+"#s3cret"), "WithBaseURLs: invalid sync URL"},
		"base, user":            {cloudconvert.WithBaseURLs(base, "https://s3cret@api.example.com/v2"), "WithBaseURLs: invalid sync URL"},
		"base, password":        {cloudconvert.WithBaseURLs(base, "https://me:s3cret@api.example.com/v2"), "WithBaseURLs: invalid sync URL"},
		"base, password, ftp":   {cloudconvert.WithBaseURLs(base, "ftp://me:s3cret@api.example.com/v2"), "WithBaseURLs: invalid sync URL"},
		"base, opaque":          {cloudconvert.WithBaseURLs(base, "me:s3cret@api.example.com/v2"), "WithBaseURLs: invalid sync URL"},
		"base, not loopback":    {cloudconvert.WithBaseURLs("http://api.example.com/v2", base), "WithBaseURLs"},
		"base, like loopback":   {cloudconvert.WithBaseURLs(base, "http://localhost.example.com/v2"), "WithBaseURLs"},
		"HTTP client":           {cloudconvert.WithHTTPClient(nil), "WithHTTPClient"},
		"retry, attempts":       {cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: -1}), "WithRetry"},
		"retry, first pause":    {cloudconvert.WithRetry(cloudconvert.RetryPolicy{MinWait: -1}), "WithRetry"},
		"retry, longest pause":  {cloudconvert.WithRetry(cloudconvert.RetryPolicy{MaxWait: -1}), "WithRetry"},
		"retry, Retry-After":    {cloudconvert.WithRetry(cloudconvert.RetryPolicy{MaxRetryAfter: -1}), "WithRetry"},
		"transfers, stall":      {cloudconvert.WithTransfers(cloudconvert.TransferPolicy{StallTimeout: -1}), "WithTransfers"},
		"transfers, parallel":   {cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Parallel: -1}), "WithTransfers"},
		"logger":                {cloudconvert.WithLogger(nil), "WithLogger"},
		"user agent, new line":  {cloudconvert.WithUserAgent("a\r\nEvil: yes"), "WithUserAgent"},
		"user agent, not ASCII": {cloudconvert.WithUserAgent("größe"), "WithUserAgent"},
		"token source":          {cloudconvert.WithTokenSource(nil), "WithTokenSource"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := cloudconvert.NewClient(testkit.Key, c.option)
			require.ErrorContains(t, err, c.want)
			assert.Nil(t, client)
			assert.True(t, strings.HasPrefix(err.Error(), "cloudconvert: "+c.want))
			assert.NotContains(t, err.Error(), "s3cret")
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func TestNilOptionIsRefused(t *testing.T) {
	t.Parallel()
	_, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithSandbox(), nil)
	require.EqualError(t, err, "cloudconvert: option 2 is nil: leave it out")
	client, err := cloudconvert.NewClient(testkit.Key)
	require.NoError(t, err)
	_, err = client.With(nil)
	require.ErrorContains(t, err, "option 1 is nil")
}

func TestAllOptionErrorsAreReported(t *testing.T) {
	t.Parallel()
	_, err := cloudconvert.NewClient("",
		cloudconvert.WithRegion("?"), cloudconvert.WithLogger(nil), cloudconvert.WithHTTPClient(nil), cloudconvert.WithUserAgent("\n"))
	require.Error(t, err)
	for _, want := range []string{"WithRegion", "WithLogger", "WithHTTPClient", "WithUserAgent", "the API key is empty"} {
		assert.Contains(t, err.Error(), want)
	}
	assert.NotContains(t, err.Error(), "\n")
}

func TestConflictingOptionsAreRefused(t *testing.T) {
	t.Parallel()
	sandbox := cloudconvert.WithSandbox()
	region := cloudconvert.WithRegion(cloudconvert.RegionUSEast)
	base := cloudconvert.WithBaseURLs("https://a.example/v2", "https://b.example/v2")
	for want, opts := range map[string][]cloudconvert.Option{
		"WithSandbox and WithRegion":                  {sandbox, region},
		"WithSandbox and WithBaseURLs":                {base, sandbox},
		"WithRegion and WithBaseURLs":                 {base, region},
		"WithSandbox and WithRegion and WithBaseURLs": {base, region, sandbox},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			_, err := cloudconvert.NewClient(testkit.Key, opts...)
			require.ErrorContains(t, err, want+": ")
		})
	}
}

func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		api     string
		opts    []cloudconvert.Option
		allowed bool
	}{
		"loopback by name":    {"http://localhost:8080/v2", nil, true},
		"loopback":            {"http://127.0.0.1:8080/v2", nil, true},
		"all of loopback":     {"http://127.1.2.3/v2", nil, true},
		"loopback of IPv6":    {"http://[::1]:8080/v2", nil, true},
		"a name":              {"http://sandbox.internal/v2", nil, false},
		"a private address":   {"http://10.0.0.1/v2", nil, false},
		"unspecified address": {"http://0.0.0.0/v2", nil, false},
		"a name, allowed":     {"http://sandbox.internal/v2", []cloudconvert.Option{cloudconvert.WithPlainHTTP()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cloudconvert.NewClient(testkit.Key, append(c.opts, cloudconvert.WithBaseURLs(c.api, c.api))...)
			if c.allowed {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, "WithPlainHTTP")
			}
		})
	}
}

func TestLastOptionWins(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScriptWith(t, []cloudconvert.Option{
		cloudconvert.WithBaseURLs("https://other.example.com/v2", "https://other.example.com/v2"),
		cloudconvert.WithUserAgent("a"), cloudconvert.WithUserAgent("b"),
	}, testkit.Says(http.StatusOK, testkit.EmptyUser))
	_, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []string{"GET https://other.example.com/v2/users/me"}, script.URLs())
	assert.True(t, strings.HasPrefix(script.Requests[0].Header.Get("User-Agent"), "b cloudconvert-go/"))
}

func TestRetryPolicy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		policy   cloudconvert.RetryPolicy
		asked    string
		attempts int
		least    time.Duration
		most     time.Duration
	}{
		"default":     {cloudconvert.RetryPolicy{}, "", 5, 0, 7500 * time.Millisecond},
		"none":        {cloudconvert.RetryPolicy{Attempts: 1}, "", 1, 0, 0},
		"many, short": {cloudconvert.RetryPolicy{Attempts: 9, MinWait: time.Millisecond, MaxWait: 2 * time.Millisecond}, "", 9, 0, 15 * time.Millisecond},
		"Retry-After": {
			cloudconvert.RetryPolicy{Attempts: 2, MinWait: time.Millisecond}, "60", 2, time.Minute, time.Minute + time.Millisecond,
		},
		"Retry-After, capped by default": {
			cloudconvert.RetryPolicy{Attempts: 2, MinWait: time.Millisecond}, "86400", 2, 2 * time.Minute, 2*time.Minute + time.Millisecond,
		},
		"Retry-After, capped": {
			cloudconvert.RetryPolicy{Attempts: 2, MinWait: time.Millisecond, MaxRetryAfter: time.Second},
			"60",
			2, time.Second, time.Second + time.Millisecond,
		},
		"MinWait above MaxWait": {
			cloudconvert.RetryPolicy{Attempts: 2, MinWait: time.Minute, MaxWait: time.Second}, "", 2, 0, time.Minute,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, script := testkit.NewScriptWith(t, []cloudconvert.Option{cloudconvert.WithRetry(c.policy)},
					testkit.Says(http.StatusServiceUnavailable, "", "Retry-After", c.asked))
				start := time.Now()
				_, err := client.Users.Me(t.Context())
				require.ErrorIs(t, err, cloudconvert.ErrServer)
				assert.Len(t, script.Requests, c.attempts)
				assert.GreaterOrEqual(t, time.Since(start), c.least)
				assert.LessOrEqual(t, time.Since(start), c.most)
			})
		})
	}
}

func TestNothingIsLoggedByDefault(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		logger := slog.New(slog.NewJSONHandler(&log, nil))
		silent, _ := testkit.NewScript(t, testkit.Says(http.StatusServiceUnavailable, ""))
		warned, err := silent.With(cloudconvert.WithLogger(logger))
		require.NoError(t, err)
		_, err = silent.Users.Me(t.Context())
		require.Error(t, err)
		require.Empty(t, log.String())
		_, err = warned.Users.Me(t.Context())
		require.Error(t, err)
		assert.Equal(t, 4, strings.Count(log.String(), `"level":"WARN"`), "one for each retry")
	})
}
