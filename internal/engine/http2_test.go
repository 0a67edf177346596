package engine_test

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// The frames of HTTP/2 that matter here.
const (
	dataFrame     = 0
	headersFrame  = 1
	resetFrame    = 3
	settingsFrame = 4
	goAwayFrame   = 7

	endStream = 1 // a flag of the first two, and the answer to settings
)

// http2Server reads whole requests over HTTP/2 and answers each by a frame.
func http2Server(t *testing.T, requests *atomic.Int64, answer func(stream uint32) []byte) string {
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
				go serveHTTP2(conn, requests, answer)
			}
		}
	}()
	return "http://" + listener.Addr().String() + "/v2/jobs"
}

// serveHTTP2 serves a connection until it ends.
func serveHTTP2(conn net.Conn, requests *atomic.Int64, answer func(stream uint32) []byte) {
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
			_, _ = conn.Write(answer(binary.BigEndian.Uint32(head[5:])))
		}
	}
}

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	head := []byte{0, 0, byte(len(payload)), kind, flags}
	return append(binary.BigEndian.AppendUint32(head, stream), payload...)
}

// Over HTTP/2 package net/http sends requests again by itself, also after
// resets that do not prove that nothing was done.
func TestResetOverHTTP2(t *testing.T) {
	t.Parallel()
	reset := func(code uint32) func(uint32) []byte {
		return func(stream uint32) []byte {
			return frame(resetFrame, 0, stream, binary.BigEndian.AppendUint32(nil, code))
		}
	}
	goAway := func(stream uint32) []byte { // the streams up to the one before were processed
		return frame(goAwayFrame, 0, 0, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, stream-1), 0))
	}
	for name, c := range map[string]struct {
		answer func(uint32) []byte
		posts  int64
		open   bool
	}{
		"protocol error": {reset(1), 1, true},
		"internal error": {reset(2), 1, true},
		"refused":        {reset(7), attempts, false},
		"cancelled":      {reset(8), 1, true},
		"calm":           {reset(11), 1, true},
		"going away":     {goAway, attempts, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var posts atomic.Int64
			transport := newTransport(t)
			transport.Protocols = new(http.Protocols)
			transport.Protocols.SetUnencryptedHTTP2(true)
			url := http2Server(t, &posts, c.answer)
			got := engine.New(quick(transport)).Send(t.Context(), newCall(t, http.MethodPost, url))
			require.Error(t, got.Err)
			assert.Equal(t, c.posts, posts.Load())
			assert.Equal(t, c.open, got.Open, "%v", got.Err)
		})
	}
}
