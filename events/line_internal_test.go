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

// TestALineThatEndsBeforeItsConnectionIsUsed is a Close in the moment after the handshake.
func TestALineThatEndsBeforeItsConnectionIsUsed(t *testing.T) {
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
		l := newLine(c.hangUp)
		conn, err := c.call(l)
		require.NoError(t, err)

		server.Set(sioserver.Faults{Frozen: true})
		defer server.Set(sioserver.Faults{})
		l.ended = true
		start := time.Now()
		require.ErrorIs(t, c.listen(l, conn), sio.ErrClosed)
		assert.Zero(t, time.Since(start), "nobody listens to a goodbye")
		l.linger.Stop()
		l.cancel()
	})
}
