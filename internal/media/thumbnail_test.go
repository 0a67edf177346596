package media

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestThumbnail(t *testing.T) {
	t.Parallel()
	source := encoded(t, quarters(80, 40), "tiff")
	for name, test := range map[string]struct {
		to            string
		options       ThumbnailOptions
		width, height int
	}{
		"inside":          {"png", ThumbnailOptions{Width: 20, Height: 20}, 20, 10},
		"never enlarged":  {"jpg", ThumbnailOptions{Width: 200, Height: 200, Fit: "max"}, 80, 40},
		"cut":             {"jpeg", ThumbnailOptions{Width: 20, Height: 20, Fit: "crop"}, 20, 20},
		"forced":          {"png", ThumbnailOptions{Width: 20, Height: 30, Fit: "scale"}, 20, 30},
		"without a size":  {"png", ThumbnailOptions{}, 80, 40},
		"only the height": {"png", ThumbnailOptions{Height: 10}, 20, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			require.NoError(t, Thumbnail(t.Context(), &b, bytes.NewReader(source), "tif", test.to, test.options))
			got := decoded(t, b.Bytes(), Normalize(test.to))
			assertCorners(t, got, test.width, test.height, corners{red, green, blue, yellow})
		})
	}
}

func TestThumbnailRefuses(t *testing.T) {
	t.Parallel()
	source := encoded(t, quarters(8, 8), "png")
	for _, pair := range [][2]string{{"png", "webp"}, {"png", "gif"}, {"docx", "png"}, {"mp4", "jpg"}} {
		var b bytes.Buffer
		err := Thumbnail(t.Context(), &b, bytes.NewReader(source), pair[0], pair[1], ThumbnailOptions{Width: 4})
		require.ErrorIs(t, err, ErrUnsupported)
		assert.ErrorContains(t, err, pair[1])
	}
}
