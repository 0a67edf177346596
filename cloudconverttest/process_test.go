package cloudconverttest

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func importing64(name string, content []byte) dict {
	return dict{"operation": "import/base64", "filename": name, "file": base64.StdEncoding.EncodeToString(content)}
}

// results runs tasks, the last one of which is "it", and returns that with its exported
// files.
func (x *tester) results(tasks dict) (task dict, files map[string][]byte) {
	x.t.Helper()
	tasks["export"] = dict{"operation": "export/url", "input": "it"}
	job := x.run(tasks)
	files = map[string][]byte{}
	for _, f := range filesOf(taskOf(x.t, job, "export")) {
		name := str(f["filename"])
		if f["dir"] != nil {
			name = str(f["dir"]) + "/" + name
		}
		files[name] = x.get(str(f["url"])).expect(http.StatusOK).body
	}
	return taskOf(x.t, job, "it"), files
}

func zipped(t *testing.T, names ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := zip.NewWriter(&buf)
	for _, name := range names {
		f, err := w.Create(name)
		require.NoError(t, err)
		_, err = io.WriteString(f, "content of "+name)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func TestProcess(t *testing.T) {
	t.Parallel()
	photo := pngImage(t, 60, 40)
	for name, c := range map[string]struct {
		file   string
		given  []byte
		task   dict
		want   string
		format string
		width  int
	}{
		"convert":          {"a.png", photo, dict{"operation": "convert", "output_format": "gif"}, "a.gif", "gif", 60},
		"jpeg":             {"a.b.png", photo, dict{"operation": "convert", "output_format": "JPEG"}, "a.b.jpg", "jpeg", 60},
		"options":          {"a.png", photo, dict{"operation": "convert", "output_format": "jpg", "width": 30}, "a.jpg", "jpeg", 30},
		"filename":         {"a.png", photo, dict{"operation": "convert", "output_format": "jpg", "filename": "x.jpg"}, "x.jpg", "jpeg", 60},
		"placeholder":      {"a.png", photo, dict{"operation": "convert", "output_format": "jpg", "filename": "x-%d.jpg"}, "x-1.jpg", "jpeg", 60},
		"input format":     {"a.dat", photo, dict{"operation": "convert", "input_format": "png", "output_format": "jpg"}, "a.jpg", "jpeg", 60},
		"thumbnail":        {"a.png", photo, dict{"operation": "thumbnail", "output_format": "jpg", "width": 15}, "a.jpg", "jpeg", 15},
		"optimize":         {"a.png", photo, dict{"operation": "optimize"}, "a.png", "png", 60},
		"watermark":        {"a.png", photo, dict{"operation": "watermark", "text": "mine", "opacity": 50}, "a.png", "png", 60},
		"number as string": {"a.png", photo, dict{"operation": "thumbnail", "output_format": "png", "width": "20"}, "a.png", "png", 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			c.task["input"] = "in"
			task, files := x.results(dict{"in": importing64(c.file, c.given), "it": c.task})
			require.Equal(t, "finished", task["status"], "%v", task)
			require.Contains(t, files, c.want)
			m, format, err := image.Decode(bytes.NewReader(files[c.want]))
			require.NoError(t, err)
			assert.Equal(t, c.format, format)
			assert.Equal(t, c.width, m.Bounds().Dx())
			if c.task["operation"] == "optimize" {
				assert.Regexp(t, `^File size reduced by \d+%$`, task["message"])
			}
		})
	}
}

func TestProcessFailures(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file    string
		content string
		task    dict
		code    string
		hint    string
	}{
		"unsupported pair":      {"a.docx", "x", dict{"operation": "convert", "output_format": "pdf"}, "INVALID_CONVERSION_TYPE", "HandleConvert"},
		"unsupported output":    {"a.txt", "x", dict{"operation": "archive", "output_format": "rar"}, "INVALID_CONVERSION_TYPE", "Handle"},
		"unsupported operation": {"a.pdf", "x", dict{"operation": "pdf/ocr"}, "INVALID_CONVERSION_TYPE", "Handle"},
		"unsupported thumbnail": {"a.pdf", "x", dict{"operation": "thumbnail", "output_format": "png"}, "INVALID_CONVERSION_TYPE", "Handle"},
		"broken image":          {"a.png", "x", dict{"operation": "convert", "output_format": "jpg"}, "OPEN_FAILED", ""},
		"broken thumbnail":      {"a.png", "x", dict{"operation": "thumbnail", "output_format": "jpg"}, "OPEN_FAILED", ""},
		"broken archive":        {"a.zip", "x", dict{"operation": "convert", "output_format": "txt"}, "OPEN_FAILED", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			c.task["input"] = "in"
			task, files := x.results(dict{"in": importing64(c.file, []byte(c.content)), "it": c.task})
			assert.Equal(t, c.code, task["code"])
			if c.hint != "" {
				assert.Equal(t, "This conversion type is not supported (cloudconverttest: register a handler with Server."+c.hint+")", task["message"])
			}
			assert.Empty(t, files)
			assert.EqualValues(t, len(c.content), x.s.BytesStored(), "no partial file is kept")
		})
	}
}

// The hint is only for programs that registered no handler.
func TestRefusalByHandlerHasNoHint(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	x.s.HandleConvert("docx", "*", func(ctx context.Context, run *Run) error { return run.Default(ctx) })
	x.s.Handle("merge", func(ctx context.Context, run *Run) error { return run.Default(ctx) })
	for _, operation := range []string{"convert", "merge"} {
		task, _ := x.results(dict{
			"in": importing64("a.docx", []byte("x")),
			"it": dict{"operation": operation, "input": "in", "output_format": "pdf"},
		})
		assert.Equal(t, "This conversion type is not supported", task["message"])
	}
}

func TestDirectConvertOfUnsupportedPair(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	in := x.call(http.MethodPost, "/import/raw", dict{"file": "x", "filename": "a.txt"}).expect(http.StatusCreated).data()
	body := dict{"input": in["id"], "input_format": "docx", "output_format": "pdf"}
	a := x.call(http.MethodPost, "/convert", body).expect(http.StatusUnprocessableEntity)
	assert.Equal(t, "INVALID_CONVERSION_TYPE", a.object()["code"])
	assert.Contains(t, a.object()["message"], "Server.HandleConvert")
	x.s.HandleConvert("docx", "pdf", func(_ context.Context, run *Run) error {
		return run.Write(run.OutputName(run.Input()), []byte("pdf"))
	})
	task := x.call(http.MethodPost, "/convert", body).expect(http.StatusCreated).data()
	task = x.call(http.MethodGet, x.s.SyncURL+"/tasks/"+str(task["id"]), nil).data()
	assert.Equal(t, "a.pdf", filesOf(task)[0]["filename"])
}

func TestArchives(t *testing.T) {
	t.Parallel()
	t.Run("extract", func(t *testing.T) {
		t.Parallel()
		x := newTester(t)
		task, files := x.results(dict{
			"in": importing64("a.zip", zipped(t, "one.txt", "dir/sub/two.txt", "../up.txt")),
			"it": dict{"operation": "convert", "input": "in", "output_format": "txt"},
		})
		require.Equal(t, "finished", task["status"], "%v", task)
		assert.Equal(t, map[string][]byte{
			"one.txt": []byte("content of one.txt"), "dir/sub/two.txt": []byte("content of dir/sub/two.txt"),
		}, files)
	})
	t.Run("repack", func(t *testing.T) {
		t.Parallel()
		x := newTester(t)
		_, files := x.results(dict{
			"in": importing64("a.zip", zipped(t, "dir/two.txt")),
			"it": dict{"operation": "convert", "input": "in", "output_format": "tar.gz"},
		})
		require.Contains(t, files, "a.tar.gz")
		assert.Equal(t, []byte{0x1f, 0x8b}, files["a.tar.gz"][:2])
	})
	t.Run("archive", func(t *testing.T) {
		t.Parallel()
		x := newTester(t)
		_, files := x.results(dict{
			"a":  dict{"operation": "import/raw", "file": "1", "filename": "a.txt"},
			"b":  dict{"operation": "import/raw", "file": "2", "filename": "b.txt"},
			"it": dict{"operation": "archive", "input": []string{"a", "b"}, "output_format": "zip", "filename": "both.zip"},
		})
		r, err := zip.NewReader(bytes.NewReader(files["both.zip"]), int64(len(files["both.zip"])))
		require.NoError(t, err)
		require.Len(t, r.File, 2)
		assert.Equal(t, "a.txt", r.File[0].Name)
	})
}

func TestWatermarkImage(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	tasks := dict{
		"in":   importing64("a.png", pngImage(t, 60, 40)),
		"logo": importing64("logo.png", pngImage(t, 10, 10)),
		"it":   dict{"operation": "watermark", "input": "in", "image": "logo", "position_vertical": "top"},
	}
	task, files := x.results(tasks)
	require.Equal(t, "finished", task["status"], "%v", task)
	assert.Len(t, task["depends_on_task_ids"], 2)
	assert.NotEqual(t, pngImage(t, 60, 40), files["a.png"])
	tasks["logo"] = dict{"operation": "import/raw", "file": "x", "filename": "none"}
	task, _ = x.results(tasks)
	assert.Equal(t, "INPUT_TASK_FAILED", task["code"])
}

func TestHandlers(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	mark := func(text string) Handler {
		return func(_ context.Context, run *Run) error {
			in := run.Input()
			content, err := os.ReadFile(in.Path)
			if err != nil {
				return err
			}
			run.SetEngine("mine", "1.2")
			run.SetMessage("done by " + text)
			return run.Write(run.OutputName(in), fmt.Appendf(nil, "%s %s %d", text, content, len(run.Inputs)))
		}
	}
	x.s.HandleConvert("txt", "pdf", mark("exact"))
	x.s.HandleConvert("txt", "*", mark("from"))
	x.s.HandleConvert("*", "pdf", mark("to"))
	x.s.Handle("convert", mark("operation"))
	for _, c := range []struct{ from, to, want string }{
		{"txt", "pdf", "exact"}, {"txt", "docx", "from"}, {"docx", "PDF", "to"}, {"a", "b", "operation"},
	} {
		task, files := x.results(dict{
			"in": dict{"operation": "import/raw", "file": "content", "filename": "a." + c.from},
			"it": dict{"operation": "convert", "input": "in", "output_format": c.to},
		})
		assert.Equal(t, "done by "+c.want, task["message"])
		assert.Equal(t, "mine", task["engine"])
		assert.Equal(t, c.want+" content 1", string(files["a."+strings.ToLower(c.to)]))
	}
	x.s.HandleConvert("txt", "pdf", nil)
	task, _ := x.results(dict{
		"in": dict{"operation": "import/raw", "file": "content", "filename": "a.txt"},
		"it": dict{"operation": "convert", "input": "in", "output_format": "pdf"},
	})
	assert.Equal(t, "done by from", task["message"])
}

func TestConversionOfSeveralInputs(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	x.s.HandleConvert("*", "pdf", func(_ context.Context, run *Run) error {
		dir, err := run.Dir()
		if err != nil {
			return err
		}
		path := filepath.Join(dir, "out.pdf")
		if err := os.WriteFile(path, []byte(run.Input().Name), 0o600); err != nil {
			return err
		}
		return run.AddFile(run.OutputName(run.Input()), path)
	})
	for filename, want := range map[string][]string{
		"": {"a.pdf", "b.pdf"}, "x-%d.pdf": {"x-1.pdf", "x-2.pdf"}, "x.pdf": {"x-1.pdf", "x-2.pdf"},
	} {
		_, files := x.results(dict{
			"a":  dict{"operation": "import/raw", "file": "1", "filename": "a.txt"},
			"b":  dict{"operation": "import/raw", "file": "2", "filename": "b.doc"},
			"it": dict{"operation": "convert", "input": []string{"a", "b"}, "output_format": "pdf", "filename": filename},
		})
		assert.Len(t, files, 2)
		for _, name := range want {
			assert.Contains(t, files, name)
		}
	}
	require.NoError(t, x.s.WaitIdle(t.Context()))
	entries, err := filepath.Glob(filepath.Join(x.s.dir, "run-*"))
	require.NoError(t, err)
	assert.Empty(t, entries, "the directories of the tasks are removed")
}

func TestHandlerResults(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	own := filepath.Join(t.TempDir(), "own.txt")
	require.NoError(t, os.WriteFile(own, []byte("own"), 0o600))
	var noName, noFile error
	x.s.Handle("command", func(_ context.Context, run *Run) error {
		run.SetPercent(50)
		run.SetOutput("console " + run.Text("arguments"))
		run.SetMetadata(map[string]any{"a": 1})
		assert.True(t, run.Bool("capture_output"))
		assert.InDelta(t, 7, run.Number("number"), 0)
		assert.Equal(t, "command", run.Operation)
		assert.NotEmpty(t, run.TaskID)
		assert.NotEmpty(t, run.JobID)
		assert.Equal(t, "it", run.Name)
		noName, noFile = run.Write("/", []byte("x")), run.AddFile("a.txt", filepath.Join(t.TempDir(), "none"))
		return run.AddFile("dir/copy.txt", own)
	})
	task, files := x.results(dict{
		"in": dict{"operation": "import/raw", "file": "1", "filename": "a.txt"},
		"it": dict{
			"operation": "command", "input": "in", "engine": "ffmpeg", "command": "ffmpeg", "arguments": "-h",
			"capture_output": true, "number": 7,
		},
	})
	result, _ := task["result"].(map[string]any)
	assert.Equal(t, "console -h", result["output"])
	assert.Equal(t, map[string]any{"a": 1.0}, result["metadata"])
	assert.Equal(t, "own", string(files["dir/copy.txt"]))
	require.FileExists(t, own)
	require.Error(t, noName)
	require.Error(t, noFile)
	assert.Len(t, files, 1, "what could not be added is not in the result")
	assert.Empty(t, (&Run{}).Input().Path)
}

func TestHandlerPassesInputOn(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	x.s.Handle("optimize", func(_ context.Context, run *Run) error {
		dir, err := run.Dir()
		if err != nil {
			return err
		}
		path := run.Input().Path
		return errors.Join(run.AddFile("one.txt", path), run.AddFile("two.txt", dir+"/../../"+filepath.Base(path)))
	})
	job := x.run(dict{
		"in":     importing64("a.txt", []byte("hello")),
		"it":     dict{"operation": "optimize", "input": "in"},
		"export": dict{"operation": "export/url", "input": []string{"in", "it"}},
	})
	files := filesOf(taskOf(t, job, "export"))
	require.Len(t, files, 3)
	for _, f := range files {
		assert.Equal(t, "hello", string(x.get(str(f["url"])).expect(http.StatusOK).body), f["filename"])
	}
}

func TestImportURL(t *testing.T) {
	t.Parallel()
	source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/named":
			w.Header().Set("Content-Disposition", `attachment; filename="by header.txt"`)
		case "/typed":
			w.Header().Set("Content-Type", "image/jpeg")
		case "/key/a.txt":
			if r.Header.Get("X-Key") != "open" {
				w.WriteHeader(http.StatusForbidden)
			}
		case "/none":
			w.Header().Set("Content-Type", "strange/type")
		case "/short/a.txt":
			w.Header().Set("Content-Length", "100")
		case "/away/a.txt":
			http.Redirect(w, r, "http://example.com/a.txt", http.StatusFound)
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
		}
		_, _ = io.WriteString(w, "content")
	}))
	t.Cleanup(source.Close)
	local := filepath.Join(t.TempDir(), "local.txt")
	require.NoError(t, os.WriteFile(local, []byte("local"), 0o600))

	for name, c := range map[string]struct {
		task       dict
		want, code string
	}{
		"by URL":            {dict{"url": source.URL + "/dir/a%20b.txt?x=y"}, "a b.txt", ""},
		"as asked":          {dict{"url": source.URL + "/dir/a.txt", "filename": "c.txt"}, "c.txt", ""},
		"by header":         {dict{"url": source.URL + "/named"}, "by header.txt", ""},
		"by type":           {dict{"url": source.URL + "/typed"}, "typed.jpg", ""},
		"with headers":      {dict{"url": source.URL + "/key/a.txt", "headers": dict{"X-Key": "open"}}, "a.txt", ""},
		"without headers":   {dict{"url": source.URL + "/key/a.txt"}, "", "DOWNLOAD_FAILED"},
		"no extension":      {dict{"url": source.URL + "/none"}, "", "INVALID_FILENAME"},
		"not there":         {dict{"url": source.URL + "/missing"}, "", "DOWNLOAD_FAILED"},
		"breaks off":        {dict{"url": source.URL + "/short/a.txt"}, "", "DOWNLOAD_FAILED"},
		"redirect far away": {dict{"url": source.URL + "/away/a.txt"}, "", "DOWNLOAD_FAILED"},
		"other host":        {dict{"url": "http://example.com/a.txt"}, "", "DOWNLOAD_FAILED"},
		"registered":        {dict{"url": "https://example.com/b.txt"}, "b.txt", ""},
		"registered wrong":  {dict{"url": "https://example.com/c.txt"}, "", "DOWNLOAD_FAILED"},
		"no listener":       {dict{"url": "http://127.0.0.1:1/a.txt"}, "", "DOWNLOAD_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			x.s.HandleURL("https://example.com/b.txt", local)
			x.s.HandleURL("https://example.com/c.txt", local+".none")
			c.task["operation"] = "import/url"
			task, files := x.results(dict{"it": c.task})
			if c.code != "" {
				assert.Equal(t, c.code, task["code"], "%v", task)
				assert.Zero(t, x.s.BytesStored())
				return
			}
			require.Equal(t, "finished", task["status"], "%v", task)
			assert.Contains(t, files, c.want)
		})
	}
}

// TestImportURLIsBounded imports a file that is as large as an upload may be, and a larger
// one.
func TestImportURLIsBounded(t *testing.T) {
	t.Parallel()
	for size, code := range map[int]any{10: nil, 11: "DOWNLOAD_FAILED"} {
		source := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", size))
		}))
		t.Cleanup(source.Close)
		x := newTester(t, WithMaxUpload(10))
		task := taskOf(t, x.run(dict{"in": dict{"operation": "import/url", "url": source.URL + "/a.txt"}}), "in")
		assert.Equal(t, code, task["code"], size)
		if code != nil {
			assert.Equal(t, "Download failed: the file has more than 10 bytes", task["message"])
			assert.Zero(t, x.s.BytesStored())
		}
	}
}

// TestImportTimesOut imports from a server that does not respond within the timeout.
func TestImportTimesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		x := newTester(t, WithInProcess(), WithTransport(roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})))
		task := taskOf(t, x.run(dict{"in": dict{"operation": "import/url", "url": "http://example.com/a.txt", "timeout": 5}}), "in")
		assert.Equal(t, "TIMEOUT", task["code"])
	})
}

// TestLongMessages has a name that a message repeats.
func TestLongMessages(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	task := taskOf(t, x.run(dict{"in": dict{
		"operation": "import/s3", "bucket": "b", "region": "r", "access_key_id": "k", "secret_access_key": "s",
		"key": strings.Repeat("ü", 100_000),
	}}), "in")
	assert.Equal(t, "DOWNLOAD_FAILED", task["code"])
	assert.Less(t, len(str(task["message"])), 2000)
	assert.True(t, utf8.ValidString(str(task["message"])))
	assert.True(t, strings.HasSuffix(str(task["message"]), "…"))
}

func TestImportBase64(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for text, code := range map[string]any{"aGVsbG8=": nil, "aGVsbG8": nil, "%%%": "INVALID_FILE"} {
		task, files := x.results(dict{"it": dict{"operation": "import/base64", "file": text, "filename": "a.txt"}})
		assert.Equal(t, code, task["code"])
		if code == nil {
			assert.Equal(t, "hello", string(files["a.txt"]))
		}
	}
}

func TestImportObjects(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	local := filepath.Join(t.TempDir(), "local.txt")
	require.NoError(t, os.WriteFile(local, []byte("local"), 0o600))
	x.s.HandleObject("import/s3", "docs/a.txt", local)
	x.s.HandleObject("import/s3", "docs/b.txt", local)
	for name, c := range map[string]struct {
		ask  dict
		want []string
	}{
		"one":    {dict{"key": "docs/a.txt"}, []string{"a.txt"}},
		"named":  {dict{"key": "docs/a.txt", "filename": "x.txt"}, []string{"x.txt"}},
		"prefix": {dict{"key_prefix": "docs/"}, []string{"a.txt", "b.txt"}},
		"none":   {dict{"key": "docs"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			y := &tester{t: t, s: x.s, key: x.key}
			c.ask["operation"], c.ask["bucket"], c.ask["region"] = "import/s3", "b", "r"
			c.ask["access_key_id"], c.ask["secret_access_key"] = "id", "secret"
			task, files := y.results(dict{"it": c.ask})
			if c.want == nil {
				assert.Equal(t, "DOWNLOAD_FAILED", task["code"])
			}
			assert.Len(t, files, len(c.want))
			for _, name := range c.want {
				assert.Equal(t, "local", string(files[name]))
			}
		})
	}
}

func TestExportUpload(t *testing.T) {
	t.Parallel()
	type put struct {
		method, key, body string
		length            int64
	}
	puts := make(chan put, 1)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		puts <- put{r.Method, r.Header.Get("X-Key"), string(body), r.ContentLength}
	}))
	t.Cleanup(target.Close)
	x := newTester(t)
	export := func(url string) dict {
		job := x.run(dict{
			"in":  dict{"operation": "import/raw", "file": "content", "filename": "a.txt"},
			"out": dict{"operation": "export/upload", "input": "in", "url": url, "headers": dict{"X-Key": "k"}},
		})
		return taskOf(t, job, "out")
	}
	assert.Equal(t, "finished", export(target.URL + "/yes")["status"])
	assert.Equal(t, put{http.MethodPut, "k", "content", 7}, <-puts)
	assert.Equal(t, "UPLOAD_FAILED", export(target.URL + "/no")["code"])
	assert.Equal(t, "UPLOAD_FAILED", export("http://example.com/")["code"])
}

func TestSandbox(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithWhitelist("5D41402ABC4B2A76B9719D911017C592"))
	job := x.run(dict{
		"good": dict{"operation": "import/raw", "file": "hello", "filename": "a.txt"},
		"bad":  dict{"operation": "import/raw", "file": "other", "filename": "b.txt"},
		"zip":  dict{"operation": "archive", "input": "good", "output_format": "zip"},
		"out":  dict{"operation": "export/url", "input": []string{"zip", "bad"}},
	})
	assert.Equal(t, "error", job["status"])
	good, bad, packed := taskOf(t, job, "good"), taskOf(t, job, "bad"), taskOf(t, job, "zip")
	assert.Equal(t, []dict{{"filename": "a.txt", "md5": "5d41402abc4b2a76b9719d911017c592"}}, filesOf(good))
	assert.Equal(t, "SANDBOX_FILE_NOT_ALLOWED", bad["code"])
	assert.Equal(t, "The file b.txt is not whitelisted for sandbox use", bad["message"])
	require.Len(t, filesOf(bad), 1)
	assert.NotContains(t, filesOf(bad)[0], "size")
	assert.InDelta(t, 0, packed["credits"], 0)
	assert.Contains(t, filesOf(packed)[0], "size")
	assert.Equal(t, "INPUT_TASK_FAILED", taskOf(t, job, "out")["code"])
}
