package engine

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"regexp"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// maxRefusal bounds what is read of a refusal. One of a job with a thousand tasks has
// about 100 KiB.
const maxRefusal = MaxText

// Refusal is what an answer says that is not a success, without secrets.
type Refusal struct {
	Code, Message string
	Fields        map[string][]string // what is wrong, by parameter
	Body          []byte              // the beginning of the body
	RequestID     string
	RetryAfter    time.Duration // 0 if no wait is asked for
	Err           error         // of the answer
}

// Refusal reads an answer that is not a success, and keeps at most maxBody bytes of its
// body.
func (a Outcome) Refusal(maxBody int) Refusal {
	a = a.Hiding(sentSecrets(a.Sent)...)
	r := Refusal{RequestID: a.Hide(a.Header.Get("X-Request-Id")), Err: a.Err}
	if len(a.Body) > 0 {
		r.Body = []byte(a.Excerpt(string(withoutValues(a.Body[:min(len(a.Body), maxBody)])), maxBody))
	}
	r.RetryAfter, _ = RetryAfter(a.Header, time.Now())
	if blocked, ok := errors.AsType[*limiter.BlockedError](a.Err); ok {
		r.RetryAfter = blocked.For
	}
	if !isSuccess(a.Status) && len(a.Body) <= maxRefusal {
		r.read(a)
	}
	return r
}

// read reads a body, which may be the API's JSON, the storage's XML, a proxy's HTML page,
// or anything else. Secrets are hidden in what was read: a short one may be a word that
// the body consists of.
func (r *Refusal) read(a Outcome) {
	var refusal struct {
		Message lenient.String                             `json:"message"`
		Code    lenient.String                             `json:"code"`
		Errors  lenient.Object[map[string]lenient.Strings] `json:"errors"`
	}
	if lenient.CheckDensity(a.Body) == nil && json.Unmarshal(a.Body, &refusal) == nil {
		r.Code, r.Message = a.hideInName(string(refusal.Code)), a.Hide(string(refusal.Message))
		if len(refusal.Errors.Value) > 0 {
			r.Fields = make(map[string][]string, len(refusal.Errors.Value))
		}
		for field, texts := range refusal.Errors.Value {
			for i, text := range texts {
				texts[i] = a.Hide(text)
			}
			r.Fields[a.hideInName(field)] = texts
		}
		return
	}
	var storage struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}
	if xml.Unmarshal(a.Body, &storage) == nil {
		r.Code, r.Message = a.hideInName(storage.Code), a.Hide(storage.Message)
	}
}

// namePattern is what codes and names of parameters look like. Their words are shorter
// than most secrets.
var namePattern = regexp.MustCompile(`^([A-Z0-9]{1,15}(_[A-Z0-9]{1,15})*|[a-z0-9]{1,15}([._-][a-z0-9]{1,15})*)$`)

// hideInName hides secrets in what should be a code or the name of a parameter.
func (a Outcome) hideInName(name string) string {
	if namePattern.MatchString(name) {
		return name
	}
	return a.Hide(name)
}
