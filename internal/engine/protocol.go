package engine

import (
	"net/http"
	"slices"
	"time"
)

// NewTransport returns the default transport. It keeps enough idle connections for a
// batch, and uses HTTP/1.1. All streams of an HTTP/2 connection share its flow control
// window, 64 KiB by default. With a round trip of 30 ms, HTTP/1.1 was as fast or faster
// in all cases except small requests beside large transfers (39 ms against 32):
//
//	                                            HTTP/1.1   HTTP/2
//	upload of 16 MiB through nginx              0.09 s     8.1 s
//	upload of 256 MiB to a Go server            524 MiB/s  30 MiB/s
//	download of 256 MiB from a Go server        579 MiB/s  118 MiB/s
//	48 files of 4 MiB, 16 at once               42/s       7/s
//	conversion of 440 KiB inline through nginx  82 ms      361 ms
//
// A request that times out over HTTP/1.1 also closes its connection, so no health checks
// are needed.
func NewTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	transport := cloneTransport(OverHTTP1(standard))
	transport.MaxIdleConnsPerHost = 32
	transport.ReadBufferSize = 64 << 10
	transport.WriteBufferSize = 64 << 10
	return transport
}

// cloneTransport returns a copy of a transport whose errors hold the status with which a
// proxy refused to connect.
func cloneTransport(transport *http.Transport) *http.Transport {
	clone := transport.Clone()
	if clone.OnProxyConnectResponse == nil {
		clone.OnProxyConnectResponse = checkProxy
	}
	return clone
}

// OverHTTP1 returns a transport that uses HTTP/1.1: the given transport if it does so
// already, and otherwise a copy. A transport that cannot use HTTP/1.1, or whose protocol
// is negotiated by a function of the caller, is returned unchanged.
func OverHTTP1(transport *http.Transport) *http.Transport {
	http1 := cloneTransport(transport)
	negotiates := http1.DialTLSContext != nil || http1.DialTLS != nil //nolint:staticcheck // deprecated, and in use
	if !speaksHTTP2(http1) || negotiates || http1.Protocols != nil && !http1.Protocols.HTTP1() {
		return transport
	}
	http1.ForceAttemptHTTP2 = false
	http1.Protocols = new(http.Protocols)
	http1.Protocols.SetHTTP1(true)
	// A transport that was used, and its copies, hold the negotiated protocols here.
	if http1.TLSClientConfig != nil {
		http1.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return http1
}

const (
	// An idle HTTP/2 connection gets a ping after pingAfter, and is closed if there is no
	// response within pingTimeout. A server that takes long for a request still responds
	// to pings.
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second
)

// WithHealthChecks returns a transport that closes dead HTTP/2 connections: the given
// transport if it uses only HTTP/1.1, or has health checks already, and otherwise a copy.
func WithHealthChecks(transport *http.Transport) *http.Transport {
	checking := cloneTransport(transport)
	if !speaksHTTP2(checking) || checking.HTTP2 != nil && checking.HTTP2.SendPingTimeout > 0 {
		return transport
	}
	if checking.HTTP2 == nil {
		checking.HTTP2 = &http.HTTP2Config{}
	}
	checking.HTTP2.SendPingTimeout, checking.HTTP2.PingTimeout = pingAfter, pingTimeout
	return checking
}

// speaksHTTP2 reports whether a transport offers HTTP/2. It must be a clone: cloning
// replaces zero values by their defaults.
func speaksHTTP2(clone *http.Transport) bool {
	switch {
	case clone.Protocols != nil:
		return clone.Protocols.HTTP2() || clone.Protocols.UnencryptedHTTP2()
	case clone.TLSNextProto["h2"] != nil:
		return true
	default:
		return clone.TLSClientConfig != nil && slices.Contains(clone.TLSClientConfig.NextProtos, "h2")
	}
}
