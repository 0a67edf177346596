package engine

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/params"
)

// hidesValue reports whether values of this name in requests and responses are secret:
// credentials, URLs, and everything in forms and payloads.
func hidesValue(name string) bool {
	lower := strings.ToLower(name)
	return params.IsCredential(name) || strings.HasSuffix(lower, "url") || slices.Contains([]string{"form", "parameters", "payload"}, lower)
}

// sentSecrets returns the secrets in the body of a request, which an error page may
// repeat.
func sentSecrets(body []byte) []string {
	var sent any
	if json.Unmarshal(body, &sent) != nil {
		return nil
	}
	return secretsIn(sent, false)
}

func secretsIn(value any, isSecret bool) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		for name, entry := range value {
			found = append(found, secretsIn(entry, isSecret || params.IsCredential(name))...)
		}
	case []any:
		for _, entry := range value {
			found = append(found, secretsIn(entry, isSecret)...)
		}
	case string:
		if isSecret {
			return []string{value}
		}
		if u, err := url.Parse(value); err == nil && u.Host != "" {
			return URLSecrets(u)
		}
	}
	return found
}

// disclosure says whether values of JSON are shown.
type disclosure int

const (
	byName disclosure = iota
	hidden
	shown
)

// level is an array or object that encloses a JSON token.
type level struct {
	isObject bool
	isNamed  bool       // the next token of the object is a value
	values   disclosure // of all values
	next     disclosure // of the next value of the object
}

// jsonObject matches the beginning of an object.
var jsonObject = regexp.MustCompile(`\{\s*"`)

// withoutValues replaces secret values in JSON by dots. The JSON may be cut off, or have
// text before it. From a syntax error on everything is replaced, because it may be the
// rest of a secret. Text without JSON is returned unchanged.
func withoutValues(body []byte) []byte {
	if plain, ok := withoutJSONValues(body); ok {
		return plain
	}
	if found := jsonObject.FindIndex(body); found != nil {
		object, _ := withoutJSONValues(body[found[0]:])
		return append(body[:found[0]:found[0]], object...)
	}
	return body
}

func withoutJSONValues(body []byte) (plain []byte, isJSON bool) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	var levels []level
	var done int64 // bytes of the body that are in plain
	for tokens := 0; ; tokens++ {
		before := decoder.InputOffset()
		token, err := decoder.Token()
		switch {
		case err != nil && tokens < 2 && !jsonObject.Match(body[:min(len(body), 2)]):
			return body, false
		case err != nil && len(bytes.TrimSpace(body[before:])) > 0:
			return append(append(plain, body[done:before]...), dots...), true
		case err != nil:
			return append(plain, body[done:]...), true
		}
		var isHidden bool
		if levels, isHidden = follow(levels, token); isHidden {
			separators := len(body[before:]) - len(bytes.TrimLeft(body[before:], " \t\r\n,:"))
			plain = append(append(plain, body[done:before+int64(separators)]...), `"`+dots+`"`...)
			done = decoder.InputOffset()
		}
	}
}

// follow returns the levels after a token, and reports whether the token is a secret
// value.
func follow(levels []level, token json.Token) (after []level, isHidden bool) {
	if token == json.Delim('}') || token == json.Delim(']') {
		return levels[:len(levels)-1], false
	}
	values := byName
	if len(levels) > 0 {
		around := &levels[len(levels)-1]
		values = around.values
		if around.isObject {
			if around.isNamed = !around.isNamed; around.isNamed {
				name, _ := token.(string)
				around.next = around.nextNamed(name, len(levels) == 1)
				return levels, false
			}
			values = around.next
		}
	}
	if delim, ok := token.(json.Delim); ok {
		return append(levels, level{isObject: delim == '{', values: values}), false
	}
	return levels, values == hidden && token != nil
}

// nextNamed returns the disclosure of the value of a name. Error messages about
// parameters stand under the names of the parameters, and are shown.
func (l level) nextNamed(name string, outermost bool) disclosure {
	switch {
	case l.values == byName && hidesValue(name):
		return hidden
	case l.values == byName && outermost && name == "errors":
		return shown
	default:
		return l.values
	}
}
