package params

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Conflict returns the name of a parameter whose value differs from that in the payload of
// a task, or "". Compared are parameters that both have, because the service adds some,
// and not credentials and the contents of files. same reports whether two texts of a
// parameter have the same meaning although they differ.
func Conflict(sent map[string]any, payload json.RawMessage, same func(name, a, b string) bool) string {
	var has map[string]any
	if json.Unmarshal(payload, &has) != nil {
		return ""
	}
	for _, name := range SortedKeys(sent) {
		if name != "file" && conflicts(name, decoded(sent[name]), has[name], same) {
			return name
		}
	}
	return ""
}

// decoded returns a value as encoding/json decodes it, or nil.
func decoded(value any) any {
	encoded, err := json.Marshal(value)
	if err != nil {
		return nil
	}
	var result any
	if json.Unmarshal(encoded, &result) != nil {
		return nil
	}
	return result
}

// conflicts reports whether two decoded values of a parameter differ. A list of one value
// may also be that value, and an object may be written in another way.
func conflicts(name string, want, got any, same func(name, a, b string) bool) bool {
	if want == nil || got == nil || IsCredential(name) {
		return false
	}
	if members, isObject := want.(map[string]any); isObject {
		has, _ := got.(map[string]any)
		return slices.ContainsFunc(SortedKeys(members), func(key string) bool {
			return conflicts(key, members[key], has[key], same)
		})
	}
	wantList, gotList := asList(want), asList(got)
	if len(wantList) != len(gotList) {
		return true
	}
	for i := range wantList {
		a, okA := text(wantList[i])
		b, okB := text(gotList[i])
		if okA && okB && !equal(name, a, b) && !same(name, a, b) {
			return true
		}
	}
	return false
}

func asList(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

// text returns a text, a number or a boolean as a text. The service trims texts.
func text(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return strings.TrimSpace(value), true
	case bool, float64:
		return fmt.Sprint(value), true
	default:
		return "", false
	}
}

// equal reports whether two texts are the same, or the same number, boolean or URL. The
// parameters of a URL that belong to a signature do not count.
func equal(name, a, b string) bool {
	if a == b {
		return true
	}
	if name == "url" {
		return unsigned(a) == unsigned(b)
	}
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	if errX == nil && errY == nil {
		return x == y
	}
	boolA, errA := strconv.ParseBool(a)
	boolB, errB := strconv.ParseBool(b)
	return errA == nil && errB == nil && boolA == boolB
}

// signatureParameters are names in the queries of signed URLs of storages. Others begin
// with one of signaturePrefixes, or are those of credentials.
var (
	signatureParameters = []string{
		"signature", "expires", "policy", "key-pair-id", "googleaccessid", "temp_url_sig", "temp_url_expires",
	}
	signaturePrefixes = []string{"x-amz-", "x-goog-"}
	// sasParameters are those of Azure, if there is a "sig" among them.
	sasParameters = []string{"sig", "se", "sp", "sv", "sr", "st", "spr", "sip", "skoid", "sktid", "skt", "ske", "sks", "skv"}
)

// unsigned returns a URL without its signature, decoded and with a sorted query.
func unsigned(text string) string {
	target, err := url.Parse(text)
	if err != nil {
		return text
	}
	query := target.Query()
	hasSAS := query.Has("sig")
	for key := range query {
		name := strings.ToLower(key)
		isPrefix := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
		if IsCredential(name) || slices.Contains(signatureParameters, name) || slices.ContainsFunc(signaturePrefixes, isPrefix) ||
			hasSAS && slices.Contains(sasParameters, name) {
			query.Del(key)
		}
	}
	return target.Host + target.Path + "?" + query.Encode()
}
