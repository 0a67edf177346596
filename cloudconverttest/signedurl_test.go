package cloudconverttest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
)

const signedTasks = `{"tasks":{"in":{"operation":"import/raw","file":"???>>>","filename":"a.txt"},` +
	`"out":{"operation":"export/url","input":"in","inline":true}}}`

// signedURLOf signs a job as clients do.
func signedURLOf(s *Server, job, cacheKey string) string {
	base, secret := s.SignedURLBase()
	rawURL := base + "?job=" + job
	if cacheKey != "" {
		rawURL += "&cache_key=" + cacheKey
	}
	return rawURL + "&s=" + signature.Sign([]byte(secret), rawURL)
}

func TestSignedURL(t *testing.T) {
	t.Parallel()
	for name, encoding := range map[string]*base64.Encoding{
		"usual": base64.RawURLEncoding, "padded": base64.URLEncoding, "standard": base64.StdEncoding, "raw standard": base64.RawStdEncoding,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			a := x.get(signedURLOf(x.s, encoding.EncodeToString([]byte(signedTasks)), "")).expect(http.StatusFound)
			assert.Equal(t, "???>>>", string(x.get(a.header.Get("Location")).expect(http.StatusOK).body))
			assert.Equal(t, RoleSigned, x.s.Requests()[0].Role)
		})
	}
}

func TestSignedURLCache(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job := base64.RawURLEncoding.EncodeToString([]byte(signedTasks))
	visit := func(key string) { x.get(signedURLOf(x.s, job, key)).expect(http.StatusFound) }
	visit("")
	visit("")
	assert.Len(t, x.s.Jobs(), 2)
	visit("one")
	visit("one")
	assert.Len(t, x.s.Jobs(), 3)
	visit("two")
	assert.Len(t, x.s.Jobs(), 4)
	x.s.Advance(24 * time.Hour)
	visit("one")
	assert.Len(t, x.s.Jobs(), 1, "the others have expired")
}

func TestSignedURLRefusals(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	encode := func(job string) string { return base64.RawURLEncoding.EncodeToString([]byte(job)) }
	good := signedURLOf(x.s, encode(signedTasks), "key")
	failing := strings.Replace(signedTasks, "a.txt", "none", 1)
	for name, c := range map[string]struct {
		rawURL string
		status int
	}{
		"no signature":    {strings.SplitN(good, "&s=", 2)[0], 403},
		"wrong signature": {good[:len(good)-1] + "x", 403},
		"other job":       {strings.Replace(good, "?job=e", "?job=f", 1), 403},
		"upper case":      {good[:len(good)-64] + strings.ToUpper(good[len(good)-64:]), 403},
		"other path":      {strings.Replace(good, "/s/", "/s/0", 1), 404},
		"no base64":       {signedURLOf(x.s, "$$", ""), 422},
		"no job":          {signedURLOf(x.s, encode("{}"), ""), 422},
		"no export":       {signedURLOf(x.s, encode(`{"tasks":{"in":{"operation":"import/raw","file":"x","filename":"a.txt"}}}`), ""), 422},
		"cache key":       {signedURLOf(x.s, encode(signedTasks), "a.b"), 422},
		"failed":          {signedURLOf(x.s, encode(failing), ""), 422},
		"failed cached":   {signedURLOf(x.s, encode(failing), "failed"), 422},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := &tester{t: t, s: x.s}
			a := y.get(c.rawURL).expect(c.status)
			assert.NotEmpty(t, a.object()["code"])
		})
	}
	require.NotEmpty(t, good)
}
