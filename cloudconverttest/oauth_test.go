package cloudconverttest

import (
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const callback = "https://app.example.com/callback?from=here"

// authorizeURL returns the URL of an authorization request.
func authorizeURL(s *Server, change url.Values) string {
	id, _ := s.OAuthClient()
	page, _ := s.OAuthURLs()
	q := url.Values{
		"response_type": {"code"}, "client_id": {id}, "redirect_uri": {callback}, "scope": {"user.read task.read"}, "state": {"s&t"},
	}
	maps.Copy(q, change)
	return page + "?" + q.Encode()
}

func (x *tester) token(change url.Values) response {
	x.t.Helper()
	id, secret := x.s.OAuthClient()
	_, rawURL := x.s.OAuthURLs()
	form := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {id}, "client_secret": {secret}, "redirect_uri": {callback},
	}
	maps.Copy(form, change)
	return x.post(rawURL, "application/x-www-form-urlencoded", []byte(form.Encode()))
}

func (x *tester) code() string {
	x.t.Helper()
	to := x.get(authorizeURL(x.s, nil)).expect(http.StatusFound).header.Get("Location")
	q := rawQuery(x.t, to)
	assert.Equal(x.t, "s&t", q.Get("state"))
	assert.Equal(x.t, "here", q.Get("from"))
	require.NotEmpty(x.t, q.Get("code"))
	return q.Get("code")
}

func TestOAuth(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithTokenLifetime(time.Hour))
	code := x.code()
	got := x.token(url.Values{"code": {code}}).expect(http.StatusOK).object()
	assert.Equal(t, "Bearer", got["token_type"])
	assert.InDelta(t, 3600, got["expires_in"], 0)
	x.token(url.Values{"code": {code}}).expect(http.StatusBadRequest)

	status := func(token any, method, path string) int {
		return (&tester{t: t, s: x.s, key: str(token)}).call(method, path, nil).status
	}
	first := got["access_token"]
	assert.Equal(t, http.StatusOK, status(first, http.MethodGet, "/users/me"))
	assert.Equal(t, http.StatusOK, status(first, http.MethodGet, "/jobs"))
	assert.Equal(t, http.StatusForbidden, status(first, http.MethodPost, "/jobs"))
	x.s.Advance(time.Hour)
	assert.Equal(t, http.StatusUnauthorized, status(first, http.MethodGet, "/users/me"))

	refresh := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {str(got["refresh_token"])}}
	renewed := x.token(refresh).expect(http.StatusOK).object()
	assert.Equal(t, http.StatusOK, status(renewed["access_token"], http.MethodGet, "/users/me"))
	assert.NotEqual(t, got["refresh_token"], renewed["refresh_token"])
	assert.Equal(t, "invalid_grant", x.token(refresh).expect(http.StatusBadRequest).object()["error"])
	for _, r := range x.s.Requests() {
		assert.NotContains(t, string(r.Body)+r.Query.Encode(), str(got["refresh_token"]))
	}
}

func TestOAuthRefusals(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for name, c := range map[string]struct {
		change url.Values
		status int
		code   string
	}{
		"secret":     {url.Values{"client_secret": {"x"}}, 401, "invalid_client"},
		"client":     {url.Values{"client_id": {"x"}}, 401, "invalid_client"},
		"grant type": {url.Values{"grant_type": {"password"}}, 400, "unsupported_grant_type"},
		"code":       {url.Values{"code": {"x"}}, 400, "invalid_grant"},
		"redirect":   {url.Values{"code": {x.code()}, "redirect_uri": {"https://other"}}, 400, "invalid_grant"},
	} {
		assert.Equal(t, c.code, x.token(c.change).expect(c.status).object()["error"], name)
	}
	code := x.code()
	x.s.Advance(10 * time.Minute)
	x.token(url.Values{"code": {code}}).expect(http.StatusBadRequest)

	x.get(authorizeURL(x.s, url.Values{"client_id": {"x"}})).expect(http.StatusUnauthorized)
	x.get(authorizeURL(x.s, url.Values{"redirect_uri": {"relative"}})).expect(http.StatusUnauthorized)
	for want, change := range map[string]url.Values{
		"invalid_scope": {"scope": {"all"}}, "unsupported_response_type": {"response_type": {"x"}},
	} {
		to := x.get(authorizeURL(x.s, change)).expect(http.StatusFound).header.Get("Location")
		assert.Equal(t, want, rawQuery(t, to).Get("error"))
	}
	// Credentials in a header are ignored.
	id, secret := x.s.OAuthClient()
	_, rawURL := x.s.OAuthURLs()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rawURL, strings.NewReader("grant_type=refresh_token"))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(id, secret)
	x.send(req).expect(http.StatusUnauthorized)
}

func TestImplicitGrant(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	to := x.get(authorizeURL(x.s, url.Values{"response_type": {"token"}})).expect(http.StatusFound).header.Get("Location")
	_, fragment, _ := strings.Cut(to, "#")
	got, err := url.ParseQuery(fragment)
	require.NoError(t, err, to)
	assert.Equal(t, "s&t", got.Get("state"))
	x.key = got.Get("access_token")
	x.call(http.MethodGet, "/users/me", nil).expect(http.StatusOK)
}

func TestTokenWithoutScopes(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	to := x.get(authorizeURL(x.s, url.Values{"scope": {""}})).expect(http.StatusFound).header.Get("Location")
	got := x.token(url.Values{"code": {rawQuery(t, to).Get("code")}}).expect(http.StatusOK).object()
	x.key = str(got["access_token"])
	x.call(http.MethodGet, "/users/me", nil).expect(http.StatusForbidden)
	x.call(http.MethodGet, "/jobs", nil).expect(http.StatusForbidden)
}

func TestRedirectURLs(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for redirect, status := range map[string]int{
		"http://localhost:1/callback": 302, "com.example.app:/callback": 302, "app://callback": 302,
		"javascript:alert(1)": 401, "JavaScript://x/%0aalert(1)": 401, "data:text/html,x": 401, "http:///callback": 401, "http:x": 401,
		"mailto:a@example.com": 401,
	} {
		assert.Equal(t, status, x.get(authorizeURL(x.s, url.Values{"redirect_uri": {redirect}})).status, redirect)
	}
}

func TestWithOAuthClient(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithOAuthClient("shop", "s3cret"))
	id, secret := x.s.OAuthClient()
	assert.Equal(t, []string{"shop", "s3cret"}, []string{id, secret})
	x.token(url.Values{"code": {x.code()}}).expect(http.StatusOK)

	x = newTester(t, WithOAuthClient("shop", ""))
	_, random := x.s.OAuthClient()
	assert.Len(t, random, 40)
}
