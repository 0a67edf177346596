package cloudconverttest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
)

// member is a name and its value in a JSON object whose order matters.
type member struct {
	name  string
	value json.RawMessage
}

var errNotObject = errors.New("not a JSON object")

// fields reads the body of a request as the service does: what is neither JSON nor a form is an empty request.
func (c *call) fields() (map[string]json.RawMessage, error) {
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return nil, err
	}
	mediaType, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil {
		return map[string]json.RawMessage{}, nil //nolint:nilerr // no usable content type, so no fields
	}
	switch {
	case mediaType == "application/json" || strings.HasSuffix(mediaType, "+json"):
		return jsonFields(body), nil
	case mediaType == "application/x-www-form-urlencoded" && c.r.Method == http.MethodPost:
		return formFields(body), nil
	}
	return map[string]json.RawMessage{}, nil
}

func jsonFields(body []byte) map[string]json.RawMessage {
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
		if raw, err := encode(values.Get(name)); err == nil {
			fields[name] = raw
		}
	}
	return fields
}

// isNull is true for an absent value too: both mean the same to the service.
func isNull(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// orderedObject reads an object keeping the order of its members. Of a name that comes twice the last value counts, at the
// place of the first.
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

// decodeValue reads any JSON value; numbers stay as they were written.
func decodeValue(raw json.RawMessage) any {
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
