package storage

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/signature"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// grant is the response to an accepted upload.
type grant struct {
	key      string
	status   int
	redirect string
}

// check verifies a form and returns the id of its task. The storage does not know
// whether the task still exists.
func (s *Storage) check(r *http.Request, form received) (taskID string, g grant, fail *storageError) {
	if r.URL.Path != uploadPath {
		return "", grant{}, &storageError{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	}
	if form.fields["key"] == "" {
		return "", grant{}, invalidArgument("Bucket POST must contain a field named 'key'. " +
			"If it is specified, please check the order of the fields.")
	}
	if fail := s.checkPolicy(form.fields, s.clock.Now()); fail != nil {
		return "", grant{}, fail
	}
	id, _, _ := strings.Cut(form.fields["key"], "/")
	g = grant{
		key: strings.ReplaceAll(form.fields["key"], filenameToken, names.Base(form.filename)), status: http.StatusNoContent,
		redirect: form.fields["success_action_redirect"],
	}
	switch form.fields["success_action_status"] {
	case "200":
		g.status = http.StatusOK
	case "201":
		g.status = http.StatusCreated
	}
	return id, g, nil
}

// checkPolicy verifies the policy of a form and then its fields against it.
func (s *Storage) checkPolicy(fields map[string]string, now time.Time) *storageError {
	encoded := fields["policy"]
	switch {
	case encoded == "":
		return accessDenied("Access Denied")
	case fields["x-amz-algorithm"] != "AWS4-HMAC-SHA256":
		return invalidArgument("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"")
	case !signature.Valid(s.secret, encoded, fields["x-amz-signature"]):
		return wrongSignature()
	}
	var p policy
	raw, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(raw, &p) != nil {
		return invalidPolicy("Invalid JSON.")
	}
	expires, err := time.Parse(time.RFC3339, p.Expiration)
	if err != nil || !now.Before(expires) {
		return accessDenied("Invalid according to Policy: Policy expired.")
	}
	return p.check(fields)
}

func invalidPolicy(message string) *storageError {
	return &storageError{http.StatusBadRequest, "InvalidPolicyDocument", "Invalid Policy: " + message}
}

// check compares every field with its condition. A field without one is refused.
func (p policy) check(fields map[string]string) *storageError {
	allowed := []string{"policy", "x-amz-signature"}
	for _, condition := range p.Conditions {
		name, ok := satisfied(condition, fields)
		if !ok {
			return accessDenied("Invalid according to Policy: Policy Condition failed: " + conditionText(condition))
		}
		allowed = append(allowed, name)
	}
	for name := range fields {
		if !slices.Contains(allowed, name) && !strings.HasPrefix(name, "x-ignore-") {
			return accessDenied("Invalid according to Policy: Extra input fields: " + name)
		}
	}
	return nil
}

// satisfied returns the field of a condition, and whether its value is allowed.
func satisfied(condition any, fields map[string]string) (string, bool) {
	switch c := condition.(type) {
	case map[string]any:
		for name, want := range c {
			if name == "bucket" {
				return name, true // matches the path
			}
			return strings.ToLower(name), fields[strings.ToLower(name)] == want
		}
	case []any:
		if len(c) == 3 && c[0] == "starts-with" {
			field, _ := c[1].(string)
			prefix, _ := c[2].(string)
			name := strings.ToLower(strings.TrimPrefix(field, "$"))
			return name, strings.HasPrefix(fields[name], prefix)
		}
	}
	return "", true // the length is checked while reading the file
}

func conditionText(condition any) string {
	b, err := wire.Encode(condition)
	if err != nil {
		return ""
	}
	return string(b)
}

// write responds with the location of the file.
func (g grant) write(w http.ResponseWriter, origin, etag string) {
	location := origin + uploadPath + "/" + escapePath(g.key)
	w.Header().Set("ETag", etag)
	w.Header().Set("Location", location)
	w.Header().Set("Vary", "Origin")
	if g.redirect != "" {
		w.Header().Set("Location", withQuery(g.redirect, url.Values{"bucket": {bucket}, "key": {g.key}, "etag": {etag}}))
		g.status = http.StatusSeeOther
	}
	if g.status != http.StatusCreated {
		w.WriteHeader(g.status)
		return
	}
	writeXML(w, g.status, marshalXML(xmlStored{Location: location, Bucket: bucket, Key: g.key, ETag: etag}))
}

// withQuery adds query parameters to a URL.
func withQuery(rawURL string, extra url.Values) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return rawURL
	}
	q := u.Query()
	maps.Copy(q, extra)
	u.RawQuery = q.Encode()
	return u.String()
}
