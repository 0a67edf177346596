package engine_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

func TestIsPermanent(t *testing.T) {
	t.Parallel()
	assert.False(t, engine.IsPermanent(nil))
	for _, err := range []error{
		&net.DNSError{IsNotFound: true}, io.ErrUnexpectedEOF, errReset, context.DeadlineExceeded,
		&net.OpError{Op: "dial", Err: errors.New("connection refused")},
		&net.OpError{Op: "proxyconnect", Err: errors.New("connection refused")},
		&net.OpError{Op: "socks connect", Err: errors.New("unknown error host unreachable")},
		errors.New("Bad Gateway"), errors.New("Too Many Requests"), errors.New("Request Timeout"),
		&engine.ProxyError{Status: 503}, &engine.ProxyError{Status: 429},
		tls.AlertError(80), &net.OpError{Op: "remote error", Err: tls.AlertError(0)}, &net.OpError{Op: "remote error", Err: tls.AlertError(20)},
	} {
		assert.False(t, engine.IsPermanent(err), "%v", err)
	}
	for _, err := range []error{
		&tls.CertificateVerificationError{Err: io.EOF},
		x509.UnknownAuthorityError{},
		x509.HostnameError{Certificate: &x509.Certificate{}},
		x509.CertificateInvalidError{Reason: x509.Expired},
		x509.SystemRootsError{},
		x509.InsecureAlgorithmError(0),
		x509.ConstraintViolationError{},
		x509.UnhandledCriticalExtension{},
		errors.New("tls: x509: no such thing"),
		tls.RecordHeaderError{},
		&tls.ECHRejectionError{}, errors.New("tls: server selected unsupported protocol version 301"),
		tls.AlertError(116), &net.OpError{Op: "proxyconnect", Err: &net.OpError{Op: "remote error", Err: tls.AlertError(48)}},
		http.ErrSchemeMismatch, errors.New(`unsupported protocol scheme "ftp"`),
		errors.New("Proxy Authentication Required"), errors.New("Proxy Authentication Required (log in first)"), errors.New("Forbidden"),
		&engine.ProxyError{Status: 407}, &net.OpError{Op: "socks connect", Err: errors.New("username/password authentication failed")},
	} {
		assert.True(t, engine.IsPermanent(err), "%v", err)
		assert.True(t, engine.IsPermanent(&url.Error{Op: "Get", Err: fmt.Errorf("wrapped: %w", err)}), "%v", err)
	}
}

// inProcess returns a transport whose connections are served by a function.
func inProcess(t *testing.T, serve func(net.Conn)) (transport *http.Transport, dials func() int) {
	t.Helper()
	var made int
	transport = &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) {
		made++
		client, server := net.Pipe()
		go func() {
			serve(server)
			_ = server.Close() // all data was written
		}()
		return client, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return transport, func() int { return made }
}

func TestRefusalsOfTLSAreNotRetried(t *testing.T) {
	t.Parallel()
	for code, want := range map[byte]int{
		40: 1, 42: 1, 43: 1, 44: 1, 45: 1, 46: 1, 48: 1, 49: 1, 70: 1, 71: 1, 86: 1, 112: 1, 116: 1, 120: 1,
		80: attempts, 20: attempts, 90: attempts,
	} {
		t.Run(tls.AlertError(code).Error(), func(t *testing.T) {
			t.Parallel()
			transport, dials := inProcess(t, func(conn net.Conn) {
				_, _ = conn.Read(make([]byte, 1<<16)) // the ClientHello
				_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, code})
			})
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				before := dials()
				got := engine.New(quick(transport)).Send(t.Context(), newCall(t, method, "https://api.example/v2/jobs"))
				require.ErrorContains(t, got.Err, tls.AlertError(code).Error())
				assert.Equal(t, want, got.Attempts)
				assert.Equal(t, want, dials()-before)
				assert.False(t, got.Unknown)
			}
		})
	}
}

// A transport that wraps another may return only the error. The error of a proxy that
// refuses proves that the request was not sent.
func TestRefusalOfProxyProvesThatNothingWasSent(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		&engine.ProxyError{Status: 503}, &engine.ProxyError{Status: 407}, errors.New("Proxy Authentication Required"),
		&net.OpError{Op: "proxyconnect", Err: errors.New("Service Unavailable")},
	} {
		transport := roundTripper(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("traced: %w", err) })
		got := engine.New(quick(transport)).Send(t.Context(), newCall(t, http.MethodPost, "https://api.example/v2/jobs"))
		require.ErrorIs(t, got.Err, err)
		assert.False(t, got.Unknown, "%v", err)
	}
	// A wrapper may turn a response into an error with a similar text.
	conflict := roundTripper(func(*http.Request) (*http.Response, error) { return nil, errors.New("Conflict") })
	got := engine.New(quick(conflict)).Send(t.Context(), newCall(t, http.MethodPost, "https://api.example/v2/jobs"))
	assert.True(t, got.Unknown)
}

func TestServersOfAnotherTLSVersionAreNotRetried(t *testing.T) {
	t.Parallel()
	transport, _ := inProcess(t, func(conn net.Conn) {
		_ = tls.Server(conn, &tls.Config{MinVersion: tls.VersionTLS13, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			return &tls.Certificate{}, nil
		}}).HandshakeContext(t.Context())
	})
	transport.TLSClientConfig = &tls.Config{MaxVersion: tls.VersionTLS12}
	got := engine.New(quick(transport)).Send(t.Context(), newCall(t, http.MethodGet, "https://api.example/v2/jobs"))
	require.Error(t, got.Err)
	assert.Equal(t, 1, got.Attempts)
}

func TestRefusalsOfProxiesAreNotRetried(t *testing.T) {
	t.Parallel()
	type test struct {
		line     string
		known    bool // only by checkProxy
		attempts int
	}
	for name, c := range map[string]test{
		"407":             {"407 Proxy Authentication Required", false, 1},
		"407, other text": {"407 log in first", true, 1},
		"403":             {"403 Forbidden", false, 1},
		"403, other text": {"403 blocked by policy", true, 1},
		"404":             {"404 Not Found", false, 1},
		"405":             {"405 Method Not Allowed", false, 1},
		"429":             {"429 Too Many Requests", false, attempts},
		"502":             {"502 Bad Gateway", false, attempts},
		"503, other text": {"503 Forbidden for now", true, attempts},
		"504":             {"504 Gateway Timeout", false, attempts},
	} {
		for _, checked := range []bool{true, false} {
			if c.known && !checked {
				continue
			}
			t.Run(fmt.Sprint(name, checked), func(t *testing.T) {
				t.Parallel()
				transport, _ := inProcess(t, func(conn net.Conn) {
					if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
						_, _ = io.WriteString(conn, "HTTP/1.1 "+c.line+"\r\nContent-Length: 0\r\n\r\n")
					}
				})
				transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:3128", User: url.UserPassword("me", "s3cret")})
				if checked {
					transport.OnProxyConnectResponse = engine.CheckProxy
				}
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					got := engine.New(quick(transport)).Send(t.Context(), newCall(t, method, "https://api.example/v2/jobs"))
					require.Error(t, got.Err)
					assert.NotContains(t, got.Err.Error(), "s3cret")
					assert.Equal(t, c.attempts, got.Attempts)
					assert.False(t, got.Unknown)
				}
			})
		}
	}
}

func TestUnusableURLsAreNotRetried(t *testing.T) {
	t.Parallel()
	got := engine.New(quick(&http.Transport{})).Send(t.Context(), newCall(t, http.MethodGet, "ftp://api.example/v2/jobs"))
	require.ErrorContains(t, got.Err, "unsupported protocol scheme")
	assert.Equal(t, 1, got.Attempts)
}
