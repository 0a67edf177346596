package cloudconverttest

import (
	"context"
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// TestStandInsOfSomeInputs has an image, which has a built-in conversion, and a video,
// which has a stand-in.
func TestStandInsOfSomeInputs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		task dict
		want []string
	}{
		"thumbnail": {dict{"operation": "thumbnail", "output_format": "png"}, []string{"a.png", "b.png"}},
		"watermark": {dict{"operation": "watermark", "text": "x"}, []string{"a.png", "b.mp4"}},
		"convert":   {dict{"operation": "convert", "output_format": "gif"}, []string{"a.gif", "b.gif"}},
		"count":     {dict{"operation": "thumbnail", "output_format": "png", "count": 2}, []string{"a.png", "b-3.png", "b-4.png"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := newTester(t, WithStandIns())
			video, _ := standin.File("mp4", "")
			c.task["input"] = []string{"a", "b"}
			task, files := x.results(dict{
				"a": importing64("a.png", pngImage(t, 6, 4)), "b": importing64("b.mp4", video), "it": c.task,
			})
			assert.Equal(t, "finished", task["status"], task["message"])
			assert.Equal(t, c.want, slices.Sorted(maps.Keys(files)))
			assert.Len(t, filesOf(task), len(c.want))
		})
	}
}

func TestStandInThumbnailsAreNumberedAcrossInputs(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithStandIns())
	video, _ := standin.File("mp4", "")
	task, files := x.results(dict{
		"a": importing64("a.mp4", video), "b": importing64("b.mp4", video),
		"it": dict{
			"operation": "thumbnail", "input": []string{"a", "b"}, "output_format": "png", "count": 2, "filename": "t-%02d.png",
		},
	})
	assert.Equal(t, "finished", task["status"], task["message"])
	assert.Equal(t, []string{"t-01.png", "t-02.png", "t-03.png", "t-04.png"}, slices.Sorted(maps.Keys(files)))
}

// TestMissingObjectWithoutStandIn imports objects that do not exist.
func TestMissingObjectWithoutStandIn(t *testing.T) {
	t.Parallel()
	x := newTester(t, WithStandIns())
	for _, key := range []string{"folder/README", "a.unknown"} {
		task := taskOf(t, x.run(dict{"it": dict{
			"operation": "import/s3", "bucket": "b", "region": "r", "access_key_id": "k", "secret_access_key": "s", "key": key,
		}}), "it")
		assert.Equal(t, "DOWNLOAD_FAILED", task["code"])
		assert.Contains(t, task["message"], "no such object", key)
	}
}

// TestPairAndOperationHandlers has inputs with a handler for their formats and others.
func TestPairAndOperationHandlers(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	mark := func(text string) Handler {
		return func(_ context.Context, run *Run) error {
			assert.Len(t, run.Inputs, 1)
			return run.Write(run.OutputName(run.Input()), []byte(text))
		}
	}
	x.s.HandleConvert("docx", "pdf", mark("pair"))
	x.s.Handle("convert", mark("operation"))
	task, files := x.results(dict{
		"a":  importing64("a.docx", []byte("x")),
		"b":  importing64("b.odt", []byte("x")),
		"it": dict{"operation": "convert", "input": []string{"a", "b"}, "output_format": "pdf"},
	})
	assert.Equal(t, "finished", task["status"], task["message"])
	assert.Equal(t, map[string][]byte{"a.pdf": []byte("pair"), "b.pdf": []byte("operation")}, files)
}
