package cloudconverttest

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// formatsOf returns the items of the catalog of a server by what they are for.
func formatsOf(t *testing.T, server *Server, o cloudconvert.FormatListOptions) map[[3]string]cloudconvert.Format {
	t.Helper()
	items := map[[3]string]cloudconvert.Format{}
	for f, err := range server.Client().Formats.All(t.Context(), o) {
		require.NoError(t, err)
		items[[3]string{string(f.Operation), f.InputFormat, f.OutputFormat}] = *f
	}
	return items
}

// TestFormatsAreWhatWorks converts between all formats for which there is a file. A pair
// finishes, with the engine of the catalog, if and only if it is in the catalog.
func TestFormatsAreWhatWorks(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]Option{
		"built-in": nil, "with stand-ins": {WithStandIns()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTester(t, options...).s
			server.HandleConvert("rtf", "txt", writeText)
			server.Handle("pdf/rotate-pages", writeText)
			server.AddFormats(Format{Operation: "convert", InputFormat: "rtf", OutputFormat: "txt", Engine: "mine", EngineVersion: "2.1"})
			listed := formatsOf(t, server, cloudconvert.FormatListOptions{})
			for _, from := range standin.Formats() {
				for name, task := range conversionsOf(t, server, from) {
					item, ok := listed[[3]string{"convert", from, name}]
					assert.Equal(t, ok, task.Status == "finished", "%s to %s: %s", from, name, task.Message)
					if ok {
						assert.Equal(t, item.Engine, task.Engine, "%s to %s", from, name)
						assert.NotEmpty(t, task.Engine)
					}
				}
			}
		})
	}
}

// conversionsOf converts a file of a format to each of the others but itself, and returns
// the tasks by the output format.
func conversionsOf(t *testing.T, server *Server, from string) map[string]Task {
	t.Helper()
	content, ok := standin.File(from, "input")
	require.True(t, ok, from)
	tasks := cloudconvert.Tasks{}
	for _, to := range standin.Formats() {
		isArchive := strings.HasPrefix(to, "tar") || to == "zip" || to == "7z" || to == "rar"
		if from != to && (!strings.HasPrefix(from, "tar") && from != "zip" || isArchive) { // or it would be unpacked
			tasks["to-"+strings.ReplaceAll(to, ".", "-")] = cloudconvert.Convert{Input: []string{"in"}, OutputFormat: to}
		}
	}
	tasks["in"] = cloudconvert.FromBytes("a."+from, content)
	_, err := server.Client().Run(t.Context(), &cloudconvert.JobRequest{Tag: from, Tasks: tasks})
	if err != nil {
		require.ErrorIs(t, err, cloudconvert.ErrJobFailed, from)
	}
	done := map[string]Task{}
	for _, job := range server.Jobs() {
		for _, task := range job.Tasks {
			if job.Tag == from && task.Operation == "convert" {
				done[fmt.Sprint(task.Params["output_format"])] = task
			}
		}
	}
	require.Len(t, done, len(tasks)-1)
	return done
}

// TestListedOperationsFinish runs a task for each item of the catalog but
// conversions, imports and exports, which have separate tests.
func TestListedOperationsFinish(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]Option{"built-in": nil, "with stand-ins": {WithStandIns()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := newTester(t, options...).s
			for _, item := range formatsOf(t, server, cloudconvert.FormatListOptions{}) {
				family, _, _ := strings.Cut(string(item.Operation), "/")
				if slices.Contains([]string{"convert", "import", "export"}, family) {
					continue
				}
				job, err := server.Client().Run(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
					"in": inputOf(item), "work": taskFor(item), "out": cloudconvert.ExportURL{Input: []string{"work", "in"}},
				}})
				require.NoError(t, err, "%s %s %s", item.Operation, item.InputFormat, item.OutputFormat)
				task, _ := job.Task("work")
				assert.Equal(t, item.Engine, task.Engine, "%s %s %s", item.Operation, item.InputFormat, item.OutputFormat)
			}
		})
	}
}

// inputOf returns a file for an item of the catalog.
func inputOf(item cloudconvert.Format) cloudconvert.Source {
	format := cmp.Or(item.InputFormat, "txt")
	content, ok := standin.File(format, "input")
	if !ok {
		content = []byte("x")
	}
	return cloudconvert.FromBytes("a."+format, content)
}

// taskFor returns a task for an item of the catalog, with what every operation requires.
func taskFor(item cloudconvert.Format) cloudconvert.RawTask {
	fields := map[string]any{
		"text": "draft", "url": "http://127.0.0.1:1", "metadata": map[string]any{"Title": "T"}, "password": "p", "pages": "1",
		"rotation": "+90", "set_password": "p", "command": "ffmpeg", "arguments": "-i x /output/a.mp4",
	}
	if item.Operation != "capture-website" {
		fields["input"] = []string{"in"}
	}
	if item.OutputFormat != "" {
		fields["output_format"] = item.OutputFormat
	}
	if item.Operation == "command" {
		fields["engine"] = "ffmpeg"
	}
	return cloudconvert.RawTask{Op: item.Operation, Fields: fields}
}

func writeText(_ context.Context, run *Run) error {
	return run.Write("out.txt", []byte("text"))
}

func TestFormatsOfOperations(t *testing.T) {
	t.Parallel()
	server := newTester(t).s
	plain := formatsOf(t, server, cloudconvert.FormatListOptions{})
	assert.NotContains(t, plain, [3]string{"convert", "docx", "pdf"})
	assert.NotContains(t, plain, [3]string{"capture-website", "", "pdf"})
	assert.NotContains(t, plain, [3]string{"archive", "", "7z"})
	assert.Equal(t, "archivetool", plain[[3]string{"archive", "", "zip"}].Engine)

	full := newTester(t, WithStandIns()).s
	operations := map[cloudconvert.Operation]bool{}
	for _, f := range formatsOf(t, full, cloudconvert.FormatListOptions{}) {
		operations[f.Operation] = true
	}
	assert.Len(t, operations, len(catalog.Operations))
	items := formatsOf(t, full, cloudconvert.FormatListOptions{Operation: "pdf/ocr"})
	require.Len(t, items, 1)
	assert.Equal(t, "stand-in", items[[3]string{"pdf/ocr", "pdf", ""}].Engine)

	server.Handle("thumbnail", writeText)
	assert.Contains(t, formatsOf(t, server, cloudconvert.FormatListOptions{}), [3]string{"thumbnail", "mp4", "jpg"})
	server.AddFormats(Format{Operation: "thumbnail", InputFormat: "PDF", OutputFormat: "jpeg", Engine: "poppler"})
	items = formatsOf(t, server, cloudconvert.FormatListOptions{Operation: "thumbnail"})
	assert.NotContains(t, items, [3]string{"thumbnail", "mp4", "jpg"})
	assert.Equal(t, "poppler", items[[3]string{"thumbnail", "pdf", "jpg"}].Engine)
	server.HandleConvert("docx", "pdf", writeText)
	assert.Contains(t, formatsOf(t, server, cloudconvert.FormatListOptions{}), [3]string{"convert", "docx", "pdf"})
	server.HandleConvert("md", "*", writeText)
	items = formatsOf(t, server, cloudconvert.FormatListOptions{InputFormat: "md"})
	assert.Contains(t, items, [3]string{"convert", "md", "epub"})
	assert.NotContains(t, items, [3]string{"convert", "md", "mp3"}, "the service does not")
	server.HandleConvert("docx", "pdf", nil)
	assert.NotContains(t, formatsOf(t, server, cloudconvert.FormatListOptions{}), [3]string{"convert", "docx", "pdf"})
}

func TestFormatsOnTheWire(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithStandIns())
	x.s.HandleConvert("docx", "pdf", writeText)
	x.key = ""
	list := func(query string) []dict { return x.call(http.MethodGet, query, nil).expect(http.StatusOK).items() }
	all := len(list("/operations"))
	assert.Less(t, len(list("/convert/formats")), all)
	assert.Len(t, list("/operations?filter[operation]=convert&filter[input_format]=docx&filter[output_format]=pdf"), 1)
	assert.Len(t, list("/operations?filter[engine]=office&filter[engine_version]=2016"), 1)
	assert.Empty(t, list("/operations?filter[operation]=none"))
	for _, names := range [][2]string{{"jpeg", "jpg"}, {"JPG", "jpg"}, {"tif", "tiff"}, {"tgz", "tar.gz"}} {
		other, usual := list("/convert/formats?filter[input_format]="+names[0]), list("/convert/formats?filter[input_format]="+names[1])
		assert.NotEmpty(t, usual)
		assert.Equal(t, usual, other, names[0])
	}

	item := list("/operations?filter[engine]=office&filter[input_format]=docx")[0]
	assert.NotContains(t, item, "options")
	assert.NotContains(t, item, "engine_versions")
	item = list("/operations?filter[engine]=office&filter[input_format]=docx&include=options,engine_versions")[0]
	options, _ := item["options"].([]any)
	require.NotEmpty(t, options)
	first, _ := options[0].(map[string]any)
	assert.Equal(t, "pages", first["name"])
	assert.Equal(t, "string", first["type"])
	assert.Contains(t, first, "default")
	assert.Contains(t, first, "possible_values")
	assert.Len(t, item["engine_versions"], 2)
	assert.Equal(t, map[string]any{"group": "document"}, item["meta"])

	capture := list("/operations?filter[operation]=capture-website&include=options,engine_versions")[0]
	assert.Nil(t, capture["input_format"])
	assert.Equal(t, []any{}, capture["meta"])
	assert.Equal(t, []any{}, capture["engine_versions"], "a stand-in has no version")
	assert.Nil(t, list("/operations?filter[operation]=import/url")[0]["engine"])
}

func TestFormatsCheckOptions(t *testing.T) {
	t.Parallel()
	server := newTester(t).s
	o := cloudconvert.FormatListOptions{Operation: "watermark", InputFormat: "png", Include: []cloudconvert.Include{cloudconvert.IncludeOptions}}
	f := formatsOf(t, server, o)[[3]string{"watermark", "png", ""}]
	require.NoError(t, f.Validate(cloudconvert.Watermark{Text: "draft", FontAlign: "left", Opacity: new(50)}))
	assert.Error(t, f.Validate(cloudconvert.Watermark{Text: "draft", FontAlign: "middle"}))
}

// TestStandInsOfObjects checks that only an object that does not exist has a stand-in.
func TestStandInsOfObjects(t *testing.T) {
	t.Parallel()
	importing := func(key string) cloudconvert.Tasks {
		return cloudconvert.Tasks{"in": cloudconvert.ImportS3{
			Bucket: "b", Region: "r", AccessKeyID: "id", SecretAccessKey: "secret", Key: key,
		}}
	}
	server := newTester(t, WithStandIns()).s
	job, err := server.Client().Run(t.Context(), &cloudconvert.JobRequest{Tasks: importing("in/report.docx")})
	require.NoError(t, err)
	assert.Equal(t, "report.docx", job.Files()[0].Filename)
	server.HandleObject("import/s3", "gone.docx", "no/such/file")
	_, err = server.Client().Run(t.Context(), &cloudconvert.JobRequest{Tasks: importing("gone.docx")})
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)

	server = newTester(t, WithStandIns(), WithObjects(t.TempDir())).s
	_, err = server.Client().Run(t.Context(), &cloudconvert.JobRequest{Tasks: importing("in/report.docx")})
	require.ErrorIs(t, err, cloudconvert.ErrJobFailed)
}
