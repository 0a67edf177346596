package limits

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Keys holds API keys and access tokens.
type Keys struct {
	mu     sync.Mutex
	anyKey bool
	keys   map[string]Credential
}

// Credential is what a key permits.
type Credential struct {
	Scopes  []string  // nil for all, empty for none
	Expires time.Time // zero for never
}

// NewKeys returns the given keys with their scopes. No scopes mean all. With anyKey,
// every key is accepted that is not refused.
func NewKeys(keys map[string][]string, anyKey bool) *Keys {
	k := &Keys{anyKey: anyKey, keys: map[string]Credential{}}
	for key, scopes := range keys {
		if !refused(key) {
			if len(scopes) == 0 {
				scopes = nil
			}
			k.keys[key] = Credential{Scopes: scopes}
		}
	}
	return k
}

// refused reports whether a key is never accepted, for tests.
func refused(key string) bool { return key == "" || strings.HasPrefix(key, "invalid") }

// Add adds a key and removes those that have expired.
func (k *Keys) Add(key string, c Credential, now time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.keys, func(_ string, c Credential) bool { return !c.Expires.IsZero() && !now.Before(c.Expires) })
	k.keys[key] = c
}

// Revoke makes a key invalid.
func (k *Keys) Revoke(key string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.keys, key)
}

func (k *Keys) find(key string, now time.Time) (Credential, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c, ok := k.keys[key]
	if !ok {
		return Credential{}, k.anyKey && !refused(key)
	}
	return c, c.Expires.IsZero() || now.Before(c.Expires)
}

// Find returns the credential of an Authorization header.
func (k *Keys) Find(authorization string, now time.Time) (Credential, bool) {
	scheme, key, ok := strings.Cut(authorization, " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return Credential{}, false
	}
	return k.find(strings.TrimSpace(key), now)
}

// May reports whether the credential has a scope.
func (c Credential) May(scope string) bool {
	return c.Scopes == nil || slices.Contains(c.Scopes, scope)
}
