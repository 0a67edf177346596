package sio

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		frame string
		kind  kind
		data  string
	}{
		{"", kindUnknown, ""},
		{`0{"sid":"x"}`, kindOpen, `{"sid":"x"}`},
		{"1", kindClose, ""},
		{"2", kindPing, ""},
		{"2probe", kindPing, "probe"},
		{"3", kindUnknown, ""},
		{"4", kindUnknown, ""},
		{"40", kindConnect, ""},
		{`40{"sid":"x"}`, kindConnect, `{"sid":"x"}`},
		{`40/,{"sid":"x"}`, kindConnect, `{"sid":"x"}`},
		{`40/admin,{"sid":"x"}`, kindUnknown, ""},
		{"41", kindDisconnect, ""},
		{"41/admin,", kindUnknown, ""},
		{"41/admin", kindUnknown, ""},
		{`42["a"]`, kindEvent, `["a"]`},
		{`4217["a"]`, kindEvent, `["a"]`},
		{`42/,17["a"]`, kindEvent, `["a"]`},
		{`42/admin,["a"]`, kindUnknown, ""},
		{"43", kindUnknown, ""},
		{`44{"message":"no"}`, kindConnectError, `{"message":"no"}`},
		{`451-["a",{"_placeholder":true,"num":0}]`, kindUnknown, ""},
		{"461-", kindUnknown, ""},
		{"49", kindUnknown, ""},
		{"6", kindNoop, ""},
		{"5", kindUnknown, ""},
		{"hello", kindUnknown, ""},
		{"\x00", kindUnknown, ""},
	} {
		t.Run(test.frame, func(t *testing.T) {
			t.Parallel()
			p := decode([]byte(test.frame))
			assert.Equal(t, test.kind, p.kind)
			assert.Equal(t, test.data, string(p.data))
		})
	}
}

func TestDecodeEvent(t *testing.T) {
	t.Parallel()
	event, ok := decodeEvent([]byte(`["job.finished", "private-job.1", {"job": {"id": "1"}}, "more"]`))
	require.True(t, ok)
	assert.Equal(t, "job.finished", event.Name)
	channel, ok := event.Text(0)
	assert.True(t, ok)
	assert.Equal(t, "private-job.1", channel)
	assert.JSONEq(t, `{"job": {"id": "1"}}`, string(event.Args[1]))
	for _, i := range []int{1, 3} {
		_, ok = event.Text(i)
		assert.False(t, ok)
	}

	for _, data := range []string{"", "[", "null", "[]", "{}", "[1]", "[null]", `["a"`, `"a"`, "\xff"} {
		_, ok := decodeEvent([]byte(data))
		assert.False(t, ok, "%q", data)
	}
}

func TestEncodeEvent(t *testing.T) {
	t.Parallel()
	frame, err := encodeEvent("subscribe", map[string]string{"channel": `a"b`})
	require.NoError(t, err)
	assert.Equal(t, `42["subscribe",{"channel":"a\"b"}]`, string(frame))
	_, err = encodeEvent("subscribe", func() {})
	require.Error(t, err)
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		"", "2", "3", "6", "40", `40{"sid":"x"}`, `44{"message":"no"}`, "41", "43", "1", `0{"sid":"x","pingInterval":25000,"pingTimeout":20000}`,
		`42["job.finished","private-job.1",{"job":{"id":"1"}}]`, `4217["a"]`, `42/admin,17["a"]`, `451-["a",{"_placeholder":true,"num":0}]`,
		`42["a",`, `42[[[[`, `42["a",1e999]`, "42/", "42/,",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		p := decode(frame)
		assert.LessOrEqual(t, len(p.data), len(frame))
		_, _ = heartbeat(p.data)
		_ = checkSession(p.data)
		_ = refusal(p.data)
		event, ok := decodeEvent(p.data)
		if !ok {
			return
		}
		args := make([]any, len(event.Args))
		for i, arg := range event.Args {
			args[i] = arg
			_, _ = event.Text(i)
		}
		again, err := encodeEvent(event.Name, args...)
		require.NoError(t, err)
		second, ok := decodeEvent(decode(again).data)
		require.True(t, ok)
		assert.Equal(t, event.Name, second.Name)
		assert.Len(t, second.Args, len(event.Args))
	})
}

func TestSocketURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"https://socketio.cloudconvert.com":  "https://socketio.cloudconvert.com/socket.io/?EIO=4&transport=websocket",
		"https://socketio.cloudconvert.com/": "https://socketio.cloudconvert.com/socket.io/?EIO=4&transport=websocket",
		"http://127.0.0.1:8080/a%2Fb/c":      "http://127.0.0.1:8080/a%2Fb/c/socket.io/?EIO=4&transport=websocket",
	} {
		u, err := url.Parse(base)
		require.NoError(t, err)
		assert.Equal(t, want, socketURL(u))
	}
}

func TestHeartbeat(t *testing.T) {
	t.Parallel()
	silence, err := heartbeat([]byte(`{"pingInterval": 25000, "pingTimeout": 20000.5, "maxPayload": 1}`))
	require.NoError(t, err)
	assert.Equal(t, 45*time.Second+500*time.Microsecond, silence)
	for _, data := range []string{
		"", "{}", "null", "[]", `{"pingInterval": 25000}`, `{"pingInterval": 25000, "pingTimeout": 0}`,
		`{"pingInterval": -1, "pingTimeout": 20000}`, `{"pingInterval": 25000, "pingTimeout": 1e9}`,
		`{"pingInterval": "25000", "pingTimeout": 20000}`, `{"pingInterval": 1e400, "pingTimeout": 20000}`,
		`{"pingInterval": 0.5, "pingTimeout": 20000}`,
	} {
		_, err := heartbeat([]byte(data))
		require.Error(t, err, data)
	}
}

func TestIsPermanent(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]bool{
		http.StatusBadRequest: true, http.StatusUnauthorized: true, http.StatusForbidden: true, http.StatusNotFound: true,
		http.StatusRequestTimeout: false, http.StatusTooEarly: false, http.StatusTooManyRequests: false,
		http.StatusInternalServerError: false, http.StatusServiceUnavailable: false, http.StatusFound: false, http.StatusOK: false,
	} {
		assert.Equal(t, want, IsPermanent(&UpgradeError{Status: status}), status)
	}
	assert.True(t, IsPermanent(&RefusedError{}))
	assert.True(t, IsPermanent(ErrOldServer))
	assert.True(t, IsPermanent(ErrWrapped))
	assert.False(t, IsPermanent(ErrTooBig))
	assert.False(t, IsPermanent(ErrSilent))
	assert.False(t, IsPermanent(nil))
}

func TestRefusalIsBounded(t *testing.T) {
	t.Parallel()
	data, err := json.Marshal(map[string]string{"message": strings.Repeat("x", 10_000)})
	require.NoError(t, err)
	assert.Less(t, len(refusal(data).Error()), 500)
}

// A decoded argument takes many times its length in memory.
func TestEventWithTooManyArgumentsIsRefused(t *testing.T) {
	t.Parallel()
	_, ok := decodeEvent([]byte(`["job.updated"` + strings.Repeat(",1", 100_000) + "]"))
	assert.False(t, ok)
}
