package cloudconverttest

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
)

func TestInvalidJobs(t *testing.T) {
	t.Parallel()
	raw := dict{"operation": "import/raw", "file": "x", "filename": "a.txt"}
	url := func(u any) dict { return dict{"tasks": dict{"in": dict{"operation": "import/url", "url": u}}} }
	on := func(task dict) dict { return dict{"tasks": dict{"in": raw, "it": task}} }
	for name, c := range map[string]struct {
		body           any
		field, message string
	}{
		"no body":        {"", "tasks", "The tasks field is required."},
		"not JSON":       {"{", "tasks", "The tasks field is required."},
		"null":           {"null", "tasks", "The tasks field is required."},
		"no tasks":       {dict{}, "tasks", "The tasks field is required."},
		"empty tasks":    {dict{"tasks": dict{}}, "tasks", "The tasks field is required."},
		"empty array":    {dict{"tasks": []any{}}, "tasks", "The tasks field is required."},
		"array of tasks": {dict{"tasks": []any{raw}}, "tasks", "The tasks must be an object."},
		"task no object": {dict{"tasks": dict{"in": "x"}}, "tasks.in", "The tasks.in must be an object."},
		"bad name":       {dict{"tasks": dict{"a b": raw}}, "tasks.a b", "The tasks.a b format is invalid."},
		"empty name":     {dict{"tasks": dict{"": raw}}, "tasks.", "The tasks. format is invalid."},
		"tag":            {dict{"tasks": quick, "tag": dict{}}, "tag", "The tag must be a string."},
		"webhook":        {dict{"tasks": quick, "webhook_url": "no"}, "webhook_url", "The webhook_url format is invalid."},
		"no operation": {
			dict{"tasks": dict{"in": dict{"x": 1}}}, "tasks.in.operation", "The tasks.in.operation field is required.",
		},
		"unknown operation": {on(dict{"operation": "fly"}), "tasks.it.operation", "The selected tasks.it.operation is invalid."},
		"no url":            {url(nil), "tasks.in.url", "The tasks.in.url field is required."},
		"empty url":         {url(""), "tasks.in.url", "The tasks.in.url field is required."},
		"bad url":           {url("example"), "tasks.in.url", "The tasks.in.url format is invalid."},
		"other scheme":      {url("ftp://example.com/a"), "tasks.in.url", "The tasks.in.url format is invalid."},
		"number as url":     {url(true), "tasks.in.url", "The tasks.in.url format is invalid."},
		"no input": {
			on(dict{"operation": "convert", "output_format": "pdf"}), "tasks.it.input", "The tasks.it.input field is required.",
		},
		"empty input": {
			on(dict{"operation": "export/url", "input": []any{}}), "tasks.it.input", "The tasks.it.input field is required.",
		},
		"unknown input":  {on(dict{"operation": "export/url", "input": "no"}), "tasks.it.input", "Invalid input task."},
		"input of wrong": {on(dict{"operation": "export/url", "input": []any{1}}), "tasks.it.input", "Invalid input task."},
		"itself":         {on(dict{"operation": "export/url", "input": "it"}), "tasks.it.input", "Invalid input task."},
		"cycle": {dict{"tasks": dict{
			"a": dict{"operation": "archive", "output_format": "zip", "input": "b"},
			"b": dict{"operation": "archive", "output_format": "zip", "input": "a"},
		}}, "tasks.a.input", "Invalid input task."},
		"no output format": {
			on(dict{"operation": "convert", "input": "in"}), "tasks.it.output_format",
			"The tasks.it.output_format field is required.",
		},
		"wrong output format": {
			on(dict{"operation": "thumbnail", "input": "in", "output_format": "bmp"}), "tasks.it.output_format",
			"The selected tasks.it.output_format is invalid.",
		},
		"wrong number": {
			on(dict{"operation": "thumbnail", "input": "in", "output_format": "png", "width": "wide"}), "tasks.it.width",
			"The tasks.it.width must be an integer.",
		},
		"not a number": {
			on(dict{"operation": "watermark", "input": "in", "text": "x", "rotation": "NaN"}), "tasks.it.rotation",
			"The tasks.it.rotation must be a number.",
		},
		"infinite number": {
			on(dict{"operation": "watermark", "input": "in", "text": "x", "margin_vertical": "-Inf"}), "tasks.it.margin_vertical",
			"The tasks.it.margin_vertical must be a number.",
		},
		"wrong boolean": {
			on(dict{"operation": "export/url", "input": "in", "inline": "maybe"}), "tasks.it.inline",
			"The tasks.it.inline field must be true or false.",
		},
		"wrong object": {
			on(dict{"operation": "metadata/write", "input": "in", "metadata": "x"}), "tasks.it.metadata",
			"The tasks.it.metadata must be an object.",
		},
		"wrong array": {
			on(dict{"operation": "pdf/ocr", "input": "in", "language": "eng"}), "tasks.it.language",
			"The tasks.it.language must be an array.",
		},
		"neither of two": {
			on(dict{"operation": "watermark", "input": "in"}), "tasks.it.text",
			"The tasks.it.text field is required when image is not present.",
		},
		"unknown image": {
			on(dict{"operation": "watermark", "input": "in", "image": "no"}), "tasks.it.input", "Invalid input task.",
		},
		"no credentials": {
			on(dict{"operation": "export/s3", "input": "in", "bucket": "b", "region": "r", "access_key_id": "k"}),
			"tasks.it.secret_access_key", "The tasks.it.secret_access_key field is required.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t)
			x.call(http.MethodPost, "/jobs", c.body).wantInvalid(c.field, c.message)
			x.call(http.MethodPost, x.s.SyncURL+"/jobs", c.body).wantInvalid(c.field, c.message)
			assert.Empty(t, x.s.Jobs())
		})
	}
}

// required are the required parameters of the operations, from the documentation.
var required = map[string][]string{
	"import/url":                  {"url"},
	"import/base64":               {"file", "filename"},
	"import/raw":                  {"file", "filename"},
	"import/s3":                   {"bucket", "region", "access_key_id", "secret_access_key", "key"},
	"import/azure/blob":           {"storage_account", "container", "storage_access_key", "blob"},
	"import/google-cloud-storage": {"project_id", "bucket", "client_email", "private_key", "file"},
	"import/openstack":            {"auth_url", "username", "password", "region", "container", "file"},
	"import/sftp":                 {"host", "username", "password", "file"},
	"convert":                     {"input", "output_format"},
	"optimize":                    {"input"},
	"watermark":                   {"input", "text"},
	"capture-website":             {"url", "output_format"},
	"thumbnail":                   {"input", "output_format"},
	"merge":                       {"input", "output_format"},
	"archive":                     {"input", "output_format"},
	"metadata":                    {"input"},
	"metadata/write":              {"input", "metadata"},
	"command":                     {"input", "engine", "command", "arguments"},
	"pdf/a":                       {"input"},
	"pdf/x":                       {"input"},
	"pdf/ocr":                     {"input"},
	"pdf/encrypt":                 {"input"},
	"pdf/decrypt":                 {"input", "password"},
	"pdf/split-pages":             {"input"},
	"pdf/extract-pages":           {"input", "pages"},
	"pdf/rotate-pages":            {"input", "rotation"},
	"export/url":                  {"input"},
	"export/s3":                   {"input", "bucket", "region", "access_key_id", "secret_access_key"},
	"export/azure/blob":           {"input", "storage_account", "container", "storage_access_key"},
	"export/google-cloud-storage": {"input", "project_id", "bucket", "client_email", "private_key"},
	"export/openstack":            {"input", "auth_url", "username", "password", "region", "container"},
	"export/sftp":                 {"input", "host", "username", "password"},
	"export/upload":               {"input", "url"},
}

func TestRequiredParameters(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	for operation := range catalog.Operations {
		if required[operation] == nil && operation != catalog.ImportUpload {
			t.Errorf("add %q to required, which lists all operations but import/upload", operation)
		}
	}
	for operation, fields := range required {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			y := &tester{t: t, s: x.s, key: x.key}
			a := y.call(http.MethodPost, "/"+operation, dict{"operation": operation}).expect(http.StatusUnprocessableEntity)
			errs, _ := a.object()["errors"].(map[string]any)
			for _, f := range fields {
				assert.Contains(t, errs, f)
			}
			assert.Len(t, errs, len(fields), "%v", errs)
		})
	}
}

// TestWatermarkNeedsInput also without a job: the parameter image names a second file.
func TestWatermarkNeedsInput(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	image := x.call(http.MethodPost, "/import/upload", dict{}).expect(http.StatusCreated).data()
	for _, mark := range []dict{{"text": "draft"}, {"image": image["id"]}} {
		x.call(http.MethodPost, "/watermark", mark).wantInvalid("input", "The input field is required.")
	}
}

func TestLenientValues(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job := x.job(dict{
		"in":  dict{"operation": "import/upload", "redirect": nil},
		"it":  dict{"operation": "thumbnail", "input": "in", "output_format": "png", "width": "10", "height": 20, "odd": dict{"a": 1}},
		"out": dict{"operation": "export/url", "input": []string{"it"}, "inline": "1", "ignore_error": "true"},
	}, dict{"tag": nil, "webhook_url": nil, "unknown": 1})
	assert.Nil(t, job["tag"])
	x.job(dict{"in": dict{"operation": "import/s3", "bucket": "b", "region": "r", "access_key_id": "k", "secret_access_key": "s", "key_prefix": "p"}})
	x.job(dict{"in": dict{"operation": "capture-website", "url": "https://example.com", "output_format": "pdf"}})
}

func TestFormEncodedTask(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.s.URL+"/import/raw", strings.NewReader("file=x&filename=a.txt"))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+x.key)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	assert.Equal(t, "import/raw", x.send(req).expect(http.StatusCreated).data()["operation"])
}

func TestContentTypeIsRequired(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, x.s.URL+"/jobs",
		strings.NewReader(`{"tasks":{"in":{"operation":"import/upload"}}}`))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+x.key)
	x.send(req).wantInvalid("tasks", "The tasks field is required.")
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	file := make([]byte, request.MaxInline*4/3+10)
	for i := range file {
		file[i] = 'A'
	}
	x.call(http.MethodPost, "/import/base64", dict{"file": string(file), "filename": "a.bin"}).
		wantInvalid("file", "The file may not be greater than 10240 kilobytes.")
}
