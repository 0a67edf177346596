package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	_ "image/jpeg"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// site is the app on a local server, with a sandbox as its service.
type site struct {
	url     string
	sandbox *cloudconverttest.Server
	server  *httptest.Server
	app     *app

	mu   sync.Mutex
	held map[string]chan struct{}
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{sandbox: cloudconverttest.NewServer(), held: map[string]chan struct{}{}}
	t.Cleanup(s.sandbox.Close)
	s.server = httptest.NewUnstartedServer(nil)
	s.url = "http://" + s.server.Listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	var err error
	s.app, err = newApp(ctx, s.sandbox.Client(), s.url)
	require.NoError(t, err)
	s.server.Config.Handler = s.hold(s.app.routes())
	s.server.Start()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, s.app.close())
		s.server.CloseClientConnections()
		s.server.Close()
	})
	return s
}

// hold lets requests wait while their path is held.
func (s *site) hold(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		var released chan struct{}
		for pattern, c := range s.held {
			if match, _ := path.Match(pattern, r.URL.Path); match {
				released = c
			}
		}
		s.mu.Unlock()
		if released != nil {
			select {
			case <-released:
			case <-r.Context().Done():
			}
		}
		next.ServeHTTP(w, r)
	})
}

// holdBack holds requests for paths that match a pattern, until the returned function
// is called.
func (s *site) holdBack(pattern string) (release func()) {
	c := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[pattern] = c
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.held, pattern)
		close(c)
	}
}

// blockConversions makes conversions to JPEG wait until the returned function is called.
func (s *site) blockConversions() (release func()) {
	c := make(chan struct{})
	s.sandbox.HandleConvert("png", "jpg", func(ctx context.Context, run *cloudconverttest.Run) error {
		select {
		case <-c:
			return run.Default(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	return func() { close(c) }
}

// waitForJob waits until the app knows the end of a job.
func (s *site) waitForJob(t *testing.T, id string) {
	t.Helper()
	s.app.mu.Lock()
	done := s.app.jobs[id].done
	s.app.mu.Unlock()
	select {
	case <-done:
	case <-time.After(time.Minute):
		require.Fail(t, "the job does not end")
	}
}

// received is a response to a request.
type received struct {
	status int
	header http.Header
	url    string // after redirects
	body   string
}

// do sends a request as the script of the page does, or as a browser without scripts.
func do(t *testing.T, script bool, method, url, contentType string, body io.Reader) received {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	if script {
		request.Header.Set("Accept", "application/json")
	}
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return received{response.StatusCode, response.Header, response.Request.URL.String(), string(content)}
}

// createWithoutScript posts an image as a browser without scripts does.
func (s *site) createWithoutScript(t *testing.T) received {
	t.Helper()
	contentType, body := form(t, "jpg", "photo.png", photo(t))
	return do(t, false, http.MethodPost, s.url+"/jobs", contentType, body)
}

func form(t *testing.T, format, name string, content []byte) (contentType string, body io.Reader) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	require.NoError(t, w.WriteField("format", format))
	if name != "" {
		part, err := w.CreateFormFile("file", name)
		require.NoError(t, err)
		_, err = part.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return w.FormDataContentType(), &b
}

func photo(t *testing.T) []byte {
	t.Helper()
	content, err := os.ReadFile("../../testdata/photo.png")
	require.NoError(t, err)
	return content
}

func TestConvertsWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	release := s.blockConversions()
	page := s.createWithoutScript(t)
	job, err := url.Parse(page.url)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, page.status)
	assert.Equal(t, "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "+
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'", page.header.Get("Content-Security-Policy"))
	assert.Contains(t, page.body, `role="status">Converting the image</p>`)
	assert.Contains(t, page.body, `<a id="update" href="`+job.Path+`">Update</a>`)

	page = do(t, false, http.MethodGet, job.String()+"/result", "", http.NoBody)
	assert.Equal(t, http.StatusConflict, page.status)
	assert.Contains(t, page.body, "still being converted")

	release()
	s.waitForJob(t, path.Base(job.Path))
	page = do(t, false, http.MethodGet, job.String(), "", http.NoBody)
	assert.Contains(t, page.body, "The image is converted.")
	assert.Contains(t, page.body, `download="photo.jpg">Download photo.jpg</a>`)

	result := do(t, false, http.MethodGet, job.String()+"/result", "", http.NoBody)
	assert.Equal(t, "image/jpeg", result.header.Get("Content-Type"))
	assert.Equal(t, "inline; filename=photo.jpg", result.header.Get("Content-Disposition"))
	converted, format, err := image.Decode(strings.NewReader(result.body))
	require.NoError(t, err)
	assert.Equal(t, "jpeg", format)
	assert.Equal(t, image.Pt(640, 480), converted.Bounds().Size())
}

func TestCancelWithoutScript(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	release := s.blockConversions()
	defer release()
	page := do(t, false, http.MethodPost, s.createWithoutScript(t).url+"/cancel", "", http.NoBody)
	assert.Contains(t, page.body, "The conversion was cancelled.")
	assert.Empty(t, s.sandbox.Jobs(), "a cancelled job is deleted")
}

func TestResultThatCannotBeDownloaded(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	job := s.createWithoutScript(t).url
	s.waitForJob(t, path.Base(job))
	s.sandbox.Inject(cloudconverttest.Fault{Path: "storage:download", Kind: cloudconverttest.Status, Status: http.StatusNotFound})
	page := do(t, false, http.MethodGet, job+"/result", "", http.NoBody)
	assert.Equal(t, http.StatusBadGateway, page.status)
	assert.Contains(t, page.body, "The conversion failed on our side.")
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	const unknown = "/jobs/4b6ee8e2-e293-4805-b48e-a03876d1ec66"
	photo := photo(t)
	refusal := func(status int, code string) *cloudconverttest.Fault {
		return &cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Kind: cloudconverttest.Status, Status: status, Code: code}
	}
	for name, c := range map[string]struct {
		format, file string
		content      []byte
		fault        *cloudconverttest.Fault
		status       int
		message      string
	}{
		"no file":       {"jpg", "", nil, nil, http.StatusBadRequest, "No image was sent."},
		"too large":     {"jpg", "photo.png", make([]byte, maxForm), nil, http.StatusRequestEntityTooLarge, "The image is larger than 20 MB."},
		"output format": {"exe", "photo.png", photo, nil, http.StatusBadRequest, "This output format is not offered."},
		"no extension":  {"jpg", "photo", photo, nil, http.StatusUnprocessableEntity, "The format of this file is unknown."},
		"no credits": {
			"jpg", "photo.png", photo, refusal(http.StatusPaymentRequired, "CREDITS_EXCEEDED"),
			http.StatusServiceUnavailable, "This service has run out of credits.",
		},
		"too many jobs": {
			"jpg", "photo.png", photo, refusal(http.StatusPaymentRequired, "PARALLEL_JOB_LIMIT_EXCEEDED"),
			http.StatusServiceUnavailable, "Too many images are being converted.",
		},
		"wrong key": {
			"jpg", "photo.png", photo, refusal(http.StatusUnauthorized, "UNAUTHENTICATED"),
			http.StatusBadGateway, "The conversion failed on our side.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			if c.fault != nil {
				s.sandbox.Inject(*c.fault)
			}
			contentType, body := form(t, c.format, c.file, c.content)
			response := do(t, true, http.MethodPost, s.url+"/jobs", contentType, body)
			assert.Equal(t, c.status, response.status)
			var v view
			require.NoError(t, json.Unmarshal([]byte(response.body), &v))
			assert.Equal(t, failed, v.Status)
			assert.True(t, strings.HasPrefix(v.Message, c.message), v.Message)
			assert.NotContains(t, response.body, "cloudconvert", "errors are not shown")

			contentType, body = form(t, c.format, c.file, c.content)
			page := do(t, false, http.MethodPost, s.url+"/jobs", contentType, body)
			assert.Equal(t, c.status, page.status)
			assert.Contains(t, page.body, `role="alert">`+v.Message+"</p>")
		})
	}
	s := newSite(t)
	for path, status := range map[string]int{
		"GET " + unknown:              http.StatusNotFound,
		"GET " + unknown + "/result":  http.StatusNotFound,
		"POST " + unknown + "/cancel": http.StatusNotFound,
		"POST /hook":                  http.StatusUnsupportedMediaType,
		"POST /jobs":                  http.StatusBadRequest, // not a form
	} {
		method, path, _ := strings.Cut(path, " ")
		assert.Equal(t, status, do(t, true, method, s.url+path, "", http.NoBody).status, path)
	}
}

func TestRefusesFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	contentType, body := form(t, "jpg", "photo.png", photo(t))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/jobs", body)
	require.NoError(t, err)
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Origin", "https://example.com")
	response, err := new(http.Client).Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusForbidden, response.StatusCode)
	assert.Empty(t, s.sandbox.Jobs())
}

// A job whose end no one waits for costs credits, and one without its image never ends.
func TestDeletesJobsOfEndedRequests(t *testing.T) {
	t.Parallel()
	stall := func(path string, phase cloudconverttest.Phase) cloudconverttest.Fault {
		return cloudconverttest.Fault{Method: http.MethodPost, Path: path, Kind: cloudconverttest.Stall, Phase: phase}
	}
	for name, test := range map[string]struct {
		fault cloudconverttest.Fault
		size  int // large images are uploaded after the creation
	}{
		"during the upload":                  {stall("storage:upload", cloudconverttest.Before), 8 << 20},
		"during the creation":                {stall("/v2/jobs", cloudconverttest.After), 8 << 20},
		"during the creation with the image": {stall("/v2/jobs", cloudconverttest.After), 1},
		"during the conversion":              {cloudconverttest.Fault{Path: "nowhere"}, 1},
	} {
		for _, stops := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, program stops: %t", name, stops), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					sandbox := cloudconverttest.NewServer(cloudconverttest.WithInProcess(), cloudconverttest.WithTaskDuration(time.Hour))
					defer sandbox.Close()
					ctx, stop := context.WithCancel(t.Context())
					defer stop()
					a, err := newApp(ctx, sandbox.Client(), "http://127.0.0.1:8080")
					require.NoError(t, err)
					sandbox.Inject(test.fault)
					contentType, body := form(t, "jpg", "photo.png", make([]byte, test.size))
					leave, cancel := context.WithCancel(t.Context())
					defer cancel()
					request := httptest.NewRequestWithContext(leave, http.MethodPost, "/jobs", body)
					request.Header.Set("Content-Type", contentType)
					response := httptest.NewRecorder()
					ended := make(chan struct{})
					go func() {
						defer close(ended)
						a.routes().ServeHTTP(response, request)
					}()
					synctest.Wait()
					require.Len(t, sandbox.Jobs(), 1)
					if stops {
						stopped := time.Now()
						stop()
						require.NoError(t, a.close())
						assert.Less(t, time.Since(stopped), time.Second)
						assert.Empty(t, sandbox.Jobs(), "the program ends here")
					}
					cancel()
					<-ended
					if !stops && response.Code == http.StatusSeeOther {
						assert.Len(t, sandbox.Jobs(), 1, "the visitor may come back")
						require.NoError(t, a.close())
					}
					assert.Empty(t, sandbox.Jobs())
				})
			})
		}
	}
}

func TestRefusesRequestsWhenStopped(t *testing.T) {
	t.Parallel()
	sandbox := cloudconverttest.NewServer()
	t.Cleanup(sandbox.Close)
	a, err := newApp(t.Context(), sandbox.Client(), "http://127.0.0.1:8080")
	require.NoError(t, err)
	require.NoError(t, a.close())
	response := httptest.NewRecorder()
	a.routes().ServeHTTP(response, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
	assert.Equal(t, http.StatusServiceUnavailable, response.Code)
	assert.Contains(t, response.Body.String(), "is being restarted")
}

func TestRemovesTemporaryFiles(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	s := newSite(t)
	contentType, body := form(t, "jpg", "photo.png", make([]byte, 4*maxMemory))
	assert.Equal(t, http.StatusOK, do(t, false, http.MethodPost, s.url+"/jobs", contentType, body).status)
	entries, err := os.ReadDir(temp)
	require.NoError(t, err)
	for _, entry := range entries {
		assert.NotContains(t, entry.Name(), "multipart-")
	}
}

func TestRefusesBadForms(t *testing.T) {
	t.Parallel()
	const multi = "multipart/form-data; boundary=x"
	const part = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\n\r\nabc"
	s := newSite(t)
	for name, test := range map[string]struct{ query, contentType, body, message string }{
		"cut in a part":         {"", multi, part, "malformed"},
		"cut in a header":       {"", multi, part[:40], "No image was sent"},
		"cut before the end":    {"", multi, part + "\r\n", "malformed"},
		"empty":                 {"", multi, "", "malformed"},
		"another boundary":      {"", multi, strings.ReplaceAll(part, "--x", "--y"), "malformed"},
		"no boundary":           {"", "multipart/form-data", part, "malformed"},
		"malformed type":        {"", "multipart/form-data; boundary", part, "No image was sent"},
		"malformed header":      {"", multi, "--x\r\nContent-Disposition\r\n\r\nabc\r\n--x--", "malformed"},
		"malformed encoding":    {"", multi, "--x\r\nContent-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=zz\r\n--x--", "No image was sent"},
		"too many parts":        {"", multi, strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n", 3000) + "--x--", "malformed"},
		"large field":           {"", multi, "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n" + strings.Repeat("x", 15<<20) + "\r\n--x--", "malformed"},
		"malformed query":       {"?%zz", multi, part + "\r\n--x--", "malformed"},
		"URL-encoded":           {"", "application/x-www-form-urlencoded", "file=x&format=jpg", "No image was sent"},
		"malformed URL-encoded": {"", "application/x-www-form-urlencoded", "file=%zz", "No image was sent"},
		"other type":            {"", "text/plain", "x", "No image was sent"},
		"file without a name":   {"", multi, strings.Replace(part, "a.png", "", 1) + "\r\n--x--", "No image was sent"},
		"no format":             {"", multi, part + "\r\n--x--", "output format"},
	} {
		response := do(t, true, http.MethodPost, s.url+"/jobs"+test.query, test.contentType, strings.NewReader(test.body))
		assert.Equal(t, http.StatusBadRequest, response.status, name)
		assert.Contains(t, response.body, test.message, name)
	}
	assert.Empty(t, s.sandbox.Jobs())

	// A directory for temporary files that is full or missing is not the fault of the visitor.
	status, _ := explain(formError(&fs.PathError{Op: "open", Path: "/tmp/multipart-1", Err: fs.ErrNotExist}))
	assert.Equal(t, http.StatusBadGateway, status)
}

func TestForgetsJobs(t *testing.T) {
	t.Parallel()
	a := &app{jobs: map[string]*job{"a": {}, "b": {}}}
	a.forget("a")
	assert.Equal(t, map[string]*job{"b": {}}, a.jobs)
}
