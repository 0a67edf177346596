package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// inlineDefault is the size up to which files travel within the job.
const inlineDefault = 448 << 10

// newSandbox returns a server that converts txt: to pdf, which is the text
// behind "pdf: ", to pages, of which there is one for each line, and to bad,
// which fails. It has no other limits and delays than those of the options.
func newSandbox(tb testing.TB, opts ...cloudconverttest.Option) *cloudconverttest.Server {
	tb.Helper()
	server := cloudconverttest.NewServer(opts...)
	tb.Cleanup(server.Close)
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		file, err := os.Open(run.Input().Path)
		if err != nil {
			return err
		}
		return errors.Join(run.ReadFrom(run.OutputName(run.Input()), io.MultiReader(strings.NewReader("pdf: "), file)), file.Close())
	})
	server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
		text, err := os.ReadFile(run.Input().Path)
		for i, line := range strings.Split(string(text), "\n") {
			err = errors.Join(err, run.Write(fmt.Sprintf("page-%d.page", i+1), []byte(line)))
		}
		return err
	})
	server.HandleConvert("txt", "bad", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("OPEN_FAILED", "The document is protected")
	})
	return server
}

// inBubble runs a test with a server of its own where time passes at once.
func inBubble(t *testing.T, test func(t *testing.T, server *cloudconverttest.Server), opts ...cloudconverttest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, newSandbox(t, append(opts, cloudconverttest.WithInProcess())...))
	})
}

// outline names the requests that a server has seen: method and host.
func outline(server *cloudconverttest.Server) []string {
	var requests []string
	for _, r := range server.Requests() {
		requests = append(requests, r.Method+" "+string(r.Role))
	}
	return requests
}

// jobCount counts the jobs of a server, which are too long to be shown.
func jobCount(server *cloudconverttest.Server) int { return len(server.Jobs()) }

// The ways that a conversion takes, as its requests.
var (
	inlineWay  = []string{"POST sync", "GET storage"}
	uploadWay  = []string{"POST api", "POST storage", "GET sync", "GET storage"}
	taggedWay  = []string{"POST api", "GET sync", "GET storage"}
	noRequests []string
)

// writeFile makes a file and returns its path.
func writeFile(t *testing.T, name, content string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o700))
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	return name
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func mustOpen(t *testing.T, path string) *os.File {
	t.Helper()
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

// picture is a PNG file of noise that has about the given size.
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

// one hides everything but Read.
type one struct{ io.Reader }

// reports collects what a progress function is told, and notices if it is
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
	return slices.DeleteFunc(listed(t, dir), func(name string) bool {
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

// advance lets time pass in a bubble.
func advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a bubble it takes no time.
}

// statuses counts the answers of a server by status. 0 stands for none.
func statuses(server *cloudconverttest.Server) map[int]int {
	count := map[int]int{}
	for _, r := range server.Requests() {
		count[r.Status]++
	}
	return count
}

// testKey is no key of anybody.
const testKey = "an-invented-api-key"

// A reply answers one request.
type reply func(*http.Request) (*http.Response, error)

// scripted is an API in process. It takes one reply for each request, and the
// last one again and again.
type scripted struct {
	replies []reply

	mu       sync.Mutex
	requests []*http.Request
	bodies   []string
}

func (s *scripted) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body) // made of memory, it cannot fail
	}
	s.mu.Lock()
	s.requests = append(s.requests, req)
	s.bodies = append(s.bodies, string(body))
	next := s.replies[min(len(s.requests), len(s.replies))-1]
	s.mu.Unlock()
	return next(req)
}

// urls returns what was asked for.
func (s *scripted) urls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	urls := make([]string, 0, len(s.requests))
	for _, req := range s.requests {
		urls = append(urls, req.Method+" "+req.URL.String())
	}
	return urls
}

// says replies with JSON, or with what the headers, given as names and values,
// make of it.
func says(status int, body string, headers ...string) reply {
	return func(req *http.Request) (*http.Response, error) {
		header := http.Header{"Content-Type": {"application/json"}}
		for i := 0; i+1 < len(headers); i += 2 {
			header.Set(headers[i], headers[i+1])
		}
		return &http.Response{
			StatusCode: status, Header: header, Request: req,
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
		}, nil
	}
}

// fails replies with no answer.
func fails(err error) reply {
	return func(*http.Request) (*http.Response, error) { return nil, err }
}

// breaksOff replies with the beginning of an answer.
func breaksOff(status int, body string) reply {
	return func(req *http.Request) (*http.Response, error) {
		rest := io.MultiReader(strings.NewReader(body), &failingReader{errors.New("connection reset by peer")})
		return &http.Response{StatusCode: status, Body: io.NopCloser(rest), Request: req}, nil
	}
}

type failingReader struct{ err error }

func (r *failingReader) Read([]byte) (int, error) { return 0, r.err }

// never replies when the request is given up.
func never(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, req.Context().Err()
}

// newScripted returns a client of an API with a base path, so that an absolute
// path would be noticed.
func newScripted(tb testing.TB, replies ...reply) (*cloudconvert.Client, *scripted) {
	tb.Helper()
	return newScriptedWith(tb, nil, replies...)
}

func newScriptedWith(tb testing.TB, opts []cloudconvert.Option, replies ...reply) (*cloudconvert.Client, *scripted) {
	tb.Helper()
	script := &scripted{replies: replies}
	opts = append([]cloudconvert.Option{
		cloudconvert.WithBaseURLs("https://api.example.com/base/v2", "https://sync.example.com/base/v2"),
		cloudconvert.WithHTTPClient(&http.Client{Transport: script}),
	}, opts...)
	client, err := cloudconvert.NewClient(testKey, opts...)
	require.NoError(tb, err)
	return client, script
}

// onlyOnce is for tests that are not about sending again.
func onlyOnce() cloudconvert.Option {
	return cloudconvert.WithRetry(cloudconvert.RetryPolicy{Attempts: 1})
}

const (
	emptyUser  = `{"data": {"id": 1}}`
	runningJob = `{"data": {"id": "job-1", "status": "processing", "tasks": []}}`
	endedJob   = `{"data": {"id": "job-1", "status": "finished", "tasks": []}}`
)

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

// waitingTask is a task that waits for a file.
func waitingTask(fields ...cloudconvert.FormField) cloudconvert.Task {
	return cloudconvert.Task{
		ID: "task", Name: "import", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: "https://storage.example.com/bucket", Fields: fields}},
	}
}

const sourceText = "what is in the file"

// uploader returns a client of a storage that gives the replies, and the
// directory where it may keep files.
func uploader(t *testing.T, replies ...reply) (*cloudconvert.Client, *scripted, string) {
	t.Helper()
	dir := t.TempDir()
	client, script := newScriptedWith(t, []cloudconvert.Option{
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: dir}),
	}, replies...)
	return client, script, dir
}

// assertUploaded checks all attempts to send a source.
func assertUploaded(t *testing.T, script *scripted, attempts int) {
	t.Helper()
	require.Len(t, script.requests, attempts)
	for i, req := range script.requests {
		assert.Equal(t, int64(len(script.bodies[i])), req.ContentLength)
		assert.Empty(t, req.TransferEncoding)
		assert.Equal(t, []part{{"file", "a.txt", sourceText}}, partsOf(t, req, script.bodies[i]))
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

// content is a file that differs from byte to byte.
func content(size int) string {
	random := rand.New(rand.NewPCG(1, uint64(size)))
	bytes := make([]byte, size)
	for i := range bytes {
		bytes[i] = byte(random.UintN(256))
	}
	return string(bytes)
}

// same checks the content of a file that is too long to be shown.
func same(t *testing.T, want, got string) {
	t.Helper()
	if want != got {
		t.Errorf("got %d bytes that are not the %d bytes of the file", len(got), len(want))
	}
}

// listed returns the slash paths of all files and directories below dir.
func listed(t *testing.T, dir string) []string {
	t.Helper()
	names := []string{}
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		if path != "." {
			names = append(names, path)
		}
		return err
	}))
	return names
}

// textJob is a job that does next to nothing.
func textJob() *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{})
}

// countRequests counts the requests of a method to a host.
func countRequests(server *cloudconverttest.Server, request string) int {
	count := 0
	for _, seen := range outline(server) {
		if seen == request {
			count++
		}
	}
	return count
}

// textWork converts a text to a pdf. Its name is that of the source.
func textWork(name, text, dst string, opts ...cloudconvert.RunOption) cloudconvert.Work {
	return cloudconvert.Work{
		Request:     cloudconvert.Pipeline(cloudconvert.FromBytes(name, []byte(text)), cloudconvert.Convert{OutputFormat: "pdf"}),
		Destination: dst, Options: opts,
	}
}

// textWorks are n works, each of which writes a file in dir: the one named 0 writes 0.pdf and so on.
func textWorks(n int, dir string) iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		for i := range n {
			work := textWork("a.txt", fmt.Sprint("text ", i), filepath.Join(dir, fmt.Sprint(i, ".pdf")))
			if work.Name = strconv.Itoa(i); !yield(work) {
				return
			}
		}
	}
}
