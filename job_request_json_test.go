package cloudconvert_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// builderJob is a job as the Job Builder of the service and other clients write it.
const builderJob = `{
	"tag": "jobbuilder",
	"webhook_url": "https://example.com/hook",
	"redirect": true,
	"tasks": {
		"import-1": {"operation": "import/url", "url": "https://example.com/in.html?a=1&b=<2>", "headers": {"Authorization": "Bearer x"}},
		"import-logo": {"operation": "import/sftp", "host": "example.com", "port": "2222", "username": "u", "password": "p", "file": "logo.png"},
		"task-1": {"operation": "convert", "input": "import-1", "input_format": "html", "output_format": "mp4", "engine": "ffmpeg",
			"engine_version": 7.10, "timeout": 60, "filename": "", "video_codec": "x264", "crf": 23, "seed": 12345678901234567890,
			"scale": 1.50, "cookies": {"a": "b"}, "subtitles": null, "quality": 0},
		"watermark": {"operation": "watermark", "input": ["task-1"], "image": "import-logo", "opacity": 0, "margin_vertical": "12.5"},
		"shot": {"operation": "capture-website", "url": "https://example.com", "output_format": "pdf", "wait_time": "500",
			"print_background": "false", "margin_top": 0, "display_header_footer": 1, "headers": []},
		"new": {"operation": "new/operation", "input": "shot", "level": 3, "nested": {"a": [1, null, "x"]}},
		"export-1": {"operation": "export/url", "input": ["watermark", "shot"], "inline": false, "archive_multiple_files": false}
	}
}`

func TestJobRequestReadsTheJobBuildersJSON(t *testing.T) {
	t.Parallel()
	var request cloudconvert.JobRequest
	require.NoError(t, json.Unmarshal([]byte(builderJob), &request))
	want := cloudconvert.JobRequest{
		Tag:        "jobbuilder",
		WebhookURL: "https://example.com/hook",
		Redirect:   true,
		Tasks: cloudconvert.Tasks{
			"import-1": cloudconvert.ImportURL{URL: "https://example.com/in.html?a=1&b=<2>", Headers: map[string]string{"Authorization": "Bearer x"}},
			"import-logo": cloudconvert.ImportSFTP{
				Host: "example.com", Port: 2222, Username: "u", Password: "p", File: "logo.png",
			},
			"task-1": cloudconvert.Convert{
				Input: oneInput, InputFormat: "html", OutputFormat: "mp4", Engine: "ffmpeg", EngineVersion: "7.10", Timeout: time.Minute,
				Options: cloudconvert.Options{
					"filename": "", "video_codec": "x264", "crf": float64(23), "seed": json.Number("12345678901234567890"),
					"scale": json.Number("1.50"), "cookies": map[string]any{"a": "b"}, "subtitles": nil, "quality": float64(0),
				},
			},
			"watermark": cloudconvert.Watermark{
				Input: []string{"task-1"}, Image: "import-logo", Opacity: new(0), MarginVertical: new(12.5),
			},
			"shot": cloudconvert.CaptureWebsite{
				URL: "https://example.com", OutputFormat: "pdf", WaitTime: 500 * time.Millisecond, PrintBackground: new(false),
				MarginTop: new(0.0), DisplayHeaderFooter: true, Options: cloudconvert.Options{"headers": []any{}},
			},
			"new": cloudconvert.RawTask{Op: "new/operation", Fields: map[string]any{
				"input": "shot", "level": float64(3), "nested": map[string]any{"a": []any{float64(1), nil, "x"}},
			}},
			"export-1": cloudconvert.ExportURL{
				Input: []string{"watermark", "shot"}, Options: cloudconvert.Options{"inline": false, "archive_multiple_files": false},
			},
		},
	}
	assert.Equal(t, want, request)
	require.NoError(t, request.Validate())

	var again cloudconvert.JobRequest
	require.NoError(t, json.Unmarshal([]byte(testkit.Encode(t, request)), &again))
	assert.Equal(t, request, again)
}

func TestTasksSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, minimal := c.goldens()
			for golden, task := range map[string]cloudconvert.TaskRequest{full: c.full, minimal: c.minimal} {
				var tasks cloudconvert.Tasks
				require.NoError(t, json.Unmarshal([]byte(`{"task": `+readGolden(t, golden)+`}`), &tasks))
				require.IsType(t, task, tasks["task"], "the operation has a struct")
				assert.JSONEq(t, readGolden(t, golden), testkit.Encode(t, tasks["task"]))

				decoded := reflect.New(reflect.TypeOf(task))
				require.NoError(t, json.Unmarshal([]byte(testkit.Encode(t, task)), decoded.Interface()))
				assert.Equal(t, tasks["task"], decoded.Elem().Interface())
				for field, value := range reflect.ValueOf(task).Fields() {
					if field.Type != reflect.TypeFor[map[string]any]() { // in which an int comes back as a float64
						assert.Equal(t, value.Interface(), decoded.Elem().FieldByIndex(field.Index).Interface(), field.Name)
					}
				}
			}
		})
	}
}

// TestZeroValuesSurviveARoundTrip covers the values that fields do not send.
func TestZeroValuesSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for parameter, field := range typedFields(c.full) {
				zeros := []string{`null`}
				switch field.Type.Kind() {
				case reflect.String:
					zeros = append(zeros, `""`)
				case reflect.Bool:
					zeros = append(zeros, `false`)
				case reflect.Int, reflect.Int64, reflect.Float64:
					zeros = append(zeros, `0`)
				case reflect.Slice:
					zeros = append(zeros, `[]`)
				case reflect.Map:
					zeros = append(zeros, `{}`, `[]`)
				default:
				}
				for _, zero := range zeros {
					document := `{"operation": "` + string(c.full.Operation()) + `", "` + parameter + `": ` + zero + `}`
					decoded := reflect.New(reflect.TypeOf(c.full))
					require.NoError(t, json.Unmarshal([]byte(document), decoded.Interface()), document)
					assert.JSONEq(t, document, testkit.Encode(t, decoded.Interface()))
				}
			}
		})
	}
}

func TestDecodingReplacesWhatATaskHeld(t *testing.T) {
	t.Parallel()
	task := cloudconvert.Convert{Filename: "a.pdf", Options: someOption}
	require.NoError(t, json.Unmarshal([]byte(`{"output_format": "pdf"}`), &task), "the struct knows its operation")
	assert.Equal(t, cloudconvert.Convert{OutputFormat: "pdf"}, task)

	require.Error(t, json.Unmarshal([]byte(`{"output_format": 1}`), &task))
	assert.Equal(t, cloudconvert.Convert{OutputFormat: "pdf"}, task, "left alone by an error")

	request := cloudconvert.JobRequest{Tag: "old", Tasks: cloudconvert.Tasks{"old": task}}
	require.NoError(t, json.Unmarshal([]byte(`{"tasks": null, "tag": null}`), &request))
	assert.Equal(t, cloudconvert.JobRequest{}, request)
	require.ErrorIs(t, request.Validate(), cloudconvert.ErrInvalid)
}

func TestDecodingRefusesWrongShapes(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		document string
		want     []string
	}{
		"not an object":        {`[]`, []string{"a list", "an object"}},
		"null task":            {`{"tasks": {"a": null}}`, []string{`task "a"`, "null"}},
		"tasks of a list":      {`{"tasks": [{"operation": "convert"}]}`, []string{`"tasks"`, "a list"}},
		"missing operation":    {`{"tasks": {"a": {"url": "x"}}}`, []string{`task "a"`, `"operation"`, "missing"}},
		"null operation":       {`{"tasks": {"a": {"operation": null}}}`, []string{`task "a"`, `"operation"`, "missing"}},
		"empty operation":      {`{"tasks": {"a": {"operation": ""}}}`, []string{`task "a"`, `"operation"`, "missing"}},
		"operation of number":  {`{"tasks": {"a": {"operation": 1}}}`, []string{`task "a"`, `"operation"`, "a number", "a string"}},
		"task twice":           {`{"tasks": {"a": {"operation": "x"}, "\u0061": {"operation": "x"}}}`, []string{`"a"`, "twice"}},
		"parameter twice":      {`{"tasks": {"a": {"operation": "import/url", "url": "x", "url": "y"}}}`, []string{`task "a"`, `"url"`, "twice"}},
		"header twice":         {`{"tasks": {"a": {"operation": "import/url", "headers": {"b": "c", "b": "d"}}}}`, []string{`task "a"`, `"headers"`, `"b"`, "twice"}},
		"option twice":         {`{"tasks": {"a": {"operation": "convert", "b": [{"c": 1, "c": 2}]}}}`, []string{`task "a"`, `"b"`, `"c"`, "twice"}},
		"tag twice":            {`{"tag": "a", "tag": "b"}`, []string{`"tag"`, "twice"}},
		"unknown field":        {`{"tasks": {}, "webhook_events": []}`, []string{`"webhook_events"`, "unknown"}},
		"redirect of text":     {`{"redirect": "https://example.com"}`, []string{`"redirect"`, "true or false"}},
		"tag of number":        {`{"tag": 1}`, []string{`"tag"`, "a number"}},
		"webhook of a list":    {`{"webhook_url": []}`, []string{`"webhook_url"`, "a list"}},
		"url of number":        {`{"tasks": {"a": {"operation": "import/url", "url": 1}}}`, []string{`task "a"`, "import/url", `"url"`, "a number", "a string"}},
		"text for number":      {`{"tasks": {"a": {"operation": "thumbnail", "width": "wide"}}}`, []string{`task "a"`, `"width"`, "whole number"}},
		"fraction":             {`{"tasks": {"a": {"operation": "thumbnail", "width": 1.5}}}`, []string{`task "a"`, `"width"`, "whole number"}},
		"huge number":          {`{"tasks": {"a": {"operation": "thumbnail", "width": 1e30}}}`, []string{`"width"`, "whole number"}},
		"fraction of a second": {`{"tasks": {"a": {"operation": "convert", "timeout": 1.5}}}`, []string{`"timeout"`, "whole number"}},
		"long duration":        {`{"tasks": {"a": {"operation": "convert", "timeout": 10000000000}}}`, []string{`"timeout"`, "too long"}},
		"text for fraction":    {`{"tasks": {"a": {"operation": "watermark", "rotation": "NaN"}}}`, []string{`"rotation"`, "a number"}},
		"huge fraction":        {`{"tasks": {"a": {"operation": "watermark", "rotation": 1e400}}}`, []string{`"rotation"`, "a number"}},
		"number for boolean":   {`{"tasks": {"a": {"operation": "convert", "ignore_error": 2}}}`, []string{`"ignore_error"`, "true or false"}},
		"text for boolean":     {`{"tasks": {"a": {"operation": "convert", "ignore_error": "yes"}}}`, []string{`"ignore_error"`, "true or false"}},
		"list for boolean":     {`{"tasks": {"a": {"operation": "convert", "ignore_error": []}}}`, []string{`"ignore_error"`, "a list"}},
		"input of number":      {`{"tasks": {"a": {"operation": "convert", "input": 1}}}`, []string{`"input"`, "a number"}},
		"inputs of numbers":    {`{"tasks": {"a": {"operation": "convert", "input": ["a", 1]}}}`, []string{`"input"`, "a number", "strings"}},
		"inputs of null":       {`{"tasks": {"a": {"operation": "convert", "input": [null]}}}`, []string{`"input"`, "null"}},
		"headers of text":      {`{"tasks": {"a": {"operation": "import/url", "headers": "a: b"}}}`, []string{`"headers"`, "a string", "an object"}},
		"headers of a list":    {`{"tasks": {"a": {"operation": "import/url", "headers": ["a"]}}}`, []string{`"headers"`, "a list", "an object"}},
		"header of number":     {`{"tasks": {"a": {"operation": "import/url", "headers": {"b": 1}}}}`, []string{`"headers"`, `"b"`, "a number"}},
		"metadata of text":     {`{"tasks": {"a": {"operation": "metadata/write", "metadata": "Title"}}}`, []string{`"metadata"`, "a string", "an object"}},
		"deep":                 {`{"tasks": {"a": {"operation": "x", "b": ` + strings.Repeat("[", 102) + strings.Repeat("]", 102) + `}}}`, []string{`task "a"`, `"b"`, "deep"}},
		"not UTF-8":            {"{\"tag\": \"\xff\"}", []string{"UTF-8"}},
		"two problems": {
			`{"tasks": {"a": {"operation": "import/url", "url": 1, "filename": 2}, "b": {"operation": "convert", "input": 1}}}`,
			[]string{`task "a"`, `"url"`, `"filename"`, `task "b"`, `"input"`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var request cloudconvert.JobRequest
			err := json.Unmarshal([]byte(test.document), &request)
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			for _, want := range test.want {
				require.ErrorContains(t, err, want)
			}
			assert.Equal(t, cloudconvert.JobRequest{}, request)
		})
	}
}

func TestTaskRefusesAnotherOperation(t *testing.T) {
	t.Parallel()
	var convert cloudconvert.Convert
	err := json.Unmarshal([]byte(`{"operation": "optimize"}`), &convert)
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, `"optimize"`)
	var raw cloudconvert.RawTask
	require.ErrorIs(t, json.Unmarshal([]byte(`{"url": "x"}`), &raw), cloudconvert.ErrInvalid)
	require.NoError(t, json.Unmarshal([]byte(`{"operation": "convert", "input": "a"}`), &raw))
	assert.Equal(t, cloudconvert.RawTask{Op: "convert", Fields: map[string]any{"input": "a"}}, raw)
}

func TestDecodingErrorsRepeatNoValue(t *testing.T) {
	t.Parallel()
	for _, document := range []string{
		`{"tasks": {"a": {"operation": "import/sftp", "port": "secret-value"}}}`,
		`{"tasks": {"a": {"operation": "import/url", "headers": ["secret-value"]}}}`,
		`{"tasks": {"a": {"operation": "import/url", "ignore_error": "secret-value"}}}`,
	} {
		err := json.Unmarshal([]byte(document), new(cloudconvert.JobRequest))
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "secret-value")
	}
}

func FuzzJobRequestJSON(f *testing.F) {
	f.Add(builderJob)
	f.Add(`{"tasks": {"a": {"operation": "x", "b": [1e400, -0, 1.0, "\ud800"]}}, "tag": null}`)
	for _, c := range allTasks() {
		encoded, err := json.Marshal(cloudconvert.Tasks{"a": c.full})
		require.NoError(f, err)
		f.Add(`{"tasks": ` + string(encoded) + `}`)
	}
	f.Fuzz(func(t *testing.T, document string) {
		var request, again cloudconvert.JobRequest
		if json.Unmarshal([]byte(document), &request) != nil {
			return
		}
		encoded := testkit.Encode(t, request)
		require.NoError(t, json.Unmarshal([]byte(encoded), &again), encoded)
		require.Equal(t, request, again)

		// No parameter is lost or made up.
		require.Equal(t, parametersIn(t, document), parametersIn(t, encoded))
	})
}

// parametersIn returns the names of the parameters in a job's JSON by task.
func parametersIn(t *testing.T, document string) map[string]map[string]bool {
	t.Helper()
	var job struct {
		Tasks map[string]map[string]json.RawMessage `json:"tasks"`
	}
	var exact map[string]json.RawMessage // without the case folding of a struct
	require.NoError(t, json.Unmarshal([]byte(document), &exact))
	if exact["tasks"] != nil {
		require.NoError(t, json.Unmarshal(exact["tasks"], &job.Tasks))
	}
	names := map[string]map[string]bool{}
	for task, parameters := range job.Tasks {
		names[task] = map[string]bool{}
		for name := range parameters {
			names[task][name] = true
		}
	}
	return names
}
