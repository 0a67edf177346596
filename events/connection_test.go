package events_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/events"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

func TestReconnect(t *testing.T) {
	t.Parallel()
	breaks := map[string]struct {
		do   func(s *sioserver.Server)
		want string
	}{
		"cut":      {(*sioserver.Server).Cut, "broke"},
		"kicked":   {(*sioserver.Server).Kick, "ended"},
		"closed":   {func(s *sioserver.Server) { s.Send("1") }, "ended"},
		"too big":  {func(s *sioserver.Server) { s.Send("42" + strings.Repeat("x", 5<<20)) }, "WithReadLimit"},
		"frozen":   {func(s *sioserver.Server) { s.Set(sioserver.Faults{Frozen: true}) }, "silent"},
		"no frame": {func(s *sioserver.Server) { s.Set(sioserver.Faults{Frozen: true}); s.Send("2") }, "silent"},
	}
	for name, test := range breaks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				one, two, gone := b.subscribe(events.Job("a")), b.subscribe(events.Job("b")), b.subscribe(events.Job("c"))
				gone.Close()
				elapse(time.Second)
				for range 3 {
					accepted := b.server.Accepted()
					test.do(b.server)
					time.AfterFunc(50*time.Second, func() { b.server.Set(sioserver.Faults{}) })
					for _, s := range []*events.Subscription{one, two} {
						event := b.next(s)
						assert.Equal(t, events.Resync, event.Name)
						require.ErrorContains(t, event.Err, test.want)
					}
					elapse(time.Second)
					b.noEvent(one)
					assert.Equal(t, accepted+1, b.server.Accepted())
					b.emit(events.Job("a"), events.JobUpdated, "null")
					assert.Equal(t, events.JobUpdated, b.next(one).Name)
				}
				assert.Equal(t, "job.a job.b job.c -job.c job.a job.b job.a job.b job.a job.b", b.joined())
			})
		})
	}
}

func TestSilenceIsMeasuredFromLastMessage(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond})
		s := b.subscribe(events.Job("a"))
		elapse(5 * time.Minute)
		assert.Equal(t, 1, b.server.Accepted(), "pings get pongs")
		b.noEvent(s)

		start := time.Now()
		b.server.Set(sioserver.Faults{Frozen: true})
		for b.listener.Err() == nil {
			elapse(10 * time.Millisecond)
		}
		assert.LessOrEqual(t, time.Since(start), 510*time.Millisecond)
		assert.GreaterOrEqual(t, time.Since(start), 190*time.Millisecond)
		b.server.Set(sioserver.Faults{})
	})
}

func TestPongHasDataOfPing(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		pongs := make(chan string, 2)
		b.serve(func(ctx context.Context, ws *websocket.Conn) {
			_, _, _ = ws.Read(ctx) // the join
			for _, ping := range []string{"2", "2probe"} {
				_ = ws.Write(ctx, websocket.MessageText, []byte(ping)) // the client may have gone
				_, frame, _ := ws.Read(ctx)
				pongs <- string(frame)
			}
		})
		b.subscribe(events.Job("a"))
		assert.Equal(t, "3", <-pongs)
		assert.Equal(t, "3probe", <-pongs)
	})
}

func TestNothingIsSentBeforeNamespaceIsConnected(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{ConnectDelay: 5 * time.Second})
		start := time.Now()
		s := b.subscribe(events.Job("a"))
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.Equal(t, 1, b.server.Accepted(), "the server closes connections that send something earlier")
		b.emit(events.Job("a"), events.JobFinished, "null")
		assert.Equal(t, events.JobFinished, b.next(s).Name)
	})
}

func TestHandshakeTimeout(t *testing.T) {
	t.Parallel()
	slow := map[string]func(b *bench){
		"frozen":        func(b *bench) { b.server.Set(sioserver.Faults{Frozen: true}) },
		"not connected": func(b *bench) { b.server.Set(sioserver.Faults{ConnectDelay: 24 * time.Hour}) },
		"no response": func(b *bench) {
			b.mux.HandleFunc("/prefix/", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		},
	}
	for name, set := range slow {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				if name == "no response" {
					b.mux = http.NewServeMux()
				}
				set(b)
				ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second+time.Millisecond)
				defer cancel()
				_, err := b.listener.Subscribe(ctx, events.Job("a"))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorContains(t, err, "the handshake took longer than 10s")
			})
		})
	}
}

func TestReconnectWhenJoinCannotBeSent(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		b.server.Set(sioserver.Faults{Frozen: true})
		b.server.Send("6") // the server freezes before it writes this
		start := time.Now()
		time.AfterFunc(15*time.Second, func() { b.server.Set(sioserver.Faults{}) })
		for i := range 3 {
			other, err := b.listener.Subscribe(t.Context(), events.Job(strconv.Itoa(i)))
			require.NoError(t, err)
			other.Close()
		}
		assert.Equal(t, events.Resync, b.next(s).Name)
		assert.Less(t, time.Since(start), 30*time.Second, "the watchdog alone takes 45 s")
	})
}

func TestPermanentErrors(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		faults sioserver.Faults
		want   string
	}{
		"old server":   {sioserver.Faults{Old: true}, "Socket.IO 2"},
		"refused":      {sioserver.Faults{Refuse: "go away"}, `"go away"`},
		"bad request":  {sioserver.Faults{Upgrade: http.StatusBadRequest}, "400"},
		"unauthorized": {sioserver.Faults{Upgrade: http.StatusUnauthorized}, "401"},
		"forbidden":    {sioserver.Faults{Upgrade: http.StatusForbidden}, "403"},
		"not found":    {sioserver.Faults{Upgrade: http.StatusNotFound}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				s := b.subscribe(events.Job("a"))
				wake, stop := b.listener.WatchJob(t.Context(), "a")
				defer stop()
				b.server.Set(test.faults)
				b.server.Cut()
				require.ErrorContains(t, b.end(s), test.want)
				require.ErrorContains(t, b.listener.Err(), test.want)
				_, open := <-wake
				assert.False(t, open)
				requests := b.requests.Load()
				_, err := b.listener.Subscribe(t.Context(), events.Job("a"))
				require.ErrorContains(t, err, test.want)
				_, err = s.Next(t.Context())
				require.ErrorContains(t, err, test.want)
				elapse(time.Hour)
				assert.Equal(t, requests, b.requests.Load(), "no more attempts")
				assert.Zero(t, goroutines())
			})
		})
	}
}

func TestTemporaryErrors(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string]sioserver.Faults{
		"timeout":       {Upgrade: http.StatusRequestTimeout},
		"too early":     {Upgrade: http.StatusTooEarly},
		"limited":       {Upgrade: http.StatusTooManyRequests},
		"failed":        {Upgrade: http.StatusInternalServerError},
		"gateway":       {Upgrade: http.StatusBadGateway},
		"redirected":    {Upgrade: http.StatusFound},
		"not websocket": {Upgrade: http.StatusOK},
		"no heartbeat":  {PingInterval: -time.Second},
		"slow beat":     {PingTimeout: 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				b.server.Set(faults)
				time.AfterFunc(30*time.Second, func() { b.server.Set(sioserver.Faults{}) })
				b.subscribe(events.Job("a"))
				assert.GreaterOrEqual(t, b.requests.Load(), int64(5))
				assert.Equal(t, "job.a", b.joined())
			})
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.mux = http.NewServeMux()
		b.mux.Handle("/prefix/", http.RedirectHandler("http://127.0.0.1:4/elsewhere", http.StatusTemporaryRedirect))
		b.mux.HandleFunc("/elsewhere", func(http.ResponseWriter, *http.Request) { assert.Fail(t, "the token would be sent there") })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.listener.Subscribe(ctx, events.Job("a"))
		require.ErrorContains(t, err, "307")
	})
}

func TestBackoffStartsOver(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		for range 3 {
			b.server.Set(sioserver.Faults{Upgrade: 503})
			b.server.Cut()
			begin := b.requests.Load()
			elapse(time.Second)
			assert.InDelta(t, 1.5, b.requests.Load()-begin, 1, "the first pauses are short")
			elapse(10 * time.Minute)
			assert.InDelta(t, 80, b.requests.Load()-begin, 20, "and then they take five to ten seconds")
			b.server.Set(sioserver.Faults{})
			assert.Equal(t, events.Resync, b.next(s).Name)
			elapse(10 * time.Second) // the connection counts as good
		}
	})
}

func TestBackoffGrowsIfConnectionsEndEarly(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.serve(func(ctx context.Context, ws *websocket.Conn) {
			_, _, _ = ws.Read(ctx) // the join
			_ = ws.Write(ctx, websocket.MessageText, []byte("41"))
			_, _, _ = ws.Read(ctx) // the end of the connection
		})
		s, err := b.listener.Subscribe(t.Context(), events.Job("a"))
		require.NoError(t, err)
		defer s.Close()
		elapse(10 * time.Minute)
		assert.InDelta(t, 80, b.requests.Load(), 20)
	})
}

func TestJoinsArePaced(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		var subscriptions []*events.Subscription
		for i := range 100 {
			subscriptions = append(subscriptions, b.subscribe(events.Job(strconv.Itoa(i))))
		}
		b.server.Cut()
		for b.server.Accepted() == 1 {
			elapse(time.Millisecond)
		}
		start := time.Now()
		for i, s := range subscriptions {
			assert.Equal(t, events.Resync, b.next(s).Name, i)
		}
		assert.InDelta(t, 1, time.Since(start).Seconds(), 0.1)
		elapse(time.Millisecond)
		assert.Len(t, b.server.Joins(), 200)
	})
}

func TestInvalidMessagesAreIgnored(t *testing.T) {
	t.Parallel()
	frames := []string{
		"", "3", "5", "7", "43", "4", "49", "hello", "\xff\xfe", "42", "42[", "42{}", "42[]", "42null", "42[1]",
		`42["job.finished"]`, `42["job.finished",null,{}]`, `42["job.finished",7,{}]`, `42["job.finished","private-job.b",{}]`,
		`42/admin,["job.finished","private-job.a",{}]`, `41/admin,`, `451-["job.finished","private-job.a",{"_placeholder":true,"num":0}]`,
		`42["subscription_error","private-job.b",403]`, `42["subscription_error"]`,
		`42["resync","private-job.a",{}]`, // reserved for this package
	}
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		for _, frame := range frames {
			b.server.Send(frame)
		}
		b.server.SendBinary([]byte("\x00\x01"))
		b.server.Send("6")
		elapse(time.Second)
		b.noEvent(s)
		assert.EqualValues(t, len(frames)+1, b.listener.Ignored())

		b.server.Send(`4217["job.updated","private-job.a",{"n":1},"more",2]`)
		b.server.Send(`42["job.updated","private-job.a"]`)
		b.server.Send(`42["job.exploded","private-job.a",[1]]`)
		assert.JSONEq(t, `{"n": 1}`, string(b.next(s).Data))
		event := b.next(s)
		assert.Nil(t, event.Data)
		_, err := event.Job()
		require.Error(t, err)
		event = b.next(s)
		assert.EqualValues(t, "job.exploded", event.Name)
		assert.False(t, event.Name.Ended())
		assert.Equal(t, 1, b.server.Accepted(), "none of them broke the connection")
		b.listener.Close()
		assert.EqualValues(t, len(frames)+1, b.listener.Ignored())
	})
}

func TestEventWithoutObject(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		"", "null", "1", "[]", "{}", `{"job": null, "task": null}`, `{"job": 1, "task": []}`, `{"job": {}, "task": "x"}`, `{"job"`,
	} {
		event := events.Event{Name: events.JobUpdated, Data: []byte(data)}
		_, err := event.Job()
		require.Error(t, err, data)
		_, err = event.Task()
		require.Error(t, err, data)
	}
}

func TestWithReadLimit(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		large := `"` + strings.Repeat("x", 6<<20) + `"`
		b.emit(events.Job("a"), events.JobUpdated, large)
		assert.Len(t, b.next(s).Data, len(large))
	}, events.WithReadLimit(8<<20))
}

func TestClose(t *testing.T) {
	t.Parallel()
	situations := map[string]func(t *testing.T, b *bench){
		"at once":   func(*testing.T, *bench) {},
		"connected": func(_ *testing.T, b *bench) { b.subscribe(events.Job("a")) },
		"lingering": func(_ *testing.T, b *bench) { b.subscribe(events.Job("a")).Close() },
		"frozen": func(_ *testing.T, b *bench) {
			b.subscribe(events.Job("a"))
			b.server.Set(sioserver.Faults{Frozen: true})
		},
		"frozen and waiting": func(_ *testing.T, b *bench) {
			b.subscribe(events.Job("a"))
			b.server.Set(sioserver.Faults{Frozen: true})
			b.server.Send("6")
		},
		"cut": func(_ *testing.T, b *bench) { b.subscribe(events.Job("a")); b.server.Cut() },
		"pausing": func(_ *testing.T, b *bench) {
			b.server.Set(sioserver.Faults{Upgrade: 500})
			b.start()
			elapse(time.Minute)
		},
		"connecting": func(_ *testing.T, b *bench) {
			b.server.Set(sioserver.Faults{Frozen: true})
			b.start()
			elapse(time.Second)
		},
		"not connected": func(_ *testing.T, b *bench) {
			b.server.Set(sioserver.Faults{ConnectDelay: time.Minute})
			b.start()
			elapse(time.Second)
		},
		"badly upgraded": func(_ *testing.T, b *bench) {
			b.mux = http.NewServeMux()
			b.mux.HandleFunc("/prefix/", invalidUpgrade)
			b.start()
			elapse(time.Second)
		},
		"failed": func(_ *testing.T, b *bench) {
			b.server.Set(sioserver.Faults{Upgrade: 404})
			b.start()
			elapse(time.Second)
		},
		"watching": func(_ *testing.T, b *bench) { b.listener.WatchJob(b.t.Context(), "a") },
		"flooded": func(_ *testing.T, b *bench) {
			b.subscribe(events.Job("a"))
			for range 5000 {
				b.emit(events.Job("a"), events.JobUpdated, `"`+strings.Repeat("x", 1000)+`"`)
			}
		},
	}
	for name, situation := range situations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				assert.Zero(t, goroutines())
				situation(t, b)
				if name == "connected" || name == "lingering" || name == "frozen" {
					assert.Positive(t, goroutines())
				}
				start := time.Now()
				b.listener.Close()
				b.listener.Close()
				assert.LessOrEqual(t, time.Since(start), time.Second)
				_, err := b.listener.Subscribe(t.Context(), events.Job("a"))
				if name != "failed" {
					require.ErrorIs(t, err, events.ErrClosed)
				}
				synctest.Wait()
				assert.Zero(t, goroutines())
				if name == "connected" || name == "lingering" || name == "watching" {
					assert.Equal(t, 1, b.server.Goodbyes())
				}
			})
		})
	}
}

// invalidUpgrade responds with a wrong accept key, and sends nothing more.
func invalidUpgrade(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // the test is over
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n")
	_, _ = io.Copy(io.Discard, conn) // until the client closes the connection
}

// start subscribes without waiting for the connection. The subscription ends with the
// listener.
func (b *bench) start() {
	b.t.Helper()
	go func() {
		_, err := b.listener.Subscribe(b.t.Context(), events.Job("a"))
		assert.Error(b.t, err)
	}()
}

// wrapping wraps response bodies, as tracing transports do.
type wrapping struct{ next http.RoundTripper }

func (w wrapping) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := w.next.RoundTrip(r)
	if err == nil {
		response.Body = struct{ io.ReadCloser }{response.Body}
	}
	return response, err
}

func TestTransportThatWrapsBodies(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		wrapped := b.listen(b.client(key), events.WithHTTPClient(&http.Client{Transport: wrapping{b.transport}}))
		_, err := wrapped.Subscribe(t.Context(), events.Job("a"))
		require.ErrorContains(t, err, "WithHTTPClient")
	})
}

// TestRealSockets uses the loopback interface, with TLS and a server that offers HTTP/2.
func TestRealSockets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	server := httptest.NewUnstartedServer(b.mux)
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	b.listener = b.listen(b.client(key), events.WithURL(server.URL+"/prefix/"), events.WithHTTPClient(server.Client()))
	s, err := b.listener.Subscribe(t.Context(), events.Job("a"))
	require.NoError(t, err)
	event, err := s.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, events.Resync, event.Name)
	require.Eventually(t, func() bool { return b.server.Hears("private-job.a") }, time.Minute, time.Millisecond)
	b.emit(events.Job("a"), events.JobFinished, `{"job": {"id": "a"}}`)
	event, err = s.Next(t.Context())
	require.NoError(t, err)
	assert.Equal(t, events.JobFinished, event.Name)
	b.listener.Close()
	require.Eventually(t, func() bool { return b.server.Connections() == 0 }, time.Minute, time.Millisecond)
	assert.Equal(t, 1, b.server.Goodbyes())
}
