package engine

import (
	"net/http"
	"slices"
	"time"
)

// NewTransport returns the transport of clients that are not given one. It keeps
// enough connections for a batch, and speaks HTTP/1.1: with a round trip of 30 ms
// that was as fast as HTTP/2 or faster for everything but small requests beside
// large transfers (32 against 39 ms), since all streams of an HTTP/2 connection
// share the window of one connection, 64 KiB by default:
//
//	                                            HTTP/1.1   HTTP/2
//	upload of 16 MiB through nginx              0.09 s     8.1 s
//	upload of 256 MiB to a Go server            524 MiB/s  30 MiB/s
//	download of 256 MiB from a Go server        579 MiB/s  118 MiB/s
//	48 files of 4 MiB, 16 at once               42/s       7/s
//	conversion of 440 KiB inline through nginx  82 ms      361 ms
//
// HTTP/1.1 also leaves a connection that went silent with the request on it,
// without health checks.
func NewTransport() http.RoundTripper {
	standard, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	transport := cloned(OverHTTP1(standard))
	transport.MaxIdleConnsPerHost = 32
	transport.ReadBufferSize = 64 << 10
	transport.WriteBufferSize = 64 << 10
	return transport
}

// cloned returns a copy of a transport that reports by which status a proxy
// refused to connect.
func cloned(transport *http.Transport) *http.Transport {
	clone := transport.Clone()
	if clone.OnProxyConnectResponse == nil {
		clone.OnProxyConnectResponse = CheckProxy
	}
	return clone
}

// OverHTTP1 returns a transport that speaks HTTP/1.1: the given one if it speaks
// nothing else, or else a copy. One that cannot, or that negotiates the protocol
// by a function of the caller's, is returned as it is.
func OverHTTP1(transport *http.Transport) *http.Transport {
	http1 := cloned(transport)
	negotiates := http1.DialTLSContext != nil || http1.DialTLS != nil //nolint:staticcheck // deprecated, and in use
	if !speaksHTTP2(http1) || negotiates || http1.Protocols != nil && !http1.Protocols.HTTP1() {
		return transport
	}
	http1.ForceAttemptHTTP2 = false
	http1.Protocols = new(http.Protocols)
	http1.Protocols.SetHTTP1(true)
	// What a transport offers is here once it has been used, also in its copies.
	if http1.TLSClientConfig != nil {
		http1.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return http1
}

const (
	// pingAfter is how long an HTTP/2 connection may be silent before it gets a
	// ping, and pingTimeout how long the response may take. A server that takes
	// its time for a request still responds to pings.
	pingAfter   = 10 * time.Second
	pingTimeout = 5 * time.Second
)

// LeavingSilent returns a transport that closes HTTP/2 connections that went
// silent: the given one if it speaks only HTTP/1.1, which needs nothing, or is
// set to do so, or else a copy.
func LeavingSilent(transport *http.Transport) *http.Transport {
	checking := cloned(transport)
	if !speaksHTTP2(checking) || checking.HTTP2 != nil && checking.HTTP2.SendPingTimeout > 0 {
		return transport
	}
	if checking.HTTP2 == nil {
		checking.HTTP2 = &http.HTTP2Config{}
	}
	checking.HTTP2.SendPingTimeout, checking.HTTP2.PingTimeout = pingAfter, pingTimeout
	return checking
}

// speaksHTTP2 reports whether a transport, which must be a clone, offers HTTP/2:
// cloning one settles what its zero values stand for.
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
