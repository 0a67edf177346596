package cloudconverttest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// fetch returns the protocol of a response.
func (x *tester) fetch(ctx context.Context, method, url string) (proto string, err error) {
	x.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	require.NoError(x.t, err)
	req.Header.Set("Authorization", "Bearer "+x.key)
	resp, err := x.s.HTTPClient().Do(req)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.Proto, firstError(err, resp.Body.Close())
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

func TestHTTP2(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		want, scheme := "HTTP/1.1", "http://"
		if x.s.cfg.http2 {
			want, scheme = "HTTP/2.0", "https://"
		}
		for _, base := range []string{x.s.URL, x.s.SyncURL, x.s.EventsURL} {
			require.Equal(t, scheme, base[:len(scheme)])
			proto, err := x.fetch(t.Context(), http.MethodGet, base)
			require.NoError(t, err)
			assert.Equal(t, want, proto)
		}
		authorize, token := x.s.OAuthURLs()
		signed, _ := x.s.SignedURLBase()
		for _, url := range []string{authorize, token, signed} {
			assert.Equal(t, scheme, url[:len(scheme)])
		}
	})
}

// A client without HTTP/2 is served over HTTP/1.1.
func TestHTTP2IsOffered(t *testing.T) {
	t.Parallel()
	s := NewServer(WithHTTP2())
	defer s.Close()
	transport := s.HTTPClient().Transport.(*http.Transport).Clone()
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	transport.TLSClientConfig.NextProtos = nil // set in the clone of a transport with HTTP/2
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/operations", http.NoBody)
	require.NoError(t, err)
	resp, err := transport.RoundTrip(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "HTTP/1.1", resp.Proto)
}

// The server imports files from itself, and delivers webhooks to itself, over TLS.
func TestHTTP2ToItself(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithHTTP2())
	job := x.run(dict{
		"in":  dict{"operation": "import/raw", "file": "hello", "filename": "a.txt"},
		"out": dict{"operation": "export/url", "input": "in"},
	})
	url := str(filesOf(taskOf(t, job, "out"))[0]["url"])
	again := x.run(dict{"in": dict{"operation": "import/url", "url": url}}, dict{"webhook_url": x.s.URL + "/operations"})
	assert.Equal(t, "finished", again["status"], "%v", again)
	require.NoError(t, x.s.WaitIdle(t.Context()))
	require.NotEmpty(t, x.s.Deliveries())
	assert.Equal(t, http.StatusUnauthorized, x.s.Deliveries()[0].Status, "it was delivered, without a key")
}

func TestHTTP2InBubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess(), WithHTTP2(), WithTaskDuration(time.Hour))
		defer s.Close()
		begin := time.Now()
		job, err := s.Client().Run(t.Context(), cloudconvert.Pipeline(
			cloudconvert.ImportRaw{File: "hello", Filename: "a.txt"}, cloudconvert.ExportURL{}))
		require.NoError(t, err)
		assert.Equal(t, cloudconvert.StatusFinished, job.Status)
		assert.Equal(t, 2*time.Hour, time.Since(begin).Round(time.Millisecond))
		_, err = s.Client().Download(t.Context(), job.Files()[0], io.Discard)
		require.NoError(t, err)
	})
}

// Over HTTP/2 a client that cancels a stalled request does not affect the others on the
// connection. A fault that ends the connection ends them too.
func TestFaultsOverHTTP2(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Stall, Reset} {
		synctest.Test(t, func(t *testing.T) {
			x := newTester(t, WithInProcess(), WithHTTP2(), WithTaskDuration(time.Hour))
			job := x.job(dict{"in": dict{"operation": "import/raw", "file": "hello", "filename": "a.txt"}})
			waited := make(chan error)
			go func() {
				_, err := x.fetch(t.Context(), http.MethodGet, x.s.URL+"/jobs/"+str(job["id"])+"/wait")
				waited <- err
			}()
			synctest.Wait()
			x.s.Inject(Fault{Path: "/v2/users/me", Kind: kind})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err := x.fetch(ctx, http.MethodGet, x.s.URL+"/users/me")
			require.Error(t, err)
			if kind == Reset {
				require.Error(t, <-waited)
			} else {
				require.NoError(t, <-waited)
			}
			assert.Equal(t, 1, x.s.ConnectionsAccepted())
			x.s.Close()
		})
	}
}

// A client that does not trust the certificate refuses it while the server still writes
// its part of the handshake.
func TestHTTP2NotTrusted(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string][]Option{"sockets": {WithHTTP2()}, "in process": {WithHTTP2(), WithInProcess()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := NewServer(opts...)
			defer s.Close()
			transport := s.HTTPClient().Transport.(*http.Transport).Clone()
			transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
			defer transport.CloseIdleConnections()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/operations", http.NoBody)
			require.NoError(t, err)
			_, err = transport.RoundTrip(req) //nolint:bodyclose // there is none
			assert.ErrorAs(t, err, new(*tls.CertificateVerificationError))
		})
	}
}
