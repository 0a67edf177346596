package cloudconvert_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestPipeline(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		tasks []cloudconvert.TaskRequest
		want  string
	}{
		"one task": {
			[]cloudconvert.TaskRequest{cloudconvert.ImportUpload{}},
			`{"import-upload": {"operation": "import/upload"}}`,
		},
		"wiring and names": {
			[]cloudconvert.TaskRequest{
				cloudconvert.ImportGoogleCloudStorage{
					ProjectID: "p", Bucket: "b", ClientEmail: "robot@example.com", PrivateKey: aPrivateKey, File: "f",
				},
				cloudconvert.MetadataWrite{Metadata: map[string]any{"Title": "Report"}},
				cloudconvert.ExportURL{},
			},
			`{
				"import-google-cloud-storage": {"operation": "import/google-cloud-storage", "project_id": "p",
					"bucket": "b", "client_email": "robot@example.com", "private_key": "-----BEGIN PRIVATE KEY-----\nc29tZSBieXRlcw==\n-----END PRIVATE KEY-----\n", "file": "f"},
				"metadata-write": {"operation": "metadata/write", "input": ["import-google-cloud-storage"], "metadata": {"Title": "Report"}},
				"export-url": {"operation": "export/url", "input": ["metadata-write"]}
			}`,
		},
		"repeated operations": {
			[]cloudconvert.TaskRequest{
				cloudconvert.ImportUpload{},
				cloudconvert.Convert{OutputFormat: "docx"},
				cloudconvert.Convert{OutputFormat: "html"},
				cloudconvert.Convert{OutputFormat: "pdf"},
			},
			`{
				"import-upload": {"operation": "import/upload"},
				"convert": {"operation": "convert", "input": ["import-upload"], "output_format": "docx"},
				"convert-2": {"operation": "convert", "input": ["convert"], "output_format": "html"},
				"convert-3": {"operation": "convert", "input": ["convert-2"], "output_format": "pdf"}
			}`,
		},
		"explicit inputs": {
			[]cloudconvert.TaskRequest{
				cloudconvert.ImportUpload{},
				cloudconvert.Convert{OutputFormat: "pdf"},
				cloudconvert.Thumbnail{Input: []string{"import-upload"}, OutputFormat: "png"},
				cloudconvert.Optimize{Options: cloudconvert.Options{"input": "convert"}},
				cloudconvert.RawTask{Op: "new", Fields: map[string]any{"input": []any{"thumbnail"}}},
				cloudconvert.ExportURL{Input: []string{"convert", "thumbnail"}},
			},
			`{
				"import-upload": {"operation": "import/upload"},
				"convert": {"operation": "convert", "input": ["import-upload"], "output_format": "pdf"},
				"thumbnail": {"operation": "thumbnail", "input": ["import-upload"], "output_format": "png"},
				"optimize": {"operation": "optimize", "input": "convert"},
				"new": {"operation": "new", "input": ["thumbnail"]},
				"export-url": {"operation": "export/url", "input": ["convert", "thumbnail"]}
			}`,
		},
		"image of a watermark is not its input": {
			[]cloudconvert.TaskRequest{
				cloudconvert.ImportUpload{},
				cloudconvert.ImportURL{URL: "https://example.com/logo.png"},
				cloudconvert.Convert{OutputFormat: "pdf"},
				cloudconvert.Watermark{Image: "import-url"},
			},
			`{
				"import-upload": {"operation": "import/upload"},
				"import-url": {"operation": "import/url", "url": "https://example.com/logo.png"},
				"convert": {"operation": "convert", "input": ["import-upload"], "output_format": "pdf"},
				"watermark": {"operation": "watermark", "input": ["convert"], "image": "import-url"}
			}`,
		},
		"image of a watermark in its options": {
			[]cloudconvert.TaskRequest{
				cloudconvert.ImportURL{URL: "https://example.com/logo.png"},
				cloudconvert.ImportUpload{},
				cloudconvert.Convert{OutputFormat: "pdf"},
				&cloudconvert.Watermark{Options: cloudconvert.Options{"image": "import-url"}},
			},
			`{
				"import-upload": {"operation": "import/upload"},
				"import-url": {"operation": "import/url", "url": "https://example.com/logo.png"},
				"convert": {"operation": "convert", "input": ["import-upload"], "output_format": "pdf"},
				"watermark": {"operation": "watermark", "input": ["convert"], "image": "import-url"}
			}`,
		},
		"leading tasks feed the first one that takes input": {
			[]cloudconvert.TaskRequest{
				cloudconvert.FromURL("https://example.com/b.pdf"),
				cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: "pdf"},
				cloudconvert.ImportURL{URL: "https://example.com/a.pdf"},
				cloudconvert.RawTask{Op: "import/new"},
				cloudconvert.FromURL("https://example.com/c").WithName("dir/c.pdf"),
				cloudconvert.Merge{OutputFormat: "pdf"},
				cloudconvert.PDFOCR{},
			},
			`{
				"source": {"operation": "import/url", "url": "https://example.com/b.pdf"},
				"capture-website": {"operation": "capture-website", "url": "https://example.com", "output_format": "pdf"},
				"import-url": {"operation": "import/url", "url": "https://example.com/a.pdf"},
				"import-new": {"operation": "import/new"},
				"source-2": {"operation": "import/url", "url": "https://example.com/c", "filename": "c.pdf"},
				"merge": {"operation": "merge", "input": ["source", "capture-website", "import-url", "import-new", "source-2"], "output_format": "pdf"},
				"pdf-ocr": {"operation": "pdf/ocr", "input": ["merge"]}
			}`,
		},
		"pointers": {
			[]cloudconvert.TaskRequest{
				&cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: "pdf"},
				&cloudconvert.PDFOCR{},
				&cloudconvert.RawTask{Op: "new"},
				&cloudconvert.ExportURL{},
			},
			`{
				"capture-website": {"operation": "capture-website", "url": "https://example.com", "output_format": "pdf"},
				"pdf-ocr": {"operation": "pdf/ocr", "input": ["capture-website"]},
				"new": {"operation": "new", "input": ["pdf-ocr"]},
				"export-url": {"operation": "export/url", "input": ["new"]}
			}`,
		},
		"raw tasks": {
			[]cloudconvert.TaskRequest{
				cloudconvert.RawTask{Op: "import/new", Fields: map[string]any{"file": 1}},
				cloudconvert.RawTask{Op: "new", Fields: map[string]any{"level": 3, "input": ""}},
			},
			`{
				"import-new": {"operation": "import/new", "file": 1},
				"new": {"operation": "new", "input": ["import-new"], "level": 3}
			}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := cloudconvert.Pipeline(test.tasks...)
			require.NoError(t, request.Validate())
			assert.JSONEq(t, `{"tasks": `+test.want+`}`, testkit.Encode(t, request))
		})
	}
}

func TestPipelineEqualsJobRequest(t *testing.T) {
	t.Parallel()
	assert.Equal(t,
		&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
			"import-url": cloudconvert.ImportURL{URL: "https://example.com/a.docx"},
			"convert":    cloudconvert.Convert{Input: []string{"import-url"}, OutputFormat: "pdf"},
			"export-url": cloudconvert.ExportURL{Input: []string{"convert"}},
		}},
		cloudconvert.Pipeline(
			cloudconvert.ImportURL{URL: "https://example.com/a.docx"},
			&cloudconvert.Convert{OutputFormat: "pdf"},
			cloudconvert.ExportURL{},
		))
}

func TestPipelineDoesNotChangeItsTasks(t *testing.T) {
	t.Parallel()
	convert := cloudconvert.Convert{OutputFormat: "pdf"}
	raw := cloudconvert.RawTask{Op: "new", Fields: map[string]any{"level": 3}}
	tasks := []cloudconvert.TaskRequest{cloudconvert.ImportUpload{}, &convert, &raw, raw}

	request := cloudconvert.Pipeline(tasks...)

	require.NoError(t, request.Validate())
	assert.Equal(t, cloudconvert.Convert{OutputFormat: "pdf"}, convert)
	assert.Equal(t, cloudconvert.RawTask{Op: "new", Fields: map[string]any{"level": 3}}, raw)
	assert.Equal(t, []cloudconvert.TaskRequest{cloudconvert.ImportUpload{}, &convert, &raw, raw}, tasks)
}

func TestPipelineReportsProblems(t *testing.T) {
	t.Parallel()
	upload, convert := cloudconvert.ImportUpload{}, cloudconvert.Convert{OutputFormat: "pdf"}
	tests := map[string]struct {
		tasks []cloudconvert.TaskRequest
		want  []string
	}{
		"no tasks":             {nil, []string{"no tasks"}},
		"nil task":             {[]cloudconvert.TaskRequest{upload, nil, convert}, []string{"task 2", "nil"}},
		"nil pointer":          {[]cloudconvert.TaskRequest{(*cloudconvert.ImportURL)(nil)}, []string{"task 1", "nil"}},
		"import in the middle": {[]cloudconvert.TaskRequest{upload, convert, upload}, []string{"task 3", "import/upload takes no input"}},
		"website in the middle": {
			[]cloudconvert.TaskRequest{upload, convert, cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: "pdf"}},
			[]string{"task 3", "capture-website takes no input", "use Tasks"},
		},
		"source in the middle": {
			[]cloudconvert.TaskRequest{upload, convert, cloudconvert.FromBytes("a.txt", nil), convert},
			[]string{`source "a.txt" is in place 3: put sources before the first task with an input, or use Tasks`},
		},
		"only a watermark's image": {
			[]cloudconvert.TaskRequest{upload, convert, cloudconvert.Watermark{Image: "import-upload"}},
			[]string{`task "convert"`, `"input"`, "missing"},
		},
		"name of no extension": {
			[]cloudconvert.TaskRequest{cloudconvert.FromFile("README"), convert},
			[]string{`task "source"`, `"README"`, "use Source.WithName"},
		},
		"no source":          {[]cloudconvert.TaskRequest{cloudconvert.Source{}, convert}, []string{`task "source"`, "the source is empty"}},
		"nothing to convert": {[]cloudconvert.TaskRequest{convert}, []string{`"input"`, "missing"}},
		"unknown input":      {[]cloudconvert.TaskRequest{upload, cloudconvert.ExportURL{Input: []string{"convert"}}}, []string{`"convert"`}},
		"several": {
			[]cloudconvert.TaskRequest{nil, upload, cloudconvert.Convert{}, upload},
			[]string{"task 1", "task 4", `"output_format"`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertInvalid(t, cloudconvert.Pipeline(test.tasks...), test.want...)
		})
	}
}

// assertInvalid checks that a request is refused with an error on one line that
// has all the texts.
func assertInvalid(t *testing.T, request *cloudconvert.JobRequest, want ...string) {
	t.Helper()
	err := request.Validate()
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	assert.NotContains(t, err.Error(), "\n")
	for _, text := range want {
		assert.ErrorContains(t, err, text)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := map[string]cloudconvert.Tasks{
		"one task": {"in": cloudconvert.ImportUpload{}},
		"names":    {"a-B_9": cloudconvert.ImportUpload{}, "-": cloudconvert.ImportUpload{}, "_": cloudconvert.ImportUpload{}},
		"graph": {
			"in":    cloudconvert.ImportUpload{},
			"logo":  cloudconvert.ImportUpload{},
			"pdf":   cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "pdf"},
			"mark":  cloudconvert.Watermark{Input: []string{"pdf"}, Image: "logo"},
			"thumb": &cloudconvert.Thumbnail{Input: []string{"pdf"}, OutputFormat: "png"},
			"all":   cloudconvert.Archive{Input: []string{"mark", "thumb", "in"}, OutputFormat: "zip"},
			"out":   cloudconvert.ExportURL{Input: []string{"all", "pdf"}},
		},
		"raw tasks": {
			"in":  cloudconvert.RawTask{Op: "import/new"},
			"a":   cloudconvert.RawTask{Op: "new", Fields: map[string]any{"input": "in"}},
			"b":   cloudconvert.RawTask{Op: "new", Fields: map[string]any{"input": []string{"in", "a"}}},
			"out": cloudconvert.RawTask{Op: "new", Fields: map[string]any{"input": []any{"a", "b"}}},
		},
		"values are for the service to judge": {
			"in":  cloudconvert.ImportURL{URL: "::"},
			"out": cloudconvert.Thumbnail{Input: []string{"in"}, OutputFormat: "no format", Fit: "new", Width: -1},
		},
	}
	for name, tasks := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, (&cloudconvert.JobRequest{Tasks: tasks}).Validate())
		})
	}
}

func TestValidateReportsProblems(t *testing.T) {
	t.Parallel()
	upload := cloudconvert.ImportUpload{}
	convert := func(inputs ...string) cloudconvert.Convert {
		return cloudconvert.Convert{Input: inputs, OutputFormat: "pdf"}
	}
	tests := map[string]struct {
		tasks cloudconvert.Tasks
		want  []string
	}{
		"nil tasks":        {nil, []string{"no tasks"}},
		"empty tasks":      {cloudconvert.Tasks{}, []string{"no tasks"}},
		"empty name":       {cloudconvert.Tasks{"": upload}, []string{`task ""`, "name"}},
		"name with space":  {cloudconvert.Tasks{"my task": upload}, []string{`task "my task"`, "name"}},
		"name with slash":  {cloudconvert.Tasks{"import/upload": upload}, []string{`task "import/upload"`, "name"}},
		"name with dot":    {cloudconvert.Tasks{"a.b": upload}, []string{`task "a.b"`, "name"}},
		"name with accent": {cloudconvert.Tasks{"é": upload}, []string{`task "é"`, "name"}},
		"name with break":  {cloudconvert.Tasks{"in\n": upload}, []string{`task "in\n"`, "name"}},
		"nil task":         {cloudconvert.Tasks{"in": nil}, []string{`task "in"`, "nil"}},
		"nil pointer":      {cloudconvert.Tasks{"in": (*cloudconvert.Convert)(nil)}, []string{`task "in"`, "nil"}},
		"no operation":     {cloudconvert.Tasks{"in": cloudconvert.RawTask{}}, []string{`task "in"`, "operation"}},
		"unknown input":    {cloudconvert.Tasks{"in": upload, "out": convert("im")}, []string{`task "out"`, `"im"`}},
		"one input unknown": {
			cloudconvert.Tasks{"in": upload, "out": convert("in", "in-2")},
			[]string{`task "out"`, `"in-2"`},
		},
		"empty input": {cloudconvert.Tasks{"in": upload, "out": convert("")}, []string{`task "out"`, `input ""`}},
		"nil input":   {cloudconvert.Tasks{"in": nil, "out": convert("in")}, []string{`input "in"`}},
		"unknown image": {
			cloudconvert.Tasks{"in": upload, "out": cloudconvert.Watermark{Input: []string{"in"}, Image: "logo"}},
			[]string{`task "out"`, `"logo"`},
		},
		"unknown input of a raw task": {
			cloudconvert.Tasks{"out": cloudconvert.RawTask{Op: "new", Fields: map[string]any{"input": []any{"a", "b"}}}},
			[]string{`task "out"`, `"a"`, `"b"`},
		},
		"unknown input in options": {
			cloudconvert.Tasks{"out": cloudconvert.Optimize{Options: cloudconvert.Options{"input": "in"}}},
			[]string{`task "out"`, `"in"`},
		},
		"unknown image in options": {
			cloudconvert.Tasks{"in": upload, "out": cloudconvert.Watermark{Input: []string{"in"}, Options: cloudconvert.Options{"image": "logo"}}},
			[]string{`task "out"`, `input "logo"`},
		},
		"cycle": {
			cloudconvert.Tasks{"a": convert("c"), "b": convert("a"), "c": convert("b")},
			[]string{"wait for each other", "a → c → b → a"},
		},
		"cycle behind a chain": {
			cloudconvert.Tasks{"a": convert("b"), "b": convert("in", "c"), "c": convert("b"), "in": upload},
			[]string{"wait for each other", "b → c → b"},
		},
		"cycle through an image": {
			cloudconvert.Tasks{"in": upload, "logo": convert("mark"), "mark": cloudconvert.Watermark{Input: []string{"in"}, Image: "logo"}},
			[]string{"wait for each other", "logo → mark → logo"},
		},
		"task that waits for itself": {cloudconvert.Tasks{"a": convert("a")}, []string{"wait for each other", "a → a"}},
		"missing input":              {cloudconvert.Tasks{"out": convert()}, []string{`task "out"`, "convert", `"input" (field Input) is missing`}},
		"no source": {
			cloudconvert.Pipeline(cloudconvert.Merge{OutputFormat: "pdf"}).Tasks,
			[]string{`task "merge"`, `"input" (field Input) is missing`, "put a source or an import first"},
		},
		"missing parameter": {
			cloudconvert.Tasks{"in": cloudconvert.ImportURL{}},
			[]string{`task "in"`, "import/url", `"url" (field URL) is missing`},
		},
		"empty required map": {
			cloudconvert.Tasks{"in": upload, "out": cloudconvert.MetadataWrite{Input: []string{"in"}, Metadata: map[string]any{}}},
			[]string{`"metadata" (field Metadata) is missing`},
		},
		"nothing of a group": {
			cloudconvert.Tasks{"in": cloudconvert.ImportAzureBlob{StorageAccount: "a", Container: "c"}},
			[]string{"storage_access_key, sas_token", "blob, blob_prefix"},
		},
		"parameter set twice": {
			cloudconvert.Tasks{"in": cloudconvert.ImportURL{URL: "https://example.com", Options: cloudconvert.Options{"url": "secret"}}},
			[]string{`task "in"`, "import/url", `"url" is set twice`},
		},
		"several problems": {
			cloudconvert.Tasks{
				"in 1": cloudconvert.ImportURL{},
				"pdf":  cloudconvert.Thumbnail{Width: 1, Input: []string{"in"}, Options: cloudconvert.Options{"width": 1}},
				"x":    convert("y"),
				"y":    convert("x"),
				"z":    nil,
			},
			[]string{
				`task "in 1": a name`, `"url" (field URL) is missing`, `input "in"`, `"width" is set twice`,
				`"output_format" (field OutputFormat) is missing`, "x → y → x", `task "z"`,
			},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assertInvalid(t, &cloudconvert.JobRequest{Tasks: test.tasks}, test.want...)
		})
	}
}

func TestEmbeddedTasksKeepTheirParameters(t *testing.T) {
	t.Parallel()
	type pointer struct{ *cloudconvert.Convert }
	type value struct{ cloudconvert.Convert }
	type whatever struct{ cloudconvert.TaskRequest }
	convert := cloudconvert.Convert{OutputFormat: "pdf"}
	for name, task := range map[string]cloudconvert.TaskRequest{"pointer": pointer{&convert}, "value": value{convert}, "any": &whatever{value{convert}}} {
		r := cloudconvert.Pipeline(cloudconvert.ImportUpload{}, task)
		require.NoError(t, r.Validate(), name)
		client, script := testkit.NewScript(t, testkit.Says(http.StatusCreated, testkit.RunningJob))
		_, err := client.Jobs.Create(t.Context(), r)
		require.NoError(t, err)
		assert.Contains(t, script.Bodies[0], `"convert":{"input":["import-upload"],"operation":"convert","output_format":"pdf"}`, name)
	}
	for _, task := range []cloudconvert.TaskRequest{pointer{}, whatever{}} {
		require.ErrorContains(t, (&cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"a": task}}).Validate(), "the task is nil")
	}
}

func TestValidateIsFastForManyPaths(t *testing.T) {
	t.Parallel()
	tasks := cloudconvert.Tasks{"a-0": cloudconvert.ImportUpload{}, "b-0": cloudconvert.ImportUpload{}}
	inputs := []string{"a-0", "b-0"}
	for layer := range 60 { // 2^60 paths through 60 layers of two tasks
		layer := strconv.Itoa(layer + 1)
		tasks["a-"+layer] = cloudconvert.Merge{Input: inputs, OutputFormat: "pdf"}
		tasks["b-"+layer] = cloudconvert.Merge{Input: inputs, OutputFormat: "pdf"}
		inputs = []string{"a-" + layer, "b-" + layer}
	}
	assert.NoError(t, (&cloudconvert.JobRequest{Tasks: tasks}).Validate())
}

func TestValidateRefusesNilRequest(t *testing.T) {
	t.Parallel()
	assertInvalid(t, nil, "no tasks")
}

func TestValidateQuotesNoValues(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"in": cloudconvert.ImportS3{SecretAccessKey: secret, Options: cloudconvert.Options{"secret_access_key": secret}},
	}}
	assert.NotContains(t, request.Validate().Error(), secret)
}

func TestValidateSortsProblems(t *testing.T) {
	t.Parallel()
	request := &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"b": nil, "a": nil, "c": cloudconvert.ImportURL{}}}
	first := request.Validate().Error()
	assert.Less(t, strings.Index(first, `"a"`), strings.Index(first, `"b"`))
	assert.Less(t, strings.Index(first, `"b"`), strings.Index(first, `"c"`))
	for range 20 {
		assert.EqualError(t, request.Validate(), first)
	}
}

func TestValidateDoesNotChangeTheRequest(t *testing.T) {
	t.Parallel()
	build := func() *cloudconvert.JobRequest {
		return &cloudconvert.JobRequest{
			Tag: "tag",
			Tasks: cloudconvert.Tasks{
				"in":  &cloudconvert.ImportURL{URL: "https://example.com/a.pdf"},
				"out": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "png", Options: cloudconvert.Options{"pages": "1"}},
			},
		}
	}
	request := build()
	require.NoError(t, request.Validate())
	assert.Equal(t, build(), request)
}

func TestJobRequestJSON(t *testing.T) {
	t.Parallel()
	request := cloudconvert.Pipeline(cloudconvert.ImportUpload{})
	assert.JSONEq(t, `{"tasks": {"import-upload": {"operation": "import/upload"}}}`, testkit.Encode(t, request))
	request.Tag, request.WebhookURL = "invoice-42", "https://example.com/hook"
	assert.JSONEq(t, `{
		"tasks": {"import-upload": {"operation": "import/upload"}},
		"tag": "invoice-42",
		"webhook_url": "https://example.com/hook"
	}`, testkit.Encode(t, request))
}

// A job is encoded on a faster path than its MarshalJSON.
func TestJobIsSentAsItsJSON(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := &cloudconvert.JobRequest{
				Tag: "<mine>", WebhookURL: "https://example.com/?a=1&b=2", Tasks: cloudconvert.Tasks{"task": c.full},
			}
			var task struct {
				Input []string `json:"input"`
				Image string   `json:"image"` // of a watermark: also a task
			}
			encoded, err := json.Marshal(c.full)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(encoded, &task))
			for _, input := range append(task.Input, cmp.Or(task.Image, "another")) {
				request.Tasks[input] = cloudconvert.ImportUpload{}
			}
			want, err := json.Marshal(request)
			require.NoError(t, err)
			client, script := testkit.NewScript(t, testkit.Says(http.StatusCreated, `{"data": {"id": "job"}}`))
			_, err = client.Jobs.Create(t.Context(), request)
			require.NoError(t, err)
			assert.JSONEq(t, string(want), script.Bodies[0])
		})
	}
}
