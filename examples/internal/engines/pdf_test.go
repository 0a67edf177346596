package engines

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"testing"

	"github.com/pdfcpu/pdfcpu/pkg/pdfcpu/model"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// webp is an image of 2x2 pixels.
const webp = "UklGRhwAAABXRUJQVlA4TA8AAAAvAUAAAAcQ9Y/+ByKi/wEA"

func TestImagesBecomePages(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	small, err := base64.StdEncoding.DecodeString(webp)
	require.NoError(t, err)
	images := map[string][]byte{"webp": small}
	for _, format := range []string{"bmp", "gif", "jpg", "png", "tiff"} {
		images[format] = imageFile(t, format, 30, 20)
	}
	require.Len(t, images, len(imageFormats))
	for format, content := range images {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			result := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, upload{"p." + format, content})
			assert.Equal(t, "p.pdf", result.name)
			assert.Contains(t, []int{30, 2}, widthsOf(t, result.content)[0])
		})
	}
}

func TestInvalidImages(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	task, results := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, upload{"p.png", []byte("no image")})
	assert.Equal(t, "OPEN_FAILED", task.Code)
	assert.Contains(t, task.Message, "p.png cannot be opened")
	assert.Empty(t, results)
}

func TestMergeKeepsOrder(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	files := []upload{
		{"first.pdf", makePDF(101, 102)},
		{"photo.png", imageFile(t, "png", 77, 50)},
		{"last.pdf", makePDF(103)},
	}
	for _, c := range []struct {
		name   string
		input  []string
		widths []int
	}{
		{"as given", []string{"a", "b", "c"}, []int{101, 102, 77, 103}},
		{"otherwise", []string{"c", "b", "a"}, []int{103, 77, 101, 102}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			result := b.one(t, cloudconvert.Merge{Input: c.input, OutputFormat: "pdf"}, files...)
			assert.Equal(t, c.widths, widthsOf(t, result.content))
		})
	}
}

func TestMergeRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	locked := b.one(t, cloudconvert.PDFEncrypt{Input: []string{"a"}, SetPassword: "open"}, upload{"a.pdf", makePDF(100)})
	for name, c := range map[string]struct {
		file upload
		code string
	}{
		"a document": {upload{"b.docx", []byte("x")}, "INVALID_CONVERSION_TYPE"},
		"broken":     {upload{"b.pdf", []byte("no pdf")}, "OPEN_FAILED"},
		"protected":  {upload{"b.pdf", locked.content}, "OPEN_FAILED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task, _ := b.do(t, cloudconvert.Merge{Input: []string{"a", "b"}, OutputFormat: "pdf"}, upload{"a.pdf", makePDF(100)}, c.file)
			assert.Equal(t, c.code, task.Code, task.Message)
		})
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	task, results := b.do(t, cloudconvert.PDFSplitPages{Input: []string{"a"}}, upload{"a.pdf", makePDF(101, 102, 103)})
	require.Equal(t, "finished", task.Status, task.Message)
	require.Len(t, results, 3)
	for i, result := range results {
		assert.Equal(t, []string{"a-1.pdf", "a-2.pdf", "a-3.pdf"}[i], result.name)
		assert.Equal(t, []int{101 + i}, widthsOf(t, result.content))
	}
	task, results = b.do(t, cloudconvert.PDFSplitPages{Input: []string{"a"}, Filename: "page %d.pdf"}, upload{"a.pdf", makePDF(101, 102)})
	require.Equal(t, "finished", task.Status, task.Message)
	require.Len(t, results, 2)
	assert.Equal(t, "page 2.pdf", results[1].name)
}

func TestExtract(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	result := b.one(t, cloudconvert.PDFExtractPages{Input: []string{"a"}, Pages: "4,1-2"}, upload{"a.pdf", makePDF(101, 102, 103, 104)})
	assert.Equal(t, "a.pdf", result.name)
	assert.Equal(t, []int{104, 101, 102}, widthsOf(t, result.content))
}

func TestRotate(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	for _, c := range []struct {
		rotation, pages string
		widths          []int
	}{
		{"+90", "", []int{200, 200}},
		{"-90", "2", []int{101, 200}},
		{"180", "1", []int{101, 102}},
	} {
		t.Run(c.rotation, func(t *testing.T) {
			t.Parallel()
			once := b.one(t, cloudconvert.PDFRotatePages{Input: []string{"a"}, Rotation: c.rotation, Pages: c.pages},
				upload{"a.pdf", makePDF(101, 102)})
			assert.Equal(t, c.widths, widthsOf(t, once.content))
			twice := b.one(t, cloudconvert.PDFRotatePages{Input: []string{"a"}, Rotation: c.rotation, Pages: c.pages}, once)
			assert.Equal(t, []int{101, 102}, widthsOf(t, twice.content))
		})
	}
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	locked := b.one(t, cloudconvert.PDFEncrypt{Input: []string{"a"}, SetPassword: "open", SetOwnerPassword: "own", AllowPrint: "none"},
		upload{"a.pdf", makePDF(101)})
	assert.Contains(t, string(locked.content), "/Encrypt")
	for password, code := range map[string]string{"open": "", "own": "", "wrong": "OPEN_FAILED"} {
		t.Run("password "+password, func(t *testing.T) {
			t.Parallel()
			task, results := b.do(t, cloudconvert.PDFDecrypt{Input: []string{"a"}, Password: password}, locked)
			assert.Equal(t, code, task.Code, task.Message)
			if code == "" {
				require.Len(t, results, 1)
				assert.Equal(t, []int{101}, widthsOf(t, results[0].content))
				assert.NotContains(t, string(results[0].content), "/Encrypt")
			}
		})
	}
}

func TestEncryptWithoutOpenPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	locked := b.one(t, cloudconvert.PDFEncrypt{Input: []string{"a"}, SetOwnerPassword: "own"}, upload{"a.pdf", makePDF(101)})
	assert.Equal(t, []int{101}, widthsOf(t, locked.content), "everybody can open it")
	task, _ := b.do(t, cloudconvert.PDFEncrypt{Input: []string{"a"}, SetPassword: "x"}, locked)
	assert.Equal(t, "OPEN_FAILED", task.Code)
}

func TestBrokenPDF(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	whole := makePDF(101, 102)
	inputs := []string{"a"}
	broken := map[string][]byte{
		"text": []byte("this is no PDF"), "head": []byte("%PDF-1.4\n"), "half": whole[:len(whole)/3],
	}
	tasks := map[string]cloudconvert.TaskRequest{
		"optimize":  cloudconvert.Optimize{Input: inputs},
		"watermark": cloudconvert.Watermark{Input: inputs, Text: "x"},
		"encrypt":   cloudconvert.PDFEncrypt{Input: inputs, SetPassword: "x"},
		"decrypt":   cloudconvert.PDFDecrypt{Input: inputs, Password: "x"},
		"split":     cloudconvert.PDFSplitPages{Input: inputs},
		"extract":   cloudconvert.PDFExtractPages{Input: inputs, Pages: "1"},
		"rotate":    cloudconvert.PDFRotatePages{Input: inputs, Rotation: "+90"},
	}
	for what, content := range broken {
		for name, request := range tasks {
			t.Run(what+" "+name, func(t *testing.T) {
				t.Parallel()
				task, results := b.do(t, request, upload{"a.pdf", content})
				assert.Equal(t, "OPEN_FAILED", task.Code, task.Message)
				assert.Empty(t, results)
			})
		}
	}
}

func TestWrongParameters(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	for name, task := range map[string]cloudconvert.TaskRequest{
		"pages":     cloudconvert.PDFExtractPages{Input: []string{"a"}, Pages: "3"},
		"rotation":  cloudconvert.PDFRotatePages{Input: []string{"a"}, Rotation: "+45"},
		"modify":    cloudconvert.PDFEncrypt{Input: []string{"a"}, SetPassword: "x", AllowModify: "some"},
		"print":     cloudconvert.PDFEncrypt{Input: []string{"a"}, SetPassword: "x", AllowPrint: "some"},
		"color":     cloudconvert.Watermark{Input: []string{"a"}, Text: "x", FontColor: "red"},
		"watermark": cloudconvert.Watermark{Input: []string{"a"}, Text: "x", Pages: "7"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done, _ := b.do(t, task, upload{"a.pdf", makePDF(101, 102)})
			assert.Equal(t, "INVALID_DATA", done.Code, done.Message)
		})
	}
}

func TestProtectedPDFNeedsPassword(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	locked := b.one(t, cloudconvert.PDFEncrypt{Input: []string{"a"}, SetPassword: "open"}, upload{"a.pdf", makePDF(101, 102)})
	extract := cloudconvert.PDFExtractPages{Input: []string{"a"}, Pages: "2"}
	task, _ := b.do(t, extract, locked)
	assert.Equal(t, "OPEN_FAILED", task.Code)
	assert.Contains(t, task.Message, "password")
	extract.Options = cloudconvert.Options{"password": "open"}
	assert.Equal(t, []int{102}, widthsOf(t, b.one(t, extract, locked).content))
}

func TestPDFOperationsNeedPDFs(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	task, _ := b.do(t, cloudconvert.PDFSplitPages{Input: []string{"a"}}, upload{"a.png", imageFile(t, "png", 5, 5)})
	assert.Equal(t, "INVALID_CONVERSION_TYPE", task.Code)
}

func TestOptimize(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	large := append(makePDF(101), bytes.Repeat([]byte("% nothing\n"), 5_000)...)
	task, results := b.do(t, cloudconvert.Optimize{Input: []string{"a"}}, upload{"a.pdf", large})
	require.Equal(t, "finished", task.Status, task.Message)
	require.Len(t, results, 1)
	assert.Less(t, len(results[0].content), len(large)/2)
	assert.Regexp(t, `^File size reduced by [5-9]\d%$`, task.Message)
	assert.Equal(t, []int{101}, widthsOf(t, results[0].content))
}

func TestOptimizeIsNeverLarger(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	small := makePDF(101)
	task, results := b.do(t, cloudconvert.Optimize{Input: []string{"a"}}, upload{"a.pdf", small})
	require.Equal(t, "finished", task.Status, task.Message)
	assert.Equal(t, small, results[0].content)
	assert.Equal(t, "File size reduced by 0%", task.Message)
}

func TestServerHandlesOtherFormats(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	task, results := b.do(t, cloudconvert.Optimize{Input: []string{"a", "b"}},
		upload{"a.pdf", makePDF(101)}, upload{"b.png", imageFile(t, "png", 9, 9)})
	require.Equal(t, "finished", task.Status, task.Message)
	require.Len(t, results, 2)
	assert.Equal(t, "a.pdf", results[0].name)
	assert.Equal(t, "b.png", results[1].name)
}

func TestLibraryWritesNoConfiguration(t *testing.T) {
	t.Parallel()
	assert.Empty(t, settings("").Path)
	assert.Equal(t, "disable", model.ConfigPath)
}

func TestGuarded(t *testing.T) {
	t.Parallel()
	k := kitOn("")
	t.Run("panic", func(t *testing.T) {
		t.Parallel()
		_, err := guarded(t.Context(), k, func() (int, error) { return []int{}[cap(k.slots)], nil })
		require.Error(t, err)
		assert.Contains(t, err.Error(), "the PDF library panicked: runtime error: index out of range")
	})
	t.Run("end of the context", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancelCause(t.Context())
		reason := errors.New("enough")
		goOn := make(chan struct{})
		defer close(goOn)
		_, err := guarded(ctx, k, func() (int, error) {
			cancel(reason)
			<-goOn
			return 1, nil
		})
		assert.ErrorIs(t, err, reason)
	})
	t.Run("no slot", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := guarded(ctx, &kit{slots: make(chan struct{})}, func() (int, error) { return 1, nil })
		assert.ErrorIs(t, err, context.Canceled)
	})
}

// TestMetadataWithoutExifTool reads the PDFs of the library, whose objects are compressed,
// and plain ones.
func TestMetadataWithoutExifTool(t *testing.T) {
	t.Parallel()
	b := newBench(t, libraryOnly())
	plain := upload{"plain.pdf", makePDF(10, 20, 30)}
	for _, file := range []upload{plain, b.one(t, cloudconvert.PDFExtractPages{Input: []string{"a"}, Pages: "1-3"}, plain)} {
		task, _ := b.do(t, cloudconvert.Metadata{Input: []string{"a"}}, file)
		assert.EqualValues(t, 3, task.Metadata["PageCount"], file.name)
		assert.IsType(t, float64(0), task.Metadata["PDFVersion"])
	}
}
