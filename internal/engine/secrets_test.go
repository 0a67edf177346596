package engine_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

func inJSON(t *testing.T, text string) string {
	t.Helper()
	encoded, err := json.Marshal(text)
	require.NoError(t, err)
	return string(encoded)
}

// oddKey has characters that each kind of escape encodes.
const oddKey = `an+Invented/key=of<some>"length"&more`

func TestSecretsAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"as it is":           oddKey,
		"in lower case":      strings.ToLower(oddKey),
		"in upper case":      strings.ToUpper(oddKey),
		"in a query":         url.QueryEscape(oddKey),
		"in a path":          url.PathEscape(oddKey),
		"lower case escapes": strings.ToLower(url.QueryEscape(oddKey)),
		"escaped twice":      url.QueryEscape(url.QueryEscape(oddKey)),
		"in JSON":            inJSON(t, oddKey),
		"in JSON in JSON":    inJSON(t, inJSON(t, oddKey)),
		"slashes in JSON":    strings.ReplaceAll(inJSON(t, oddKey), "/", `\/`),
		"in HTML":            html.EscapeString(oddKey),
		"numbers in HTML":    strings.NewReplacer("+", "&#43;", "/", "&#x2F;", "=", "&#61;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "&", "&amp;").Replace(oddKey),
		"JSON in HTML":       html.EscapeString(inJSON(t, oddKey)),
		"HTML in JSON":       inJSON(t, html.EscapeString(oddKey)),
		"query in HTML":      html.EscapeString("?a=" + url.QueryEscape(oddKey)),
		"quoted by Go":       fmt.Sprintf("%q", oddKey),
		"after a line break": fmt.Sprintf("%q", "\n"+oddKey),
		"cut short":          oddKey[:20],
		"basic, a user":      base64.StdEncoding.EncodeToString([]byte(oddKey + ":")),
		"basic, a password":  base64.StdEncoding.EncodeToString([]byte("api:" + oddKey)),
		"basic, no user":     base64.StdEncoding.EncodeToString([]byte(":" + oddKey)),
		"base64 for URLs":    base64.URLEncoding.EncodeToString([]byte("ab" + oddKey)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := engine.Outcome{}.Without(oddKey).Hide("before [ " + text + " ] after")
			assert.True(t, strings.HasPrefix(got, "before [ "), got)
			assert.True(t, strings.HasSuffix(got, " ] after"), got)
			for i := 0; i+8 < len(text); i++ {
				require.NotContains(t, got, text[i:i+8])
			}
		})
	}
}

func TestShortSecretsAreFoundAsWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ secret, text, want string }{
		{"s3cret", "the key s3cret is wrong", "the key ... is wrong"},
		{"s3cret", `{"key":"s3cret"}`, `{"key":"..."}`},
		{"s3cret", "key%3Ds3cret%26a", "key%3D...%26a"},
		{"s3cret", `"a\ns3cret"`, `"a\n..."`},
		{"s3cret", "S3CRET", "..."},
		{"s3cret", "s3cretary", "s3cretary"},
		{"test", "this is a test, the latest", "this is a ..., the latest"},
		{"key", "the key is wrong", "the key is wrong"},
		{"Bearer key", "Authorization: Bearer key", "Authorization: ..."},
		{"", "nothing", "nothing"},
		{"&%&%", "a&%&%b", "a&%&%b"},
		{"%%%%", "100 %%%% sure", "100 ... sure"},
	} {
		assert.Equal(t, c.want, engine.Outcome{}.Without(c.secret).Hide(c.text), c.text)
	}
}

func TestExcerptsAreNotCutWithinSecrets(t *testing.T) {
	t.Parallel()
	const short = "s3cr3t-0"
	outcome := engine.Outcome{}.Without(oddKey, short)
	for _, form := range []string{oddKey, url.QueryEscape(oddKey), html.EscapeString(oddKey), inJSON(t, oddKey), short} {
		text := "begin " + form + " end"
		for limit := range len(text) {
			got := outcome.Excerpt(text, limit)
			assert.LessOrEqual(t, len(got), limit)
			assert.NotContains(t, got, form[:min(len(form), 12)], "cut after %d", limit)
			assert.NotContains(t, got, "s3cr")
		}
	}
}

func TestQueriesAreHidden(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"no URL in it, is there?":                         "no URL in it, is there?",
		"see https://a.example/docs":                      "see https://a.example/docs",
		"see https://a.example/docs?":                     "see https://a.example/docs?",
		"GET https://a.example/b?sig=1&c=2 failed":        "GET https://a.example/b?... failed",
		"https://a.example?sig":                           "https://a.example?...",
		"https://a.example/b#token=1":                     "https://a.example/b#...",
		"https://me:pw@a.example/b":                       "https://...@a.example/b",
		"https://me:p/w@a.example/b":                      "https://...@a.example/b",
		"sftp://me:pw@a.example/b?c=d":                    "sftp://...@a.example/b?...",
		`{"url":"https:\/\/a.example\/b?c=1\u0026sig=2"}`: `{"url":"https:\/\/a.example\/b?..."}`,
		`<a href="https://a.example/b?c=1&amp;sig=2">`:    `<a href="https://a.example/b?...">`,
		"to=https%3A%2F%2Fa.example%2Fb%3Fsig%3D1 failed": "to=https%3A%2F%2Fa.example%2Fb%3F... failed",
		"malformed HTTP response \"GET /b?sig=1\"":        "malformed HTTP response \"GET /b?...\"",
		"https://a.example/b?x=1, https://b.example/?y=2": "https://a.example/b?... https://b.example/?...",
		"bad form: id=1&client_secret=s3c-ret&x=2":        "bad form: id=1&client_secret=...&x=2",
		"X-Amz-Signature=1, X-Amz-Security-Token=2":       "X-Amz-Signature=... X-Amz-Security-Token=...",
		"https://a.example/b?...":                         "https://a.example/b?...",
		"X-Amz-Signature: 0123456789abcdef, is wrong":     "X-Amz-Signature: ... is wrong",
		"Authorization: Bearer 0123456789abcdef, is old":  "Authorization: Bearer ... is old",
		"authorization: Basic 0123456789abcdef":           "authorization: Basic ...",
		`{"X-Amz-Signature":"s3c","a":1}`:                 `{"X-Amz-Signature":"...","a":1}`,
		`{\"api_key\": \"s3c\",\"a\":1}`:                  `{\"api_key\": \"...\",\"a\":1}`,
		`{"Authorization":"Bearer s3c"}`:                  `{"Authorization":"Bearer ..."}`,
		`{"secret":["is required"],"token":{"a":1}}`:      `{"secret":["is required"],"token":{"a":1}}`,
		"wrong password: too short, no token: log in":     "wrong password: too short, no token: log in",
	} {
		assert.Equal(t, want, engine.HideQueries(text))
		assert.Equal(t, want, engine.HideQueries(want), "again")
	}
}

func TestWithoutKeepsWhatAnErrorMatches(t *testing.T) {
	t.Parallel()
	outcome := engine.Outcome{Err: fmt.Errorf("malformed %q: %w", oddKey, io.ErrUnexpectedEOF)}.Without(oddKey)
	require.ErrorIs(t, outcome.Err, io.ErrUnexpectedEOF)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		assert.NotContains(t, fmt.Sprintf(verb, struct{ err error }{outcome.Err}), "Invented")
		assert.NotContains(t, fmt.Sprintf(verb, errors.Join(outcome.Err)), "Invented")
	}
}

func TestQuerySecrets(t *testing.T) {
	t.Parallel()
	outcome := engine.Outcome{}.Without(engine.QuerySecrets("X-Expires=60&X-Token=abc%2Fdef%3D&name=a+b+c+d")...)
	for text, want := range map[string]string{
		"X-Token=abc/def=":          "X-Token=...",
		"the token abc/def= is old": "the token ... is old",
		"the token abc%2Fdef%3D":    "the token ...",
		"expired after 60 s":        "expired after 60 s",
		"X-Expires=60 is over":      "X-Expires=60 is over",
		"for a b c d":               "for ...",
		"/?X-Expires=60&amp;X-Token=abc%2Fdef%3D&amp;name=a+b+c+d of": "/?... of",
	} {
		assert.Equal(t, want, outcome.Hide(text))
	}
}

func FuzzHide(f *testing.F) {
	f.Add("https://a.example/?%2", "se%cret&amp")
	f.Add("&#", "&nGt;&nGt;")
	f.Add(`\u00`, `\\\\`)
	f.Fuzz(func(t *testing.T, text, secret string) {
		outcome := engine.Outcome{}.Without(secret)
		_ = outcome.Hide(text)
		assert.LessOrEqual(t, len(outcome.Excerpt(text, 16)), 16)
		if len(secret) >= 16 {
			assert.NotContains(t, outcome.Hide(text+secret+text), secret)
		}
	})
}

// The work must not grow with the number of secrets times the length of the text: one
// search for each secret would take minutes.
func TestManySecretsInALongText(t *testing.T) {
	t.Parallel()
	var secrets []string
	for i := range 5000 {
		secrets = append(secrets, fmt.Sprintf("signature-%040d", i*7919), fmt.Sprintf("X-%d", i))
	}
	outcome := engine.Outcome{}.Hiding(secrets...)
	page := strings.Repeat("signature-0000000000 signatur%65 ", engine.MaxText/33-10)
	got := outcome.Hide(page + " " + secrets[9990] + " " + secrets[9991])
	assert.True(t, strings.HasSuffix(got, " ... ..."), got[len(got)-60:])
}

func TestTooManySecretsToLookFor(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string][]string{
		"one":     {strings.Repeat("a", 1<<17)},
		"many":    strings.SplitAfter(strings.Repeat("0123456789abcdef", 1<<17), "f"),
		"a query": engine.QuerySecrets(strings.Repeat("&a", 1<<17)),
	} {
		if name == "many" {
			for i := range secrets {
				secrets[i] += strconv.Itoa(i)
			}
		}
		outcome := engine.Outcome{Err: errors.New("any text")}.Hiding(secrets...)
		assert.Equal(t, "...", outcome.Hide("any text"), name)
		assert.Equal(t, "...", outcome.Excerpt("any text", 8), name)
		assert.Empty(t, outcome.Hide(""), name)
		require.EqualError(t, outcome.Err, "...", name)
	}
}

func TestSecretsWithoutTheirBeginning(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("0123456789", 2) + "abcdefghijklmnopqrstuvwxyz" + strings.Repeat("9876543210", 20)
	for start := range len(secret) - 32 {
		got := engine.Outcome{}.Hiding(secret).Hide("bad key ..." + secret[start:] + " given")
		assert.NotContains(t, got, secret[start:start+16])
		assert.NotContains(t, got, secret[len(secret)-8:])
		assert.Contains(t, got, "... given")
	}
}
