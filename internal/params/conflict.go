package params

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// Conflict returns the name of a parameter whose value certainly differs from that in the
// payload of a task, or "". The service may leave out, add and rewrite parameters:
// compared are texts, numbers and booleans that both have, without case, and URLs up to
// their query, which may be a signature. Credentials and files are not compared.
func Conflict(sent map[string]any, payload json.RawMessage) string {
	var has map[string]any
	if json.Unmarshal(payload, &has) != nil {
		return ""
	}
	for _, name := range SortedKeys(sent) {
		if name == "file" || IsCredential(name) {
			continue
		}
		want, ok := scalar(sent[name])
		if got, found := scalar(has[name]); ok && found && !equal(name, want, got) {
			return name
		}
	}
	return ""
}

// scalar returns a text, a number or a boolean as a text, or false for other values and
// empty texts.
func scalar(value any) (string, bool) {
	switch value.(type) {
	case nil, map[string]any, []any:
		return "", false
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return "", false
	}
	var decoded any
	if json.Unmarshal(encoded, &decoded) != nil {
		return "", false
	}
	switch decoded := decoded.(type) {
	case string, bool, float64:
		text := strings.TrimSpace(fmt.Sprint(decoded))
		return text, text != ""
	default:
		return "", false
	}
}

func equal(name, a, b string) bool {
	if name == "url" {
		a, b = withoutQuery(a), withoutQuery(b)
	}
	return strings.EqualFold(a, b)
}

// withoutQuery returns the host and the path of a URL, decoded.
func withoutQuery(text string) string {
	target, err := url.Parse(text)
	if err != nil {
		return text
	}
	return target.Host + target.Path
}
