package cloudconvert

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
)

// CaptureResponse stores status, header and body of the response in r, also when the call
// fails. After several attempts it is the last response.
func CaptureResponse(r *Response) CallOption {
	return callOption{"CaptureResponse", func(c *call) error {
		if r == nil {
			return errors.New("CaptureResponse: the response is nil")
		}
		c.captures = append(c.captures, r)
		return nil
	}}
}

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

// maxResponse bounds what is read of a response of the API. The largest known, the
// unfiltered catalogue of formats, has about 350 kB.
const maxResponse = 32 << 20

// decode reads the body of a successful response into out.
func (c *core) decode(call call, answer engine.Outcome, out any) error {
	err := lenient.CheckDensity(answer.Body)
	switch {
	case len(bytes.TrimSpace(answer.Body)) == 0:
		err = errors.New("it is empty")
	case err == nil && !json.Valid(answer.Body):
		err = json.Unmarshal(answer.Body, new(json.RawMessage)) // says what is wrong with it
	case err == nil:
		err = lenient.Unmarshal(answer.Body, out)
	}
	if err == nil {
		return nil
	}
	contentType := cmp.Or(answer.Header.Get("Content-Type"), "of no content type")
	answer.Err, answer.Open = fmt.Errorf("unexpected response (%s): %w", contentType, err), true
	return newError(call.method, c.pathOn(call), answer)
}

// envelope is what the API puts around every object.
type envelope[T any] struct{ data T }

// UnmarshalJSON takes the object out.
func (e *envelope[T]) UnmarshalJSON(data []byte) error {
	object := lenient.Find(data, "data")
	if object == nil || string(object) == "null" {
		return errors.New("it has no data")
	}
	return lenient.Unmarshal(object, &e.data)
}

// object makes a call whose response is one object.
func object[T any](ctx context.Context, c *core, call call, opts []CallOption) (*T, error) {
	var response envelope[T]
	if err := c.do(ctx, call, &response, opts...); err != nil {
		return nil, err
	}
	return &response.data, nil
}
