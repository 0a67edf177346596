package engine_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/limiter"
)

// errReset is what a transport says when a connection breaks.
var errReset = errors.New("connection reset by peer")

// A step answers one attempt.
type step func(*http.Request) (*http.Response, error)

// network is a transport in process. It takes one step for each attempt, and
// the last one again and again.
type network struct {
	steps []step

	mu     sync.Mutex
	at     []time.Time
	bodies []string
	seen   []*http.Request
}

func (n *network) RoundTrip(req *http.Request) (*http.Response, error) {
	return n.next(req)(req)
}

// next records a request and returns the step that answers it.
func (n *network) next(req *http.Request) step {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body) // made of memory, it cannot fail
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = append(n.at, time.Now())
	n.bodies = append(n.bodies, string(body))
	n.seen = append(n.seen, req)
	return n.steps[min(len(n.at), len(n.steps))-1]
}

// pauses returns the times between the attempts.
func (n *network) pauses() []time.Duration {
	var pauses []time.Duration
	for i := range len(n.at) - 1 {
		pauses = append(pauses, n.at[i+1].Sub(n.at[i]))
	}
	return pauses
}

// answer answers with a status, a body and headers, given as names and values.
func answer(status int, body string, headers ...string) step {
	return func(req *http.Request) (*http.Response, error) {
		header := http.Header{}
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: header, Request: req, Body: io.NopCloser(strings.NewReader(body)),
		}, nil
	}
}

// fail gives no answer.
func fail(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// cut breaks off in the middle of the body.
func cut(status int, err error) step {
	return func(req *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(`{"data": {"id": "`), brokenReader{err})
		return &http.Response{StatusCode: status, Request: req, Body: io.NopCloser(body)}, nil
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// hang answers when the context of the request ends.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// after takes a step some time later.
func after(d time.Duration, then step) step {
	return func(req *http.Request) (*http.Response, error) {
		advance(d)
		return then(req)
	}
}

// advance lets time pass within a bubble.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the clock of a bubble, not a real one.
}

const (
	attempts = 5
	minWait  = 500 * time.Millisecond
	maxWait  = 3 * time.Second
	maxAsked = 2 * time.Minute
)

// configure returns a configuration with a transport.
func configure(transport http.RoundTripper) engine.Config {
	return engine.Config{
		Client:    &http.Client{Transport: transport},
		Attempts:  attempts,
		Pauses:    engine.Pauses{MinWait: minWait, MaxWait: maxWait, MaxRetryAfter: maxAsked},
		MaxAnswer: 1 << 10,
		Limiter:   &limiter.Limiter{},
		Observe:   func(engine.Outcome) {},
		Logger:    slog.New(slog.DiscardHandler),
	}
}

// quick is for transports that use the network, where the clock is a real one.
func quick(transport http.RoundTripper) engine.Config {
	config := configure(transport)
	config.MinWait, config.MaxWait = time.Millisecond, time.Millisecond
	return config
}

// newCall returns a call as the API gets them.
func newCall(t *testing.T, method, address string) engine.Call {
	t.Helper()
	target, err := url.Parse(address)
	require.NoError(t, err)
	call := engine.Call{Method: method, URL: target, Header: http.Header{"Accept": {"application/json"}}, Timeout: time.Minute}
	if method == http.MethodPost {
		call.Body = []byte(`{"tasks": {}}`)
		call.Limited = true
	}
	return call
}

// send makes a call with the given steps for answers.
func send(t *testing.T, method string, steps ...step) (engine.Outcome, *network) {
	t.Helper()
	n := &network{steps: steps}
	return engine.New(configure(n)).Send(t.Context(), newCall(t, method, "https://api.example/v2/jobs")), n
}

// records returns a logger for everything and what it wrote.
func records() (*slog.Logger, *bytes.Buffer) {
	var buffer bytes.Buffer
	return slog.New(slog.NewJSONHandler(&buffer, &slog.HandlerOptions{Level: slog.LevelDebug})), &buffer
}

// assertWithin asserts that a time is at least low and less than high.
func assertWithin(t *testing.T, low, high, got time.Duration) {
	t.Helper()
	assert.GreaterOrEqual(t, got, low)
	assert.Less(t, got, high)
}
