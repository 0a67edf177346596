package testkit

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// ErrRefused is the error of a dial that was refused.
var ErrRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}

// API is an API in process.
type API func(*http.Request) (status int, body string)

// RoundTrip responds to a request whose context has not ended.
func (f API) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, body := f(r)
	return &http.Response{
		StatusCode: status,
		Header:     http.Header{"Content-Type": {"application/json"}},
		Body:       io.NopCloser(strings.NewReader(body)),
		Request:    r,
	}, nil
}

// NewClient returns a client of an API. It does not retry.
func NewClient(tb testing.TB, api API) *cloudconvert.Client {
	tb.Helper()
	client, err := cloudconvert.NewClient(Key,
		cloudconvert.WithHTTPClient(&http.Client{Transport: api}),
		cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1}))
	require.NoError(tb, err)
	return client
}

// Key is an invented API key.
const Key = "an-invented-api-key"

// A Reply responds to one request. As a transport it responds to each.
type Reply func(*http.Request) (*http.Response, error)

// RoundTrip calls f.
func (f Reply) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A Script is an API in process. It takes one reply for each request, and then
// repeats the last one. The requests may be read when none is running.
type Script struct {
	Replies  []Reply
	Requests []*http.Request
	Bodies   []string

	mu sync.Mutex
}

// RoundTrip records the request and returns the next reply.
func (s *Script) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body) // made of memory, it cannot fail
	}
	s.mu.Lock()
	s.Requests = append(s.Requests, req)
	s.Bodies = append(s.Bodies, string(body))
	next := s.Replies[min(len(s.Requests), len(s.Replies))-1]
	s.mu.Unlock()
	return next(req)
}

// URLs returns the requests so far, as "METHOD URL".
func (s *Script) URLs() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := make([]string, 0, len(s.Requests))
	for _, req := range s.Requests {
		urls = append(urls, req.Method+" "+req.URL.String())
	}
	return urls
}

// Says replies with JSON. The headers are names and values in turn.
func Says(status int, body string, headers ...string) Reply {
	return func(req *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: header, Request: req,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

// Fails replies with an error.
func Fails(err error) Reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// BreaksOff replies with a response that breaks off after the body.
func BreaksOff(status int, body string) Reply {
	return func(req *http.Request) (*http.Response, error) {
		rest := io.MultiReader(strings.NewReader(body), iotest.ErrReader(errors.New("connection reset by peer")))
		return &http.Response{StatusCode: status, Body: io.NopCloser(rest), Request: req}, nil
	}
}

// NewScript returns a client of a script. Its URLs have a base path, so that a
// request with an absolute path is noticed.
func NewScript(tb testing.TB, replies ...Reply) (*cloudconvert.Client, *Script) {
	tb.Helper()
	return NewScriptWith(tb, nil, replies...)
}

// NewScriptWith is [NewScript] with options for the client.
func NewScriptWith(tb testing.TB, opts []cloudconvert.Option, replies ...Reply) (*cloudconvert.Client, *Script) {
	tb.Helper()
	script := &Script{Replies: replies}
	opts = append([]cloudconvert.Option{
		cloudconvert.WithBaseURLs("https://api.example.com/base/v2", "https://sync.example.com/base/v2"),
		cloudconvert.WithHTTPClient(&http.Client{Transport: script}),
	}, opts...)
	client, err := cloudconvert.NewClient(Key, opts...)
	require.NoError(tb, err)
	return client, script
}

// OnlyOnce is for tests that are not about retries.
func OnlyOnce() cloudconvert.Option {
	return cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1})
}

// Bodies of responses.
const (
	EmptyUser  = `{"data": {"id": 1}}`
	RunningJob = `{"data": {"id": "job-1", "status": "processing", "tasks": []}}`
	EndedJob   = `{"data": {"id": "job-1", "status": "finished", "tasks": []}}`
)

// WaitingTask returns a task that waits for a file.
func WaitingTask(fields ...cloudconvert.FormField) cloudconvert.Task {
	return cloudconvert.Task{
		ID: "task", Name: "import", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: "https://storage.example.com/bucket", Fields: fields}},
	}
}

// SourceText is the content of a source.
const SourceText = "what is in the file"

// NewUploader returns a client of a storage that gives the replies, and the
// client's directory for temporary files.
func NewUploader(t *testing.T, replies ...Reply) (*cloudconvert.Client, *Script, string) {
	t.Helper()
	dir := t.TempDir()
	client, script := NewScriptWith(t, []cloudconvert.Option{
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: dir}),
	}, replies...)
	return client, script, dir
}
