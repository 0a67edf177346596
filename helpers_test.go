package cloudconvert_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// The requests of a conversion.
var (
	inlineWay  = []string{"POST sync", "GET storage"}
	uploadWay  = []string{"POST api", "POST storage", "GET sync", "GET storage"}
	taggedWay  = []string{"POST api", "GET sync", "GET storage"}
	noRequests []string
)

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// picture returns a PNG file of about the given size.
func picture(tb testing.TB, size int) []byte {
	tb.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	img := image.NewNRGBA(image.Rect(0, 0, 100, max(size/300, 1)))
	for y := range img.Rect.Dy() {
		for x := range 100 {
			shade := random.Uint32()
			img.SetNRGBA(x, y, color.NRGBA{uint8(shade), uint8(shade >> 8), uint8(shade >> 16), 0xff})
		}
	}
	var file bytes.Buffer
	require.NoError(tb, png.Encode(&file, img))
	return file.Bytes()
}

// one hides all methods but Read.
type one struct{ io.Reader }

// reports collects reports of progress, and notices if its function is
// called while it runs.
type reports struct {
	busy sync.Mutex
	all  []cloudconvert.Progress
	bad  bool
}

func (r *reports) add(p cloudconvert.Progress) {
	if !r.busy.TryLock() {
		r.bad = true
		return
	}
	defer r.busy.Unlock()
	r.all = append(r.all, p)
}

// phases returns the phases in the order in which they were reported.
func (r *reports) phases() []cloudconvert.Phase {
	var phases []cloudconvert.Phase
	for _, p := range r.all {
		if len(phases) == 0 || phases[len(phases)-1] != p.Phase {
			phases = append(phases, p.Phase)
		}
	}
	return phases
}

// strays returns the files below a directory that are not among the expected.
func strays(t *testing.T, dir string, expected ...string) []string {
	t.Helper()
	return slices.DeleteFunc(testkit.Listed(t, dir), func(name string) bool {
		info, err := os.Lstat(filepath.Join(dir, name))
		return err == nil && info.IsDir() || slices.Contains(expected, name)
	})
}

// pendingUploads counts the jobs that wait for a file.
func pendingUploads(server *cloudconverttest.Server) int {
	pending := 0
	for _, task := range server.Tasks() {
		if task.Operation == "import/upload" && task.Status == "waiting" {
			pending++
		}
	}
	return pending
}

// statuses counts the responses of a server by status. 0 stands for none.
func statuses(server *cloudconverttest.Server) map[int]int {
	count := map[int]int{}
	for _, r := range server.Requests() {
		count[r.Status]++
	}
	return count
}

// never replies when the request is given up.
func never(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// part is a part of an upload as storage reads it.
type part struct{ name, filename, content string }

// partsOf reads the body of an upload.
func partsOf(t *testing.T, req *http.Request, body string) []part {
	t.Helper()
	_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	require.NoError(t, err)
	reader := multipart.NewReader(strings.NewReader(body), params["boundary"])
	var parts []part
	for {
		next, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		require.NoError(t, err)
		content, err := io.ReadAll(next)
		require.NoError(t, err)
		_, disposition, err := mime.ParseMediaType(next.Header.Get("Content-Disposition"))
		require.NoError(t, err)
		parts = append(parts, part{next.FormName(), disposition["filename"], string(content)})
	}
}

// assertUploaded checks all attempts to send a source.
func assertUploaded(t *testing.T, script *testkit.Script, attempts int) {
	t.Helper()
	require.Len(t, script.Requests, attempts)
	for i, req := range script.Requests {
		assert.Equal(t, int64(len(script.Bodies[i])), req.ContentLength)
		assert.Empty(t, req.TransferEncoding)
		assert.Equal(t, []part{{"file", "a.txt", testkit.SourceText}}, partsOf(t, req, script.Bodies[i]))
	}
}

// trickle yields a byte at a time, and sometimes none.
type trickle struct {
	text string
	turn int
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, io.EOF
	}
	if r.turn++; r.turn%3 == 0 || len(p) == 0 {
		return 0, nil
	}
	n := copy(p[:1], r.text)
	r.text = r.text[n:]
	return n, nil
}
