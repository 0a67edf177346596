package record

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

const (
	recordedString = 1024      // longest string of a recorded body
	recordedBody   = 64 * 1024 // longest recorded body
)

// secretField reports whether a member of a request holds credentials.
func secretField(name string) bool {
	switch name {
	case "secret_access_key", "session_token", "storage_access_key", "sas_token", "private_key", "password",
		"set_password", "set_owner_password", "client_secret", "refresh_token", "access_token", "code", "headers":
		return true
	}
	return false
}

// Body redacts the body of a request with a content type, and shortens it. It returns
// nothing for a body that is neither JSON nor a form, where no credential can be found.
func Body(contentType string, body []byte) []byte {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err == nil && mediaType == "application/x-www-form-urlencoded" {
		return form(body)
	}
	return jsonBody(body)
}

func form(body []byte) []byte {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return bound([]byte(query(v).Encode()))
}

// jsonBody redacts JSON and shortens its long strings. It keeps the order and the layout.
func jsonBody(body []byte) []byte {
	if !json.Valid(body) {
		return nil
	}
	r := redactor{in: body}
	for len(r.in) > 0 && len(r.out) <= recordedBody {
		r.step()
	}
	return bound(r.out)
}

func bound(body []byte) []byte { return bytes.Clone(body[:min(len(body), recordedBody)]) }

// redactor copies JSON token by token.
type redactor struct {
	in, out []byte
	key     string // of the value that comes next
	depth   int
	secret  int // depth at which a secret object or array began, 0 if outside
}

func (r *redactor) step() {
	c := r.in[0]
	switch c {
	case '"':
		r.text()
		return
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 't', 'f':
		r.literal()
		return
	case '{', '[':
		r.depth++
		if r.secret == 0 && secretField(r.key) {
			r.secret = r.depth
		}
		r.key = ""
	case ',':
		r.key = ""
	case '}', ']':
		if r.secret == r.depth {
			r.secret = 0
		}
		r.depth--
	}
	r.out = append(r.out, c)
	r.in = r.in[1:]
}

// literal copies a number or a boolean.
func (r *redactor) literal() {
	end := bytes.IndexAny(r.in, ",]} \t\r\n")
	if end < 0 {
		end = len(r.in)
	}
	if r.secret > 0 || secretField(r.key) {
		r.out = append(r.out, `"`+redacted+`"`...)
	} else {
		r.out = append(r.out, r.in[:end]...)
	}
	r.in = r.in[end:]
}

func (r *redactor) text() {
	end := stringEnd(r.in)
	token := r.in[:end]
	r.in = r.in[end:]
	if bytes.HasPrefix(bytes.TrimLeft(r.in, " \t\r\n"), []byte{':'}) {
		r.key = unquote(token)
		r.out = append(r.out, token...)
		return
	}
	r.out = append(r.out, r.value(token)...)
}

func (r *redactor) value(token []byte) []byte {
	if r.secret > 0 || secretField(r.key) {
		return []byte(`"` + redacted + `"`)
	}
	if text := unquote(token); URL(text) != text {
		token, _ = wire.Encode(URL(text)) // a string can be encoded
	}
	if len(token) <= recordedString {
		return token
	}
	// Cut before the last escape sequence that might be incomplete.
	head := token[:recordedString]
	if i := bytes.LastIndexByte(head, '\\'); i >= len(head)-12 {
		head = head[:i]
	}
	head = bytes.ToValidUTF8(head, nil)
	return append(bytes.Clone(head), "… ("+strconv.Itoa(len(token)-2)+` bytes)"`...)
}

// stringEnd returns the length of the string token in begins with.
func stringEnd(in []byte) int {
	for i := 1; i < len(in); i++ {
		switch in[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(in)
}

func unquote(token []byte) string {
	var s string
	if json.Unmarshal(token, &s) != nil {
		return ""
	}
	return s
}

// Parameters returns a copy of the parameters of a task without its credentials.
func Parameters(params map[string]any) map[string]any {
	out := make(map[string]any, len(params))
	for name, v := range params {
		if secretField(name) {
			v = redacted
		}
		out[name] = parameter(v)
	}
	return out
}

func parameter(v any) any {
	switch v := v.(type) {
	case string:
		return URL(v)
	case map[string]any:
		return Parameters(v)
	case []any:
		out := make([]any, len(v))
		for i, element := range v {
			out[i] = parameter(element)
		}
		return out
	}
	return v
}

// URL redacts the userinfo of a URL and the credentials in its query. It returns any other
// text without changes.
func URL(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	u, err := url.Parse(text)
	switch {
	case err != nil && strings.ContainsAny(text, "@?"):
		return redacted
	case err != nil || u.User == nil && u.RawQuery == "":
		return text
	}
	if u.User != nil {
		u.User = url.User(redacted)
	}
	parameters := strings.Split(u.RawQuery, "&")
	for i, p := range parameters {
		name, _, _ := strings.Cut(p, "=")
		decoded, err := url.QueryUnescape(name)
		if err != nil || secretQuery(decoded) || decoded == "key" { // in a form, key names an object
			parameters[i] = name + "=" + redacted
		}
	}
	u.RawQuery = strings.Join(parameters, "&")
	return u.String()
}

const redacted = "REDACTED"

// secretQuery reports whether a query parameter or a form field, such as "password" or
// "tasks[in][password]", holds a credential.
func secretQuery(name string) bool {
	return slices.ContainsFunc(strings.FieldsFunc(strings.ToLower(name), isBracket), func(part string) bool {
		return secretField(part) || slices.Contains(secretParameters, part)
	})
}

func isBracket(r rune) bool { return r == '[' || r == ']' }

// secretParameters are the query parameters that hold credentials, beyond secretField.
var secretParameters = []string{
	"s", "job", "api_key", "apikey", "token", "sig", "signature", "temp_url_sig",
	"x-amz-signature", "x-amz-credential", "x-amz-security-token", "x-goog-signature", "x-goog-credential",
}

func query(v url.Values) url.Values {
	for name, values := range v {
		for i, value := range values {
			if values[i] = URL(value); secretQuery(name) {
				values[i] = redacted
			}
		}
	}
	return v
}

func header(h http.Header) http.Header {
	h = h.Clone()
	for _, name := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		for i, v := range h[name] {
			h[name][i] = scheme(v)
		}
	}
	return h
}

// scheme redacts all but the first word of a header such as "Bearer key".
func scheme(v string) string {
	if name, _, ok := strings.Cut(v, " "); ok {
		return name + " " + redacted
	}
	return redacted
}
