package cloudconverttest

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAllowedHosts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		opts []Option
		want map[string]bool
	}{
		"usual": {nil, map[string]bool{
			"http://127.0.0.1:80/": true, "http://[::1]/": true, "https://localhost/": true, "http://127.1.2.3/": true,
			"HTTP://LOCALHOST/": true, "http://localhost.:80/": true, "http://localhost.evil/": false,
			"http://example.com/": false, "http://10.0.0.1/": false, "http://localhost.example.com/": false, "http:///": false,
		}},
		"network":   {[]Option{WithAnyHost()}, map[string]bool{"http://example.com/": true}},
		"transport": {[]Option{WithTransport(roundTrip(nil))}, map[string]bool{"http://example.com/": true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t, c.opts...)
			for rawURL, want := range c.want {
				u, err := url.Parse(rawURL)
				require.NoError(t, err)
				assert.Equal(t, want, x.s.outbound.Allow(u) == nil, rawURL)
			}
		})
	}
}

func TestWithHints(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithHints("ask the office", "see the manual"))
	task := taskOf(t, x.run(dict{
		"in": importing64("a.docx", []byte("x")), "it": dict{"operation": "convert", "input": "in", "output_format": "pdf"},
	}), "it")
	assert.Equal(t, "This conversion type is not supported (ask the office)", task["message"])
	refused := x.call(http.MethodPost, "/convert", dict{
		"input": task["id"], "input_format": "docx", "output_format": "pdf",
	}).expect(http.StatusUnprocessableEntity).object()
	assert.Equal(t, "This conversion type is not supported (ask the office)", refused["message"])
	task = taskOf(t, x.run(dict{"in": dict{"operation": "import/url", "url": "https://example.com/a.txt"}}), "in")
	assert.Equal(t, "Download failed: the local server sends no requests to other hosts: see the manual", task["message"])
}

// lockedBuffer is a log that is safe for concurrent use.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	x := newTester(t, WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_, file := x.exported("a.txt", "x", nil)
	x.get(str(file["url"])).expect(http.StatusOK)
	x.s.Close()
	assert.Contains(t, log.String(), "path=/v2/jobs status=201")
	assert.Contains(t, log.String(), `msg="job ended"`)
	assert.NotContains(t, log.String(), x.key)
	assert.NotContains(t, log.String(), "X-Amz-Signature")
}

func TestConnections(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		for range 5 {
			x.call(http.MethodGet, "/users/me", nil).expect(http.StatusOK)
		}
		assert.Equal(t, 1, x.s.Connections())
		x.s.Inject(Fault{Kind: Reset})
		_, err := x.create()
		require.Error(t, err)
		assert.Zero(t, x.s.Connections())
		x.s.ClearFaults()
		x.call(http.MethodGet, "/users/me", nil).expect(http.StatusOK)
		assert.Equal(t, 2, x.s.ConnectionsAccepted())
	})
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	taken := strings.TrimSuffix(strings.TrimPrefix(x.s.URL, "http://"), "/v2")
	assert.Panics(t, func() { NewServer(WithAddr(taken, "")) })
	assert.Panics(t, func() { NewServer(WithAddr("", taken)) })
}

func TestClosedServer(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		x.s.Close()
		_, err := x.create()
		require.Error(t, err)
	})
}

// endless is a reader without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestEndlessBody(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.s.URL+"/jobs", io.LimitReader(endless{}, maxBody+1))
	require.NoError(t, err)
	req.ContentLength = maxBody + 1
	req.Header.Set("Authorization", "Bearer "+x.key)
	assert.Equal(t, "PAYLOAD_TOO_LARGE", x.send(req).expect(http.StatusRequestEntityTooLarge).object()["code"])
}

func TestIncompleteRequest(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.s.URL+"/jobs", strings.NewReader(`{"tasks":`))
	require.NoError(t, err)
	req.ContentLength = 100
	req.Header.Set("Authorization", "Bearer "+x.key)
	_, err = x.try(req)
	require.Error(t, err)
	assert.Empty(t, x.s.Jobs())
}
