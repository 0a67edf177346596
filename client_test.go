package cloudconvert_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestRequestsHaveStandardHeaders(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser))
	_, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"GET https://api.example.com/base/v2/users/me"}, script.URLs())
	sent := script.Requests[0]
	assert.Equal(t, "Bearer "+testkit.Key, sent.Header.Get("Authorization"))
	assert.Equal(t, "application/json", sent.Header.Get("Accept"))
	assert.Empty(t, sent.Header.Get("Content-Type"))
	assert.Regexp(t, `^cloudconvert-go/\d+\.\d+\.\d+ \(go1\.\d+.*; \w+/\w+\)$`, sent.Header.Get("User-Agent"))
	assert.Empty(t, script.Bodies[0])
}

func TestBaseURLs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts      []cloudconvert.Option
		api, sync string
	}{
		"default": {nil, "https://api.cloudconvert.com/v2", "https://sync.api.cloudconvert.com/v2"},
		"sandbox": {
			[]cloudconvert.Option{cloudconvert.WithSandbox()},
			"https://api.sandbox.cloudconvert.com/v2", "https://sync.api.sandbox.cloudconvert.com/v2",
		},
		"Germany": {
			[]cloudconvert.Option{cloudconvert.WithRegion(cloudconvert.RegionEUCentral)},
			"https://eu-central.api.cloudconvert.com/v2", "https://eu-central.sync.api.cloudconvert.com/v2",
		},
		"Virginia": {
			[]cloudconvert.Option{cloudconvert.WithRegion(cloudconvert.RegionUSEast)},
			"https://us-east.api.cloudconvert.com/v2", "https://us-east.sync.api.cloudconvert.com/v2",
		},
		"a region to come": {
			[]cloudconvert.Option{cloudconvert.WithRegion("ap-south-2")},
			"https://ap-south-2.api.cloudconvert.com/v2", "https://ap-south-2.sync.api.cloudconvert.com/v2",
		},
		"of a proxy": {
			[]cloudconvert.Option{cloudconvert.WithBaseURLs("https://proxy.example.com/cc/v2/", "https://proxy.example.com/cc-sync/v3")},
			"https://proxy.example.com/cc/v2", "https://proxy.example.com/cc-sync/v3",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			script := &testkit.Script{Replies: []testkit.Reply{testkit.Says(http.StatusOK, testkit.RunningJob), testkit.Says(http.StatusOK, testkit.EndedJob)}}
			client, err := cloudconvert.NewClient(testkit.Key, append(c.opts, cloudconvert.WithHTTPClient(&http.Client{Transport: script}))...)
			require.NoError(t, err)
			_, err = client.Jobs.Wait(t.Context(), "job-1")
			require.NoError(t, err)
			assert.Equal(t, []string{"GET " + c.api + "/jobs/job-1", "GET " + c.sync + "/jobs/job-1"}, script.URLs())
			assert.Contains(t, client.String(), strings.Split(c.api, "/")[2])
		})
	}
}

func TestNewClientNeedsAKey(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]string{
		"empty": "", "line break": "sec-ret\n", "blank": "sec ret", "not ASCII": "sécret-ä", "control": "sec\x00ret",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := cloudconvert.NewClient(key)
			require.Error(t, err)
			assert.Nil(t, client)
			assert.Contains(t, err.Error(), "API key")
			assert.True(t, strings.HasPrefix(err.Error(), "cloudconvert: "))
			assert.NotContains(t, err.Error(), "ret")
		})
	}
}

func TestNewClientNeitherDialsNorReadsTheEnvironment(t *testing.T) {
	t.Setenv("CLOUDCONVERT_SANDBOX", "true") // t.Setenv excludes t.Parallel
	t.Setenv("CLOUDCONVERT_REGION", "us-east")
	client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(&http.Client{Transport: &testkit.Script{}}))
	require.NoError(t, err)
	assert.Equal(t, "cloudconvert.Client(api.cloudconvert.com)", client.String())
}

func TestWithReturnsACopy(t *testing.T) {
	t.Parallel()
	original, script := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "7"))
	changed, err := original.With(cloudconvert.WithUserAgent("invoices/2.1"))
	require.NoError(t, err)
	require.NotSame(t, original, changed)
	require.NotSame(t, original.Jobs, changed.Jobs)

	_, err = original.Users.Me(t.Context())
	require.NoError(t, err)
	_, err = changed.Users.Me(t.Context())
	require.NoError(t, err)
	require.Len(t, script.Requests, 2, "they share the connections")
	assert.True(t, strings.HasPrefix(script.Requests[0].Header.Get("User-Agent"), "cloudconvert-go/"))
	assert.True(t, strings.HasPrefix(script.Requests[1].Header.Get("User-Agent"), "invoices/2.1 cloudconvert-go/"))
	assert.Equal(t, script.Requests[0].URL.String(), script.Requests[1].URL.String())
	assert.Equal(t, "Bearer "+testkit.Key, script.Requests[1].Header.Get("Authorization"))
}

func TestWithReportsInvalidOptions(t *testing.T) {
	t.Parallel()
	original, _ := testkit.NewScript(t)
	changed, err := original.With(cloudconvert.WithHTTPClient(nil))
	require.ErrorContains(t, err, "WithHTTPClient")
	assert.Nil(t, changed)
	_, err = original.With(cloudconvert.WithSandbox())
	require.ErrorContains(t, err, "WithSandbox and WithBaseURLs")
}

func TestWithSharesTheLimits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		original, script := testkit.NewScript(t,
			testkit.Says(http.StatusTooManyRequests, `{}`, "Retry-After", "60", "X-RateLimit-Limit", "500"), testkit.Says(http.StatusCreated, testkit.EmptyUser))
		changed, err := original.With(cloudconvert.WithUserAgent("other"))
		require.NoError(t, err)
		_, seen := changed.RateLimit()
		require.False(t, seen)

		start := time.Now()
		var callers sync.WaitGroup
		callers.Go(func() { assert.NoError(t, original.Do(t.Context(), http.MethodPost, "/jobs", nil, nil)) })
		synctest.Wait()
		callers.Go(func() { assert.NoError(t, changed.Do(t.Context(), http.MethodPost, "/jobs", nil, nil)) })
		callers.Wait()
		assert.Len(t, script.Requests, 3, "one refusal is enough for both")
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
	})
}

func TestRateLimitIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		original, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser, "X-RateLimit-Limit", "500", "X-RateLimit-Remaining", "499"))
		changed, err := original.With()
		require.NoError(t, err)
		_, err = original.Users.Me(t.Context())
		require.NoError(t, err)
		limit, seen := changed.RateLimit()
		require.True(t, seen)
		assert.Equal(t, cloudconvert.RateLimit{Limit: 500, Remaining: 499, At: time.Now()}, limit)
	})
}

func TestHTTPClientOfCallerIsNotChanged(t *testing.T) {
	t.Parallel()
	script := &testkit.Script{Replies: []testkit.Reply{testkit.Says(http.StatusFound, "", "Location", "https://elsewhere.example.com/")}}
	given := http.Client{Transport: script, Timeout: time.Hour}
	pointer := &given
	client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(pointer))
	require.NoError(t, err)
	_, err = client.Users.Me(t.Context())
	require.Error(t, err)
	assert.Nil(t, pointer.CheckRedirect)
	assert.Equal(t, time.Hour, pointer.Timeout)
	assert.Same(t, script, pointer.Transport)
	assert.Nil(t, pointer.Jar)

	pointer.Transport = nil // the client does not notice changes either
	_, err = client.Users.Me(t.Context())
	require.Error(t, err)
	changed, err := client.With(cloudconvert.WithUserAgent("other"))
	require.NoError(t, err)
	_, err = changed.Users.Me(t.Context())
	require.Error(t, err)
	assert.Len(t, script.Requests, 3)
}

func TestHTTPClientTimeoutBoundsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		script := &testkit.Script{Replies: []testkit.Reply{never}}
		client, err := cloudconvert.NewClient(testkit.Key,
			cloudconvert.WithHTTPClient(&http.Client{Transport: script, Timeout: 10 * time.Second}),
			cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 2}))
		require.NoError(t, err)
		start := time.Now()
		_, err = client.Users.Me(t.Context())
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded, "no context of the caller's ended")
		assert.Len(t, script.Requests, 2)
		assert.GreaterOrEqual(t, time.Since(start), 20*time.Second)
		assert.Less(t, time.Since(start), 21*time.Second)
	})
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		client, script := testkit.NewScriptWith(t, []cloudconvert.Option{cloudconvert.WithLogger(logger)},
			testkit.Says(http.StatusServiceUnavailable, ""), testkit.Says(http.StatusTooManyRequests, "", "Retry-After", "1"),
			testkit.Says(http.StatusOK, testkit.EmptyUser, "X-RateLimit-Remaining", "100"))
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				_, err := client.Users.Me(t.Context())
				assert.NoError(t, err)
			})
			callers.Go(func() {
				var response cloudconvert.Response
				var out map[string]any
				err := client.Do(t.Context(), http.MethodGet, "/users/me", nil, &out, cloudconvert.CaptureResponse(&response))
				if assert.NoError(t, err) {
					assert.Equal(t, http.StatusOK, response.StatusCode)
				}
			})
			callers.Go(func() {
				other, err := client.With(cloudconvert.WithUserAgent("other"))
				if assert.NoError(t, err) {
					_, err = other.Users.Me(t.Context())
					assert.NoError(t, err)
				}
			})
			callers.Go(func() {
				_, _ = client.RateLimit()
				_ = client.String()
			})
		}
		callers.Wait()
		assert.Len(t, script.Requests, 62)
		limit, seen := client.RateLimit()
		assert.True(t, seen)
		assert.Equal(t, 100, limit.Remaining)
	})
}

func TestClientHasADefaultTransport(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v2/users/me", r.URL.Path)
		_, err := io.WriteString(w, testkit.EmptyUser)
		assert.NoError(t, err)
	}))
	t.Cleanup(server.Close)
	client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithBaseURLs(server.URL+"/v2", server.URL+"/v2"))
	require.NoError(t, err)
	user, err := client.Users.Me(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "1", user.ID)
}

// protocols serves an API and a file over TLS. Each response names the
// protocol of its request.
func protocols(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/file") {
			_, _ = io.WriteString(w, r.Proto)
			return
		}
		_, _ = fmt.Fprintf(w, `{"data": {"id": "1", "status": "finished", "tag": %q}}`, r.Proto)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

// trustOnly returns a configuration that trusts only the given server.
func trustOnly(server *httptest.Server) *tls.Config {
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
}

// protocolsOf returns the protocols that a client speaks to the API and to storage.
func protocolsOf(t *testing.T, server *httptest.Server, opts ...cloudconvert.Option) (api, storage string) {
	t.Helper()
	client, err := cloudconvert.NewClient(testkit.Key, append(opts, cloudconvert.WithBaseURLs(server.URL+"/v2", server.URL+"/sync/v2"))...)
	require.NoError(t, err)
	t.Cleanup(client.CloseIdleConnections)
	job, err := client.Jobs.Get(t.Context(), "1")
	require.NoError(t, err)
	var file strings.Builder
	_, err = client.Download(t.Context(), cloudconvert.File{Filename: "file", URL: server.URL + "/file"}, &file)
	require.NoError(t, err)
	return job.Tag, file.String()
}

//nolint:paralleltest // it replaces http.DefaultTransport.
func TestRefusalOfProxyIsNotRetried(t *testing.T) {
	var asked atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		conn, _, err := w.(http.Hijacker).Hijack()
		if !assert.NoError(t, err) {
			return
		}
		_, err = io.WriteString(conn, "HTTP/1.1 407 log in first\r\nContent-Length: 0\r\n\r\n")
		assert.NoError(t, errors.Join(err, conn.Close()))
	}))
	t.Cleanup(proxy.Close)
	address, err := url.Parse(proxy.URL)
	require.NoError(t, err)
	standard := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = standard })
	http.DefaultTransport = &http.Transport{Proxy: http.ProxyURL(address)}
	for name, opts := range map[string][]cloudconvert.Option{
		"own transport":      nil,
		"caller's transport": {cloudconvert.WithHTTPClient(&http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(address)}})},
	} {
		asked.Store(0)
		client, err := cloudconvert.NewClient(testkit.Key, opts...)
		require.NoError(t, err)
		_, err = client.Users.Me(t.Context())
		require.ErrorContains(t, err, "the proxy refused the connection: 407", name)
		assert.False(t, cloudconvert.IsRetryable(err), name)
		assert.EqualValues(t, 1, asked.Load(), name)
	}
}

//nolint:paralleltest // it replaces http.DefaultTransport.
func TestDefaultTransportSpeaksHTTP1(t *testing.T) {
	server := protocols(t)
	for name, used := range map[string]bool{"new": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			standard := http.DefaultTransport
			t.Cleanup(func() { http.DefaultTransport = standard })
			trusting := standard.(*http.Transport).Clone() //nolint:forcetypeassert // nothing else replaces it.
			trusting.TLSClientConfig = trustOnly(server)
			t.Cleanup(trusting.CloseIdleConnections)
			http.DefaultTransport = trusting
			if used {
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/file", http.NoBody)
				require.NoError(t, err)
				response, err := http.DefaultTransport.RoundTrip(request)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				require.Equal(t, 2, response.ProtoMajor)
			}
			for name, opts := range map[string][]cloudconvert.Option{
				"no client":                  nil,
				"a client without transport": {cloudconvert.WithHTTPClient(&http.Client{})},
			} {
				api, storage := protocolsOf(t, server, opts...)
				assert.Equal(t, "HTTP/1.1", api, name)
				assert.Equal(t, "HTTP/1.1", storage, name)
			}
		})
	}
}

func TestTransportOfCallerIsUsed(t *testing.T) {
	t.Parallel()
	server := protocols(t)
	for name, c := range map[string]struct {
		change  func(*http.Transport) http.RoundTripper
		api     string
		storage string
	}{
		"HTTP/2": {func(t *http.Transport) http.RoundTripper { return t }, "HTTP/2.0", "HTTP/1.1"},
		"HTTP/1.1": {func(t *http.Transport) http.RoundTripper {
			t.ForceAttemptHTTP2 = false
			return t
		}, "HTTP/1.1", "HTTP/1.1"},
		"only HTTP/2": {func(t *http.Transport) http.RoundTripper {
			t.Protocols = new(http.Protocols)
			t.Protocols.SetHTTP2(true)
			return t
		}, "HTTP/2.0", "HTTP/2.0"},
		"own TLS": {func(t *http.Transport) http.RoundTripper {
			t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
				config := t.TLSClientConfig.Clone()
				config.NextProtos = []string{"h2"}
				return (&tls.Dialer{Config: config}).DialContext(ctx, network, address)
			}
			return t
		}, "HTTP/2.0", "HTTP/2.0"},
		"wrapped": {func(t *http.Transport) http.RoundTripper {
			return struct{ http.RoundTripper }{t}
		}, "HTTP/2.0", "HTTP/2.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			transport := &http.Transport{TLSClientConfig: trustOnly(server), ForceAttemptHTTP2: true}
			t.Cleanup(transport.CloseIdleConnections)
			given := c.change(transport)
			api, storage := protocolsOf(t, server, cloudconvert.WithHTTPClient(&http.Client{Transport: given}))
			assert.Equal(t, c.api, api, "API")
			assert.Equal(t, c.storage, storage, "storage")
		})
	}
}

// A silent HTTP/2 connection outlives the requests on it: the wait must use another one.
func TestWaitLeavesSilentConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var made atomic.Int64
		var silent atomic.Bool
		listener := newPipeListener()
		var unencrypted http.Protocols
		unencrypted.SetUnencryptedHTTP2(true)
		server := &http.Server{Protocols: &unencrypted, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"data": {"id": "1", "status": "finished", "tasks": []}}`)
		})}
		go func() { _ = server.Serve(listener) }()
		transport := &http.Transport{Protocols: &unencrypted, DialContext: func(context.Context, string, string) (net.Conn, error) {
			conn := &silencedConn{Conn: listener.connect()}
			if made.Add(1) == 1 {
				conn.silent = &silent
			}
			return conn, nil
		}}
		client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(&http.Client{Transport: transport}),
			cloudconvert.WithBaseURLs("http://127.0.0.1/v2", "http://127.0.0.1/v2"))
		require.NoError(t, err)
		_, err = client.Jobs.Get(t.Context(), "1")
		require.NoError(t, err)
		silent.Store(true)
		begun := time.Now()
		_, err = client.Jobs.Wait(t.Context(), "1")
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(begun), 20*time.Second)
		assert.EqualValues(t, 2, made.Load())
		client.CloseIdleConnections()
		require.NoError(t, server.Close())
	})
}

// Idle connections may be silent, too: the second attempt of a transfer must use a new one.
func TestTransfersLeaveSilentConnections(t *testing.T) {
	t.Parallel()
	for name, transfer := range map[string]func(ctx context.Context, client *cloudconvert.Client, base string) error{
		"download": func(ctx context.Context, client *cloudconvert.Client, base string) error {
			_, err := client.Download(ctx, cloudconvert.File{Filename: "file", Size: 4, URL: base + "/file"}, io.Discard)
			return err
		},
		"upload": func(ctx context.Context, client *cloudconvert.Client, base string) error {
			task := cloudconvert.Task{
				ID: "1", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
				Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: base + "/upload"}},
			}
			return client.Tasks.Upload(ctx, task, cloudconvert.FromBytes("a.png", []byte("file")))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const idle = 10 // more than there are attempts
				var made atomic.Int64
				var silent atomic.Bool
				listener := newPipeListener()
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					<-time.After(time.Second) // concurrent requests need one connection each
					_, _ = io.WriteString(w, "file")
				})}
				go func() { _ = server.Serve(listener) }()
				transport := &http.Transport{MaxIdleConnsPerHost: idle, DialContext: func(context.Context, string, string) (net.Conn, error) {
					conn := &silencedConn{Conn: listener.connect()}
					if made.Add(1) <= idle {
						conn.silent = &silent
					}
					return conn, nil
				}}
				client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
				require.NoError(t, err)
				var transfers sync.WaitGroup
				for range idle {
					transfers.Go(func() { assert.NoError(t, transfer(t.Context(), client, "http://127.0.0.1")) })
				}
				transfers.Wait()
				silent.Store(true)
				require.NoError(t, transfer(t.Context(), client, "http://127.0.0.1"))
				assert.EqualValues(t, idle+1, made.Load())
				client.CloseIdleConnections()
				require.NoError(t, server.Close())
			})
		})
	}
}

// silencedConn drops what is written while it is silent.
type silencedConn struct {
	net.Conn

	silent *atomic.Bool // nil means never
}

func (c *silencedConn) Write(p []byte) (int, error) {
	if c.silent != nil && c.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// pipeListener accepts connections within the process.
type pipeListener struct {
	accepted chan net.Conn
	ended    chan struct{}
	once     sync.Once
}

func newPipeListener() *pipeListener {
	return &pipeListener{accepted: make(chan net.Conn), ended: make(chan struct{})}
}

func (l *pipeListener) connect() net.Conn {
	client, server := net.Pipe()
	l.accepted <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.accepted:
		return conn, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.ended) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{} }

func TestCloseIdleConnections(t *testing.T) {
	t.Parallel()
	var open atomic.Int64
	closed := make(chan struct{}, 2)
	start := func(body string) string {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, err := io.WriteString(w, body)
			assert.NoError(t, err)
		}))
		server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				open.Add(1)
			}
			if state == http.StateClosed {
				open.Add(-1)
				closed <- struct{}{}
			}
		}
		server.Start()
		t.Cleanup(server.Close)
		return server.URL
	}
	api, storage := start(testkit.EmptyUser), start("content")
	client, err := cloudconvert.NewClient(testkit.Key, cloudconvert.WithBaseURLs(api+"/v2", api+"/v2"))
	require.NoError(t, err)
	derived, err := client.With(cloudconvert.WithUserAgent("other"))
	require.NoError(t, err)
	for range 2 {
		_, err = client.Users.Me(t.Context())
		require.NoError(t, err)
		_, err = client.Download(t.Context(), cloudconvert.File{Filename: "a", URL: storage + "/a"}, io.Discard)
		require.NoError(t, err)
		require.EqualValues(t, 2, open.Load(), "one to each host")
		derived.CloseIdleConnections()
		<-closed
		<-closed
		require.Zero(t, open.Load())
	}
	other, _ := testkit.NewScript(t, testkit.Says(http.StatusOK, testkit.EmptyUser))
	other.CloseIdleConnections() // its transport has no such method
	_, err = other.Users.Me(t.Context())
	require.NoError(t, err)
}

// setAPIEnvironment sets the given variables, and clears the others.
func setAPIEnvironment(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range []string{"KEY", "URL"} {
		t.Setenv("CLOUDCONVERT_API_"+name, variables["API_"+name])
	}
	for _, name := range []string{"SANDBOX", "REGION", "SYNC_URL"} {
		t.Setenv("CLOUDCONVERT_"+name, variables[name])
	}
}

//nolint:paralleltest // it sets the environment.
func TestNewClientFromEnv(t *testing.T) {
	for name, c := range map[string]struct {
		variables map[string]string
		url       string
		err       string
	}{
		"key alone":         {map[string]string{"API_KEY": testkit.Key}, "https://api.cloudconvert.com/v2", ""},
		"sandbox":           {map[string]string{"API_KEY": testkit.Key, "SANDBOX": "true"}, "https://api.sandbox.cloudconvert.com/v2", ""},
		"sandbox, as 1":     {map[string]string{"API_KEY": testkit.Key, "SANDBOX": "1"}, "https://api.sandbox.cloudconvert.com/v2", ""},
		"no sandbox":        {map[string]string{"API_KEY": testkit.Key, "SANDBOX": "false"}, "https://api.cloudconvert.com/v2", ""},
		"region":            {map[string]string{"API_KEY": testkit.Key, "REGION": "us-east"}, "https://us-east.api.cloudconvert.com/v2", ""},
		"addresses":         {map[string]string{"API_KEY": testkit.Key, "API_URL": "http://localhost:1/v2", "SYNC_URL": "http://localhost:2/v2"}, "http://localhost:1/v2", ""},
		"no key":            {map[string]string{"SANDBOX": "true"}, "", "CLOUDCONVERT_API_KEY"},
		"key not trimmed":   {map[string]string{"API_KEY": testkit.Key + "\n"}, "", "API key"},
		"odd sandbox":       {map[string]string{"API_KEY": testkit.Key, "SANDBOX": "maybe"}, "", "CLOUDCONVERT_SANDBOX"},
		"odd region":        {map[string]string{"API_KEY": testkit.Key, "REGION": "evil.example/"}, "", "WithRegion"},
		"one address":       {map[string]string{"API_KEY": testkit.Key, "API_URL": "https://a.example/v2"}, "", "set both or neither"},
		"other address":     {map[string]string{"API_KEY": testkit.Key, "SYNC_URL": "https://a.example/v2"}, "", "set both or neither"},
		"region in sandbox": {map[string]string{"API_KEY": testkit.Key, "SANDBOX": "true", "REGION": "us-east"}, "", "WithSandbox and WithRegion"},
	} {
		t.Run(name, func(t *testing.T) {
			setAPIEnvironment(t, c.variables)
			script := &testkit.Script{Replies: []testkit.Reply{testkit.Says(http.StatusOK, testkit.EmptyUser)}}
			client, err := cloudconvert.NewClientFromEnv(cloudconvert.WithHTTPClient(&http.Client{Transport: script}))
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				assert.True(t, strings.HasPrefix(err.Error(), "cloudconvert: "))
				assert.NotContains(t, err.Error(), testkit.Key)
				assert.Nil(t, client)
				return
			}
			require.NoError(t, err)
			_, err = client.Users.Me(t.Context())
			require.NoError(t, err)
			assert.Equal(t, []string{"GET " + c.url + "/users/me"}, script.URLs())
			assert.Equal(t, "Bearer "+testkit.Key, script.Requests[0].Header.Get("Authorization"))
		})
	}
}
