package events_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
	"github.com/cloudconvert/cloudconvert-go/internal/sioserver"
)

// refusing refuses joins of the channel of the job "a" with a status.
func refusing(status int) sioserver.Faults {
	return sioserver.Faults{JoinDelay: 100 * time.Millisecond, Join: func(channel, _ string) int {
		if channel == events.Job("a").String() {
			return status
		}
		return http.StatusOK
	}}
}

func TestRefusedJoinEndsSubscription(t *testing.T) {
	t.Parallel()
	for status, sentinel := range map[int]error{
		http.StatusUnauthorized:        cloudconvert.ErrUnauthorized,
		http.StatusForbidden:           cloudconvert.ErrForbidden,
		http.StatusNotFound:            cloudconvert.ErrNotFound,
		http.StatusUnprocessableEntity: nil,
	} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				b.server.Set(refusing(status))
				one, two, other := b.subscribe(events.Job("a")), b.subscribe(events.Job("a")), b.subscribe(events.Job("b"))
				for _, s := range []*events.Subscription{one, two} {
					err := b.end(s)
					var refused *events.SubscriptionError
					require.ErrorAs(t, err, &refused)
					assert.Equal(t, events.SubscriptionError{Channel: "private-job.a", Status: status}, *refused)
					for _, target := range []error{cloudconvert.ErrUnauthorized, cloudconvert.ErrForbidden, cloudconvert.ErrNotFound} {
						want := sentinel != nil && errors.Is(sentinel, target)
						assert.Equal(t, want, errors.Is(err, target))
					}
				}
				elapse(time.Hour)
				b.emit(events.Job("b"), events.JobFinished, "null")
				assert.Equal(t, events.JobFinished, b.next(other).Name)
				assert.Equal(t, 1, strings.Count(b.joined(), "job.a"), "the same token is not sent twice")
			})
		})
	}
}

func TestJoinIsRetriedAfterTemporaryError(t *testing.T) {
	t.Parallel()
	for _, status := range []int{0, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, b *bench) {
				t.Helper()
				b.server.Set(refusing(status))
				s := b.subscribe(events.Job("a"))
				time.AfterFunc(time.Minute, func() { b.server.Set(sioserver.Faults{}) })
				for range 5 {
					event := b.next(s)
					assert.Equal(t, events.Resync, event.Name)
					var refused *events.SubscriptionError
					require.ErrorAs(t, event.Err, &refused)
					assert.Equal(t, status, refused.Status)
				}
				elapse(2 * time.Minute)
				assert.InDelta(t, 12, len(b.server.Joins()), 4, "with growing pauses")
				b.emit(events.Job("a"), events.JobFinished, "null")
				assert.Equal(t, events.Resync, b.next(s).Name)
				assert.Equal(t, events.JobFinished, b.next(s).Name)
				assert.Equal(t, 1, b.server.Accepted())
			})
		})
	}
}

func TestInvalidRefusals(t *testing.T) {
	t.Parallel()
	for frame, want := range map[string]int{
		`42["subscription_error","private-job.a","403"]`:    http.StatusForbidden,
		`42["subscription_error","private-job.a",403,true]`: http.StatusForbidden,
	} {
		inBubble(t, func(t *testing.T, b *bench) {
			t.Helper()
			s := b.subscribe(events.Job("a"))
			b.server.Send(frame)
			var refused *events.SubscriptionError
			require.ErrorAs(t, b.end(s), &refused)
			assert.Equal(t, want, refused.Status)
		})
	}
	for _, frame := range []string{
		`42["subscription_error","private-job.a"]`, `42["subscription_error","private-job.a",null]`, `42["subscription_error","private-job.a",{"status":403}]`,
	} {
		inBubble(t, func(t *testing.T, b *bench) {
			t.Helper()
			s := b.subscribe(events.Job("a"))
			b.server.Send(frame)
			event := b.next(s)
			assert.Equal(t, events.Resync, event.Name, frame)
			require.Error(t, event.Err)
		})
	}
}

// tokens is a token source with a token that can be changed.
type tokens struct {
	mu    sync.Mutex
	value string
	err   error
	calls int
}

func (s *tokens) set(value string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value, s.err = value, err
}

func (s *tokens) Token() (*oauth2.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if s.err != nil {
		return nil, s.err
	}
	return &oauth2.Token{AccessToken: s.value, Expiry: time.Now().Add(time.Hour)}, nil
}

// withTokens runs a test with a listener that has a token source. The server accepts
// tokens that begin with "good".
func withTokens(t *testing.T, test func(t *testing.T, b *bench, source *tokens)) {
	t.Helper()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		source := &tokens{value: "good-1"}
		b.server.Set(sioserver.Faults{JoinDelay: 100 * time.Millisecond, Join: func(_, authorization string) int {
			if strings.HasPrefix(authorization, "Bearer good") {
				return http.StatusOK
			}
			return http.StatusUnauthorized
		}})
		b.listener = b.listen(b.client("", cloudconvert.WithTokenSource(source)))
		test(t, b, source)
	})
}

// sent returns the Authorization headers of the join requests.
func (b *bench) sent() []string {
	var all []string
	for _, join := range b.server.Joins() {
		all = append(all, join.Authorization)
	}
	return all
}

func TestEachJoinHasFreshToken(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, b *bench, source *tokens) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		source.set("good-2", nil)
		elapse(2 * time.Hour)
		b.server.Cut()
		assert.Equal(t, events.Resync, b.next(s).Name)
		elapse(time.Second)
		assert.Equal(t, []string{"Bearer good-1", "Bearer good-2"}, b.sent())
	})
}

func TestRevokedTokenIsReplacedOnce(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, b *bench, source *tokens) {
		t.Helper()
		source.set("bad-1", nil)
		s, err := b.listener.Subscribe(t.Context(), events.Job("a"))
		require.NoError(t, err)
		source.set("good-2", nil)
		elapse(time.Second)
		assert.Equal(t, []string{"Bearer bad-1", "Bearer good-2"}, b.sent())
		b.emit(events.Job("a"), events.JobFinished, "null")
		for b.next(s).Name == events.Resync {
			continue
		}

		source.set("bad-3", nil)
		b.server.Set(sioserver.Faults{JoinDelay: 100 * time.Millisecond, Join: func(string, string) int { return http.StatusUnauthorized }})
		require.ErrorIs(t, b.end(b.subscribe(events.Job("b"))), cloudconvert.ErrUnauthorized)
		elapse(time.Hour)
		assert.Equal(t, []string{"Bearer good-2", "Bearer bad-3"}, b.sent()[2:])
	})
}

func TestEventBeforeRefusalDoesNotHideIt(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]int{http.StatusUnauthorized: 2, http.StatusServiceUnavailable: 12} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			withTokens(t, func(t *testing.T, b *bench, source *tokens) {
				t.Helper()
				joins := 0
				b.server.Set(sioserver.Faults{JoinDelay: time.Millisecond, Join: func(string, string) int {
					joins++
					source.set("next-"+strconv.Itoa(joins), nil)
					b.server.Send(`42["job.updated","private-job.a",{}]`)
					return status
				}})
				s := b.subscribe(events.Job("a"))
				defer s.Close()
				elapse(time.Minute)
				assert.InDelta(t, want, len(b.sent()), float64(want)/2-1)
			})
		})
	}
}

func TestTokenSourceFails(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, b *bench, source *tokens) {
		t.Helper()
		source.set("", errors.New("the token source failed"))
		time.AfterFunc(time.Minute, func() { source.set("good-2", nil) })
		start := time.Now()
		s := b.subscribe(events.Job("a"))
		assert.GreaterOrEqual(t, time.Since(start), time.Minute)
		assert.Less(t, source.calls, 30)

		elapse(2 * time.Hour)
		source.set("", &oauth2.RetrieveError{Response: &http.Response{StatusCode: http.StatusBadRequest}, ErrorCode: "invalid_grant"})
		b.server.Cut()
		require.ErrorIs(t, b.end(s), cloudconvert.ErrUnauthorized)
	})
}

func TestSinceIsZeroWithoutToken(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, b *bench, source *tokens) {
		t.Helper()
		account, err := b.listener.Account(t.Context())
		require.NoError(t, err)
		defer account.Close()
		elapse(5 * time.Second)
		require.NotZero(t, account.Since())

		elapse(2 * time.Hour)
		source.set("", errors.New("the token source failed"))
		b.server.Cut()
		elapse(time.Minute)
		require.NoError(t, b.listener.Err(), "it has reconnected")
		assert.Zero(t, account.Since())

		source.set("good-2", nil)
		elapse(time.Minute)
		assert.InDelta(t, 53, time.Since(account.Since()).Seconds(), 6)
	})
}

func TestSubscribeReturnsErrorOfTokenSource(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&printed, nil))
	withTokens(t, func(t *testing.T, b *bench, source *tokens) {
		t.Helper()
		b.listener = b.listen(b.client("", cloudconvert.WithTokenSource(source)), events.WithLogger(logger))
		b.subscribe(events.Job("a"))
		elapse(2 * time.Hour)
		source.set("", errors.New("the token source failed, good-1 has expired"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := b.listener.Subscribe(ctx, events.Job("b"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "not joined")
		require.ErrorContains(t, err, "the token source failed, ... has expired")
		require.NotContains(t, err.Error(), "not connected")
	})
	assert.Contains(t, printed.String(), "level=WARN")
	assert.Contains(t, printed.String(), "the token source failed, ... has expired")
}

// TestKeyIsNotPrinted looks for the key in everything that can be printed.
func TestKeyIsNotPrinted(t *testing.T) {
	t.Parallel()
	var printed bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&printed, &slog.HandlerOptions{Level: slog.LevelDebug}))
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		s := b.subscribe(events.Job("a"))
		account, err := b.listener.Account(t.Context())
		require.NoError(t, err)
		b.server.Set(sioserver.Faults{Upgrade: 502})
		b.server.Cut()
		elapse(time.Minute)
		b.server.Set(refusing(http.StatusForbidden))
		end := b.end(s)
		b.server.Set(sioserver.Faults{Refuse: "no"})
		b.server.Cut()
		elapse(time.Minute)
		_, err = b.listener.Subscribe(t.Context(), events.Job("a"))
		b.listener.Close()
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
			for _, value := range []any{b.listener, s, account, s.Channel(), end, err, account.Err()} {
				fmt.Fprintf(&printed, verb, value)
			}
		}
		assert.Contains(t, b.listener.String(), "127.0.0.1:3")
	}, events.WithLogger(logger))
	assert.NotContains(t, printed.String(), key)
	assert.Contains(t, printed.String(), "level=WARN")
	assert.Contains(t, printed.String(), "level=ERROR")
	assert.Contains(t, printed.String(), "502")
}

// TestTokenIsRedacted lets the server quote the token.
func TestTokenIsRedacted(t *testing.T) {
	t.Parallel()
	const long = "good-token-that-is-longer-than-the-quoted-text-of-a-server."
	token := strings.Repeat(long, 20)
	for name, test := range map[string]struct {
		do        func(b *bench)
		permanent bool
	}{
		"close reason": {func(b *bench) {
			b.serve(func(ctx context.Context, ws *websocket.Conn) {
				_, _, _ = ws.Read(ctx) // the join
				_ = ws.Close(4001, "bad token Bearer "+token[:100])
			})
			b.server.Cut()
		}, false},
		"refusal": {func(b *bench) { b.server.Send(`44{"message":"bad token Bearer ` + token + `"}`) }, true},
		"refusal of the next connection": {func(b *bench) {
			b.server.Set(sioserver.Faults{Refuse: "bad token Bearer " + token})
			b.server.Cut()
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var printed, returned bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&printed, nil))
			withTokens(t, func(t *testing.T, b *bench, source *tokens) {
				t.Helper()
				source.set(token, nil)
				b.listener = b.listen(b.client("", cloudconvert.WithTokenSource(source)), events.WithLogger(logger))
				s := b.subscribe(events.Job("a"))
				test.do(b)
				elapse(2 * time.Second)
				err := b.listener.Err()
				require.ErrorContains(t, err, "bad token Bearer ...")
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				var end error
				for range 3 {
					var event events.Event
					event, end = s.Next(ctx)
					fmt.Fprintf(&returned, "%v %+v %+v\n", event.Err, event, end)
				}
				assert.Equal(t, test.permanent, errors.Is(end, err))
				for ; err != nil; err = errors.Unwrap(err) {
					fmt.Fprintf(&returned, "%v %+v %#v\n", err, err, err)
				}
			})
			for _, text := range []string{printed.String(), returned.String()} {
				assert.Contains(t, text, "bad token Bearer ...")
				assert.NotContains(t, text, long[:20])
			}
		})
	}
}

// serve replaces the server by do, which gets connections whose namespace is connected.
func (b *bench) serve(do func(ctx context.Context, ws *websocket.Conn)) {
	b.mux = http.NewServeMux()
	b.mux.HandleFunc("/prefix/socket.io/", func(w http.ResponseWriter, r *http.Request) {
		ws, err := websocket.Accept(w, r, nil)
		if !assert.NoError(b.t, err) {
			return
		}
		defer ws.CloseNow() //nolint:errcheck // it may be closed
		ctx := r.Context()
		_ = ws.Write(ctx, websocket.MessageText, []byte(`0{"pingInterval":25000,"pingTimeout":20000}`)) // the client may have gone
		_, _, _ = ws.Read(ctx)                                                                          // the request to connect
		_ = ws.Write(ctx, websocket.MessageText, []byte(`40{"sid":"x"}`))
		do(ctx, ws)
	})
}

func TestEventsBeforeJoinAreLost(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{JoinDelay: time.Second})
		s := b.subscribe(events.Job("a"))
		b.emit(events.Job("a"), events.JobUpdated, "1")
		elapse(time.Second)
		b.emit(events.Job("a"), events.JobUpdated, "2")
		assert.Equal(t, "2", string(b.next(s).Data), "events before the join has taken effect are lost")
	})
}

func TestSubscriptionThatEndsBeforeConnection(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T, b *bench) {
		t.Helper()
		b.server.Set(sioserver.Faults{ConnectDelay: 3 * time.Second})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.listener.Subscribe(ctx, events.Job("a"))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		b.subscribe(events.Job("b"))
		assert.Equal(t, "job.b", b.joined())
	})
}
