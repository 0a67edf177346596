package cloudconverttest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// codeLifetime is how long an authorization code can be exchanged.
const codeLifetime = 10 * time.Minute

// scopes are the valid scopes.
var scopes = []string{"user.read", "user.write", "task.read", "task.write", "webhook.read", "webhook.write"}

// oauth is the registered client and its grants.
type oauth struct {
	clientID, clientSecret string

	mu      sync.Mutex
	codes   map[string]authorization
	refresh map[string]authorization
}

type authorization struct {
	scopes      []string
	redirectURI string
	expires     time.Time
}

func newOAuth() *oauth {
	return &oauth{
		clientID: random.Secret(16), clientSecret: random.Secret(40),
		codes: map[string]authorization{}, refresh: map[string]authorization{},
	}
}

// OAuthClient returns the id and the secret of the registered OAuth client. It may use
// any redirect URL.
func (s *Server) OAuthClient() (id, secret string) { return s.oauth.clientID, s.oauth.clientSecret }

// OAuthURLs returns the URLs of the authorization page and of the token endpoint.
func (s *Server) OAuthURLs() (authorize, token string) {
	return s.origin + "/oauth/authorize", s.origin + "/oauth/token"
}

// authorize grants every valid request at once.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if q.Get("client_id") != s.oauth.clientID || err != nil || !back.IsAbs() {
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	params := url.Values{}
	if q.Get("state") != "" {
		params.Set("state", q.Get("state"))
	}
	asked := strings.Fields(q.Get("scope"))
	if slices.ContainsFunc(asked, func(scope string) bool { return !slices.Contains(scopes, scope) }) {
		params.Set("error", "invalid_scope")
		sendBack(w, back, params, false)
		return
	}
	a := authorization{scopes: asked, redirectURI: q.Get("redirect_uri"), expires: s.clock.Now().Add(codeLifetime)}
	switch q.Get("response_type") {
	case "code":
		params.Set("code", s.oauth.grant(a))
	case "token":
		t := s.issue(a, false)
		params.Set("access_token", t.AccessToken)
		params.Set("token_type", t.TokenType)
		params.Set("expires_in", strconv.Itoa(t.ExpiresIn))
	default:
		params.Set("error", "unsupported_response_type")
	}
	sendBack(w, back, params, q.Get("response_type") == "token")
}

func sendBack(w http.ResponseWriter, to *url.URL, params url.Values, fragment bool) {
	if fragment {
		to.Fragment = params.Encode()
		to.RawFragment = params.Encode()
	} else {
		q := to.Query()
		for name := range params {
			q.Set(name, params.Get(name))
		}
		to.RawQuery = q.Encode()
	}
	w.Header().Set("Location", to.String())
	writeBody(w, http.StatusFound, nil)
}

func (o *oauth) grant(a authorization) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	code := random.Hex(32)
	o.codes[code] = a
	return code
}

type wireToken struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

type wireOAuthError struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Message     string `json:"message"`
}

// token exchanges a code or a refresh token. The body has the credentials of the client.
func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writeOAuthError(w, http.StatusBadRequest, "invalid_request", "The request is malformed")
		return
	}
	form := r.PostForm
	if form.Get("client_id") != s.oauth.clientID || form.Get("client_secret") != s.oauth.clientSecret {
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	var a authorization
	var ok bool
	switch form.Get("grant_type") {
	case "authorization_code":
		a, ok = s.oauth.redeem(form.Get("code"), form.Get("redirect_uri"), s.clock.Now())
	case "refresh_token":
		a, ok = s.oauth.renew(form.Get("refresh_token"))
	default:
		writeOAuthError(w, http.StatusBadRequest, "unsupported_grant_type", "The grant type is not supported")
		return
	}
	if !ok {
		writeOAuthError(w, http.StatusBadRequest, "invalid_grant", "The grant is invalid or has expired")
		return
	}
	writeOAuth(w, http.StatusOK, s.issue(a, true))
}

// redeem exchanges a code, which is valid once and for its redirect URL.
func (o *oauth) redeem(code, redirectURI string, now time.Time) (authorization, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.codes[code]
	delete(o.codes, code)
	return a, ok && a.redirectURI == redirectURI && now.Before(a.expires)
}

// renew exchanges a refresh token, which is valid once.
func (o *oauth) renew(token string) (authorization, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.refresh[token]
	delete(o.refresh, token)
	return a, ok
}

// issue makes an access token, and on request a refresh token.
func (s *Server) issue(a authorization, refresh bool) wireToken {
	t := wireToken{TokenType: "Bearer", ExpiresIn: int(s.cfg.tokenLifetime / time.Second), AccessToken: random.Secret(64)}
	s.keys.add(t.AccessToken, credential{scopes: a.scopes, expires: s.clock.Now().Add(s.cfg.tokenLifetime)})
	if refresh {
		t.RefreshToken = random.Secret(64)
		s.oauth.mu.Lock()
		s.oauth.refresh[t.RefreshToken] = a
		s.oauth.mu.Unlock()
	}
	return t
}

func writeOAuthError(w http.ResponseWriter, status int, code, description string) {
	writeOAuth(w, status, wireOAuthError{code, description, description})
}

func writeOAuth(w http.ResponseWriter, status int, v any) {
	body, err := wire.Encode(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	writeBody(w, status, body)
}
