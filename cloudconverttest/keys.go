package cloudconverttest

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// keyring holds API keys and access tokens.
type keyring struct {
	mu     sync.Mutex
	anyKey bool
	keys   map[string]credential
}

type credential struct {
	scopes  []string  // nil for all
	expires time.Time // zero for never
}

func (k *keyring) init(cfg config, key string) {
	k.anyKey = cfg.anyKey
	k.keys = map[string]credential{key: {}}
	for extra, scopes := range cfg.keys {
		if !refused(extra) {
			k.keys[extra] = credential{scopes: scopes}
		}
	}
}

// refused reports whether a key is never accepted, for tests.
func refused(key string) bool { return key == "" || strings.HasPrefix(key, "invalid") }

func (k *keyring) add(key string, c credential) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys[key] = c
}

func (k *keyring) revoke(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, key)
}

func (k *keyring) find(key string, now time.Time) (credential, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.keys[key]
	if !ok {
		return credential{}, k.anyKey && !refused(key)
	}
	return c, c.expires.IsZero() || now.Before(c.expires)
}

// RevokeKey revokes an API key or an OAuth access token.
func (s *Server) RevokeKey(key string) { s.keys.revoke(key) }

// authenticate checks the key of a request and its scope.
func (s *Server) authenticate(r *http.Request, scope string) error {
	c, ok := s.credential(r.Header.Get("Authorization"))
	if !ok {
		return errUnauthenticated
	}
	if len(c.scopes) > 0 && !slices.Contains(c.scopes, scope) {
		return errForbidden
	}
	return nil
}

// credential returns the credential of an Authorization header.
func (s *Server) credential(authorization string) (credential, bool) {
	scheme, key, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return credential{}, false
	}
	return s.keys.find(strings.TrimSpace(key), s.clock.Now())
}
