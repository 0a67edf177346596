package engines

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// fields are the parameters of a task.
type fields = map[string]any

// sample is a task and what it is to make.
type sample struct {
	operation string
	fields    fields
	files     []upload
	want      []string // names of the results; nil means none
}

// storage are the parameters of tasks at the storage services.
var storage = map[string]fields{
	"s3": {"bucket": "b", "region": "eu-central-1", "access_key_id": "id", "secret_access_key": "x", "key": "in/report.docx"},
	"azure/blob": {
		"storage_account": "a", "storage_access_key": "eA==", "container": "c", "blob": "in/report.docx",
	},
	"google-cloud-storage": {"project_id": "p", "bucket": "b", "client_email": "a@example.com", "private_key": "-----BEGIN PRIVATE KEY-----\neA==\n-----END PRIVATE KEY-----\n", "file": "in/report.docx"},
	"openstack": {
		"auth_url": "https://example.com", "username": "u", "password": "x", "region": "r", "container": "c", "file": "in/report.docx",
	},
	"sftp": {"host": "example.com", "username": "u", "password": "x", "file": "in/report.docx"},
}

// everyOperation returns a task for each operation, with its documented parameters, and
// for the types of files that it takes. The site is a website.
func everyOperation(t *testing.T, site string) []sample {
	t.Helper()
	standIn := func(name, format string) upload {
		content, ok := standin.File(format, "input")
		require.True(t, ok, format)
		return upload{name, content}
	}
	pdf := upload{"a.pdf", makePDF(300, 400)}
	png := upload{"a.png", imageFile(t, "png", 60, 40)}
	docx, mp4 := standIn("a.docx", "docx"), standIn("a.mp4", "mp4")
	one := func(operation, file string, content upload, fields fields) sample {
		return sample{operation, fields, []upload{content}, []string{file}}
	}
	convert := func(from upload, format string) sample {
		return one("convert", "a."+format, from, fields{"output_format": format})
	}
	capture := func(format string, more fields) sample {
		more["url"], more["output_format"], more["filename"] = site, format, "site."+format
		return sample{"capture-website", more, nil, []string{"site." + format}}
	}
	archive := func(format string) sample {
		return sample{"archive", fields{"output_format": format}, []upload{pdf, png}, []string{"archive." + format}}
	}
	command := func(engine, program, arguments string, want ...string) sample {
		return sample{"command", fields{"engine": engine, "command": program, "arguments": arguments, "capture_output": true}, []upload{png}, want}
	}
	samples := []sample{
		{"import/url", fields{"url": site + "/a.txt", "filename": "a.txt", "headers": fields{"X-Test": "1"}}, nil, []string{"a.txt"}},
		{"import/base64", fields{"file": "YQ==", "filename": "a.txt"}, nil, []string{"a.txt"}},
		{"import/raw", fields{"file": "a", "filename": "a.txt"}, nil, []string{"a.txt"}},
		{
			"import/s3",
			fields{
				"bucket": "b", "region": "r", "access_key_id": "id", "secret_access_key": "x", "key_prefix": "in/", "filename": "a.csv",
			},
			nil,
			[]string{"a.csv"},
		},

		convert(pdf, "txt"), convert(pdf, "docx"), convert(docx, "pdf"), convert(docx, "webp"), convert(png, "webp"), convert(png, "pdf"),
		convert(mp4, "webm"), convert(standIn("a.wav", "wav"), "mp3"), convert(standIn("a.xlsx", "xlsx"), "csv"),
		convert(standIn("a.7z", "7z"), "zip"), convert(standIn("a.7z", "7z"), "rar"), convert(standIn("a.epub", "epub"), "txt"), convert(standIn("a.svg", "svg"), "png"),
		convert(png, "ico"), convert(docx, "epub"),
		one("convert", "x.jpg", pdf, fields{
			"output_format": "jpg", "pages": "2", "width": 100, "height": 100, "fit": "max", "quality": 80, "filename": "x.jpg",
			"engine": "poppler", "engine_version": "22.02", "input_format": "pdf", "timeout": 100,
		}),

		one("optimize", "a.png", png, fields{"quality": 70}),
		one("optimize", "a.pdf", pdf, fields{"profile": "max", "flatten_signatures": true, "colorspace": "rgb", "filename": "a.pdf"}),
		one("watermark", "a.pdf", pdf, fields{
			"text": "draft", "pages": "1-2", "layer": "below", "font_size": 20, "font_color": "#ff0000", "font_name": "Arial Bold",
			"font_align": "center", "position_vertical": "top", "position_horizontal": "left", "margin_vertical": 10,
			"margin_horizontal": 10, "opacity": 50, "rotation": 45,
		}),
		one("watermark", "a.png", png, fields{"text": "draft", "font_width_percent": 50}),
		one("watermark", "a.mp4", mp4, fields{"text": "draft"}),
		{
			"watermark",
			fields{"input": "a", "image": "b", "image_width": 20, "image_height": 20},
			[]upload{pdf, standIn("b.svg", "svg")},
			[]string{"a.pdf"},
		},
		{"watermark", fields{"input": "a", "image": "b", "image_width_percent": 20}, []upload{pdf, png}, []string{"a.pdf"}},

		capture("pdf", fields{
			"pages": "1", "zoom": 1.5, "page_width": 10, "page_height": 20, "margin_top": 5, "margin_bottom": 5, "margin_left": 5,
			"margin_right": 5, "print_background": false, "display_header_footer": true, "header_template": "<b class=title></b>",
			"footer_template": "<b class=pageNumber></b>", "wait_until": "networkidle0", "wait_for_element": "h1", "wait_time": 1,
			"css_media_type": "screen", "headers": fields{"X-Test": "1"},
		}),
		capture("pdf", fields{"page_format": "a5", "page_orientation": "landscape", "wait_until": "domcontentloaded"}),
		capture("png", fields{"screen_width": 400, "screen_height": 300, "wait_until": "networkidle2"}),
		capture("jpg", fields{"wait_until": "load"}),
		{
			"capture-website",
			fields{"url": "https://example.com/x", "output_format": "pdf"},
			nil,
			[]string{"example.com.pdf"},
		},

		one("thumbnail", "a.png", pdf, fields{"output_format": "png", "width": 100, "height": 100, "fit": "crop"}),
		one("thumbnail", "a.webp", png, fields{"output_format": "webp", "width": 20, "height": 20, "fit": "scale"}),
		one("thumbnail", "a.jpg", docx, fields{"output_format": "jpg", "width": 20}),
		{
			"thumbnail",
			fields{"output_format": "png", "count": 2, "width": 20},
			[]upload{mp4},
			[]string{"a-1.png", "a-2.png"},
		},
		one("thumbnail", "a.jpg", mp4, fields{"output_format": "jpg", "timestamp": "00:00:00.5"}),
		{"merge", fields{"output_format": "pdf", "filename": "all.pdf"}, []upload{pdf, png, docx}, []string{"all.pdf"}},
		archive("zip"), archive("rar"), archive("7z"), archive("tar"), archive("tar.gz"), archive("tar.bz2"),
		{"metadata", nil, []upload{pdf}, nil},
		{"metadata", nil, []upload{mp4}, nil},
		one("metadata/write", "a.pdf", pdf, fields{"metadata": fields{"Title": "T", "Author": "A", "Creator": "C", "Producer": "P"}}),
		one("metadata/write", "a.docx", docx, fields{"metadata": fields{"Title": "T", "Unknown": 1}}),
		command("imagemagick", "convert", "/input/a/a.png -resize 50% /output/b.jpg", "b.jpg"),
		command("imagemagick", "identify", "/input/a/a.png"),
		command("graphicsmagick", "gm", "convert /input/a/a.png /output/b.gif", "b.gif"),
		command("ffmpeg", "ffmpeg", `-loop 1 -i "/input/a/a.png" -t 1 /output/b.mp4`, "b.mp4"),
		command("ffmpeg", "ffprobe", "-show_format /input/a/a.png"),

		one("pdf/a", "a.pdf", pdf, fields{"conformance_level": "2b"}),
		one("pdf/x", "a.pdf", pdf, fields{"variant": "4"}),
		one("pdf/ocr", "a.pdf", pdf, fields{"auto_orient": true, "language": []string{"eng", "deu"}}),
		one("pdf/encrypt", "a.pdf", pdf, fields{
			"set_password": "p", "set_owner_password": "o", "allow_extract": false, "allow_accessibility": true, "allow_modify": "form",
			"allow_print": "none",
		}),
		one("pdf/decrypt", "a.pdf", pdf, fields{"password": "p"}),
		{"pdf/split-pages", nil, []upload{pdf}, []string{"a-1.pdf", "a-2.pdf"}},
		one("pdf/extract-pages", "a.pdf", pdf, fields{"pages": "2"}),
		one("pdf/rotate-pages", "a.pdf", pdf, fields{"pages": "1", "rotation": "+90"}),

		one("export/url", "a.png", png, fields{"inline": true, "archive_multiple_files": true}),
		one("export/upload", "a.png", png, fields{"url": site, "headers": fields{"X-Test": "1"}}),
	}
	for name, parameters := range storage {
		samples = append(samples,
			sample{"import/" + name, parameters, nil, []string{"report.docx"}},
			one("export/"+name, "a.png", png, parameters))
	}
	return samples
}

// uploaded is the one operation that a job cannot do without a second request.
const uploaded = "import/upload"

func TestEveryOperation(t *testing.T) {
	t.Parallel()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write([]byte("<!DOCTYPE html><title>Title</title><h1>Hello</h1>"))
		assert.NoError(t, err)
	}))
	t.Cleanup(site.Close)
	for name, path := range map[string]string{"without programs": "", "installed": os.Getenv("PATH")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := kitOn(path)
			b := newBench(t, k, cloudconverttest.WithStandIns())
			done := map[string]bool{uploaded: true}
			for _, s := range everyOperation(t, site.URL) {
				task, results := b.do(t, s.task(), s.files...)
				assert.Equal(t, "finished", task.Status, "%s %v: %s %s", s.operation, s.fields, task.Code, task.Message)
				s.check(t, results)
				s.checkCatalog(t, b, task)
				if !done[s.operation] {
					assert.Equal(t, cloudconvert.StatusFinished, b.alone(t, s).Status, "%s %v without a job", s.operation, s.fields)
				}
				done[s.operation] = true
			}
			assert.Len(t, done, 34)
		})
	}
}

// alone runs the task of a sample without a job.
func (b *bench) alone(t *testing.T, s sample) *cloudconvert.Task {
	t.Helper()
	task := s.task()
	ids := map[any]string{}
	var inputs []string
	for i, f := range s.files {
		imported, err := b.client.Tasks.Create(t.Context(), cloudconvert.ImportBase64{
			File: base64.StdEncoding.EncodeToString(f.content), Filename: f.name,
		})
		require.NoError(t, err)
		ids[string(rune('a'+i))] = imported.ID
		inputs = append(inputs, imported.ID)
	}
	if _, ok := task.Fields["image"]; ok {
		task.Fields["image"] = ids[task.Fields["image"]]
		inputs = inputs[:1]
	}
	if len(inputs) > 0 {
		task.Fields["input"] = inputs
	}
	if arguments, ok := task.Fields["arguments"].(string); ok {
		task.Fields["arguments"] = strings.ReplaceAll(arguments, "/input/a/", "/input/"+inputs[0]+"/")
	}
	created, err := b.client.Tasks.Create(t.Context(), task)
	require.NoError(t, err)
	done, err := b.client.Tasks.Wait(t.Context(), created.ID)
	require.NoError(t, err, "%s %v", s.operation, s.fields)
	return done
}

// task returns the task on the files of the sample.
func (s sample) task() cloudconvert.RawTask {
	all := fields{}
	if len(s.files) > 0 {
		all["input"] = []string{"a", "b", "c"}[:len(s.files)]
	}
	maps.Copy(all, s.fields)
	return cloudconvert.RawTask{Op: cloudconvert.Operation(s.operation), Fields: all}
}

// byParameters are the operations with samples whose parameters an engine may not support:
// an SVG as watermark, a website of another host, an input to merge, a variant of PDF/X.
var byParameters = []string{"capture-website", "merge", "pdf/x", "watermark"}

// checkCatalog checks that the catalog has the task with its engine.
func (s sample) checkCatalog(t *testing.T, b *bench, task cloudconverttest.Task) {
	t.Helper()
	format := ""
	if len(s.files) > 0 {
		format = names.Extension(s.files[0].name)
	}
	engines := map[string]bool{}
	for f, err := range b.client.Formats.All(t.Context(), cloudconvert.FormatListOptions{Operation: cloudconvert.Operation(s.operation)}) {
		require.NoError(t, err)
		to := s.fields["output_format"]
		if (f.InputFormat == "" || f.InputFormat == format) && (f.OutputFormat == "" || f.OutputFormat == to) {
			engines[f.Engine] = true
		}
	}
	assert.NotEmpty(t, engines, "%s %v", s.operation, s.fields)
	if slices.Contains(byParameters, s.operation) && task.Engine == "stand-in" || task.Engine == s.fields["engine"] {
		return
	}
	assert.Contains(t, engines, task.Engine, "%s %v on %s", s.operation, s.fields, format)
}

// check checks the names and the types of results.
func (s sample) check(t *testing.T, results []upload) {
	t.Helper()
	var found []string
	for _, result := range results {
		found = append(found, result.name)
		if !strings.HasPrefix(s.operation, "import/") || result.name == "report.docx" {
			assert.True(t, hasType(result), "%s %v: %s begins with %.20q", s.operation, s.fields, result.name, result.content)
		}
	}
	assert.Equal(t, s.want, found, "%s %v", s.operation, s.fields)
}

// hasType reports whether the content of a file has the type of its name.
func hasType(file upload) bool {
	var at int
	var bytes string
	switch format := names.Extension(file.name); format {
	case "pdf":
		bytes = "%PDF-"
	case "png":
		bytes = "\x89PNG"
	case "jpg":
		bytes = "\xff\xd8\xff"
	case "gif":
		bytes = "GIF8"
	case "webp":
		at, bytes = 8, "WEBP"
	case "ico":
		bytes = "\x00\x00\x01\x00"
	case "docx", "zip", "epub":
		bytes = "PK\x03\x04"
	case "7z":
		bytes = "7z\xbc\xaf"
	case "rar":
		bytes = "Rar!"
	case "tar":
		at, bytes = 257, "ustar"
	case "tar.gz":
		bytes = "\x1f\x8b"
	case "tar.bz2":
		bytes = "BZh"
	case "mp4":
		at, bytes = 4, "ftyp"
	case "mp3":
		return strings.HasPrefix(string(file.content), "ID3") || file.content[0] == 0xff
	case "webm":
		bytes = "\x1a\x45\xdf\xa3"
	case "txt", "csv":
		return len(file.content) > 0
	default:
		return false
	}
	return len(file.content) >= at+len(bytes) && string(file.content[at:at+len(bytes)]) == bytes
}

func TestStandInsAreMarked(t *testing.T) {
	t.Parallel()
	k := libraryOnly()
	b := newBench(t, k, cloudconverttest.WithStandIns())
	job, err := b.client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"a":    cloudconvert.ImportRaw{File: "text", Filename: "a.docx"},
		"work": cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "odt", Engine: "office"},
	}})
	require.NoError(t, err)
	job, err = b.client.Jobs.Wait(t.Context(), job.ID)
	require.NoError(t, err)
	task, ok := job.Task("work")
	require.True(t, ok)
	assert.Equal(t, "stand-in", task.Engine)
	assert.Contains(t, task.Message, "stand-in")
	_, results := b.result(t, job.ID)
	assert.Contains(t, string(results[0].content), standin.Mark)
}

func TestStandInsOfSeveralFiles(t *testing.T) {
	t.Parallel()
	k := libraryOnly()
	b := newBench(t, k, cloudconverttest.WithStandIns())
	files := []upload{{"a.docx", []byte("x")}, {"b.docx", []byte("x")}}
	task, results := b.do(t, cloudconvert.RawTask{Op: "metadata/write", Fields: fields{
		"input": []string{"a", "b"}, "metadata": fields{"Title": "T"}, "filename": "c-%d.docx",
	}}, files...)
	require.Equal(t, "finished", task.Status, task.Message)
	require.Len(t, results, 2)
	assert.Equal(t, "c-1.docx", results[0].name)
	assert.Equal(t, "c-2.docx", results[1].name)
}

// TestNoStandIn checks tasks that fail nevertheless.
func TestNoStandIn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		strict bool
		task   cloudconvert.RawTask
		file   upload
		code   string
	}{
		"strict": {
			true,
			cloudconvert.RawTask{Op: "convert", Fields: fields{"input": "a", "output_format": "pdf"}},
			upload{"a.docx", []byte("x")},
			"INVALID_CONVERSION_TYPE",
		},
		"strict operation": {
			true,
			cloudconvert.RawTask{Op: "pdf/ocr", Fields: fields{"input": "a"}},
			upload{"a.pdf", makePDF(100)},
			"INVALID_CONVERSION_TYPE",
		},
		"unknown format": {
			false,
			cloudconvert.RawTask{Op: "convert", Fields: fields{"input": "a", "output_format": "xyz"}},
			upload{"a.docx", []byte("x")},
			"INVALID_CONVERSION_TYPE",
		},
		"not a pair of the service": {
			false,
			cloudconvert.RawTask{Op: "convert", Fields: fields{"input": "a", "output_format": "mp3"}},
			upload{"a.docx", []byte("x")},
			"INVALID_CONVERSION_TYPE",
		},
		"not a PDF": {
			false,
			cloudconvert.RawTask{Op: "pdf/a", Fields: fields{"input": "a"}},
			upload{"a.docx", []byte("x")},
			"INVALID_CONVERSION_TYPE",
		},
		"damaged": {
			false,
			cloudconvert.RawTask{Op: "convert", Fields: fields{"input": "a", "output_format": "jpg"}},
			upload{"a.png", []byte("x")},
			"OPEN_FAILED",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var options []cloudconverttest.Option
			if !c.strict {
				options = append(options, cloudconverttest.WithStandIns())
			}
			task, results := newBench(t, libraryOnly(), options...).do(t, c.task, c.file)
			assert.Equal(t, c.code, task.Code, task.Message)
			assert.Empty(t, results)
		})
	}
}
