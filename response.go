package cloudconvert

import (
	"bytes"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Response is what [CaptureResponse] stores.
type Response struct {
	// StatusCode is the HTTP status, or 0 if no response came.
	StatusCode int
	// Header is the header of the response.
	Header http.Header
	// Body is the response's body with the secrets in it, such as the URLs of files. Only
	// the API key is left out of it and of Header if the response repeats it, and so is a
	// long query of the request.
	Body []byte
	// RequestID is the id that the service gave the request, if it did.
	RequestID string
	// RateLimit is what the response says about limits. It is zero if it says nothing.
	RateLimit RateLimit
	// Attempts counts how often the request was sent to the host that responded.
	Attempts int
}

func newResponse(answer engine.Outcome) Response {
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
