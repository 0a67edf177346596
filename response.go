package cloudconvert

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// maxErrorBody bounds what an [Error] keeps of an answer.
const maxErrorBody = 8 << 10

// maxRefusal bounds what is read of a refusal. One of a job with a thousand tasks
// has about 100 KiB.
const maxRefusal = engine.MaxText

// Response is what [CaptureResponse] tells of an answer.
type Response struct {
	// StatusCode is the HTTP status, or 0 if no answer came.
	StatusCode int
	// Header holds the answer's header.
	Header http.Header
	// Body is the response's body with the secrets in it, such as the URLs of files. Only
	// the API key is left out of it and of Header if the response repeats it, and so is a
	// long query of the request.
	Body []byte
	// RequestID is the id that the service gave the request, if it did.
	RequestID string
	// RateLimit is what the answer said about limits. It is zero if it said nothing.
	RateLimit RateLimit
	// Attempts counts how often the request was sent to the host that responded.
	Attempts int
}

func newResponse(answer engine.Answer) Response {
	limit, _ := parseRateLimit(answer, time.Now())
	return Response{
		StatusCode: answer.Status,
		Header:     answer.Header.Clone(),
		Body:       bytes.Clone(answer.Body),
		RequestID:  answer.Hide(answer.Header.Get("X-Request-Id")),
		RateLimit:  limit,
		Attempts:   answer.Attempts,
	}
}

// newError makes an error of an answer that is none or not a successful one. What
// it quotes of the answer has no secret in it.
func newError(method, path string, answer engine.Answer) *Error {
	answer = answer.Hiding(sentSecrets(answer.Sent)...)
	e := &Error{
		StatusCode: answer.Status,
		RequestID:  answer.Hide(answer.Header.Get("X-Request-Id")),
		Attempts:   answer.Attempts,
		Method:     method,
		Path:       path,
		err:        answer.Err,
		unsent:     answer.Status == 0 && !answer.Open && !answer.OpenBefore,
		open:       answer.Open,
		openBefore: answer.OpenBefore,
	}
	if len(answer.Body) > 0 {
		e.Body = []byte(answer.Excerpt(string(withoutValues(answer.Body[:min(len(answer.Body), maxErrorBody)])), maxErrorBody))
	}
	e.RetryAfter, _ = engine.RetryAfter(answer.Header, time.Now())
	if blocked, ok := errors.AsType[*limiter.BlockedError](answer.Err); ok {
		e.RetryAfter = blocked.For
	}
	if !isSuccess(answer.Status) {
		e.explain(answer)
	}
	return e
}

// explain reads code and message from the body of a refusal, which may be the
// API's JSON, the storage's XML, a proxy's HTML page, or anything else. Secrets are
// hidden in what was read: a short one may be a word that the body consists of.
func (e *Error) explain(answer engine.Answer) {
	if len(answer.Body) > maxRefusal {
		return
	}
	var refusal struct {
		Message lenient.String                             `json:"message"`
		Code    lenient.String                             `json:"code"`
		Errors  lenient.Object[map[string]lenient.Strings] `json:"errors"`
	}
	if lenient.CheckDensity(answer.Body) == nil && json.Unmarshal(answer.Body, &refusal) == nil {
		e.Code, e.Message = Code(hideInName(answer, string(refusal.Code))), answer.Hide(string(refusal.Message))
		if len(refusal.Errors.Value) > 0 {
			e.Fields = make(map[string][]string, len(refusal.Errors.Value))
		}
		for field, texts := range refusal.Errors.Value {
			for i, text := range texts {
				texts[i] = answer.Hide(text)
			}
			e.Fields[hideInName(answer, field)] = texts
		}
		return
	}
	var storage struct {
		XMLName xml.Name `xml:"Error"`
		Code    string   `xml:"Code"`
		Message string   `xml:"Message"`
	}
	if xml.Unmarshal(answer.Body, &storage) == nil {
		e.Code, e.Message = Code(hideInName(answer, storage.Code)), answer.Hide(storage.Message)
	}
}

// namePattern is what codes and names of parameters look like. Their words are
// shorter than most secrets.
var namePattern = regexp.MustCompile(`^([A-Z0-9]{1,15}(_[A-Z0-9]{1,15})*|[a-z0-9]{1,15}([._-][a-z0-9]{1,15})*)$`)

// hideInName hides secrets in what should be a code or the name of a parameter.
func hideInName(answer engine.Answer, name string) string {
	if namePattern.MatchString(name) {
		return name
	}
	return answer.Hide(name)
}

// answerReader is what reads a whole answer in its own way.
type answerReader interface{ readAnswer(data []byte) error }

// decode reads the body of a successful answer into out.
func decode(answer engine.Answer, out any) error {
	if out == nil {
		return nil
	}
	if len(bytes.TrimSpace(answer.Body)) == 0 {
		return errors.New("the answer is empty")
	}
	err := lenient.CheckDensity(answer.Body)
	if reader, ok := out.(answerReader); ok && err == nil {
		err = reader.readAnswer(answer.Body)
	} else if err == nil {
		err = json.Unmarshal(answer.Body, out)
	}
	if err != nil {
		return fmt.Errorf("the answer (%s) is not what was expected: %w", contentType(answer.Header), err)
	}
	return nil
}

func contentType(header http.Header) string {
	if value := header.Get("Content-Type"); value != "" {
		return value
	}
	return "of no content type"
}
