package events

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

func TestNew(t *testing.T) {
	t.Parallel()
	custom := cloudconvert.WithBaseURLs("https://proxy.example/v2", "https://sync.proxy.example/v2")
	plain := cloudconvert.WithPlainHTTP()
	for name, test := range map[string]struct {
		client  []cloudconvert.Option
		options []Option
		want    string // the URL, or a part of the error
	}{
		"service":         {nil, nil, "https://socketio.cloudconvert.com"},
		"sandbox":         {[]cloudconvert.Option{cloudconvert.WithSandbox()}, nil, "https://socketio.sandbox.cloudconvert.com"},
		"region":          {[]cloudconvert.Option{cloudconvert.WithRegion(cloudconvert.RegionUSEast)}, nil, "https://socketio.cloudconvert.com"},
		"custom":          {[]cloudconvert.Option{custom}, nil, "WithURL"},
		"custom both":     {[]cloudconvert.Option{custom}, []Option{WithURL("https://socket.example/prefix")}, "https://socket.example/prefix"},
		"websocket":       {nil, []Option{WithURL("wss://socket.example")}, "https://socket.example"},
		"plain websocket": {nil, []Option{WithURL("ws://localhost:1")}, "http://localhost:1"},
		"loopback":        {nil, []Option{WithURL("http://[::1]:8080")}, "http://[::1]:8080"},
		"plain":           {nil, []Option{WithURL("http://socket.example")}, "unencrypted"},
		"plain allowed":   {[]cloudconvert.Option{plain}, []Option{WithURL("http://socket.example")}, "http://socket.example"},
		"no URL":          {nil, []Option{WithURL("://")}, "invalid URL"},
		"no host":         {nil, []Option{WithURL("https://")}, "invalid URL"},
		"other scheme":    {nil, []Option{WithURL("ftp://socket.example")}, "invalid URL"},
		"query":           {nil, []Option{WithURL("https://socket.example?a=b")}, "has a user, query or fragment"},
		"user":            {nil, []Option{WithURL("https://me@socket.example")}, "has a user, query or fragment"},
		"user, no host":   {nil, []Option{WithURL("https:/me:s3cret@socket.example")}, "invalid URL"},
		"path":            {nil, []Option{WithURL("http://socket.example/s3cret")}, "unencrypted"},
		"no HTTP client":  {nil, []Option{WithHTTPClient(nil)}, "the client is nil"},
		"no limit":        {nil, []Option{WithReadLimit(0)}, "is not positive"},
		"no logger":       {nil, []Option{WithLogger(nil)}, "the logger is nil"},
		"no option":       {nil, []Option{nil}, "an option is nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			api, err := cloudconvert.NewClient("key", test.client...)
			require.NoError(t, err)
			c, err := New(api, test.options...)
			if err != nil {
				require.ErrorContains(t, err, test.want)
				require.ErrorContains(t, err, "cloudconvert: events: ")
				require.NotContains(t, err.Error(), "s3cret")
				return
			}
			assert.Equal(t, test.want, c.cfg.url.String())
			c.Close()
		})
	}
	_, err := New(nil)
	require.Error(t, err)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetHTTP1(true) // a transport with HTTP/2 would be copied
	logger := slog.New(slog.DiscardHandler)
	api, err := cloudconvert.NewClient("key", cloudconvert.WithHTTPClient(&http.Client{Transport: transport}), cloudconvert.WithLogger(logger))
	require.NoError(t, err)
	c, err := New(api)
	require.NoError(t, err)
	assert.Same(t, transport, c.cfg.transport)
	assert.Same(t, logger, c.cfg.logger)

	other, own := &http.Transport{}, slog.New(slog.DiscardHandler)
	c, err = New(api, WithHTTPClient(&http.Client{Transport: other}), WithLogger(own), WithReadLimit(1))
	require.NoError(t, err)
	assert.Same(t, other, c.cfg.transport)
	assert.Same(t, own, c.cfg.logger)
	assert.EqualValues(t, 1, c.cfg.readLimit)
}
