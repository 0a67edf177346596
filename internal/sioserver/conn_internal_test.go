//go:build !js

package sioserver

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// dialed runs a test in a bubble with a client that is connected to a server and sends
// nothing.
func dialed(t *testing.T, f Faults, test func(t *testing.T, s *Server, client *websocket.Conn)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		s := New(func(string, string) int { return http.StatusOK })
		s.Set(f)
		transport, stop := Pipe(s)
		defer stop()
		defer s.Close()
		client, _, err := websocket.Dial(t.Context(), "ws://server/?EIO=4&transport=websocket", &websocket.DialOptions{ //nolint:bodyclose // as documented by Dial
			HTTPClient: &http.Client{Transport: transport},
		})
		require.NoError(t, err)
		defer func() { _ = client.CloseNow() }() // the server has closed it
		test(t, s, client)
	})
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		interval, timeout time.Duration
	}{
		"usual":        {25 * time.Second, 20 * time.Second},
		"equal":        {20 * time.Second, 20 * time.Second},
		"longer":       {20 * time.Second, 30 * time.Second},
		"several long": {5 * time.Second, 31 * time.Second},
	} {
		faults := Faults{PingInterval: test.interval, PingTimeout: test.timeout}
		t.Run(name+", no pong", func(t *testing.T) {
			t.Parallel()
			dialed(t, faults, func(t *testing.T, _ *Server, client *websocket.Conn) {
				t.Helper()
				start := time.Now()
				for {
					if _, _, err := client.Read(t.Context()); err != nil {
						break
					}
					require.Less(t, time.Since(start), time.Hour, "the server does not end the connection")
				}
				assert.Equal(t, test.interval+test.timeout, time.Since(start))
			})
		})
		t.Run(name+", not read", func(t *testing.T) {
			t.Parallel()
			dialed(t, faults, func(t *testing.T, s *Server, _ *websocket.Conn) {
				t.Helper()
				<-time.After(test.interval + test.timeout - 1)
				synctest.Wait()
				assert.Equal(t, 1, s.Connections())
				<-time.After(1)
				synctest.Wait()
				assert.Zero(t, s.Connections())
			})
		})
	}
}

func TestClientWithLatePongsStaysConnected(t *testing.T) {
	t.Parallel()
	dialed(t, Faults{PingInterval: 5 * time.Second, PingTimeout: 11 * time.Second}, func(t *testing.T, s *Server, client *websocket.Conn) {
		t.Helper()
		for start := time.Now(); time.Since(start) < time.Hour; {
			_, frame, err := client.Read(t.Context())
			require.NoError(t, err)
			if string(frame) == "2" {
				<-time.After(4 * time.Second)
				require.NoError(t, client.Write(t.Context(), websocket.MessageText, []byte("3")))
			}
		}
		assert.Equal(t, 1, s.Connections())
	})
}

func TestOutboxIsBounded(t *testing.T) {
	t.Parallel()
	dialed(t, Faults{}, func(t *testing.T, s *Server, client *websocket.Conn) {
		t.Helper()
		client.SetReadLimit(1 << 20)
		large := make([]byte, 1<<20-message{}.size())
		send := func(n int) {
			synctest.Wait()
			for range n {
				s.SendBinary(large)
			}
			synctest.Wait()
		}
		_, _, err := client.Read(t.Context())
		require.NoError(t, err)
		send(64)
		assert.Equal(t, 1, s.Connections())
		_, _, err = client.Read(t.Context())
		require.NoError(t, err)
		send(1)
		assert.Equal(t, 1, s.Connections(), "written messages do not count")
		send(1)
		assert.Zero(t, s.Connections(), "one message too many")
	})
}
