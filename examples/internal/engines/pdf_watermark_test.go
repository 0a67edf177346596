package engines

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/api"
	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/types"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// streamsOf returns all drawing instructions of a document.
func streamsOf(t *testing.T, file []byte) string {
	t.Helper()
	doc, err := api.ReadAndValidate(bytes.NewReader(file), settings(""))
	require.NoError(t, err)
	var all strings.Builder
	for _, entry := range doc.Table {
		stream, ok := entry.Object.(types.StreamDict)
		if !ok || stream.Image() {
			continue
		}
		require.NoError(t, stream.Decode())
		all.Write(stream.Content)
		all.WriteByte('\n')
	}
	return all.String()
}

func marked(t *testing.T, file []byte) bool {
	t.Helper()
	found, err := api.HasWatermarks(bytes.NewReader(file), settings(""))
	require.NoError(t, err)
	return found
}

func TestWatermarkText(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	result := b.one(t, cloudconvert.Watermark{
		Input: []string{"a"}, Text: "50% draft\nof %p", FontSize: 20, FontColor: "#ff0000", FontName: "Times New Roman Bold",
		PositionVertical: "bottom", PositionHorizontal: "left", MarginVertical: new(10.0), MarginHorizontal: new(15.0),
	}, upload{"a.pdf", makePDF(300, 300)})
	assert.Equal(t, "a.pdf", result.name)
	require.True(t, marked(t, result.content))
	drawn := streamsOf(t, result.content)
	assert.Contains(t, drawn, "(50% draft)")
	assert.Contains(t, drawn, "(of % p)")
	assert.Contains(t, drawn, "1.00 0.00 0.00 rg")
	assert.Regexp(t, `1\.00000 0\.00000 -?0\.00000 1\.00000 15\.00000 10\.00000 cm`, drawn)
	assert.Equal(t, []int{300, 300}, widthsOf(t, result.content))
}

func TestWatermarkPages(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	whole := b.one(t, cloudconvert.Watermark{Input: []string{"a"}, Text: "draft", Pages: "2"}, upload{"a.pdf", makePDF(101, 102)})
	_, pages := b.do(t, cloudconvert.PDFSplitPages{Input: []string{"a"}}, whole)
	require.Len(t, pages, 2)
	assert.NotContains(t, streamsOf(t, pages[0].content), "(draft)")
	assert.Contains(t, streamsOf(t, pages[1].content), "(draft)")
}

func TestWatermarkImage(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	for name, c := range map[string]struct {
		task  cloudconvert.Watermark
		width string
	}{
		"as it is":     {cloudconvert.Watermark{}, "40"},
		"by width":     {cloudconvert.Watermark{ImageWidth: 80}, "80"},
		"by height":    {cloudconvert.Watermark{ImageHeight: 10}, "20"},
		"inside":       {cloudconvert.Watermark{ImageWidth: 100, ImageHeight: 10}, "20"},
		"part of page": {cloudconvert.Watermark{ImageWidthPercent: 25}, "75"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.task.Input, c.task.Image, c.task.Layer, c.task.Opacity = []string{"a"}, "b", "below", new(50)
			result := b.one(t, c.task, upload{"a.pdf", makePDF(300)}, upload{"logo.png", imageFile(t, "png", 40, 20)})
			require.True(t, marked(t, result.content))
			size := regexp.MustCompile(`q (\d+)\.\d+ 0 0 \d+\.\d+ 0 0 cm /Im0 Do Q`).FindStringSubmatch(streamsOf(t, result.content))
			require.NotEmpty(t, size, streamsOf(t, result.content))
			assert.Equal(t, c.width, size[1])
		})
	}
}

func TestInvalidWatermarkImage(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	task, _ := b.do(t, cloudconvert.Watermark{Input: []string{"a"}, Image: "b"},
		upload{"a.pdf", makePDF(300)}, upload{"logo.png", []byte("no image")})
	assert.Equal(t, "OPEN_FAILED", task.Code, task.Message)
	assert.Contains(t, task.Message, "logo.png")
}

func TestServerWatermarksImages(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	result := b.one(t, cloudconvert.Watermark{Input: []string{"a"}, Text: "x"}, upload{"a.png", imageFile(t, "png", 40, 20)})
	assert.True(t, bytes.HasPrefix(result.content, []byte("\x89PNG")))
}

func TestFontFor(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"":                             "Helvetica",
		"Arial Bold Italic":            "Helvetica-BoldOblique",
		"Times New Roman":              "Times-Roman",
		"Georgia Bold":                 "Times-Bold",
		"Times New Roman Italic":       "Times-Italic",
		"Courier New Italic":           "Courier-Oblique",
		"Helvetica Narrow BoldOblique": "Helvetica-BoldOblique",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, want, fontFor(name))
		})
	}
}

func TestFontSizeByWidthOfPage(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	for percent, size := range map[float64]string{50: "/F1 21 Tf", 100: "/F1 43 Tf"} {
		result := b.one(t, cloudconvert.Watermark{Input: []string{"a"}, Text: "watermark", FontWidthPercent: percent},
			upload{"a.pdf", makePDF(200)})
		assert.Contains(t, streamsOf(t, result.content), size)
	}
}

func TestRotatedWatermark(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	for _, rotation := range []float64{45, 270, -720, 1e9} {
		result := b.one(t, cloudconvert.Watermark{Input: []string{"a"}, Text: "x", Rotation: rotation}, upload{"a.pdf", makePDF(200)})
		assert.True(t, marked(t, result.content))
	}
}
