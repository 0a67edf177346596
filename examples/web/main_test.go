package main

import (
	"bytes"
	"context"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// serveForTest starts the program with a local sandbox and returns the URL of its page.
func serveForTest(t *testing.T) string {
	t.Helper()
	t.Setenv("CLOUDCONVERT_API_KEY", "")
	ctx, cancel := context.WithCancel(t.Context())
	started, ended := make(chan string, 1), make(chan int, 1)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, &stderr, func(url string) { started <- url })
	}()
	t.Cleanup(func() {
		cancel()
		assert.Equal(t, exitOK, <-ended, &stderr)
	})
	select {
	case url := <-started:
		return url
	case code := <-ended:
		ended <- code
		require.Equal(t, exitOK, code, &stderr)
		return ""
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args    []string
		code    int
		message string
		lines   int
	}{
		{[]string{"-h"}, exitOK, "usage: web [flags]\n", 7},
		{[]string{"-fast"}, exitUsage, "web: flag provided but not defined: -fast (web -h shows the flags)\n", 1},
		{[]string{"photos"}, exitUsage, `web: unexpected argument "photos": there are only flags (web -h shows the flags)` + "\n", 1},
		{[]string{"-addr", "nowhere"}, exitFailed, "web: listen tcp: address nowhere", 1},
	} {
		var stderr bytes.Buffer
		assert.Equal(t, c.code, run(t.Context(), c.args, &stderr, func(string) {}), c.args)
		assert.True(t, strings.HasPrefix(stderr.String(), c.message), stderr.String())
		assert.Equal(t, c.lines, strings.Count(stderr.String(), "\n"), stderr.String())
	}
}

func TestStopsBesideUnusedConnections(t *testing.T) { //nolint:paralleltest // it sets the environment.
	var conn net.Conn
	t.Cleanup(func() { assert.NoError(t, conn.Close()) })
	address := strings.TrimPrefix(serveForTest(t), "http://")
	var err error
	conn, err = new(net.Dialer).DialContext(t.Context(), "tcp", address)
	require.NoError(t, err)
}
