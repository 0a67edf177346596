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

// errReset is the error of a broken connection.
var errReset = errors.New("connection reset by peer")

// A step responds to one attempt.
type step func(*http.Request) (*http.Response, error)

// network is an in-process transport. It takes one step for each attempt, and repeats the
// last.
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

// next records a request and returns the step that responds to it.
func (n *network) next(req *http.Request) step {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body) // it is in memory, and cannot fail
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.at = append(n.at, time.Now())
	n.bodies = append(n.bodies, string(body))
	n.seen = append(n.seen, req)
	return n.steps[min(len(n.at), len(n.steps))-1]
}

// pauses returns the pauses between the attempts.
func (n *network) pauses() []time.Duration {
	var pauses []time.Duration
	for i := range len(n.at) - 1 {
		pauses = append(pauses, n.at[i+1].Sub(n.at[i]))
	}
	return pauses
}

// respond responds with a status, a body, and headers given as names and values.
func respond(status int, body string, headers ...string) step {
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

// fail returns an error instead of a response.
func fail(err error) step {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// cut responds with a body that breaks off.
func cut(status int, err error) step {
	return func(req *http.Request) (*http.Response, error) {
		body := io.MultiReader(strings.NewReader(`{"data": {"id": "`), brokenReader{err})
		return &http.Response{StatusCode: status, Request: req, Body: io.NopCloser(body)}, nil
	}
}

type brokenReader struct{ err error }

func (r brokenReader) Read([]byte) (int, error) { return 0, r.err }

// hang returns when the context of the request ends.
func hang(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// after takes a step after d.
func after(d time.Duration, then step) step {
	return func(req *http.Request) (*http.Response, error) {
		advance(d)
		return then(req)
	}
}

// advance lets time pass in a synctest bubble.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // the clock of a bubble is not a real one.
}

const (
	attempts = 5
	minWait  = 500 * time.Millisecond
	maxWait  = 3 * time.Second
	maxAsked = 2 * time.Minute
)

// configure returns a configuration for a transport.
func configure(transport http.RoundTripper) engine.Config {
	return engine.Config{
		Client:      &http.Client{Transport: transport},
		Attempts:    attempts,
		Pauses:      engine.Pauses{MinWait: minWait, MaxWait: maxWait, MaxRetryAfter: maxAsked},
		MaxResponse: 1 << 10,
		Limiter:     &limiter.Limiter{},
		Record:      func(engine.Outcome) {},
		Logger:      slog.New(slog.DiscardHandler),
	}
}

// quick returns a configuration for a transport that uses the network and the real clock.
func quick(transport http.RoundTripper) engine.Config {
	config := configure(transport)
	config.MinWait, config.MaxWait = time.Millisecond, time.Millisecond
	return config
}

// newCall returns a call like those of the client.
func newCall(t *testing.T, method, rawURL string) engine.Call {
	t.Helper()
	target, err := url.Parse(rawURL)
	require.NoError(t, err)
	call := engine.Call{Method: method, URL: target, Header: http.Header{"Accept": {"application/json"}}, Timeout: time.Minute}
	if method == http.MethodPost {
		call.Body = []byte(`{"tasks": {}}`)
		call.Limited = true
	}
	return call
}

// send makes a call, to which the steps respond.
func send(t *testing.T, method string, steps ...step) (engine.Outcome, *network) {
	t.Helper()
	n := &network{steps: steps}
	return engine.New(configure(n)).Send(t.Context(), newCall(t, method, "https://api.example/v2/jobs")), n
}

// records returns a logger for all levels, and its output.
func records() (*slog.Logger, *bytes.Buffer) {
	var buffer bytes.Buffer
	return slog.New(slog.NewJSONHandler(&buffer, &slog.HandlerOptions{Level: slog.LevelDebug})), &buffer
}

// assertWithin asserts low <= got < high.
func assertWithin(t *testing.T, low, high, got time.Duration) {
	t.Helper()
	assert.GreaterOrEqual(t, got, low)
	assert.Less(t, got, high)
}
