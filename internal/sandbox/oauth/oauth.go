// Package oauth is the OAuth server: the registered client, its grants, and the access
// tokens that they become.
package oauth

import (
	"cmp"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/limits"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// codeLifetime is how long an authorization code can be exchanged.
const codeLifetime = 10 * time.Minute

// scopes are the valid scopes.
var scopes = []string{"user.read", "user.write", "task.read", "task.write", "webhook.read", "webhook.write"}

// Server is the registered client and its grants.
type Server struct {
	clientID, clientSecret string

	keys     *limits.Keys
	lifetime time.Duration // of access tokens
	clock    *clock.Clock

	mu      sync.Mutex
	codes   map[string]authorization
	refresh map[string]authorization
}

type authorization struct {
	scopes      []string // of the request: none unless it names some
	redirectURI string
	expires     time.Time
}

// New returns a server with a registered client, which may use any redirect URL of a page
// or an app. An empty id or secret becomes a random one. The server adds access tokens to
// keys.
func New(id, secret string, keys *limits.Keys, lifetime time.Duration, c *clock.Clock) *Server {
	return &Server{
		clientID: cmp.Or(id, random.Secret(16)), clientSecret: cmp.Or(secret, random.Secret(40)),
		keys: keys, lifetime: lifetime, clock: c,
		codes: map[string]authorization{}, refresh: map[string]authorization{},
	}
}

// Client returns the id and the secret of the registered client.
func (s *Server) Client() (id, secret string) { return s.clientID, s.clientSecret }

// Authorize grants every valid request at once.
func (s *Server) Authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if q.Get("client_id") != s.clientID || err != nil || !mayRedirect(back) {
		writeError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	params := url.Values{}
	if q.Get("state") != "" {
		params.Set("state", q.Get("state"))
	}
	asked := append([]string{}, strings.Fields(q.Get("scope"))...) // never nil, which means all
	if slices.ContainsFunc(asked, func(scope string) bool { return !slices.Contains(scopes, scope) }) {
		params.Set("error", "invalid_scope")
		sendBack(w, back, params, false)
		return
	}
	a := authorization{scopes: asked, redirectURI: q.Get("redirect_uri"), expires: s.clock.Now().Add(codeLifetime)}
	switch q.Get("response_type") {
	case "code":
		params.Set("code", s.grant(a))
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

// mayRedirect reports whether a URL may get a code or a token: it is that of a page or of
// an app with its own scheme.
func mayRedirect(u *url.URL) bool {
	switch u.Scheme {
	case "http", "https":
		return u.Host != ""
	case "", "data", "javascript", "vbscript":
		return false
	}
	return u.Opaque == ""
}

// sendBack redirects with parameters in the query, or in place of the fragment.
func sendBack(w http.ResponseWriter, to *url.URL, params url.Values, fragment bool) {
	var location string
	if fragment {
		to.Fragment, to.RawFragment = "", ""
		location = to.String() + "#" + params.Encode() // String would encode it twice
	} else {
		q := to.Query()
		for name := range params {
			q.Set(name, params.Get(name))
		}
		to.RawQuery = q.Encode()
		location = to.String()
	}
	w.Header().Set("Location", location)
	wire.WriteBody(w, http.StatusFound, nil)
}

func (s *Server) grant(a authorization) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	maps.DeleteFunc(s.codes, func(_ string, a authorization) bool { return !now.Before(a.expires) })
	code := random.Hex(32)
	s.codes[code] = a
	return code
}

type token struct {
	TokenType    string `json:"token_type"`
	ExpiresIn    int    `json:"expires_in"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token,omitempty"`
}

type failure struct {
	Error       string `json:"error"`
	Description string `json:"error_description"`
	Message     string `json:"message"`
}

// Token exchanges a code or a refresh token. The body has the credentials of the client.
func (s *Server) Token(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		writeError(w, http.StatusBadRequest, "invalid_request", "The request is malformed")
		return
	}
	form := r.PostForm
	if form.Get("client_id") != s.clientID || form.Get("client_secret") != s.clientSecret {
		writeError(w, http.StatusUnauthorized, "invalid_client", "Client authentication failed")
		return
	}
	var a authorization
	var ok bool
	switch form.Get("grant_type") {
	case "authorization_code":
		a, ok = s.redeem(form.Get("code"), form.Get("redirect_uri"), s.clock.Now())
	case "refresh_token":
		a, ok = s.renew(form.Get("refresh_token"))
	default:
		writeError(w, http.StatusBadRequest, "unsupported_grant_type", "The grant type is not supported")
		return
	}
	if !ok {
		writeError(w, http.StatusBadRequest, "invalid_grant", "The grant is invalid or has expired")
		return
	}
	write(w, http.StatusOK, s.issue(a, true))
}

// redeem exchanges a code, which is valid once and for its redirect URL.
func (s *Server) redeem(code, redirectURI string, now time.Time) (authorization, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.codes[code]
	delete(s.codes, code)
	return a, ok && a.redirectURI == redirectURI && now.Before(a.expires)
}

// renew exchanges a refresh token, which is valid once.
func (s *Server) renew(token string) (authorization, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.refresh[token]
	delete(s.refresh, token)
	return a, ok
}

// issue makes an access token, and on request a refresh token.
func (s *Server) issue(a authorization, refresh bool) token {
	t := token{TokenType: "Bearer", ExpiresIn: int(s.lifetime / time.Second), AccessToken: random.Secret(64)}
	now := s.clock.Now()
	s.keys.Add(t.AccessToken, limits.Credential{Scopes: a.scopes, Expires: now.Add(s.lifetime)}, now)
	if refresh {
		t.RefreshToken = random.Secret(64)
		s.mu.Lock()
		s.refresh[t.RefreshToken] = a
		s.mu.Unlock()
	}
	return t
}

func writeError(w http.ResponseWriter, status int, code, description string) {
	write(w, status, failure{code, description, description})
}

func write(w http.ResponseWriter, status int, v any) {
	body, err := wire.Encode(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	wire.WriteBody(w, status, body)
}
