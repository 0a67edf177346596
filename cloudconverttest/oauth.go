package cloudconverttest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// codeLifetime is how long an authorization code can be exchanged.
const codeLifetime = 10 * time.Minute

// scopes are what a token may be asked for.
var scopes = []string{"user.read", "user.write", "task.read", "task.write", "webhook.read", "webhook.write"}

// oauth is the registered client and what was granted to it.
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
		clientID: newSecret(16), clientSecret: newSecret(40),
		codes: map[string]authorization{}, refresh: map[string]authorization{},
	}
}

// OAuthClient returns the id and the secret of the OAuth client that is
// registered with the server. Any redirect URL is accepted.
func (s *Server) OAuthClient() (id, secret string) { return s.oauth.clientID, s.oauth.clientSecret }

// OAuthURLs returns the addresses of the authorization page and of the token
// endpoint.
func (s *Server) OAuthURLs() (authorize, token string) {
	return s.origin + "/oauth/authorize", s.origin + "/oauth/token"
}

// authorize grants what it is asked for, at once.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if q.Get("client_id") != s.oauth.clientID || err != nil || !back.IsAbs() {
		writeOAuthError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	answer := url.Values{}
	if q.Get("state") != "" {
		answer.Set("state", q.Get("state"))
	}
	asked := strings.Fields(q.Get("scope"))
	if slices.ContainsFunc(asked, func(scope string) bool { return !slices.Contains(scopes, scope) }) {
		answer.Set("error", "invalid_scope")
		sendBack(w, back, answer, false)
		return
	}
	a := authorization{scopes: asked, redirectURI: q.Get("redirect_uri"), expires: s.clock.now().Add(codeLifetime)}
	switch q.Get("response_type") {
	case "code":
		answer.Set("code", s.oauth.grant(a))
	case "token":
		t := s.issue(a, false)
		answer.Set("access_token", t.AccessToken)
		answer.Set("token_type", t.TokenType)
		answer.Set("expires_in", strconv.Itoa(t.ExpiresIn))
	default:
		answer.Set("error", "unsupported_response_type")
	}
	sendBack(w, back, answer, q.Get("response_type") == "token")
}

func sendBack(w http.ResponseWriter, to *url.URL, answer url.Values, fragment bool) {
	if fragment {
		to.Fragment = answer.Encode()
		to.RawFragment = answer.Encode()
	} else {
		q := to.Query()
		for name := range answer {
			q.Set(name, answer.Get(name))
		}
		to.RawQuery = q.Encode()
	}
	w.Header().Set("Location", to.String())
	writeBody(w, http.StatusFound, nil)
}

func (o *oauth) grant(a authorization) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	code := newHex(32)
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

// token exchanges a code or a refresh token. The client has to prove itself in the body.
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
		a, ok = s.oauth.redeem(form.Get("code"), form.Get("redirect_uri"), s.clock.now())
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

// redeem takes a code, which works once and for the redirect URL it was given to.
func (o *oauth) redeem(code, redirectURI string, now time.Time) (authorization, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.codes[code]
	delete(o.codes, code)
	return a, ok && a.redirectURI == redirectURI && now.Before(a.expires)
}

// renew takes a refresh token, which works once.
func (o *oauth) renew(token string) (authorization, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	a, ok := o.refresh[token]
	delete(o.refresh, token)
	return a, ok
}

// issue makes an access token, and a refresh token if one is wanted.
func (s *Server) issue(a authorization, refresh bool) wireToken {
	t := wireToken{TokenType: "Bearer", ExpiresIn: int(s.cfg.tokenLifetime / time.Second), AccessToken: newSecret(64)}
	s.keys.add(t.AccessToken, credential{scopes: a.scopes, expires: s.clock.now().Add(s.cfg.tokenLifetime)})
	if refresh {
		t.RefreshToken = newSecret(64)
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
	body, err := encode(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	writeBody(w, status, body)
}
