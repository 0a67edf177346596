package transfer

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// The request target is the URL as written.
func FuzzParseVerbatim(f *testing.F) {
	for _, seed := range []string{"/a?b=c", "/ü|?%zz", "?", "", "//a", "/%2f?a#b", "/a?b c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, rest string) {
		parsed, err := parseVerbatim("https://storage.example" + rest)
		if err != nil || parsed.Host != "storage.example" || strings.HasPrefix(rest, "//") {
			return
		}
		target, _, _ := strings.Cut(rest, "#")
		if !strings.HasPrefix(target, "/") {
			target = "/" + target
		}
		assert.Equal(t, target, parsed.RequestURI(), "%q", rest)
	})
}
