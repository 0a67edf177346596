package media

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

func runOptimize(t *testing.T, data []byte, format string, o OptimizeOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Optimize(t.Context(), &b, bytes.NewReader(data), format, o))
	return b.Bytes()
}

// assertSamePixels checks that two images are equal.
func assertSamePixels(t *testing.T, want, got image.Image) {
	t.Helper()
	require.Equal(t, want.Bounds(), got.Bounds())
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			require.Equal(t, color.NRGBA64Model.Convert(want.At(x, y)), color.NRGBA64Model.Convert(got.At(x, y)))
		}
	}
}

func TestOptimizePNG(t *testing.T) {
	t.Parallel()
	soft := quarters(64, 64)
	for alpha := range 64 {
		soft.SetNRGBA(alpha, 5, color.NRGBA{R: 250, G: 3, B: 77, A: uint8(alpha)})
	}
	deep := image.NewNRGBA64(image.Rect(0, 0, 64, 64))
	draw.Draw(deep, deep.Rect, image.NewUniform(color.NRGBA64{R: 0x1234, G: 0x5678, B: 0x9abc, A: 0xffff}), image.Point{}, draw.Src)
	for name, m := range map[string]image.Image{
		"few colors":   quarters(64, 64),
		"many colors":  noisy(64, 64),
		"transparency": soft,
		"16 bits":      deep,
		"gray":         image.NewGray(image.Rect(0, 0, 64, 64)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			require.NoError(t, (&png.Encoder{CompressionLevel: png.NoCompression}).Encode(&b, m))
			small := runOptimize(t, b.Bytes(), "PNG", OptimizeOptions{})
			assert.Less(t, len(small), b.Len())
			assertSamePixels(t, m, decoded(t, small, "png"))
		})
	}
}

func TestOptimizePNGUsesPalette(t *testing.T) {
	t.Parallel()
	m := image.NewNRGBA(image.Rect(0, 0, 128, 128))
	for i := range 128 * 128 {
		shade := uint8(i * i / 7 % 200)
		m.SetNRGBA(i%128, i/128, color.NRGBA{R: shade, G: 255 - shade, B: shade / 2, A: 0xff})
	}
	small := runOptimize(t, encoded(t, m, "png"), "png", OptimizeOptions{})
	got := decoded(t, small, "png")
	assert.IsType(t, &image.Paletted{}, got)
	assertSamePixels(t, m, got)
}

func TestOptimizeJPG(t *testing.T) {
	t.Parallel()
	source := encoded(t, noisy(96, 96), "jpg")
	standard := runOptimize(t, source, "jpeg", OptimizeOptions{})
	rough := runOptimize(t, source, "jpg", OptimizeOptions{Quality: 30})
	assert.Less(t, len(standard), len(source))
	assert.Less(t, len(rough), len(standard))
	assert.Equal(t, standard, runOptimize(t, source, "jpg", OptimizeOptions{Quality: 80}))
	assert.Equal(t, image.Rect(0, 0, 96, 96), decoded(t, standard, "jpg").Bounds())
}

func TestOptimizeIsNeverLarger(t *testing.T) {
	t.Parallel()
	rough := runOptimize(t, encoded(t, noisy(96, 96), "jpg"), "jpg", OptimizeOptions{Quality: 10})
	assert.Equal(t, rough, runOptimize(t, rough, "jpg", OptimizeOptions{Quality: 100}))

	small := runOptimize(t, encoded(t, noisy(64, 64), "png"), "png", OptimizeOptions{})
	assert.Equal(t, small, runOptimize(t, small, "png", OptimizeOptions{}))
}

func TestOptimizeTurnsUpright(t *testing.T) {
	t.Parallel()
	source := withOrientation(encoded(t, quarters(64, 32), "jpg"), 6)
	small := runOptimize(t, source, "jpg", OptimizeOptions{Quality: 90})
	require.Less(t, len(small), len(source))
	assertCorners(t, decoded(t, small, "jpg"), 32, 64, corners{blue, red, yellow, green})
}

func TestOptimizeRefuses(t *testing.T) {
	t.Parallel()
	source := encoded(t, quarters(8, 8), "gif")
	err := Optimize(t.Context(), &bytes.Buffer{}, bytes.NewReader(source), "gif", OptimizeOptions{})
	require.ErrorIs(t, err, ErrUnsupported)
	err = Optimize(t.Context(), &bytes.Buffer{}, bytes.NewReader(source), "png", OptimizeOptions{})
	require.ErrorIs(t, err, ErrOpen)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	source = encoded(t, quarters(8, 8), "png")
	err = Optimize(ctx, &bytes.Buffer{}, bytes.NewReader(source), "png", OptimizeOptions{})
	require.ErrorIs(t, err, context.Canceled)
}
