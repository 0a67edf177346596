package media

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNormalize(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"JPEG": "jpg", "jpg": "jpg", "TIF": "tiff", "tiff": "tiff", "tgz": "tar.gz", "Tar.GZ": "tar.gz", "DOCX": "docx", "": "",
	} {
		assert.Equal(t, want, Normalize(given), given)
	}
}

func TestCanConvert(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"png", "jpg", true},
		{"png", "png", true},
		{"PNG", "jpeg", true},
		{"webp", "tif", true},
		{"png", "webp", false},
		{"docx", "pdf", false},
		{"pdf", "png", false},
		{"", "", false},
	} {
		assert.Equal(t, test.want, CanConvert(test.from, test.to), "%s to %s", test.from, test.to)
	}
}

func TestFormatsReturnsCopies(t *testing.T) {
	t.Parallel()
	inputs, outputs := Formats()
	assert.ElementsMatch(t, []string{"png", "jpg", "gif", "bmp", "tiff", "webp"}, inputs)
	assert.ElementsMatch(t, []string{"png", "jpg", "gif", "bmp", "tiff"}, outputs)
	inputs[0], outputs[0] = "x", "x"
	again, _ := Formats()
	assert.NotContains(t, again, "x")
}
