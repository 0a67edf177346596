package engine_test

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// closedPort returns a URL whose port refuses connections.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return "http://" + listener.Addr().String() + "/v2/jobs"
}

// breaking closes the connection instead of responding.
func breaking(t *testing.T, requests *atomic.Int64) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, conn.Close())
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// wrapped hides the type of the transport from the engine.
func wrapped(transport http.RoundTripper) http.RoundTripper {
	return roundTripper(transport.RoundTrip)
}

// transports are the ways to pass a transport to the engine.
var transports = map[string]func(*http.Transport) http.RoundTripper{
	"direct":  func(transport *http.Transport) http.RoundTripper { return transport },
	"wrapped": func(transport *http.Transport) http.RoundTripper { return wrapped(transport) },
}

func newTransport(t *testing.T) *http.Transport {
	t.Helper()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

func TestRefusedConnections(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"plain":   func(rt http.RoundTripper) http.RoundTripper { return rt },
		"wrapped": wrapped,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := engine.New(quick(wrap(newTransport(t)))).Send(t.Context(), newCall(t, http.MethodPost, closedPort(t)))
			require.Error(t, got.Err)
			assert.Equal(t, attempts, got.Attempts, "nothing was created")
			assert.False(t, got.Unknown)
			assert.False(t, got.UnknownBefore)
		})
	}
}

func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{http.MethodGet: attempts, http.MethodDelete: attempts, http.MethodPost: 1} {
		for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
			"plain":   func(rt http.RoundTripper) http.RoundTripper { return rt },
			"wrapped": wrapped,
		} {
			t.Run(method+"/"+name, func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				server := breaking(t, &requests)
				got := engine.New(quick(wrap(newTransport(t)))).Send(t.Context(), newCall(t, method, server.URL))
				require.Error(t, got.Err)
				assert.Equal(t, want, got.Attempts)
				assert.EqualValues(t, want, requests.Load())
				assert.True(t, got.Unknown)
			})
		}
	}
}

// If the server closes an idle connection just as a request is sent on it, net/http must
// not send a POST twice.
func TestBrokenIdleConnection(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if requests.Add(1) == 1 {
			w.WriteHeader(http.StatusOK)
			return
		}
		conn, _, err := http.NewResponseController(w).Hijack()
		if assert.NoError(t, err) {
			assert.NoError(t, conn.Close())
		}
	}))
	t.Cleanup(server.Close)
	e := engine.New(quick(newTransport(t)))
	require.NoError(t, e.Send(t.Context(), newCall(t, http.MethodGet, server.URL)).Err)
	got := e.Send(t.Context(), newCall(t, http.MethodPost, server.URL))
	require.Error(t, got.Err)
	assert.True(t, got.Unknown)
	assert.EqualValues(t, 2, requests.Load(), "one of each")
}

func TestTruncatedResponseRepeatsNoCreation(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int{http.MethodGet: attempts, http.MethodPost: 1} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var requests atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				requests.Add(1)
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(http.StatusCreated)
				_, _ = io.WriteString(w, `{"data"`)
			}))
			t.Cleanup(server.Close)
			got := engine.New(quick(newTransport(t))).Send(t.Context(), newCall(t, method, server.URL))
			require.ErrorIs(t, got.Err, io.ErrUnexpectedEOF)
			assert.EqualValues(t, want, requests.Load())
			assert.Equal(t, http.StatusCreated, got.Status)
			assert.Equal(t, `{"data"`, string(got.Body))
			assert.True(t, got.Unknown)
		})
	}
}

func TestInvalidCertificatesAreNotRetried(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	for name, through := range transports {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			t.Run(name+" "+method, func(t *testing.T) {
				t.Parallel()
				got := engine.New(quick(through(newTransport(t)))).Send(t.Context(), newCall(t, method, server.URL))
				var certificate *tls.CertificateVerificationError
				require.ErrorAs(t, got.Err, &certificate)
				assert.Equal(t, 1, got.Attempts)
				assert.False(t, got.Unknown)
			})
		}
	}
}

func TestPlainServerForHTTPSIsNotRetried(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	for name, through := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			call := newCall(t, http.MethodPost, server.URL)
			call.URL.Scheme = "https"
			got := engine.New(quick(through(newTransport(t)))).Send(t.Context(), call)
			require.Error(t, got.Err)
			assert.Equal(t, 1, got.Attempts)
			assert.False(t, got.Unknown)
		})
	}
}

// A response without content is complete even if its end is lost, which over HTTP/2 may
// arrive in a separate frame.
func TestNoContentIsCompleteWithoutEnd(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodDelete, http.MethodPost} {
		n := &network{steps: []step{func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: http.StatusNoContent, Body: io.NopCloser(iotest.ErrReader(io.ErrUnexpectedEOF))}, nil
		}}}
		got := engine.New(quick(n)).Send(t.Context(), newCall(t, method, "https://api.example/v2/jobs/1"))
		require.NoError(t, got.Err)
		assert.Equal(t, http.StatusNoContent, got.Status)
		assert.Len(t, n.at, 1)
		assert.False(t, got.Unknown)
	}
}

func TestFailuresLeaveOtherConnectionsOpen(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	e := engine.New(quick(newTransport(t)))
	require.NoError(t, e.Send(t.Context(), newCall(t, http.MethodGet, server.URL)).Err)

	require.Error(t, e.Send(t.Context(), newCall(t, http.MethodGet, closedPort(t))).Err)
	var requests atomic.Int64
	require.Error(t, e.Send(t.Context(), newCall(t, http.MethodPost, breaking(t, &requests).URL)).Err)
	require.Equal(t, http.StatusServiceUnavailable, e.Send(t.Context(), newCall(t, http.MethodDelete, server.URL)).Status)

	require.NoError(t, e.Send(t.Context(), newCall(t, http.MethodGet, server.URL)).Err)
	assert.EqualValues(t, 1, connections.Load())
}

func TestDefaultTransport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(w, r.Body)
		assert.NoError(t, err)
	}))
	t.Cleanup(server.Close)
	got := engine.New(quick(nil)).Send(t.Context(), newCall(t, http.MethodPost, server.URL))
	require.NoError(t, got.Err)
	assert.JSONEq(t, `{"tasks": {}}`, string(got.Body))
}

func TestErrorsOmitTheURL(t *testing.T) {
	t.Parallel()
	got := engine.New(quick(wrapped(newTransport(t)))).Send(t.Context(), newCall(t, http.MethodGet, closedPort(t)+"?signature=secret"))
	require.Error(t, got.Err)
	assert.NotContains(t, got.Err.Error(), "secret")
	var op *net.OpError
	assert.ErrorAs(t, got.Err, &op)
}

// A protocol registered with the transport makes its own connections, which the transport
// does not know.
func TestRegisteredProtocolIsNotSentTwice(t *testing.T) {
	t.Parallel()
	for method, want := range map[string]int64{http.MethodGet: attempts, http.MethodPost: 1} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			var sent atomic.Int64
			transport := newTransport(t)
			transport.RegisterProtocol("memory", roundTripper(func(*http.Request) (*http.Response, error) {
				sent.Add(1)
				return nil, errReset
			}))
			got := engine.New(quick(transport)).Send(t.Context(), newCall(t, method, "memory://api/v2/jobs"))
			require.ErrorIs(t, got.Err, errReset)
			assert.Equal(t, want, sent.Load())
			assert.True(t, got.Unknown)
		})
	}
}

func TestContextEndedBeforeTheCall(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"plain":   func(rt http.RoundTripper) http.RoundTripper { return rt },
		"wrapped": wrapped,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			got := engine.New(quick(wrap(newTransport(t)))).Send(ctx, newCall(t, http.MethodPost, closedPort(t)))
			require.ErrorIs(t, got.Err, context.Canceled)
			assert.False(t, got.Unknown, "nothing was sent")
		})
	}
}

// A server that switches protocols keeps the connection open for longer than any context
// lasts.
func TestSwitchedProtocolEndsAtOnce(t *testing.T) {
	t.Parallel()
	released := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, err := http.NewResponseController(w).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: other\r\n\r\n")
		<-released
		assert.NoError(t, conn.Close())
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(released) })
	got := engine.New(quick(newTransport(t))).Send(t.Context(), newCall(t, http.MethodPost, server.URL))
	require.NoError(t, got.Err)
	assert.Equal(t, http.StatusSwitchingProtocols, got.Status)
	assert.Equal(t, 1, got.Attempts)
	assert.Empty(t, got.Body)
}

// A transport that wraps others may have sent the request over one connection before it
// fails to make another.
func TestFailoverOfATransportIsNotRetried(t *testing.T) {
	t.Parallel()
	var requests atomic.Int64
	server := breaking(t, &requests)
	inner := newTransport(t)
	dead := closedPort(t)
	failover := roundTripper(func(req *http.Request) (*http.Response, error) {
		if _, err := inner.RoundTrip(req); !assert.Error(t, err) {
			return nil, err
		}
		again, err := http.NewRequestWithContext(req.Context(), req.Method, dead, http.NoBody)
		if err != nil {
			return nil, err
		}
		return inner.RoundTrip(again)
	})
	got := engine.New(quick(failover)).Send(t.Context(), newCall(t, http.MethodPost, server.URL))
	require.Error(t, got.Err)
	assert.EqualValues(t, 1, requests.Load())
	assert.True(t, got.Unknown)
}

func TestInvalidStatusIsAnError(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, 1, 99} {
		n := &network{steps: []step{respond(status, "{}")}}
		got := engine.New(quick(n)).Send(t.Context(), newCall(t, http.MethodPost, "https://api.example/v2/jobs"))
		require.Error(t, got.Err)
		assert.Len(t, n.at, 1)
		assert.True(t, got.Unknown)
	}
}
