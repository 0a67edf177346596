package engines

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

func workWith(params fields) work { return work{run: &cloudconverttest.Run{Params: params}} }

func TestCommandArguments(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"": nil,
		"/input/a/b.png -resize 50% /output/c.jpg": {"input/a/b.png", "-resize", "50%", "output/c.jpg"},
		`-i "/input/a/my film.mp4" ''`:             {"-i", "input/a/my film.mp4", ""},
		`-vf 'scale=iw/2:-1' a\ b`:                 {"-vf", "scale=iw/2:-1", "a b"},
		"png:/output/%d.png":                       {"png:output/%d.png"},
		"-i concat:/input/a/1.ts|/input/a/2.ts":    {"-i", "concat:input/a/1.ts|input/a/2.ts"},
		"-filter_complex [0:v]crop=iw/(2)/1[v]":    {"-filter_complex", "[0:v]crop=iw/(2)/1[v]"},
	} {
		args, err := commandArguments("ffmpeg", text)
		require.NoError(t, err, text)
		assert.Equal(t, want, args, text)
	}
	for _, text := range []string{
		"-i /etc/passwd", "/inputs/a", "-i file:/etc/passwd", "-i concat:/input/a/1.ts|/etc/passwd", "/input/../../etc/passwd", "../x",
		"http://example.com/a", "tcp:127.0.0.1:80", "-vf movie=/etc/passwd", "@list", "label:@list", "~/x", `"open`, `open\`, "-vf subtitles='/x'",
		`-i "C:\\x"`, "-i /output/a|/etc/passwd",
	} {
		_, err := commandArguments("ffmpeg", text)
		require.ErrorContains(t, err, "arguments", text)
	}
	_, err := commandArguments("imagemagick", "|touch output/x")
	assert.ErrorContains(t, err, "arguments")
}

func TestCommandOutput(t *testing.T) {
	t.Parallel()
	assert.Equal(t, "/input/a/b.png PNG\n'/output/c' x/input/d", asOfService("input/a/b.png PNG\n'output/c' x/input/d"))
}

func TestMetadataTags(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"FileName", "System:directory", "Title=x", "-execute", "", "a:b:c", "All*", "geotag"} {
		w := workWith(fields{"metadata": fields{tag: "x"}})
		_, err := tagsOf(w, "in")
		require.ErrorContains(t, err, "metadata has the tag", tag)
	}
	content, err := tagsOf(workWith(fields{"metadata": fields{"PDF:Title": "T", "Author": "-o @x"}}), "in.pdf")
	require.NoError(t, err)
	assert.JSONEq(t, `[{"SourceFile":"in.pdf","PDF:Title":"T","Author":"-o @x"}]`, string(content))
	_, err = tagsOf(workWith(fields{"metadata": fields{"Title": true}}), "in")
	assert.ErrorContains(t, err, "a string or a number")
}

func TestLocalHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "127.0.0.1": true, "::1": true, "127.1.2.3": true,
		"": false, "example.com": false, "localhost.example.com": false, "10.0.0.1": false, "169.254.169.254": false,
	} {
		assert.Equal(t, want, local(host), host)
	}
}

// TestRealCatalogOfMetadata shows that the catalog has webp only if ExifTool can write it.
func TestRealCatalogOfMetadata(t *testing.T) {
	t.Parallel()
	b := installed(t, "exiftool")
	webp, ok := standin.File("webp", "")
	require.True(t, ok)
	write := cloudconvert.RawTask{Op: "metadata/write", Fields: fields{"input": "a", "metadata": fields{"Title": "T"}}}
	task, _ := b.do(t, write, upload{"a.webp", webp})
	listed := map[string]bool{}
	for f, err := range b.client.Formats.All(t.Context(), cloudconvert.FormatListOptions{Operation: "metadata/write"}) {
		require.NoError(t, err)
		listed[f.InputFormat] = true
	}
	assert.Equal(t, task.Status == "finished", listed["webp"], task.Message)
	assert.True(t, listed["jpg"])
}

// TestRealScan recognizes text on an image of a page.
func TestRealScan(t *testing.T) {
	t.Parallel()
	b := installed(t, "poppler", "ocrmypdf")
	page := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "png"}, upload{"a.pdf", makePDF(300)})
	scan := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, page)
	plain := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "txt"}, scan)
	assert.NotContains(t, string(plain.content), "Width")
	done, read := b.do(t, cloudconvert.RawTask{Op: "pdf/ocr", Fields: fields{"input": "a", "language": []string{"eng", "xxx"}}}, scan)
	require.Len(t, read, 1, done.Message)
	assert.Equal(t, "Only eng was used: tesseract does not have xxx", done.Message)
	text := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "txt"}, read[0])
	assert.Contains(t, string(text.content), "Width 300")

	task, _ := b.do(t, cloudconvert.RawTask{Op: "pdf/ocr", Fields: fields{"input": "a", "language": []string{"xxx"}}}, scan)
	assert.Equal(t, "INVALID_CONVERSION_TYPE", task.Code, "no language is installed")
	assert.Equal(t, "This conversion type is not supported: tesseract does not have xxx", task.Message)
}

func TestRealPages(t *testing.T) {
	t.Parallel()
	b := installed(t, "poppler")
	task, results := b.do(t, cloudconvert.RawTask{Op: "convert", Fields: fields{
		"input": "a", "output_format": "png", "pages": "2-3", "filename": "p-%d.png", "width": 100,
	}}, upload{"a.pdf", makePDF(200, 300, 400)})
	require.Equal(t, "finished", task.Status, task.Message)
	require.Len(t, results, 2)
	assert.Equal(t, "p-1.png", results[0].name)
	assert.Equal(t, "p-2.png", results[1].name)
	broken, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "png"}, upload{"a.pdf", []byte("%PDF-1.4 broken")})
	assert.Equal(t, "OPEN_FAILED", broken.Code, broken.Message)
}

func TestRealMetadata(t *testing.T) {
	t.Parallel()
	b := installed(t, "exiftool")
	named := b.one(t, cloudconvert.RawTask{Op: "metadata/write", Fields: fields{
		"input": "a", "metadata": fields{"Title": "Größe", "Author": "A"},
	}}, upload{"a.pdf", makePDF(100, 100)})
	task, _ := b.do(t, cloudconvert.Metadata{Input: []string{"a"}}, named)
	assert.Equal(t, "Größe", task.Metadata["Title"])
	assert.EqualValues(t, 2, task.Metadata["PageCount"])
	assert.Equal(t, "a.pdf", task.Metadata["FileName"])
	assert.NotContains(t, task.Metadata, "Directory")
}

func TestRealArchives(t *testing.T) {
	t.Parallel()
	b := installed(t, "archivetool")
	for _, format := range []string{"7z", "tar.bz2"} {
		packed := b.one(t, cloudconvert.Archive{Input: []string{"a", "b"}, OutputFormat: format},
			upload{"x.txt", []byte("one")}, upload{"x.txt", []byte("two")})
		_, files := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "txt"}, packed)
		assert.ElementsMatch(t, []upload{{"x.txt", []byte("one")}, {"2-x.txt", []byte("two")}}, files, format)
	}
}

func TestRealStandards(t *testing.T) {
	t.Parallel()
	b := installed(t, "ghostscript")
	for _, c := range []struct {
		operation cloudconvert.Operation
		fields    fields
		want      string
	}{
		{"pdf/a", fields{"input": "a"}, "pdfaid:part='3'"},
		{"pdf/a", fields{"input": "a", "conformance_level": "1b"}, "pdfaid:part='1'"},
		{"pdf/x", fields{"input": "a"}, "/GTS_PDFX"},
	} {
		made := b.one(t, cloudconvert.RawTask{Op: c.operation, Fields: c.fields}, upload{"a.pdf", makePDF(200, 300)})
		assert.Contains(t, string(made.content), c.want)
		assert.Contains(t, string(made.content), "/OutputIntent")
		assert.Equal(t, []int{200, 300}, widthsOf(t, made.content))
	}
	task, _ := b.do(t, cloudconvert.RawTask{Op: "pdf/x", Fields: fields{"input": "a", "variant": "4"}}, upload{"a.pdf", makePDF(200)})
	assert.Equal(t, "INVALID_CONVERSION_TYPE", task.Code)
}

// installed returns a bench with the installed engines. It skips the test if one of those
// named is not among them.
func installed(t *testing.T, names ...string) *bench {
	t.Helper()
	return installedOn(t, kitOn(os.Getenv("PATH")), names...)
}

// installedOn is like installed, with the engines of a kit.
func installedOn(t *testing.T, k *kit, names ...string) *bench {
	t.Helper()
	found := map[string]bool{}
	for _, e := range k.engines() {
		found[e.Name] = true
	}
	for _, name := range names {
		if !found[name] {
			t.Skip(name + " is not installed")
		}
	}
	return newBench(t, k)
}
