package cloudconvert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestPointersToTasksEncodeAsTheTasks(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pointer := pointerTo(c.full)
			assert.Equal(t, c.full.Operation(), pointer.Operation())
			assert.Equal(t, testkit.Encode(t, c.full), testkit.Encode(t, pointer))
		})
	}
}

func pointerTo(task cloudconvert.TaskRequest) cloudconvert.TaskRequest {
	pointer := reflect.New(reflect.TypeOf(task))
	pointer.Elem().Set(reflect.ValueOf(task))
	return pointer.Interface().(cloudconvert.TaskRequest)
}

func BenchmarkTaskEncoding(b *testing.B) {
	task := allTasks()["Watermark"].full
	b.ReportAllocs()
	for b.Loop() {
		if _, err := task.MarshalJSON(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestOptionsAreSentBesideTheFields(t *testing.T) {
	t.Parallel()
	task := cloudconvert.Convert{
		OutputFormat: "mp4",
		Options: cloudconvert.Options{
			"video_codec": "x264",
			"crf":         0,
			"strip":       false,
			"subtitles":   nil,
			"tracks":      []string{"<a>", "b"},
		},
	}
	assert.JSONEq(t, `{
		"operation": "convert",
		"output_format": "mp4",
		"video_codec": "x264",
		"crf": 0,
		"strip": false,
		"subtitles": null,
		"tracks": ["<a>", "b"]
	}`, testkit.Encode(t, task))
}

func TestOptionsSetRequiredFields(t *testing.T) {
	t.Parallel()
	task := cloudconvert.Convert{Options: cloudconvert.Options{"input": "import-1", "output_format": "pdf"}}
	require.NoError(t, jobWith(task).Validate())
	assert.JSONEq(t, `{"operation": "convert", "input": "import-1", "output_format": "pdf"}`, testkit.Encode(t, task))
}

func TestEmptyListsAndMapsAreNotSent(t *testing.T) {
	t.Parallel()
	task := cloudconvert.ImportURL{URL: "https://example.com/a.pdf", Headers: map[string]string{}, Options: cloudconvert.Options{}}
	assert.JSONEq(t, `{"operation": "import/url", "url": "https://example.com/a.pdf"}`, testkit.Encode(t, task))
	assert.JSONEq(t, `{"operation": "convert"}`, testkit.Encode(t, cloudconvert.Convert{Input: []string{}}))
}

func TestParametersSetTwiceAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		task cloudconvert.TaskRequest
		want string
	}{
		"field and option": {
			cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{"output_format": "pdf"}},
			`"output_format"`,
		},
		"operation in options": {
			cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{"operation": "optimize"}},
			`"operation"`,
		},
		"operation in the fields of a raw task": {
			cloudconvert.RawTask{Op: "convert", Fields: map[string]any{"operation": "convert"}},
			`"operation"`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := json.Marshal(test.task)
			require.ErrorContains(t, err, test.want)
			assert.ErrorContains(t, err, "set twice")
		})
	}
}

func TestErrorNamesEveryParameterSetTwice(t *testing.T) {
	t.Parallel()
	_, err := json.Marshal(cloudconvert.Thumbnail{
		Width:   100,
		Height:  100,
		Options: cloudconvert.Options{"width": 1, "height": 1, "fit": "max"},
	})
	require.ErrorContains(t, err, `"width"`)
	require.ErrorContains(t, err, `"height"`)
	assert.NotContains(t, err.Error(), `"fit"`)
}

func TestDurationsAreSentInTheirUnit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		task cloudconvert.TaskRequest
		want string
	}{
		"seconds": {
			cloudconvert.Metadata{Timeout: 90 * time.Second},
			`{"operation": "metadata", "timeout": 90}`,
		},
		"milliseconds": {
			cloudconvert.CaptureWebsite{WaitTime: 2 * time.Second, Timeout: time.Hour},
			`{"operation": "capture-website", "wait_time": 2000, "timeout": 3600}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.JSONEq(t, test.want, testkit.Encode(t, test.task))
		})
	}
}

func TestDurationsFinerThanTheirUnitAreRefused(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		task cloudconvert.TaskRequest
		want string
	}{
		"number without a unit": {cloudconvert.Metadata{Timeout: 600}, `"timeout"`},
		"part of a second":      {cloudconvert.Metadata{Timeout: 1500 * time.Millisecond}, `"timeout"`},
		"part of a millisecond": {cloudconvert.CaptureWebsite{WaitTime: time.Microsecond}, `"wait_time"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := json.Marshal(test.task)
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, jobWith(test.task).Validate(), test.want)
		})
	}
}

func TestEncodingDoesNotChangeTheTask(t *testing.T) {
	t.Parallel()
	fields := map[string]any{"input": "a"}
	options := cloudconvert.Options{"pages": "1"}
	testkit.Encode(t, cloudconvert.RawTask{Op: "convert", Fields: fields})
	testkit.Encode(t, cloudconvert.Convert{Input: oneInput, OutputFormat: "pdf", Options: options})
	assert.Equal(t, map[string]any{"input": "a"}, fields)
	assert.Equal(t, cloudconvert.Options{"pages": "1"}, options)
}

func TestPrintedTasksShowNoValues(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := outlineOf(t, c)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
				assert.Equal(t, want, fmt.Sprintf(verb, c.full), verb)
				assert.Equal(t, want, fmt.Sprintf(verb, pointerTo(c.full)), verb)
				job := fmt.Sprintf(verb, &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"task": c.full}})
				assertOnlyOutline(t, c, job)
			}
		})
	}
}

func TestLoggedTasksShowNoValues(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			job := cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{"task": c.full}}
			for _, value := range []any{c.full, pointerTo(c.full), job, &job, job.Tasks} {
				var text, object bytes.Buffer
				slog.New(slog.NewTextHandler(&text, nil)).Info("logged", "request", value)
				slog.New(slog.NewJSONHandler(&object, nil)).Info("logged", "request", value)
				assertOnlyOutline(t, c, text.String())
				assertOnlyOutline(t, c, object.String())
			}
		})
	}
}

// outlineOf returns what a full case looks like when printed.
func outlineOf(t *testing.T, c taskCase) string {
	t.Helper()
	full, _ := c.goldens()
	return fmt.Sprintf("%s(%s)", c.full.Operation(), strings.Join(goldenKeys(t, full), ", "))
}

// assertOnlyOutline checks that printed text has the names of the parameters
// of a full case, and none of their values.
func assertOnlyOutline(t *testing.T, c taskCase, printed string) {
	t.Helper()
	before, after, found := strings.Cut(printed, outlineOf(t, c))
	require.True(t, found, printed)
	full, _ := c.goldens()
	var golden map[string]any
	require.NoError(t, json.Unmarshal([]byte(readGolden(t, full)), &golden))
	delete(golden, "operation")
	for _, text := range textsIn(golden) {
		if len(text) > len("user") { // shorter ones may be in there by chance
			assert.NotContains(t, before+after, text)
		}
	}
}

// textsIn returns the strings anywhere in a JSON value.
func textsIn(value any) []string {
	var texts []string
	switch value := value.(type) {
	case string:
		texts = append(texts, value)
	case []any:
		for _, entry := range value {
			texts = append(texts, textsIn(entry)...)
		}
	case map[string]any:
		for _, entry := range value {
			texts = append(texts, textsIn(entry)...)
		}
	}
	return texts
}
