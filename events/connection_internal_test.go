package events

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/sio"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

// TestCloseAfterHandshake closes the client before it uses a new socket.
func TestCloseAfterHandshake(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := sioserver.New(func(string, string) int { return http.StatusOK })
		transport, end := sioserver.Pipe(server)
		defer end()
		defer server.Close()
		api, err := cloudconvert.NewClient("key", cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
		require.NoError(t, err)
		c, err := New(api, WithURL("http://127.0.0.1:1"))
		require.NoError(t, err)
		cn := newConnection(c.closeIdle)
		socket, err := c.dial(cn)
		require.NoError(t, err)

		server.Set(sioserver.Faults{Frozen: true})
		defer server.Set(sioserver.Faults{})
		cn.ended = true
		start := time.Now()
		require.ErrorIs(t, c.receive(cn, socket), sio.ErrClosed)
		assert.Zero(t, time.Since(start), "without a closing handshake")
		cn.idle.Stop()
		cn.cancel()
	})
}
