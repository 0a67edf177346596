package network

import (
	"context"
	"errors"
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestStorageHost(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		"127.0.0.1:80": "localhost:80", "127.0.0.10:80": "127.0.0.10:80", "127.0.0.1.example:80": "127.0.0.1.example:80",
		"[::1]:80": "[::1]:80",
	} {
		assert.Equal(t, want, StorageHost(addr))
	}
}

// TestPipeDialer connects to names that begin or end like localhost.
func TestPipeDialer(t *testing.T) {
	t.Parallel()
	l := Pipes("127.0.0.1:1", false)
	defer func() { require.NoError(t, l.Close()) }()
	errOther := errors.New("another host")
	dial := PipeDialer(func(context.Context, string, string) (net.Conn, error) { return nil, errOther }, l)
	for _, addr := range []string{"my-localhost:1", "localhost.example:1", "localhost:2", "127.0.0.10:1"} {
		_, err := dial(t.Context(), "tcp", addr)
		require.ErrorIs(t, err, errOther, addr)
	}
	for _, addr := range []string{"127.0.0.1:1", "localhost:1", "LOCALHOST:1", "localhost.:1"} {
		go func() {
			if c, err := l.Accept(); err == nil {
				_ = c.Close()
			}
		}()
		c, err := dial(t.Context(), "tcp", addr)
		require.NoError(t, err, addr)
		require.NoError(t, c.Close())
	}
}

func TestParsePublicURL(t *testing.T) {
	t.Parallel()
	for _, valid := range []string{
		"http://sandbox", "http://sandbox:8080/", "https://a-b.example.com", "HTTP://127.0.0.1:1", "http://[::1]:65535",
	} {
		_, err := ParsePublicURL(valid)
		require.NoError(t, err, valid)
	}
	for _, invalid := range []string{
		"sandbox", "sandbox:8080", "ftp://sandbox", "http://", "http://sandbox/v2", "http://sandbox//", "http://a b",
		"http://$(id)", "http://a;b", "http://a'b", "http://-a", "http://user@sandbox", "http://sandbox#x", "http://sandbox?x",
		"http://sandbox:0", "http://sandbox:65536", "http://sandbox:", "http://[fe80::1%25$x]",
	} {
		_, err := ParsePublicURL(invalid)
		assert.ErrorContains(t, err, "want a scheme and a host", invalid)
	}
}
