package request

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// member is a member of a JSON object whose order matters.
type member struct {
	name  string
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// Fields decodes the body of a request. As with the service, a body that is neither JSON
// nor a form counts as empty.
func Fields(r *http.Request) (map[string]json.RawMessage, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	mediaType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return map[string]json.RawMessage{}, nil //nolint:nilerr // no usable content type, so no fields
	}
	switch {
	case mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"):
		return JSON(body), nil
	case mediaType == "application/x-www-form-urlencoded" && r.Method == http.MethodPost:
		return formFields(body), nil
	}
	return map[string]json.RawMessage{}, nil
}

// JSON decodes an object. Anything else counts as an empty one.
func JSON(body []byte) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return map[string]json.RawMessage{}
	}
	return fields
}

func formFields(body []byte) map[string]json.RawMessage {
	fields := map[string]json.RawMessage{}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return fields
	}
	for name := range values {
		if raw, err := wire.Encode(values.Get(name)); err == nil {
			fields[name] = raw
		}
	}
	return fields
}

// isNull reports whether a value is null or absent, which the service does not
// distinguish.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// orderedObject decodes an object in the order of its members. A duplicate name has the
// last value, in the place of the first.
func orderedObject(raw json.RawMessage) ([]member, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return nil, errNotObject
	}
	var members []member
	at := map[string]int{}
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return nil, errNotObject
		}
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			return nil, errNotObject
		}
		if i, ok := at[name]; ok {
			members[i].value = value
			continue
		}
		at[name] = len(members)
		members = append(members, member{name, value})
	}
	return members, nil
}

// Decode decodes any JSON value. Numbers are kept as json.Number.
func Decode(raw json.RawMessage) any {
	if isNull(raw) {
		return nil
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}
