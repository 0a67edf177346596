package cloudconvert

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// maxErrorBody bounds what an [Error] keeps of an answer.
const maxErrorBody = 8 << 10

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

// newError returns the error of a call that failed.
func newError(method, path string, answer engine.Answer) *Error {
	refusal := answer.Refusal(maxErrorBody)
	return &Error{
		StatusCode: answer.Status,
		Code:       Code(refusal.Code),
		Message:    refusal.Message,
		Fields:     refusal.Fields,
		RequestID:  refusal.RequestID,
		RetryAfter: refusal.RetryAfter,
		Attempts:   answer.Attempts,
		Method:     method,
		Path:       path,
		Body:       refusal.Body,
		err:        refusal.Err,
		unsent:     answer.Status == 0 && !answer.Open && !answer.OpenBefore,
		open:       answer.Open,
		openBefore: answer.OpenBefore,
	}
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
