package engine

import (
	"errors"
	"net/http"
)

// RoundTrip makes a round trip by a transport, which may be nil for the default
// one. It mends answers as [http.Client] does, and takes the body from those
// whose body is a connection for another protocol: no context ends a read of it.
func RoundTrip(transport http.RoundTripper, req *http.Request) (*http.Response, error) {
	if transport == nil {
		transport = http.DefaultTransport
	}
	resp, err := transport.RoundTrip(req)
	switch {
	case err != nil:
		return nil, err
	case resp == nil:
		return nil, errors.New("the transport gave neither an answer nor an error")
	case resp.Body == nil:
		resp.Body = http.NoBody
	case resp.StatusCode == http.StatusSwitchingProtocols:
		// Nobody asked for that protocol, and nothing was said in it.
		_ = resp.Body.Close()
		resp.Body = http.NoBody
	}
	return resp, nil
}
