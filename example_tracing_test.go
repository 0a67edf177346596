package cloudconvert_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// apiOnly traces requests to the API. Those to storage are not traced, since their
// URLs are secrets.
type apiOnly struct{ traced, untraced http.RoundTripper }

func (t apiOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Hostname(), "api.cloudconvert.com") {
		return t.traced.RoundTrip(req)
	}
	return t.untraced.RoundTrip(req)
}

// tracing stands for a package that wraps a transport.
func tracing(next http.RoundTripper) http.RoundTripper {
	return roundTripFunc(func(req *http.Request) (*http.Response, error) {
		fmt.Println("traced:", req.Method, req.URL)
		return next.RoundTrip(req)
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// serviceInProcess answers as the API and as storage do.
func serviceInProcess(req *http.Request) (*http.Response, error) {
	body := "%PDF-1.7"
	if req.URL.Host == "api.cloudconvert.com" {
		body = `{"data": {"id": "1", "status": "finished", "tasks": [{"id": "2", "operation": "export/url", "status": "finished", "result":
			{"files": [{"filename": "report.pdf", "url": "https://storage.cloudconvert.com/report.pdf?X-Amz-Signature=invented"}]}}]}}`
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: req,
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}, nil
}

func ExampleWithHTTPClient_tracing() {
	ctx, key := context.Background(), "an-invented-key"
	transport := roundTripFunc(serviceInProcess)

	client, err := cloudconvert.NewClient(key, cloudconvert.WithHTTPClient(&http.Client{
		Transport: apiOnly{traced: tracing(transport), untraced: transport},
	}))
	must(err)

	job, err := client.Jobs.Get(ctx, "1")
	must(err)
	size, err := client.Download(ctx, job.Files()[0], io.Discard)
	fmt.Println(size, err)
	// Output:
	// traced: GET https://api.cloudconvert.com/v2/jobs/1
	// 8 <nil>
}
