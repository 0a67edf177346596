package cloudconvert

import (
	"bytes"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Response is what [CaptureResponse] stores.
type Response struct {
	// StatusCode is the HTTP status, or 0 without a response.
	StatusCode int
	// Header is the header of the response.
	Header http.Header
	// Body is the body of the response with the secrets in it, such as the URLs of
	// files. Only the API key and a long query of the request are removed from Body and
	// Header, if the response repeats them.
	Body []byte
	// RequestID is the id that the service gave the request, or "".
	RequestID string
	// RateLimit is the rate limit in the response. It is zero if there is none.
	RateLimit RateLimit
	// Attempts counts how often the request was sent to the host that responded.
	Attempts int
}

func newResponse(outcome engine.Outcome) Response {
	limit, _ := parseRateLimit(outcome, time.Now())
	return Response{
		StatusCode: outcome.Status,
		Header:     outcome.Header.Clone(),
		Body:       bytes.Clone(outcome.Body),
		RequestID:  outcome.Hide(outcome.Header.Get("X-Request-Id")),
		RateLimit:  limit,
		Attempts:   outcome.Attempts,
	}
}
