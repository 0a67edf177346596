package multipart_test

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
)

// readers are the ways in which a correct reader may return its bytes.
var readers = map[string]func(io.Reader) io.Reader{
	"plain":          func(r io.Reader) io.Reader { return r },
	"byte by byte":   iotest.OneByteReader,
	"half buffers":   iotest.HalfReader,
	"end with data":  iotest.DataErrReader,
	"nothing before": func(r io.Reader) io.Reader { return &hesitant{r: r} },
}

func TestBodyImplementsReader(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("0123456789", 1000)
	form := newForm(t, int64(len(file)))
	whole, err := io.ReadAll(form.Body(strings.NewReader(file)))
	require.NoError(t, err)
	for name, wrap := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, iotest.TestReader(form.Body(wrap(strings.NewReader(file))), whole))
		})
	}
}

func TestBodyOfAnotherSize(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		announced int64
		file      string
		want      string
		short     bool
	}{
		"empty":        {announced: 5, want: "file ended after 0 of 5 bytes", short: true},
		"one missing":  {announced: 5, file: "four", want: "file ended after 4 of 5 bytes", short: true},
		"one too many": {announced: 3, file: "four", want: "file is longer than the announced 3 bytes"},
		"not empty":    {announced: 0, file: "four", want: "file is longer than the announced 0 bytes"},
	}
	for name, test := range tests {
		for kind, wrap := range readers {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				form := newForm(t, test.announced)
				body := form.Body(wrap(strings.NewReader(test.file)))
				sent, err := io.ReadAll(body)
				require.ErrorContains(t, err, test.want)
				assert.Equal(t, test.short, errors.Is(err, io.ErrUnexpectedEOF))
				_, boundary, _ := strings.Cut(form.ContentType(), "boundary=")
				assert.Contains(t, string(sent), "--"+boundary)
				assert.NotContains(t, string(sent), "--"+boundary+"--", "the end is not sent")

				n, again := body.Read(make([]byte, 100))
				assert.Zero(t, n)
				assert.Equal(t, err, again, "the error stays")
			})
		}
	}
}

func TestBodyReportsReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("disk on fire")
	tests := map[string]int64{"within the file": 10, "at its end": 4}
	for name, size := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := io.MultiReader(strings.NewReader("four"), iotest.ErrReader(broken))
			_, err := io.ReadAll(newForm(t, size).Body(file))
			require.ErrorIs(t, err, broken)
			assert.ErrorContains(t, err, "read the file to upload")
		})
	}
}

func TestBodyStaysWithinTheCallersBuffer(t *testing.T) {
	t.Parallel()
	const size = 1 << 20
	buffer := make([]byte, 4096)
	file := &witness{buffer: buffer, r: bytes.NewReader(make([]byte, size))}
	form := newForm(t, size)
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, form.Body(file), buffer)
	require.NoError(t, err)
	assert.Equal(t, form.Size(), n)
	assert.Equal(t, size, file.inPlace, "every byte went straight into the buffer")
}

func TestBodyClose(t *testing.T) {
	t.Parallel()
	file := &witness{r: strings.NewReader("four")}
	body := newForm(t, 4).Body(file)
	require.NoError(t, body.Close())
	require.NoError(t, body.Close())
	_, err := io.ReadAll(body)
	require.ErrorIs(t, err, fs.ErrClosed)
	assert.Zero(t, file.reads, "no read begins after close")
	assert.False(t, file.closed)
}

func newForm(t *testing.T, size int64) *multipart.Form {
	t.Helper()
	form, err := multipart.New([]multipart.Field{{Name: "key", Value: "value"}}, "a.pdf", size)
	require.NoError(t, err)
	return form
}

// hesitant returns neither bytes nor an error on every other read, as a reader may.
type hesitant struct {
	r   io.Reader
	now bool
}

func (h *hesitant) Read(p []byte) (int, error) {
	h.now = !h.now
	if h.now {
		return 0, nil
	}
	return h.r.Read(p)
}

// witness records how it is used.
type witness struct {
	r       io.Reader
	buffer  []byte
	inPlace int
	reads   int
	closed  bool
}

func (w *witness) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	w.reads++
	if len(w.buffer) > 0 && &p[0] == &w.buffer[0] {
		w.inPlace += n
	}
	return n, err
}

func (w *witness) Close() error {
	w.closed = true
	return nil
}
