package record

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	recordedString = 1024      // longest string of a recorded body
	recordedBody   = 64 * 1024 // longest recorded body
)

// secretField reports whether a member of a request holds a credential.
func secretField(name string) bool {
	switch name {
	case "secret_access_key", "session_token", "storage_access_key", "sas_token", "private_key", "password",
		"set_password", "set_owner_password", "client_secret", "refresh_token", "access_token", "code":
		return true
	}
	return false
}

// secretObject reports whether all strings inside a member may be credentials.
func secretObject(name string) bool { return name == "headers" }

// Form redacts the body of a form.
func Form(body []byte) []byte {
	v, err := url.ParseQuery(string(body))
	if err != nil {
		return nil
	}
	return bound([]byte(query(v).Encode()))
}

// JSON redacts a JSON body and shortens its long strings. It keeps the order and
// the layout. A body that is not JSON is shortened.
func JSON(body []byte) []byte {
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
	secret  int // depth at which a secret object began, 0 if outside
}

func (r *redactor) step() {
	c := r.in[0]
	if c == '"' {
		r.text()
		return
	}
	switch c {
	case '{', '[':
		r.depth++
		if r.secret == 0 && (secretObject(r.key) || secretField(r.key)) {
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
		if secretField(name) || secretObject(name) {
			v = redacted
		}
		out[name] = v
	}
	return out
}

const redacted = "REDACTED"

// secretQuery are the query parameters and form fields that are redacted.
var secretQuery = []string{
	"s", "signature", "x-amz-signature", "x-amz-credential", "code", "access_token", "client_secret", "refresh_token",
	"x-amz-security-token", "temp_url_sig", "job",
}

func query(v url.Values) url.Values {
	for name := range v {
		if slices.Contains(secretQuery, strings.ToLower(name)) {
			v[name] = []string{redacted}
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
