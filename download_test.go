package cloudconvert_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

const (
	downloadKey   = "key-of-the-download-tests"
	signature     = "X-Amz-Signature=abcdef0123456789"
	signedQuery   = "?X-Amz-Expires=86400&" + signature
	storageTag    = `"5d41402abc4b2a76b9719d911017c592"`
	otherTag      = `"7d793037a0760186574b0282f2f435e7"`
	refusedByS3   = `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>`
	unknownLength = 0
)

// storage is a file server with scripted responses. The last one is repeated.
type storage struct {
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
}

func newStorage(tb testing.TB, script ...http.HandlerFunc) *storage {
	tb.Helper()
	s := &storage{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.requests = append(s.requests, r.Clone(context.WithoutCancel(r.Context())))
		n := min(len(s.requests), len(script)) - 1
		s.mu.Unlock()
		script[n](w, r)
	}))
	tb.Cleanup(s.Close)
	return s
}

func (s *storage) seen() []*http.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*http.Request(nil), s.requests...)
}

// file returns the file as the API describes it.
func (s *storage) file(size int) cloudconvert.File {
	return cloudconvert.File{Filename: "report.pdf", Size: int64(size), URL: s.URL + "/tasks/1/report.pdf" + signedQuery}
}

// ranges returns the ranges of the requests.
func (s *storage) ranges() []string {
	var all []string
	for _, r := range s.seen() {
		all = append(all, strings.TrimSpace(r.Header.Get("Range")+" "+r.Header.Get("If-Range")))
	}
	return all
}

// serve responds as storage does.
func serve(body, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/pdf")
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(body))
	}
}

// cut breaks the connection after this many bytes of the body.
func cut(next http.HandlerFunc, after int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		next(&cutter{ResponseWriter: w, left: after}, r)
	}
}

type cutter struct {
	http.ResponseWriter

	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(len(p), c.left)])
	c.left -= n
	if n < len(p) {
		c.Flush()
		hangUp(c, nil)
	}
	return n, err
}

func (c *cutter) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

// hangUp closes the connection without a response.
func hangUp(http.ResponseWriter, *http.Request) {
	panic(http.ErrAbortHandler) //nolint:forbidigo // net/http has no other way.
}

// plain ignores ranges.
func plain(status int, header map[string]string, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for key, value := range header {
			w.Header().Set(key, value)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// chunked responds without a length.
func chunked(body, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, body)
	}
}

// untilClosed sends a body that ends with the connection.
func untilClosed(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, buffer, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		_, _ = buffer.WriteString("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body)
		_ = buffer.Flush()
		_ = conn.Close()
	}
}

func newDownloader(t *testing.T, opts ...cloudconvert.Option) *cloudconvert.Client {
	t.Helper()
	opts = append([]cloudconvert.Option{cloudconvert.WithRetry(cloudconvert.RetryPolicy{MinWait: time.Millisecond})}, opts...)
	client, err := cloudconvert.NewClient(downloadKey, opts...)
	require.NoError(t, err)
	return client
}

// A way is one of the methods that download a file.
type way struct {
	name     string
	restarts bool // can discard what it has received
	fetch    func(t *testing.T, client *cloudconvert.Client, f cloudconvert.File) (string, error)
}

var ways = []way{
	{"open", false, func(t *testing.T, client *cloudconvert.Client, f cloudconvert.File) (string, error) {
		t.Helper()
		body, err := client.Open(t.Context(), f)
		if err != nil {
			return "", err
		}
		defer body.Close()
		// Small reads take another path than io.Copy.
		var got bytes.Buffer
		_, err = io.CopyBuffer(&got, struct{ io.Reader }{body}, make([]byte, 1000))
		return got.String(), err
	}},
	{"download", false, func(t *testing.T, client *cloudconvert.Client, f cloudconvert.File) (string, error) {
		t.Helper()
		var got bytes.Buffer
		n, err := client.Download(t.Context(), f, &got)
		assert.Equal(t, int64(got.Len()), n)
		return got.String(), err
	}},
	{"save", true, func(t *testing.T, client *cloudconvert.Client, f cloudconvert.File) (string, error) {
		t.Helper()
		dir := t.TempDir()
		paths, err := client.Save(t.Context(), dir, []cloudconvert.File{f})
		if err != nil {
			assert.Empty(t, paths)
			assert.Empty(t, testkit.Listed(t, dir), "nothing is left")
			return "", err
		}
		require.Len(t, paths, 1)
		assert.Equal(t, []string{filepath.Base(paths[0])}, testkit.Listed(t, dir))
		got, err := os.ReadFile(paths[0])
		require.NoError(t, err)
		return string(got), nil
	}},
}

// noSecrets checks that an error has neither the key nor the signed query.
func noSecrets(t *testing.T, err error) {
	t.Helper()
	for _, format := range []string{"%v", "%+v", "%#v"} {
		text := fmt.Sprintf(format, err)
		assert.NotContains(t, text, downloadKey)
		if format != "%#v" {
			assert.NotContains(t, text, "Signature")
		}
	}
	assert.NotContains(t, err.Error(), "X-Amz")
}

func TestDownloadIsWhole(t *testing.T) {
	t.Parallel()
	const size = 300_000 // more than one buffer
	file := testkit.Content(size)
	ranged := func(from int) string { return fmt.Sprintf("bytes=%d- %s", from, storageTag) }
	tests := map[string]struct {
		size   int
		script []http.HandlerFunc
		ranges []string
	}{
		"at once":                     {size, []http.HandlerFunc{serve(file, storageTag)}, []string{""}},
		"size unknown to the API":     {unknownLength, []http.HandlerFunc{serve(file, storageTag)}, []string{""}},
		"length unknown to storage":   {size, []http.HandlerFunc{chunked(file, storageTag)}, []string{""}},
		"length unknown to both":      {unknownLength, []http.HandlerFunc{chunked(file, "")}, []string{""}},
		"size but no end mark":        {size, []http.HandlerFunc{untilClosed(file)}, []string{""}},
		"cut before the response":     {size, []http.HandlerFunc{hangUp, serve(file, storageTag)}, []string{"", ""}},
		"cut before the first byte":   {size, []http.HandlerFunc{cut(serve(file, otherTag), 0), serve(file, storageTag)}, []string{"", ""}},
		"cut at the first byte":       {size, []http.HandlerFunc{cut(serve(file, storageTag), 1), serve(file, storageTag)}, []string{"", ranged(1)}},
		"cut in the middle":           {size, []http.HandlerFunc{cut(serve(file, storageTag), 150_000), serve(file, storageTag)}, []string{"", ranged(150_000)}},
		"cut at the last byte":        {size, []http.HandlerFunc{cut(serve(file, storageTag), size-1), serve(file, storageTag)}, []string{"", ranged(size - 1)}},
		"cut, then another length":    {unknownLength, []http.HandlerFunc{cut(serve(file+"x", otherTag), 0), serve(file, storageTag)}, []string{"", ""}},
		"cut, size unknown":           {unknownLength, []http.HandlerFunc{cut(serve(file, storageTag), 5), serve(file, storageTag)}, []string{"", ranged(5)}},
		"cut, length unknown":         {unknownLength, []http.HandlerFunc{cut(chunked(file, storageTag), 5), serve(file, storageTag)}, []string{"", ranged(5)}},
		"cut, the end mark missing":   {unknownLength, []http.HandlerFunc{cut(chunked(file+"x", storageTag), size), plain(416, map[string]string{"ETag": storageTag, "Content-Range": fmt.Sprintf("bytes */%d", size)}, "")}, []string{"", ranged(size)}},
		"all but the end mark":        {size, []http.HandlerFunc{cut(chunked(file+"x", storageTag), size)}, []string{""}},
		"cut several times":           {size, []http.HandlerFunc{cut(serve(file, storageTag), 5), cut(serve(file, storageTag), 5), cut(serve(file, storageTag), 5), serve(file, storageTag)}, []string{"", ranged(5), ranged(10), ranged(15)}},
		"cut, ranges ignored":         {size, []http.HandlerFunc{cut(serve(file, storageTag), 150_000), plain(200, map[string]string{"ETag": storageTag}, file)}, []string{"", ranged(150_000)}},
		"cut, ranges ignored, cut":    {size, []http.HandlerFunc{cut(serve(file, storageTag), 150_000), cut(plain(200, map[string]string{"ETag": storageTag}, file), 100_000), serve(file, storageTag)}, []string{"", ranged(150_000), ranged(150_000)}},
		"a shorter range":             {size, []http.HandlerFunc{cut(serve(file, storageTag), 5), plain(206, map[string]string{"ETag": storageTag, "Content-Range": fmt.Sprintf("bytes 5-9/%d", size)}, file[5:10]), serve(file, storageTag)}, []string{"", ranged(5), ranged(10)}},
		"range of unknown length":     {size, []http.HandlerFunc{cut(serve(file, storageTag), 5), plain(206, map[string]string{"ETag": storageTag, "Content-Range": fmt.Sprintf("bytes 5-%d/*", size-1)}, file[5:])}, []string{"", ranged(5)}},
		"storage fails":               {size, []http.HandlerFunc{plain(503, nil, "down"), plain(500, nil, ""), serve(file, storageTag)}, []string{"", "", ""}},
		"storage is busy":             {size, []http.HandlerFunc{plain(429, map[string]string{"Retry-After": "0"}, ""), serve(file, storageTag)}, []string{"", ""}},
		"storage fails in the middle": {size, []http.HandlerFunc{cut(serve(file, storageTag), 5), plain(502, nil, "<html>"), serve(file, storageTag)}, []string{"", ranged(5), ranged(5)}},
		"empty":                       {0, []http.HandlerFunc{serve("", storageTag)}, []string{""}},
		"empty without a length":      {0, []http.HandlerFunc{chunked("", "")}, []string{""}},
	}
	for name, test := range tests {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				want := file
				if strings.HasPrefix(name, "empty") {
					want = ""
				}
				storage := newStorage(t, test.script...)
				got, err := way.fetch(t, newDownloader(t), storage.file(test.size))
				require.NoError(t, err)
				testkit.Same(t, want, got)
				assert.Equal(t, test.ranges, storage.ranges())
			})
		}
	}
}

// If a download cannot be resumed, what was received is discarded where possible.
func TestDownloadStartsOver(t *testing.T) {
	t.Parallel()
	const size = 100_000
	old, file := testkit.Content(size + 1)[1:], testkit.Content(size)
	changed := "the file changed"
	tests := map[string]struct {
		script  []http.HandlerFunc
		problem string
	}{
		"the tag changed":             {[]http.HandlerFunc{cut(serve(old, otherTag), 9), serve(file, storageTag)}, changed},
		"the tag is gone":             {[]http.HandlerFunc{cut(serve(old, otherTag), 9), serve(file, "")}, changed},
		"no tag":                      {[]http.HandlerFunc{cut(serve(old, ""), 9), serve(file, "")}, "without a strong entity tag"},
		"a weak tag":                  {[]http.HandlerFunc{cut(serve(old, "W/"+storageTag), 9), serve(file, "W/"+storageTag)}, "without a strong entity tag"},
		"a range of another file":     {[]http.HandlerFunc{cut(serve(old, otherTag), 9), plain(206, map[string]string{"ETag": storageTag, "Content-Range": fmt.Sprintf("bytes 9-%d/%d", size-1, size)}, file[9:]), serve(file, storageTag)}, changed},
		"a range of another length":   {[]http.HandlerFunc{cut(serve(old, otherTag), 9), plain(206, map[string]string{"Content-Range": fmt.Sprintf("bytes 9-%d/%d", size, size+1)}, file[9:]+"x"), serve(file, storageTag)}, changed},
		"another range":               {[]http.HandlerFunc{cut(serve(old, otherTag), 9), plain(206, map[string]string{"Content-Range": fmt.Sprintf("bytes 8-%d/%d", size-1, size)}, file[8:]), serve(file, storageTag)}, "storage sent the wrong range"},
		"no range given":              {[]http.HandlerFunc{cut(serve(old, otherTag), 9), plain(206, nil, file[9:]), serve(file, storageTag)}, "storage sent the wrong range"},
		"nothing in the range":        {[]http.HandlerFunc{cut(serve(old, otherTag), 9), plain(416, map[string]string{"Content-Range": "bytes */5"}, ""), serve(file, storageTag)}, changed},
		"nothing in the range, or so": {[]http.HandlerFunc{cut(serve(old, otherTag), 9), plain(416, nil, ""), serve(file, storageTag)}, changed},
	}
	for name, test := range tests {
		for _, way := range ways {
			for _, size := range []int{size, unknownLength} {
				t.Run(fmt.Sprintf("%s/%s/%d", name, way.name, size), func(t *testing.T) {
					t.Parallel()
					storage := newStorage(t, test.script...)
					got, err := way.fetch(t, newDownloader(t), storage.file(size))
					if !way.restarts {
						require.ErrorContains(t, err, test.problem)
						noSecrets(t, err)
						assert.LessOrEqual(t, len(got), 9, "nothing of the other file")
						return
					}
					require.NoError(t, err)
					testkit.Same(t, file, got)
				})
			}
		}
	}
}

func TestDownloadFails(t *testing.T) {
	t.Parallel()
	const size = 1000
	file := testkit.Content(size)
	page := "<html><title>Sign in to the guest network</title></html>"
	html := map[string]string{"Content-Type": "text/html"}
	tests := map[string]struct {
		size     int
		respond  http.HandlerFunc
		is       error
		status   int
		message  string
		requests int
	}{
		"too short":                    {size, serve(file[1:], storageTag), nil, 200, "has 999 bytes and should have 1000", 1},
		"too long":                     {size, serve(file+"x", storageTag), nil, 200, "has 1001 bytes and should have 1000", 1},
		"too short without a length":   {size, chunked(file[1:], storageTag), nil, 200, "ended after 999 bytes", 1},
		"too long without a length":    {size, chunked(file+"x", storageTag), nil, 200, "longer than the 1000 bytes", 1},
		"empty though there is a size": {size, serve("", storageTag), nil, 200, "has 0 bytes", 1},
		"an error page":                {size, plain(200, html, page), nil, 200, "should have 1000", 1},
		"an error page, chunked":       {size, chunked(page, ""), nil, 200, "should have 1000", 1},
		"no length anywhere":           {unknownLength, untilClosed(file), nil, 200, "unknown file size", 1},
		"nothing":                      {size, plain(204, nil, ""), nil, 204, "a response with this status does not contain a file", 1},
		"a part not requested":         {size, plain(206, map[string]string{"Content-Range": "bytes 0-999/1000"}, file), nil, 206, "this status does not contain a file", 1},
		"gone":                         {size, plain(404, nil, `<Error><Code>NoSuchKey</Code><Message>No such key.</Message></Error>`), cloudconvert.ErrNotFound, 404, "404 NoSuchKey: No such key", 1},
		"expired":                      {size, plain(403, nil, refusedByS3), cloudconvert.ErrForbidden, 403, "403 AccessDenied: Request has expired", 1},
		"refused":                      {size, plain(400, nil, "no"), cloudconvert.ErrInvalid, 400, "400 Bad Request", 1},
		"encoded":                      {unknownLength, plain(200, map[string]string{"Content-Encoding": "gzip"}, "bytes"), nil, 200, "encoded as gzip", 1},
		"repeats the query":            {size, plain(404, nil, `{"message": "not here: `+signedQuery+`"}`), cloudconvert.ErrNotFound, 404, "not here", 1},
		"repeats the query in XML":     {size, plain(404, nil, `<Error><Code>NoSuchKey</Code><Message>Not here: `+strings.ReplaceAll(signedQuery, "&", "&amp;")+`</Message></Error>`), cloudconvert.ErrNotFound, 404, "Not here", 1},
		"a range not requested":        {size, plain(416, nil, ""), nil, 416, "416", 1},
		"not implemented":              {size, plain(501, nil, ""), cloudconvert.ErrServer, 501, "501", 1},
		"always fails":                 {size, plain(503, nil, "down"), cloudconvert.ErrServer, 503, "503", 4},
		"always busy":                  {size, plain(429, nil, ""), cloudconvert.ErrRateLimited, 429, "429", 4},
		"always cut":                   {size, cut(plain(200, nil, file), 0), io.ErrUnexpectedEOF, 200, "unexpected EOF", 4},
		"always hung up":               {size, hangUp, io.ErrUnexpectedEOF, 0, "EOF", 4},
		"redirected nowhere":           {size, plain(302, nil, ""), nil, 302, "302", 1},
		"redirected to plain http":     {size, plain(302, map[string]string{"Location": "http://storage.invalid/" + signedQuery}, ""), nil, 302, "storage.invalid is not https", 1},
		"redirect loop":                {size, plain(302, map[string]string{"Location": "/again" + signedQuery}, ""), nil, 302, "more than 10 redirects", 10},
		"redirected to no URL":         {size, plain(302, map[string]string{"Location": "https://%zz/" + signedQuery}, ""), nil, 302, "redirected to an invalid URL", 1},
	}
	for name, test := range tests {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				storage := newStorage(t, test.respond)
				client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 3}))
				_, err := way.fetch(t, client, storage.file(test.size))
				require.ErrorContains(t, err, test.message)
				require.NotErrorIs(t, err, io.EOF, "it would be read as the end of the file")
				noSecrets(t, err)
				if test.is != nil {
					require.ErrorIs(t, err, test.is)
				}
				failure := new(cloudconvert.Error)
				require.ErrorAs(t, err, &failure)
				assert.Equal(t, test.status, failure.StatusCode)
				assert.Equal(t, http.MethodGet, failure.Method)
				assert.Equal(t, strings.TrimPrefix(storage.URL, "http://")+"/tasks/1/report.pdf", failure.Path)
				assert.Len(t, storage.seen(), test.requests)
			})
		}
	}
}

func TestDownloadIsNotResumedWhenDisabled(t *testing.T) {
	t.Parallel()
	file := testkit.Content(100)
	storage := newStorage(t, cut(serve(file, storageTag), 50))
	client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1}))
	var got bytes.Buffer
	n, err := client.Download(t.Context(), storage.file(100), &got)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Equal(t, int64(50), n)
	assert.Len(t, storage.seen(), 1)
}

// Only resumptions without progress count.
func TestDownloadProgressResetsResumptions(t *testing.T) {
	t.Parallel()
	const size = 40
	file := testkit.Content(size)
	storage := newStorage(t, cut(serve(file, storageTag), 1))
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 1}))
			got, err := way.fetch(t, client, storage.file(size))
			require.NoError(t, err)
			assert.Equal(t, file, got)
		})
	}
}

// A download that never gets past a certain byte fails, whether it is resumed or
// starts over.
func TestDownloadWithoutProgressFails(t *testing.T) {
	t.Parallel()
	file := testkit.Content(100)
	for name, tag := range map[string]string{"resumed": storageTag, "started over": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := plain(200, map[string]string{"ETag": tag}, file)
			storage := newStorage(t, cut(whole, 50))
			client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 2}))
			_, err := client.Save(t.Context(), t.TempDir(), []cloudconvert.File{storage.file(100)})
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.Len(t, storage.seen(), 3)
		})
	}
}

func TestDownloadRefusesURLs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ url, message string }{
		"none":                {"", "only files of export/url tasks have one"},
		"no URL":              {"https://%zz/" + signedQuery, "invalid URL"},
		"a blank":             {"https://storage.example/a b" + signedQuery, "invalid URL"},
		"a line break":        {"https://storage.example/a\nb" + signedQuery, "invalid URL"},
		"no host":             {"https:///a" + signedQuery, "has no host"},
		"plain http":          {"http://storage.example/a" + signedQuery, "storage.example is not https"},
		"another scheme":      {"ftp://storage.example/a" + signedQuery, "is not https"},
		"a file":              {"file:///etc/passwd", "has no host"},
		"relative":            {"/etc/passwd", "has no host"},
		"loopback look-alike": {"http://127.0.0.1.example/a" + signedQuery, "is not https"},
	}
	for name, test := range tests {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				_, err := way.fetch(t, newDownloader(t), cloudconvert.File{Filename: "a.pdf", URL: test.url})
				require.ErrorIs(t, err, cloudconvert.ErrInvalid)
				require.ErrorContains(t, err, test.message)
				require.ErrorContains(t, err, `"a.pdf"`)
				noSecrets(t, err)
			})
		}
	}
}

// URLs are signed: any change makes them invalid.
func TestDownloadRequestsURLVerbatim(t *testing.T) {
	t.Parallel()
	targets := []string{
		"/a?b=c",
		"/a?",
		"/a??",
		"/a?b",
		"/a?z=1&a=2&&=&b=%2f&c=%2F&d=+&e=%20&f=~&g=;&h=%zz",
		"/a?response-content-disposition=attachment%3B%20filename%3D%22a%20b.pdf%22",
		"/a?name=ü|<>\"^`{}\\",
		"/%2f/%2F/a%20b/%7e~",
		"/a+b/(c)/d!$&'*,;=:@",
		"/ü/|/^/\"/<>",
		"/a//b/../c/./d",
		"//a/b",
		"/a%00b",
	}
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			t.Parallel()
			storage := newStorage(t, serve("content", storageTag))
			_, err := newDownloader(t).Download(t.Context(), cloudconvert.File{URL: storage.URL + target + "#fragment"}, io.Discard)
			require.NoError(t, err)
			require.Len(t, storage.seen(), 1)
			assert.Equal(t, target, storage.seen()[0].RequestURI)
		})
	}
}

func TestDownloadSendsNoCredentials(t *testing.T) {
	t.Parallel()
	target := newStorage(t, cut(serve("content", storageTag), 3), serve("content", storageTag))
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		http.Redirect(w, r, strings.Replace(target.URL, "127.0.0.1", "localhost", 1)+"/elsewhere", http.StatusTemporaryRedirect)
	})
	var got bytes.Buffer
	_, err := newDownloader(t, cloudconvert.WithUserAgent("tests/1")).Download(t.Context(), storage.file(7), &got)
	require.NoError(t, err)
	assert.Equal(t, "content", got.String())
	assert.Equal(t, []string{"", "bytes=3- " + storageTag}, target.ranges(), "a redirect keeps the range")
	for _, r := range append(storage.seen(), target.seen()...) {
		assert.Equal(t, "identity", r.Header.Get("Accept-Encoding"))
		assert.Contains(t, r.Header.Get("User-Agent"), "tests/1 cloudconvert-go/")
		for _, name := range []string{"Authorization", "Cookie", "Referer", "Proxy-Authorization"} {
			assert.Empty(t, r.Header.Values(name), name)
		}
		assert.NotContains(t, fmt.Sprint(r.Header), downloadKey)
	}
	for _, r := range target.seen() {
		assert.NotContains(t, fmt.Sprint(r.Header, r.URL), signature, "the next host does not get the URL")
	}
}

func TestDownloadNeverLeavesHTTPS(t *testing.T) {
	t.Parallel()
	target := newStorage(t, serve("content", storageTag))
	secure := httptest.NewTLSServer(http.RedirectHandler(target.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	client := newDownloader(t, cloudconvert.WithHTTPClient(secure.Client()), cloudconvert.WithPlainHTTP())
	_, err := client.Download(t.Context(), cloudconvert.File{URL: secure.URL}, io.Discard)
	require.ErrorContains(t, err, "redirected from https to http")
	assert.Empty(t, target.seen())
}

func TestDownloadFromUntrustedServerIsNotRetried(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(serve("content", storageTag))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	_, err := newDownloader(t).Download(t.Context(), cloudconvert.File{URL: secure.URL + signedQuery}, io.Discard)
	failure := new(cloudconvert.Error)
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, 1, failure.Attempts)
	noSecrets(t, err)
}

func TestDownloadConnectionRefused(t *testing.T) {
	t.Parallel()
	storage := newStorage(t, serve("content", storageTag))
	storage.Close()
	client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 2}))
	_, err := client.Open(t.Context(), storage.file(7))
	require.ErrorIs(t, err, testkit.ErrConnRefused)
	noSecrets(t, err)
	failure := new(cloudconvert.Error)
	require.ErrorAs(t, err, &failure)
	assert.Equal(t, 3, failure.Attempts)
	assert.True(t, cloudconvert.IsRetryable(err))
}

func TestDownloadRetryAfterBeyondDeadline(t *testing.T) {
	t.Parallel()
	storage := newStorage(t, plain(503, map[string]string{"Retry-After": "60"}, ""))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	start := time.Now()
	_, err := newDownloader(t).Download(ctx, storage.file(7), io.Discard)
	require.ErrorIs(t, err, cloudconvert.ErrServer)
	assert.Less(t, time.Since(start), 20*time.Second, "a pause that would exceed the deadline is not begun")
	assert.Len(t, storage.seen(), 1)
}

func TestDownloadToFullDisk(t *testing.T) {
	t.Parallel()
	storage := newStorage(t, serve(testkit.Content(1000), storageTag))
	n, err := newDownloader(t).Download(t.Context(), storage.file(1000), &fullWriter{room: 10})
	require.ErrorIs(t, err, testkit.ErrNoSpace)
	assert.Equal(t, int64(10), n)
	assert.Len(t, storage.seen(), 1)
}

type fullWriter struct{ room int }

func (w *fullWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.room)
	w.room -= n
	if n < len(p) {
		return n, testkit.ErrNoSpace
	}
	return n, nil
}

func TestDownloadProgress(t *testing.T) {
	t.Parallel()
	file := testkit.Content(1000)
	for name, size := range map[string]int{"known": 1000, "unknown": unknownLength} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen []cloudconvert.Progress
			client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{
				Progress: func(p cloudconvert.Progress) { seen = append(seen, p) },
			}))
			storage := newStorage(t, cut(serve(file, storageTag), 400), serve(file, storageTag))
			_, err := client.Download(t.Context(), storage.file(size), io.Discard)
			require.NoError(t, err)
			require.NotEmpty(t, seen)
			last := cloudconvert.Progress{Phase: cloudconvert.PhaseDownload, Name: "report.pdf", Done: 1000, Total: 1000}
			assert.Equal(t, last, seen[len(seen)-1])
			assert.Less(t, len(seen), 10, "not for each buffer")
			assert.Equal(t, int64(1000), seen[0].Total)
		})
	}
}

func TestDownloadCloses(t *testing.T) {
	t.Parallel()
	left := make(chan struct{})
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, "some")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		close(left)
	})
	body, err := newDownloader(t).Open(t.Context(), storage.file(1000))
	require.NoError(t, err)
	buffer := make([]byte, 100)
	n, err := body.Read(buffer)
	require.NoError(t, err)
	assert.Equal(t, "some", string(buffer[:n]))

	failed := make(chan error)
	go func() {
		_, err := body.Read(buffer)
		failed <- err
	}()
	require.NoError(t, body.Close())
	require.Error(t, <-failed, "the running Read ends")
	<-left
	require.NoError(t, body.Close(), "again")
	_, err = body.Read(buffer)
	require.ErrorIs(t, err, fs.ErrClosed)
}

func TestDownloadReadAfterTheEnd(t *testing.T) {
	t.Parallel()
	storage := newStorage(t, serve("content", storageTag))
	body, err := newDownloader(t).Open(t.Context(), storage.file(7))
	require.NoError(t, err)
	got, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Equal(t, "content", string(got))
	for range 2 {
		_, err = body.Read(make([]byte, 1))
		require.ErrorIs(t, err, io.EOF)
	}
	require.NoError(t, body.Close())
}

// endings are the two ways for a context to end.
var endings = map[string]struct {
	end  func(context.Context) (context.Context, context.CancelFunc)
	want error
}{
	"cancelled": {context.WithCancel, context.Canceled},
	"deadline": {func(ctx context.Context) (context.Context, context.CancelFunc) {
		return context.WithTimeout(ctx, 50*time.Millisecond)
	}, context.DeadlineExceeded},
}

func TestDownloadEndsWithItsContext(t *testing.T) {
	t.Parallel()
	tests := map[string]func(w http.ResponseWriter){
		"before the response": func(http.ResponseWriter) {},
		"before the body":     func(w http.ResponseWriter) { w.(http.Flusher).Flush() },
		"in the body": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "some")
			w.(http.Flusher).Flush()
		},
	}
	calls := map[string]func(ctx context.Context, t *testing.T, client *cloudconvert.Client, f cloudconvert.File) error{
		"open": func(ctx context.Context, t *testing.T, client *cloudconvert.Client, f cloudconvert.File) error {
			t.Helper()
			body, err := client.Open(ctx, f)
			if err != nil {
				return err
			}
			defer body.Close()
			_, err = io.ReadAll(body)
			return err
		},
		"download": func(ctx context.Context, t *testing.T, client *cloudconvert.Client, f cloudconvert.File) error {
			t.Helper()
			_, err := client.Download(ctx, f, io.Discard)
			return err
		},
		"save": func(ctx context.Context, t *testing.T, client *cloudconvert.Client, f cloudconvert.File) error {
			t.Helper()
			dir := t.TempDir()
			_, err := client.Save(ctx, dir, []cloudconvert.File{f})
			assert.Empty(t, testkit.Listed(t, dir))
			return err
		},
	}
	for name, respond := range tests {
		for call, fetch := range calls {
			for kind, ending := range endings {
				t.Run(name+"/"+call+"/"+kind, func(t *testing.T) {
					t.Parallel()
					ctx, cancel := ending.end(t.Context())
					defer cancel()
					storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
						w.Header().Set("Content-Length", "1000")
						respond(w)
						if kind == "cancelled" {
							cancel()
						}
						<-r.Context().Done()
					})
					err := fetch(ctx, t, newDownloader(t), storage.file(1000))
					require.ErrorIs(t, err, ending.want)
					noSecrets(t, err)
					assert.False(t, cloudconvert.IsRetryable(err))
				})
			}
		}
	}
}

func TestDownloadLogsNoSecrets(t *testing.T) {
	t.Parallel()
	var records bytes.Buffer
	storage := newStorage(t, cut(serve("content", storageTag), 3), plain(503, nil, ""), serve("content", storageTag))
	client := newDownloader(t, cloudconvert.WithLogger(slog.New(slog.NewTextHandler(&records, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_, err := client.Download(t.Context(), storage.file(7), io.Discard)
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(records.String(), "level=WARN"), records.String())
	assert.Equal(t, 3, strings.Count(records.String(), "level=DEBUG"), records.String())
	assert.Contains(t, records.String(), "/tasks/1/report.pdf")
	assert.NotContains(t, records.String(), "X-Amz")
	assert.NotContains(t, records.String(), downloadKey)
}

func TestDownloadConcurrently(t *testing.T) {
	t.Parallel()
	file := testkit.Content(100_000)
	storage := newStorage(t, serve(file, storageTag))
	client := newDownloader(t)
	var group sync.WaitGroup
	for range 10 {
		group.Go(func() {
			var got bytes.Buffer
			_, err := client.Download(t.Context(), storage.file(len(file)), &got)
			if assert.NoError(t, err) {
				testkit.Same(t, file, got.String())
			}
		})
	}
	group.Wait()
	assert.Len(t, storage.seen(), 10)
}
