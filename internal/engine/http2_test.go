package engine_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// Types of HTTP/2 frames.
const (
	dataFrame     = 0
	headersFrame  = 1
	resetFrame    = 3
	settingsFrame = 4
	goAwayFrame   = 7

	endStream = 1 // a flag of data and headers frames, and ACK of settings
)

// http2Server reads whole requests over HTTP/2 and responds to each with a frame.
func http2Server(t *testing.T, requests *atomic.Int64, respond func(stream uint32) []byte) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	go func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if assert.NoError(t, err) {
				go serveHTTP2(conn, requests, respond)
			}
		}
	}()
	return "http://" + listener.Addr().String() + "/v2/jobs"
}

// serveHTTP2 serves a connection until it ends.
func serveHTTP2(conn net.Conn, requests *atomic.Int64, respond func(stream uint32) []byte) {
	defer func() { _ = conn.Close() }()
	preface := make([]byte, len("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
	if _, err := io.ReadFull(conn, preface); err != nil {
		return
	}
	_, _ = conn.Write(frame(settingsFrame, 0, 0, nil))
	for {
		head := make([]byte, 9)
		if _, err := io.ReadFull(conn, head); err != nil {
			return
		}
		length := int64(head[0])<<16 | int64(head[1])<<8 | int64(head[2])
		if _, err := io.CopyN(io.Discard, conn, length); err != nil {
			return
		}
		ends := head[4]&endStream != 0
		switch {
		case head[3] == settingsFrame && !ends:
			_, _ = conn.Write(frame(settingsFrame, endStream, 0, nil))
		case ends && (head[3] == dataFrame || head[3] == headersFrame):
			requests.Add(1)
			_, _ = conn.Write(respond(binary.BigEndian.Uint32(head[5:])))
		}
	}
}

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := []byte{0, 0, byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

// Over HTTP/2, net/http resends requests without a pause or a limit, even after resets
// that do not prove that the request was not processed. An attempt must be one request,
// whatever its method.
func TestOneAttemptIsOneRequestOverHTTP2(t *testing.T) {
	t.Parallel()
	reset := func(code uint32) func(uint32) []byte {
		return func(stream uint32) []byte {
			return frame(resetFrame, 0, stream, binary.BigEndian.AppendUint32(nil, code))
		}
	}
	goAway := func(code uint32) func(uint32) []byte { // streams before this one were processed
		return func(stream uint32) []byte {
			return frame(goAwayFrame, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, stream-1), code))
		}
	}
	for name, c := range map[string]struct {
		respond func(uint32) []byte
		unknown bool // the request may have been processed
	}{
		"no error":                   {reset(0), true},
		"protocol error":             {reset(1), true},
		"internal error":             {reset(2), true},
		"refused stream":             {reset(7), false},
		"cancel":                     {reset(8), true},
		"enhance your calm":          {reset(11), true},
		"HTTP/1.1 required":          {reset(13), true},
		"GOAWAY":                     {goAway(0), false},
		"GOAWAY protocol error":      {goAway(1), false},
		"GOAWAY internal error":      {goAway(2), false},
		"GOAWAY enhance your calm":   {goAway(11), false},
		"GOAWAY inadequate security": {goAway(12), false},
	} {
		for _, method := range []string{http.MethodGet, http.MethodDelete, http.MethodPost} {
			t.Run(name+"/"+method, func(t *testing.T) {
				t.Parallel()
				var requests atomic.Int64
				transport := newTransport(t)
				transport.Protocols = new(http.Protocols)
				transport.Protocols.SetUnencryptedHTTP2(true)
				url := http2Server(t, &requests, c.respond)
				want := attempts
				if c.unknown && method == http.MethodPost {
					want = 1
				}
				got := engine.New(quick(transport)).Send(t.Context(), newCall(t, method, url))
				require.Error(t, got.Err)
				assert.Equal(t, want, got.Attempts)
				assert.EqualValues(t, want, requests.Load())
				assert.Equal(t, c.unknown, got.Unknown, "%v", got.Err)
			})
		}
	}
}

// A server that closes each connection before it takes a request makes net/http reconnect
// without end.
func TestConnectionsOfAnAttemptAreBounded(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string][]byte{
		"GOAWAY":         frame(goAwayFrame, 0, 0, make([]byte, 8)),
		"no streams":     frame(settingsFrame, 0, 0, []byte{0, 3, 0, 0, 0, 0}),
		"protocol error": frame(resetFrame, 0, 0, make([]byte, 4)),
		"nothing":        nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = listener.Close() })
			var connections atomic.Int64
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					connections.Add(1)
					_, _ = conn.Write(append(frame(settingsFrame, 0, 0, nil), greeting...))
					go func() {
						defer func() { _ = conn.Close() }()
						if name == "no streams" {
							_, _ = io.Copy(io.Discard, conn)
						}
					}()
				}
			}()
			transport := newTransport(t)
			transport.Protocols = new(http.Protocols)
			transport.Protocols.SetUnencryptedHTTP2(true)
			call := newCall(t, http.MethodGet, "http://"+listener.Addr().String()+"/v2/jobs")
			call.Timeout = 100 * time.Millisecond
			got := engine.New(quick(transport)).Send(t.Context(), call)
			require.Error(t, got.Err)
			assert.LessOrEqual(t, connections.Load(), int64(4*attempts))
		})
	}
}

// A host may use HTTP/1.1 on one connection and HTTP/2 on the next.
func TestChangeOfProtocolRepeatsNothing(t *testing.T) {
	t.Parallel()
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			certified := httptest.NewUnstartedServer(nil)
			certified.EnableHTTP2 = true
			certified.StartTLS()
			t.Cleanup(certified.Close)
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			require.NoError(t, err)
			t.Cleanup(func() { _ = listener.Close() })
			var requests atomic.Int64
			go func() {
				config := &tls.Config{Certificates: certified.TLS.Certificates, NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
				conn, err := listener.Accept()
				if !assert.NoError(t, err) {
					return
				}
				old := tls.Server(conn, config)
				if _, err := http.ReadRequest(bufio.NewReader(old)); assert.NoError(t, err) {
					_, _ = io.WriteString(old, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
				}
				_ = old.Close()
				config = config.Clone()
				config.NextProtos = []string{"h2"}
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					go serveHTTP2(tls.Server(conn, config), &requests, func(stream uint32) []byte {
						return frame(resetFrame, 0, stream, []byte{0, 0, 0, 1}) // PROTOCOL_ERROR
					})
				}
			}()
			url := "https://" + listener.Addr().String()
			e := engine.New(quick(certified.Client().Transport))
			require.NoError(t, e.Send(t.Context(), newCall(t, http.MethodGet, url)).Err)
			got := e.Send(t.Context(), newCall(t, method, url))
			require.Error(t, got.Err)
			assert.EqualValues(t, got.Attempts, requests.Load())
			assert.True(t, got.Unknown)
		})
	}
}

// Over HTTP/2, a connection outlives the requests on it that got no response. Over
// HTTP/1.1, other idle connections may be as dead as that of the attempt.
func TestAttemptThatTimedOutLeavesConnections(t *testing.T) {
	t.Parallel()
	for protocol, protocols := range map[string]http.Protocols{"HTTP/1.1": http1(), "HTTP/2.0": http2()} {
		for _, method := range []string{http.MethodGet, http.MethodDelete} {
			t.Run(protocol+"/"+method, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					network := &pipes{accepted: make(chan net.Conn), ended: make(chan struct{})}
					server := &http.Server{Protocols: &protocols, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
						assert.Equal(t, protocol, r.Proto)
						advance(time.Second) // concurrent requests need separate connections
					})}
					go func() { _ = server.Serve(network) }()
					transport := &http.Transport{Protocols: &protocols, DialContext: network.dial}
					config := configure(transport)
					config.Attempts = 2
					e := engine.New(config)
					call := newCall(t, http.MethodGet, "http://api.example/v2/jobs")
					var idle sync.WaitGroup
					for range 2 {
						idle.Go(func() { assert.NoError(t, e.Send(t.Context(), call).Err) })
					}
					idle.Wait()
					network.silent.Store(true) // all connections made so far
					before := network.made.Load()
					require.NoError(t, e.Send(t.Context(), newCall(t, method, "http://api.example/v2/jobs")).Err)
					assert.Equal(t, before+1, network.made.Load())
					require.NoError(t, server.Close())
					transport.CloseIdleConnections()
				})
			})
		}
	}
}

func http1() (p http.Protocols) {
	p.SetHTTP1(true)
	return p
}

func http2() (p http.Protocols) {
	p.SetUnencryptedHTTP2(true)
	return p
}

// pipes is an in-process network. While it is silent, connections made before pass no
// data on.
type pipes struct {
	accepted chan net.Conn
	ended    chan struct{}
	once     sync.Once
	made     atomic.Int64
	silent   atomic.Bool
}

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	old := !p.silent.Load()
	p.made.Add(1)
	p.accepted <- server
	return &pipe{Conn: client, swallows: func() bool { return old && p.silent.Load() }}, nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.accepted:
		return conn, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.ended) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{} }

type pipe struct {
	net.Conn

	swallows func() bool
}

func (p *pipe) Write(b []byte) (int, error) {
	if p.swallows() {
		return len(b), nil
	}
	return p.Conn.Write(b)
}
