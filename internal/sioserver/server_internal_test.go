//go:build !js

package sioserver

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPlainRequestIsRefused(t *testing.T) {
	t.Parallel()
	s := New(func(string, string) int { return http.StatusOK })
	defer s.Close()
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?EIO=4&transport=websocket", http.NoBody))
	assert.Equal(t, http.StatusUpgradeRequired, recorder.Code)
}

// frame returns a client's frame with a mask that changes nothing.
func frame(head byte, payload string) string {
	return string([]byte{head, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload
}

// TestFrames sends raw bytes to the server. The text "40" connects the namespace.
func TestFrames(t *testing.T) {
	t.Parallel()
	tooMuch := frame(0x01, "4") + strings.Repeat(frame(0x00, strings.Repeat("x", 100)), maxPayload/100)
	for name, test := range map[string]struct {
		sent string
		want string // "connected", or "ended"
	}{
		"whole":             {frame(0x81, "40"), "connected"},
		"masked":            {"\x81\x82\x01\x02\x03\x04" + "\x35\x32", "connected"},
		"fragments":         {frame(0x01, "4") + frame(0x89, "") + frame(0x8a, "") + frame(0x80, "0"), "connected"},
		"16-bit length":     {"\x81\xfe\x00\x02\x00\x00\x00\x0040", "connected"},
		"64-bit length":     {"\x81\xff\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x0040", "connected"},
		"long ping":         {frame(0x89, strings.Repeat("x", 125)) + frame(0x81, "40"), "connected"},
		"close":             {frame(0x88, ""), "ended"},
		"close with reason": {frame(0x88, "\x03\xe8bye"), "ended"},
		"invalid close":     {frame(0x88, "x"), "ended"},
		"not masked":        {"\x81\x0240", "ended"},
		"compressed":        {frame(0xc1, "40"), "ended"},
		"unknown opcode":    {frame(0x83, "40"), "ended"},
		"no first frame":    {frame(0x80, "40"), "ended"},
		"fragmented ping":   {frame(0x09, "a"), "ended"},
		"too long ping":     {"\x89\xfe\x00\x7e\x00\x00\x00\x00" + strings.Repeat("x", 126), "ended"},
		"too large":         {"\x81\xff\x00\x00\x00\x00\x00\x0f\x42\x41\x00\x00\x00\x00" + strings.Repeat("x", maxPayload+1), "ended"},
		"too many frames":   {tooMuch, "ended"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := New(func(string, string) int { return http.StatusOK })
				transport, stop := Pipe(s)
				defer stop()
				defer s.Close()
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://server/?EIO=4&transport=websocket", http.NoBody)
				require.NoError(t, err)
				for key, value := range map[string]string{
					"Connection": "Upgrade", "Upgrade": "websocket", "Sec-Websocket-Version": "13", "Sec-Websocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
				} {
					request.Header.Set(key, value)
				}
				response, err := transport.RoundTrip(request) //nolint:bodyclose // closed as raw
				require.NoError(t, err)
				require.Equal(t, http.StatusSwitchingProtocols, response.StatusCode)
				raw, ok := response.Body.(io.ReadWriteCloser)
				require.True(t, ok)
				defer raw.Close()                               //nolint:errcheck // the server may have closed it
				go func() { _, _ = io.Copy(io.Discard, raw) }() // the server waits for its frames to be read
				_, _ = io.WriteString(raw, test.sent)           // the server may close before it has read everything
				synctest.Wait()
				if test.want == "ended" {
					assert.Zero(t, s.Connections())
					return
				}
				conns := s.open()
				require.Len(t, conns, 1)
				assert.True(t, conns[0].isConnected())
			})
		})
	}
}

// TestJoinsAreBounded records joins with long names and keys.
func TestJoinsAreBounded(t *testing.T) {
	t.Parallel()
	s := New(nil)
	for n := range 3 * maxJoins {
		s.record(Join{Connection: n})
	}
	joins := s.Joins()
	assert.Len(t, joins, maxJoins)
	assert.Equal(t, 3*maxJoins-1, joins[maxJoins-1].Connection)
	long := strings.Repeat("x", maxPayload/2)
	for range 100 {
		s.record(Join{Channel: long, Authorization: long})
	}
	assert.Len(t, s.Joins(), 16)
}
