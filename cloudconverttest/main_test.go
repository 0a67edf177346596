package cloudconverttest

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tester is a client of a server by plain HTTP and JSON.
type tester struct {
	t   testing.TB
	s   *Server
	key string
}

func newTester(tb testing.TB, opts ...Option) *tester {
	tb.Helper()
	s := NewServer(opts...)
	tb.Cleanup(s.Close)
	return &tester{t: tb, s: s, key: s.Key()}
}

// response is a response that was read.
type response struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
}

// call sends v as JSON, if it is not nil, to a path of the API or to a URL.
func (x *tester) call(method, path string, v any) response {
	x.t.Helper()
	var body io.Reader
	switch v := v.(type) {
	case nil:
	case string:
		body = strings.NewReader(v)
	default:
		b, err := json.Marshal(v)
		require.NoError(x.t, err)
		body = bytes.NewReader(b)
	}
	if !strings.HasPrefix(path, "http") {
		path = x.s.URL + path
	}
	req, err := http.NewRequestWithContext(x.t.Context(), method, path, body)
	require.NoError(x.t, err)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if x.key != "" {
		req.Header.Set("Authorization", "Bearer "+x.key)
	}
	return x.send(req)
}

// send sends a request without following redirects.
func (x *tester) send(req *http.Request) response {
	x.t.Helper()
	a, err := x.try(req)
	require.NoError(x.t, err)
	return a
}

func (x *tester) try(req *http.Request) (response, error) {
	resp, err := x.s.HTTPClient().Transport.RoundTrip(req)
	if err != nil {
		return response{}, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		_ = resp.Body.Close()
		return response{status: resp.StatusCode, body: body, header: resp.Header}, err
	}
	return response{t: x.t, status: resp.StatusCode, header: resp.Header, body: body}, resp.Body.Close()
}

// expect requires a status and returns the response.
func (a response) expect(status int) response {
	a.t.Helper()
	require.Equal(a.t, status, a.status, "%s", a.body)
	return a
}

// object decodes the whole body.
func (a response) object() map[string]any {
	a.t.Helper()
	var v map[string]any
	require.NoError(a.t, json.Unmarshal(a.body, &v), "%s", a.body)
	return v
}

// data returns the object in the envelope.
func (a response) data() map[string]any {
	a.t.Helper()
	v, ok := a.object()["data"].(map[string]any)
	require.True(a.t, ok, "%s", a.body)
	return v
}

// items returns the list in the envelope.
func (a response) items() []map[string]any {
	a.t.Helper()
	list, ok := a.object()["data"].([]any)
	require.True(a.t, ok, "%s", a.body)
	items := make([]map[string]any, len(list))
	for i, v := range list {
		items[i], ok = v.(map[string]any)
		require.True(a.t, ok)
	}
	return items
}

type dict = map[string]any

// job creates a job and returns the response.
func (x *tester) job(tasks dict, more ...dict) dict {
	x.t.Helper()
	body := dict{"tasks": tasks}
	for _, m := range more {
		maps.Copy(body, m)
	}
	return x.call(http.MethodPost, "/jobs", body).expect(http.StatusCreated).data()
}

// ended waits for a job on the sync host.
func (x *tester) ended(job dict) dict {
	x.t.Helper()
	return x.call(http.MethodGet, x.s.SyncURL+"/jobs/"+str(job["id"]), nil).expect(http.StatusOK).data()
}

// run starts a job and waits for its end.
func (x *tester) run(tasks dict, more ...dict) dict {
	x.t.Helper()
	return x.ended(x.job(tasks, more...))
}

// taskOf returns a task of a job by its name.
func taskOf(tb testing.TB, job dict, name string) dict {
	tb.Helper()
	tasks, _ := job["tasks"].([]any)
	for _, v := range tasks {
		if task, ok := v.(map[string]any); ok && task["name"] == name {
			return task
		}
	}
	require.Fail(tb, "no task "+name)
	return nil
}

// filesOf returns the files in the result of a task.
func filesOf(task dict) []dict {
	result, _ := task["result"].(map[string]any)
	list, _ := result["files"].([]any)
	files := make([]dict, len(list))
	for i, v := range list {
		files[i], _ = v.(map[string]any)
	}
	return files
}

func str(v any) string {
	s, _ := v.(string)
	return s
}

// get requests a URL without a key.
func (x *tester) get(rawURL string, headers ...string) response {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodGet, rawURL, http.NoBody)
	require.NoError(x.t, err)
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return x.send(req)
}

// formOf returns the upload form of a task: the URL, and the parameters in their order.
func formOf(tb testing.TB, task dict) (rawURL string, fields [][2]string) {
	tb.Helper()
	raw, err := json.Marshal(task["result"])
	require.NoError(tb, err)
	var result struct {
		Form struct {
			URL        string         `json:"url"`
			Parameters map[string]any `json:"parameters"`
		} `json:"form"`
	}
	require.NoError(tb, json.Unmarshal(raw, &result))
	for name, value := range result.Form.Parameters {
		text, ok := value.(string)
		if !ok {
			b, err := json.Marshal(value)
			require.NoError(tb, err)
			text = string(b)
		}
		fields = append(fields, [2]string{name, text})
	}
	return result.Form.URL, fields
}

// formBody returns the body of a form upload.
func formBody(tb testing.TB, fields [][2]string, filename string, content []byte) (contentType string, body []byte) {
	tb.Helper()
	var buf bytes.Buffer
	w := multipart.NewWriter(&buf)
	for _, f := range fields {
		require.NoError(tb, w.WriteField(f[0], f[1]))
	}
	part, err := w.CreateFormFile("file", filename)
	require.NoError(tb, err)
	_, err = part.Write(content)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return w.FormDataContentType(), buf.Bytes()
}

// upload sends a file to the form of a task.
func (x *tester) upload(task dict, filename string, content []byte) response {
	x.t.Helper()
	rawURL, fields := formOf(x.t, task)
	contentType, body := formBody(x.t, fields, filename, content)
	return x.post(rawURL, contentType, body)
}

func (x *tester) post(rawURL, contentType string, body []byte) response {
	x.t.Helper()
	req, err := http.NewRequestWithContext(x.t.Context(), http.MethodPost, rawURL, bytes.NewReader(body))
	require.NoError(x.t, err)
	req.Header.Set("Content-Type", contentType)
	return x.send(req)
}

// pngImage returns a small PNG.
func pngImage(tb testing.TB, width, height int) []byte {
	tb.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := range width {
		for y := range height {
			m.Set(x, y, color.RGBA{R: uint8(x * 7), G: uint8(y * 5), B: uint8(x ^ y), A: 255})
		}
	}
	var buf bytes.Buffer
	require.NoError(tb, png.Encode(&buf, m))
	return buf.Bytes()
}

// everywhere runs a test over sockets and in process, over HTTP/1.1 and over HTTP/2.
func everywhere(t *testing.T, test func(t *testing.T, opts ...Option)) {
	t.Helper()
	t.Run("sockets", func(t *testing.T) { t.Parallel(); test(t) })
	t.Run("in process", func(t *testing.T) { t.Parallel(); test(t, WithInProcess()) })
	t.Run("sockets over HTTP/2", func(t *testing.T) { t.Parallel(); test(t, WithHTTP2()) })
	t.Run("in process over HTTP/2", func(t *testing.T) { t.Parallel(); test(t, WithInProcess(), WithHTTP2()) })
}

func rawQuery(tb testing.TB, rawURL string) url.Values {
	tb.Helper()
	u, err := url.Parse(rawURL)
	require.NoError(tb, err)
	return u.Query()
}

// wantInvalid checks a validation error.
func (a response) wantInvalid(field, message string) {
	a.t.Helper()
	a.expect(http.StatusUnprocessableEntity)
	body := a.object()
	assert.Equal(a.t, "INVALID_DATA", body["code"])
	assert.Equal(a.t, "The given data was invalid.", body["message"])
	errs, _ := body["errors"].(map[string]any)
	assert.Equal(a.t, []any{message}, errs[field], "%s", a.body)
}
