package sioserver

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEcho is what another implementation of websockets makes of ours.
func TestEcho(t *testing.T) {
	t.Parallel()
	ends := make(chan error, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, err := accept(w, r, time.Minute)
		if !assert.NoError(t, err) {
			return
		}
		defer s.close()
		for {
			message, err := s.read()
			if err != nil {
				ends <- err
				return
			}
			assert.NoError(t, s.write(text, message))
		}
	}))
	t.Cleanup(server.Close)
	client, _, err := websocket.Dial(t.Context(), server.URL, nil) //nolint:bodyclose // as documented by Dial
	require.NoError(t, err)
	client.SetReadLimit(2 * maxPayload)
	for _, size := range []int{0, 1, 125, 126, 127, 65_535, 65_536, maxPayload} {
		want := strings.Repeat("x", size)
		require.NoError(t, client.Write(t.Context(), websocket.MessageText, []byte(want)))
		_, got, err := client.Read(t.Context())
		require.NoError(t, err)
		assert.Equal(t, size, len(got)) //nolint:testifylint // Len would print it
	}
	ctx, cancel := context.WithTimeout(client.CloseRead(t.Context()), time.Minute)
	defer cancel()
	require.NoError(t, client.Ping(ctx))
	require.NoError(t, client.Close(websocket.StatusNormalClosure, "bye"))
	require.ErrorIs(t, <-ends, io.EOF)
}

func TestAcceptRefusesWhatIsNoWebsocket(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	_, err := accept(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody), time.Minute)
	require.Error(t, err)
	assert.Equal(t, http.StatusUpgradeRequired, recorder.Code)
}

// from is a socket with a client that has sent some bytes, and hears nothing.
func from(sent string) *socket {
	return &socket{conn: &deaf{}, r: bufio.NewReader(strings.NewReader(sent))}
}

type deaf struct {
	net.Conn
	written bytes.Buffer
}

func (*deaf) SetWriteDeadline(time.Time) error { return nil }

func (d *deaf) Write(p []byte) (int, error) { return d.written.Write(p) }

// masked is a frame whose mask changes nothing.
func masked(head byte, payload string) string {
	return string([]byte{head, 0x80 | byte(len(payload)), 0, 0, 0, 0}) + payload
}

func TestFrames(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		sent, want string
		end        error
	}{
		"whole":           {masked(0x81, "abc"), "abc", nil},
		"masked":          {"\x81\x83\x01\x02\x03\x04" + "\x60\x60\x60", "abc", nil},
		"in pieces":       {masked(0x01, "ab") + masked(0x89, "") + masked(0x8a, "") + masked(0x80, "c"), "abc", nil},
		"long form":       {"\x81\xfe\x00\x03\x00\x00\x00\x00abc", "abc", nil},
		"longest form":    {"\x81\xff\x00\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00abc", "abc", nil},
		"goodbye":         {masked(0x88, ""), "", io.EOF},
		"not masked":      {"\x81\x03abc", "", errFrame},
		"compressed":      {masked(0xc1, "abc"), "", errFrame},
		"unknown":         {masked(0x83, "abc"), "", errFrame},
		"too long":        {"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", "", errFrame},
		"no beginning":    {masked(0x80, "abc"), "", errFrame},
		"two at once":     {masked(0x01, "") + masked(0x81, "abc"), "", errFrame},
		"two kinds":       {masked(0x01, "a") + masked(0x82, "b"), "", errFrame},
		"ping in pieces":  {masked(0x09, "a"), "", errFrame},
		"long ping":       {masked(0x89, strings.Repeat("x", 125)) + masked(0x81, "abc"), "abc", nil},
		"too long ping":   {"\x89\xfe\x00\x7e\x00\x00\x00\x00" + strings.Repeat("x", 126), "", errFrame},
		"goodbye, code":   {masked(0x88, "\x03\xe8bye"), "", io.EOF},
		"goodbye, own":    {masked(0x88, "\x0f\xa0"), "", io.EOF},
		"goodbye, half":   {masked(0x88, "x"), "", errFrame},
		"goodbye, 999":    {masked(0x88, "\x03\xe7"), "", errFrame},
		"goodbye, none":   {masked(0x88, "\x03\xed"), "", errFrame},
		"goodbye, 2000":   {masked(0x88, "\x07\xd0"), "", errFrame},
		"goodbye, 5000":   {masked(0x88, "\x13\x88"), "", errFrame},
		"cut in head":     {"\x81", "", io.ErrUnexpectedEOF},
		"cut in length":   {"\x81\xff\x00", "", io.ErrUnexpectedEOF},
		"cut in the mask": {"\x81\x83\x00", "", io.ErrUnexpectedEOF},
		"cut in payload":  {"\x81\x83\x00\x00\x00\x00ab", "", io.ErrUnexpectedEOF},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := from(test.sent)
			message, err := s.read()
			if test.end != nil {
				require.ErrorIs(t, err, test.end)
				refused := strings.HasSuffix(s.conn.(*deaf).written.String(), "\x88\x02\x03\xea")
				assert.Equal(t, test.end == errFrame, refused, "with the code of a protocol error") //nolint:errorlint // it is that very one
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, string(message))
		})
	}
	_, err := from(masked(0x01, "a") + strings.Repeat(masked(0x00, strings.Repeat("x", 100)), maxPayload/100)).read()
	require.ErrorIs(t, err, errFrame, "pieces count together")
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{"", masked(0x81, "abc"), masked(0x01, "ab") + masked(0x80, "c"), masked(0x88, ""), "\x81\xfe\x00\x03\x00\x00\x00\x00abc"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		s := from(string(sent))
		for {
			message, err := s.read()
			if err != nil {
				return
			}
			assert.LessOrEqual(t, len(message), len(sent))
		}
	})
}
