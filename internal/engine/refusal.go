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

// maxRefusal bounds the bodies that are parsed. The error response to a job of a thousand
// tasks has about 100 KiB.
const maxRefusal = MaxText

// Refusal is what an error response says, without secrets.
type Refusal struct {
	Code, Message string
	Fields        map[string][]string // messages by parameter
	Body          []byte              // the beginning of the body
	RequestID     string
	RetryAfter    time.Duration // 0 if the response does not ask for a pause
	Err           error         // of the outcome
}

// Refusal parses an error response. It keeps at most maxBody bytes of the body.
func (o Outcome) Refusal(maxBody int) Refusal {
	o = o.Hiding(sentSecrets(o.Sent)...)
	r := Refusal{RequestID: o.Hide(o.Header.Get("X-Request-Id")), Err: o.Err}
	if len(o.Body) > 0 {
		r.Body = []byte(o.excerpt(string(withoutValues(o.Body[:min(len(o.Body), maxBody)])), maxBody))
	}
	r.RetryAfter, _ = RetryAfter(o.Header, time.Now())
	if blocked, ok := errors.AsType[*limiter.BlockedError](o.Err); ok {
		r.RetryAfter = blocked.For
	}
	if !IsSuccess(o.Status) && len(o.Body) <= maxRefusal {
		r.read(o)
	}
	return r
}

// read parses the body, which may be JSON of the API, XML of the storage, an HTML page of
// a proxy, or anything else. Secrets are hidden after parsing: a short secret may be a
// word that the syntax consists of.
func (r *Refusal) read(o Outcome) {
	var refusal struct {
		Message lenient.String                             `json:"message"`
		Code    lenient.String                             `json:"code"`
		Errors  lenient.Object[map[string]lenient.Strings] `json:"errors"`
	}
	if lenient.CheckDensity(o.Body) == nil && json.Unmarshal(o.Body, &refusal) == nil {
		r.Code, r.Message = o.hideInName(string(refusal.Code)), o.Hide(string(refusal.Message))
		if len(refusal.Errors.Value) > 0 {
			r.Fields = make(map[string][]string, len(refusal.Errors.Value))
		}
		for field, texts := range refusal.Errors.Value {
			for i, text := range texts {
				texts[i] = o.Hide(text)
			}
			r.Fields[o.hideInName(field)] = texts
		}
		return
	}
	var storage struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}
	if xml.Unmarshal(o.Body, &storage) == nil {
		r.Code, r.Message = o.hideInName(storage.Code), o.Hide(storage.Message)
	}
}

// namePattern matches codes and names of parameters. Their words are shorter than most
// secrets.
var namePattern = regexp.MustCompile(`^([A-Z0-9]{1,15}(_[A-Z0-9]{1,15})*|[a-z0-9]{1,15}([._-][a-z0-9]{1,15})*)$`)

// hideInName hides secrets in a value that should be a code or the name of a parameter.
func (o Outcome) hideInName(name string) string {
	if namePattern.MatchString(name) {
		return name
	}
	return o.Hide(name)
}
