package cloudconverttest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// uploading creates a job with an upload task and returns both.
func (x *tester) uploading() (job, task dict) {
	x.t.Helper()
	job = x.job(dict{"in": dict{"operation": "import/upload"}, "out": dict{"operation": "export/url", "input": "in"}})
	return job, taskOf(x.t, job, "in")
}

func TestUploadForm(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	a := x.call(http.MethodPost, "/import/upload", dict{}).expect(http.StatusCreated)
	body := string(a.body)
	at := -1
	for _, name := range []string{
		"acl", "key", "success_action_status", "X-Amz-Credential", "X-Amz-Algorithm", "X-Amz-Date", "Policy", "X-Amz-Signature",
	} {
		next := strings.Index(body, `"`+name+`":"`)
		require.Greater(t, next, at, "%s is not where it should be in %s", name, body)
		at = next
	}
	task := a.data()
	_, fields := formOf(t, task)
	assert.Len(t, fields, 8)
	assert.Contains(t, fields, [2]string{"key", str(task["id"]) + "/${filename}"})
	assert.Nil(t, task["job_id"])
	assert.NotContains(t, task, "name")
}

func TestUploadIsStrict(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func([][2]string) [][2]string {
		return func(fields [][2]string) [][2]string {
			for i := range fields {
				if fields[i][0] == name {
					fields[i][1] = value
				}
			}
			return fields
		}
	}
	drop := func(name string) func([][2]string) [][2]string {
		return func(fields [][2]string) [][2]string {
			return slices.DeleteFunc(fields, func(f [2]string) bool { return f[0] == name })
		}
	}
	for name, c := range map[string]struct {
		change func([][2]string) [][2]string
		status int
		code   string
	}{
		"no key":            {drop("key"), 400, "InvalidArgument"},
		"other key":         {set("key", "other/${filename}"), 403, "AccessDenied"},
		"other acl":         {set("acl", "public-read"), 403, "AccessDenied"},
		"no acl":            {drop("acl"), 403, "AccessDenied"},
		"no status":         {drop("success_action_status"), 403, "AccessDenied"},
		"no policy":         {drop("Policy"), 403, "AccessDenied"},
		"other policy":      {set("Policy", "e30="), 403, "SignatureDoesNotMatch"},
		"no signature":      {drop("X-Amz-Signature"), 403, "SignatureDoesNotMatch"},
		"no algorithm":      {drop("X-Amz-Algorithm"), 400, "InvalidArgument"},
		"other credential":  {set("X-Amz-Credential", "x"), 403, "AccessDenied"},
		"extra field":       {func(f [][2]string) [][2]string { return append(f, [2]string{"extra", "x"}) }, 403, "AccessDenied"},
		"field in disguise": {set("X-Amz-Date", "20200101T000000Z"), 403, "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			_, task := x.uploading()
			rawURL, fields := formOf(t, task)
			contentType, body := formBody(t, c.change(fields), "a.txt", []byte("x"))
			a := x.post(rawURL, contentType, body).expect(c.status)
			assert.Contains(t, string(a.body), "<Code>"+c.code+"</Code>")
			assert.Equal(t, "application/xml", a.header.Get("Content-Type"))
			assert.Zero(t, x.s.BytesStored())
			state := x.call(http.MethodGet, "/tasks/"+str(task["id"]), nil).expect(http.StatusOK).data()
			assert.Equal(t, "waiting", state["status"])
		})
	}
}

func TestUploadTransport(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*http.Request)
		status int
		code   string
	}{
		"authorization": {
			func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 400, "<Message>Unsupported Authorization Type</Message>",
		},
		"no length":       {func(r *http.Request) { r.ContentLength = -1 }, 411, "MissingContentLength"},
		"no form":         {func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 412, "PreconditionFailed"},
		"wrong boundary":  {func(r *http.Request) { r.Header.Set("Content-Type", "multipart/form-data; boundary=x") }, 400, "InvalidArgument"},
		"other bucket":    {func(r *http.Request) { r.URL.Path = "/storage/other" }, 404, "NoSuchBucket"},
		"other method":    {func(r *http.Request) { r.Method = http.MethodPut }, 405, "MethodNotAllowed"},
		"nothing strange": {func(*http.Request) {}, 201, "PostResponse"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			_, task := x.uploading()
			rawURL, fields := formOf(t, task)
			contentType, body := formBody(t, fields, "a.txt", []byte("x"))
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rawURL, io.MultiReader(bytes.NewReader(body)))
			require.NoError(t, err)
			req.ContentLength = int64(len(body))
			req.Header.Set("Content-Type", contentType)
			c.change(req)
			assert.Contains(t, string(x.send(req).expect(c.status).body), c.code)
		})
	}
}

func TestUploadedFile(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job, task := x.uploading()
	content := []byte("some bytes")
	sum := md5.Sum(content)
	a := x.upload(task, "a.txt", content).expect(http.StatusCreated)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	assert.Equal(t, etag, a.header.Get("ETag"))
	assert.Contains(t, a.header.Get("Location"), str(task["id"])+"/a.txt")
	assert.Contains(t, string(a.body), "<Key>"+str(task["id"])+"/a.txt</Key>")
	job = x.ended(job)
	require.Equal(t, "finished", job["status"])
	in := taskOf(t, job, "in")
	assert.Equal(t, []dict{{"filename": "a.txt", "size": 10.0}}, filesOf(in))
	assert.NotContains(t, in["result"], "form")

	// The storage accepts another file, which the task ignores.
	x.upload(task, "b.txt", []byte("more bytes")).expect(http.StatusCreated)
	assert.EqualValues(t, len(content), x.s.BytesStored())
}

// multipartBody writes a form with parts in any order and headers in any style.
func multipartBody(fields [][2]string, before bool, disposition, content string) []byte {
	const boundary = "--bound\r\n"
	var buf strings.Builder
	file := boundary + disposition + "\r\n\r\n" + content + "\r\n"
	if before {
		buf.WriteString(file)
	}
	for _, f := range fields {
		fmt.Fprintf(&buf, "%scontent-disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, f[0], f[1])
	}
	if !before {
		buf.WriteString(file)
		buf.WriteString(boundary + "content-disposition: form-data; name=\"extra\"\r\n\r\nignored\r\n")
	}
	return []byte(buf.String() + "--bound--\r\n")
}

func TestUploadFilenames(t *testing.T) {
	t.Parallel()
	for disposition, want := range map[string]string{
		`Content-Disposition: form-data; name="file"; filename="a b.txt"`:                        "a b.txt",
		`content-disposition: form-data; name=file; filename=a b.txt`:                            "a b.txt",
		`Content-Disposition: form-data; name="file"; filename=täst ü.txt`:                       "täst ü.txt",
		`Content-Disposition: form-data; name="file"; filename="日本.txt"`:                         "日本.txt",
		`Content-Disposition: form-data; name="file"; filename="a\"b.txt"`:                       `a"b.txt`,
		`Content-Disposition: form-data; name="file"; filename="../../etc/a.txt"`:                "a.txt",
		`Content-Disposition: form-data; name="file"; filename="C:\dir\a.txt"`:                   "a.txt",
		"Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: x/y": "a.txt",
		`Content-Disposition: form-data; filename="a.txt"; name="file"`:                          "a.txt",
		`Content-Disposition: form-data; name="file"; filename="noextension"`:                    "",
		`Content-Disposition: form-data; name="file"; filename=""`:                               "",
		`Content-Disposition: form-data; name="file"`:                                            "",
	} {
		t.Run(disposition, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			job, task := x.uploading()
			rawURL, fields := formOf(t, task)
			x.post(rawURL, "multipart/form-data; boundary=bound", multipartBody(fields, false, disposition, "x")).expect(http.StatusCreated)
			in := taskOf(t, x.ended(job), "in")
			if want == "" {
				assert.Equal(t, "INVALID_FILENAME", in["code"])
				return
			}
			require.Equal(t, "finished", in["status"], "%v", in)
			assert.Equal(t, want, filesOf(in)[0]["filename"])
		})
	}
}

func TestFieldsAfterFileAreIgnored(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	_, task := x.uploading()
	rawURL, fields := formOf(t, task)
	body := multipartBody(fields, true, `Content-Disposition: form-data; name="file"; filename="a.txt"`, "x")
	a := x.post(rawURL, "multipart/form-data; boundary=bound", body).expect(http.StatusBadRequest)
	assert.Contains(t, string(a.body), "check the order of the fields")
}

func TestUploadTooLarge(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithMaxUpload(4))
	_, task := x.uploading()
	a := x.upload(task, "a.txt", []byte("12345")).expect(http.StatusBadRequest)
	assert.Contains(t, string(a.body), "EntityTooLarge")
	assert.Zero(t, x.s.BytesStored())
	x.upload(task, "a.txt", []byte("1234")).expect(http.StatusCreated)
}

func TestIncompleteUpload(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		_, task := x.uploading()
		rawURL, fields := formOf(t, task)
		contentType, body := formBody(t, fields, "a.txt", bytes.Repeat([]byte("x"), 1<<20))
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, rawURL, bytes.NewReader(body[:len(body)/2]))
		require.NoError(t, err)
		req.ContentLength = int64(len(body))
		req.Header.Set("Content-Type", contentType)
		a, err := x.try(req)
		assert.True(t, err != nil || a.status == http.StatusBadRequest, "over HTTP/2 the request ends well, but too early: %d", a.status)
		state := x.call(http.MethodGet, "/tasks/"+str(task["id"]), nil).data()
		assert.Equal(t, "waiting", state["status"], "nothing was stored")
		x.upload(task, "a.txt", []byte("x")).expect(http.StatusCreated)
	})
}

func TestUploadFormExpires(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithUploadExpiry(time.Hour))
	job, task := x.uploading()
	x.s.Advance(59 * time.Minute)
	assert.Equal(t, "waiting", x.call(http.MethodGet, "/tasks/"+str(task["id"]), nil).data()["status"])
	x.s.Advance(time.Minute)
	a := x.upload(task, "a.txt", []byte("x")).expect(http.StatusForbidden)
	assert.Contains(t, string(a.body), "Policy expired")
	job = x.ended(job)
	assert.Equal(t, "error", job["status"])
	assert.Equal(t, "TIMEOUT", taskOf(t, job, "in")["code"])
	assert.Equal(t, "INPUT_TASK_FAILED", taskOf(t, job, "out")["code"])
}

func TestUploadRedirect(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	task := x.call(http.MethodPost, "/import/upload", dict{"redirect": "https://example.com/done?a=b"}).expect(http.StatusCreated).data()
	a := x.upload(task, "a.txt", []byte("x")).expect(http.StatusSeeOther)
	assert.Contains(t, a.header.Get("Location"), "https://example.com/done?a=b&")
}

// exported runs a job with a file to download.
func (x *tester) exported(name, content string, export dict) (job, file dict) {
	x.t.Helper()
	out := dict{"operation": "export/url", "input": "in"}
	maps.Copy(out, export)
	job = x.run(dict{"in": dict{"operation": "import/raw", "file": content, "filename": name}, "out": out})
	files := filesOf(taskOf(x.t, job, "out"))
	require.Len(x.t, files, 1)
	return job, files[0]
}

func TestDownload(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job, file := x.exported("ein täst.txt", "0123456789", nil)
	rawURL := str(file["url"])

	a := x.get(rawURL).expect(http.StatusOK)
	sum := md5.Sum([]byte("0123456789"))
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	for name, want := range map[string]string{
		"Content-Length": "10", "Accept-Ranges": "bytes", "ETag": etag, "Content-Type": "text/plain; charset=utf-8",
		"Content-Disposition": `attachment; filename="ein t_st.txt"; filename*=UTF-8''ein%20t%C3%A4st.txt`,
	} {
		assert.Equal(t, want, a.header.Get(name), name)
	}
	assert.NotEmpty(t, a.header.Get("Last-Modified"))

	part := x.get(rawURL, "Range", "bytes=4-", "If-Range", etag).expect(http.StatusPartialContent)
	assert.Equal(t, "456789", string(part.body))
	assert.Equal(t, "bytes 4-9/10", part.header.Get("Content-Range"))
	x.get(rawURL, "Range", "bytes=4-", "If-Range", `"other"`).expect(http.StatusOK)
	x.get(rawURL, "Range", "bytes=10-").expect(http.StatusRequestedRangeNotSatisfiable)

	assert.Contains(t, string(x.get(rawURL, "Authorization", "Bearer x").expect(400).body), "Unsupported Authorization Type")
	plain, query, _ := strings.Cut(rawURL, "?")
	assert.Contains(t, string(x.get(plain).expect(403).body), "AccessDenied")
	assert.Contains(t, string(x.get(strings.Replace(rawURL, "X-Amz-Expires=86400", "X-Amz-Expires=99999", 1)).expect(403).body), "SignatureDoesNotMatch")
	assert.Equal(t, []string{"86400"}, rawQuery(t, rawURL)["X-Amz-Expires"])
	x.get(plain + "?" + rawQuery(t, "http://x/?"+query).Encode()).expect(403) // the same query in another encoding
	head, err := http.NewRequestWithContext(t.Context(), http.MethodHead, rawURL, http.NoBody)
	require.NoError(t, err)
	x.send(head).expect(http.StatusForbidden)

	x.call(http.MethodDelete, "/tasks/"+str(taskOf(t, job, "out")["id"]), nil).expect(http.StatusNoContent)
	assert.Contains(t, string(x.get(rawURL).expect(404).body), "NoSuchKey")
}

func TestDownloadExpires(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithDownloadExpiry(time.Hour))
	job, file := x.exported("a.txt", "x", nil)
	rawURL := str(file["url"])
	again := func() string {
		shown := x.call(http.MethodGet, "/jobs/"+str(job["id"]), nil).expect(http.StatusOK).data()
		return str(filesOf(taskOf(t, shown, "out"))[0]["url"])
	}
	x.s.Advance(20 * time.Minute)
	assert.Equal(t, rawURL, again())
	x.s.Advance(20 * time.Minute)
	fresh := again()
	assert.NotEqual(t, rawURL, fresh)
	x.get(rawURL).expect(http.StatusOK)
	x.s.Advance(20 * time.Minute)
	assert.Contains(t, string(x.get(rawURL).expect(http.StatusForbidden).body), "Request has expired")
	x.get(fresh).expect(http.StatusOK)
}

func TestExportOptions(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	_, file := x.exported("a.txt", "x", dict{"inline": true})
	assert.Equal(t, `inline; filename="a.txt"`, x.get(str(file["url"])).header.Get("Content-Disposition"))

	job := x.run(dict{
		"a":     dict{"operation": "import/raw", "file": "1", "filename": "a.txt"},
		"b":     dict{"operation": "import/raw", "file": "2", "filename": "a.txt"},
		"each":  dict{"operation": "export/url", "input": []string{"a", "b"}},
		"one":   dict{"operation": "export/url", "input": []string{"a", "b"}, "archive_multiple_files": true},
		"alone": dict{"operation": "export/url", "input": "a", "archive_multiple_files": true},
	})
	files := filesOf(taskOf(t, job, "each"))
	require.Len(t, files, 2)
	assert.Equal(t, "1", string(x.get(str(files[0]["url"])).expect(200).body))
	assert.Equal(t, "2", string(x.get(str(files[1]["url"])).expect(200).body))
	files = filesOf(taskOf(t, job, "one"))
	require.Len(t, files, 1)
	assert.Equal(t, "archive.zip", files[0]["filename"])
	assert.Equal(t, "PK", string(x.get(str(files[0]["url"])).expect(200).body[:2]))
	assert.Equal(t, "a.txt", filesOf(taskOf(t, job, "alone"))[0]["filename"])
}
