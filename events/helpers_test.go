package events_test

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	key    = "test-key"
	socket = "http://127.0.0.1:3/prefix"
)

// bench is a listener and its server.
type bench struct {
	t         *testing.T
	server    *sioserver.Server
	transport *http.Transport
	requests  atomic.Int64
	mux       *http.ServeMux
	listener  *events.Client
}

// inBubble runs a test of a listener whose server grants all joins.
func inBubble(t *testing.T, test func(t *testing.T, b *bench), opts ...events.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		t.Helper()
		b := newBench(t)
		b.listener = b.listen(b.client(key), opts...)
		test(t, b)
	})
}

func newBench(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, mux: http.NewServeMux(), server: sioserver.New(func(_, authorization string) int {
		if authorization != "Bearer "+key {
			return http.StatusUnauthorized
		}
		return http.StatusOK
	})}
	b.mux.Handle("/prefix/socket.io/", b.server)
	b.mux.HandleFunc("/v2/users/me", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, err := w.Write([]byte(`{"data": {"id": 7}}`))
		assert.NoError(t, err)
	})
	transport, end := sioserver.Pipe(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.requests.Add(1)
		b.mux.ServeHTTP(w, r)
	}))
	b.transport = transport
	t.Cleanup(func() {
		b.server.Close()
		end()
	})
	return b
}

func (b *bench) client(key string, opts ...cloudconvert.Option) *cloudconvert.Client {
	b.t.Helper()
	opts = append([]cloudconvert.Option{
		cloudconvert.WithBaseURLs("http://127.0.0.1:1/v2", "http://127.0.0.1:2/v2"),
		cloudconvert.WithHTTPClient(&http.Client{Transport: b.transport}),
	}, opts...)
	client, err := cloudconvert.NewClient(key, opts...)
	require.NoError(b.t, err)
	return client
}

// listen returns a listener that ends with the test.
func (b *bench) listen(client *cloudconvert.Client, opts ...events.Option) *events.Client {
	b.t.Helper()
	listener, err := events.New(client, append([]events.Option{events.WithURL(socket)}, opts...)...)
	require.NoError(b.t, err)
	b.t.Cleanup(listener.Close)
	return listener
}

// subscribe joins a channel and takes the resync that comes first.
func (b *bench) subscribe(channel events.Channel) *events.Subscription {
	b.t.Helper()
	s, err := b.listener.Subscribe(b.t.Context(), channel)
	require.NoError(b.t, err)
	first := b.next(s)
	assert.Equal(b.t, events.Resync, first.Name)
	assert.Equal(b.t, channel.String(), first.Channel)
	require.NoError(b.t, first.Err)
	synctest.Wait()
	return s
}

// next returns the next event, which must come within a minute.
func (b *bench) next(s *events.Subscription) events.Event {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	event, err := s.Next(ctx)
	require.NoError(b.t, err)
	return event
}

// noEvent checks that there is no event to read.
func (b *bench) noEvent(s *events.Subscription) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Millisecond)
	defer cancel()
	event, err := s.Next(ctx)
	require.ErrorIs(b.t, err, context.DeadlineExceeded, "%s", event.Name)
}

// end returns the error that follows the last event.
func (b *bench) end(s *events.Subscription) error {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), time.Minute)
	defer cancel()
	for {
		if _, err := s.Next(ctx); err != nil {
			require.NoError(b.t, ctx.Err(), "the subscription did not end")
			return err
		}
	}
}

func (b *bench) emit(channel events.Channel, name events.Name, data string) {
	b.t.Helper()
	require.NoError(b.t, b.server.Emit(channel.String(), string(name), json.RawMessage(data)))
}

// joined returns the channels that were joined and, with a minus, those that were left.
func (b *bench) joined() string {
	var names []string
	for _, join := range b.server.Joins() {
		sign := map[bool]string{true: "-"}[join.Leave]
		names = append(names, sign+strings.TrimPrefix(join.Channel, "private-"))
	}
	return strings.Join(names, " ")
}

// goroutines counts the goroutines of listeners in this bubble.
func goroutines() int {
	buffer := make([]byte, 4<<20)
	bubble := regexp.MustCompile(`synctest bubble \d+\]`).Find(buffer[:runtime.Stack(buffer, false)])
	count := 0
	for stack := range strings.SplitSeq(string(buffer[:runtime.Stack(buffer, true)]), "\n\n") {
		head, _, _ := strings.Cut(stack, "\n")
		if strings.Contains(head, string(bubble)) && listens.MatchString(stack) && !strings.Contains(stack, "internal/sioserver.") {
			count++
		}
	}
	return count
}

// listens matches the stack of a goroutine of a listener.
var listens = regexp.MustCompile(`cloudconvert-go/events\.|internal/sio\.|coder/websocket`)

// elapse waits for d and for all goroutines of the bubble.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}
