package cloudconvert_test

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
)

// apiOnly traces requests to the API. Those to storage are not traced, since their
// URLs are secrets.
type apiOnly struct {
	*http.Transport                   // not traced
	traced          http.RoundTripper // by the same transport
	api             []string          // base URLs
}

func (t apiOnly) RoundTrip(req *http.Request) (*http.Response, error) {
	for _, base := range t.api {
		if strings.HasPrefix(req.URL.String(), base+"/") {
			return t.traced.RoundTrip(req)
		}
	}
	return t.Transport.RoundTrip(req)
}

// tracing stands in for a tracing package, which wraps a transport.
func tracing(next http.RoundTripper) http.RoundTripper {
	return roundTripFunc(func(req *http.Request) (*http.Response, error) {
		resp, err := next.RoundTrip(req)
		if err != nil {
			return nil, fmt.Errorf("traced: %w", err)
		}
		fmt.Println("traced:", req.Method, req.URL.Path, resp.StatusCode)
		return resp, nil
	})
}

type roundTripFunc func(*http.Request) (*http.Response, error)

func (f roundTripFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// Trace requests to the API, but not those to storage.
func ExampleWithHTTPClient_tracing() {
	key := "an-invented-key"

	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.HTTP2 = &http.HTTP2Config{SendPingTimeout: 15 * time.Second}
	client, err := cloudconvert.NewClient(key, cloudconvert.WithHTTPClient(&http.Client{Transport: apiOnly{
		Transport: transport,
		traced:    tracing(transport),
		api:       []string{"https://api.cloudconvert.com/v2", "https://sync.api.cloudconvert.com/v2"},
	}}))

	fmt.Println(client, err)
	// Output: cloudconvert.Client(api.cloudconvert.com) <nil>
}
