package media

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"math"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/draw"
)

func TestConvertEveryPair(t *testing.T) {
	t.Parallel()
	inputs, outputs := Formats()
	for _, from := range inputs {
		for _, to := range outputs {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				want := corners{red, green, blue, yellow}
				if from == "webp" {
					want = corners{red, red, red, red} // the test images in this format have one color
				}
				data := encoded(t, quarters(64, 48), from)
				assertCorners(t, converted(t, data, from, to, ConvertOptions{}), 64, 48, want)
			})
		}
	}
}

func TestConvertTransparency(t *testing.T) {
	t.Parallel()
	m := quarters(32, 32)
	draw.Draw(m, image.Rect(0, 0, 16, 16), image.Transparent, image.Point{}, draw.Src)
	for to, want := range map[string]color.NRGBA{"png": none, "gif": none, "tiff": none, "jpg": white, "bmp": white} {
		t.Run(to, func(t *testing.T) {
			t.Parallel()
			for _, from := range []string{"png", "gif"} {
				got := converted(t, encoded(t, m, from), from, to, ConvertOptions{})
				assertCorners(t, got, 32, 32, corners{want, green, blue, yellow})
			}
		})
	}
}

func TestConvertHalfTransparency(t *testing.T) {
	t.Parallel()
	half := encoded(t, solid(16, 16, color.NRGBA{R: 0xff, A: 0x80}), "png")
	assertColor(t, color.NRGBA{R: 0xff, G: 0x7f, B: 0x7f, A: 0xff}, converted(t, half, "png", "jpg", ConvertOptions{}), 8, 8)
	assertColor(t, color.NRGBA{R: 0xff, A: 0xff}, converted(t, half, "png", "gif", ConvertOptions{}), 8, 8)
	assertColor(t, color.NRGBA{R: 0xff, A: 0x80}, converted(t, half, "png", "png", ConvertOptions{}), 8, 8)

	webp := encoded(t, solid(16, 16, none), "webp")
	assertColor(t, white, converted(t, webp, "webp", "jpg", ConvertOptions{}), 8, 8)
	assertColor(t, none, converted(t, webp, "webp", "png", ConvertOptions{}), 8, 8)
}

func TestConvertManyColorsToGIF(t *testing.T) {
	t.Parallel()
	m := solid(96, 96, none)
	for y := range 96 {
		for x := range 48 {
			m.SetNRGBA(x, y, color.NRGBA{R: uint8(x * 5), G: uint8(y * 2), B: 0x80, A: 0xff})
		}
	}
	got := converted(t, encoded(t, m, "png"), "png", "gif", ConvertOptions{})
	assertColor(t, none, got, 80, 48)

	// Dithering is right on average, not at each pixel.
	var sum [3]int
	for y := 40; y < 56; y++ {
		for x := 16; x < 32; x++ {
			r, g, b, _ := got.At(x, y).RGBA()
			sum[0], sum[1], sum[2] = sum[0]+int(r>>8), sum[1]+int(g>>8), sum[2]+int(b>>8)
		}
	}
	assert.InDelta(t, 5*23.5, sum[0]/256, 8)
	assert.InDelta(t, 2*47.5, sum[1]/256, 8)
	assert.InDelta(t, 0x80, sum[2]/256, 8)
}

func TestConvertKeepsGray(t *testing.T) {
	t.Parallel()
	gray := image.NewGray(image.Rect(0, 0, 16, 16))
	draw.Draw(gray, gray.Rect, image.NewUniform(color.Gray{Y: 0x60}), image.Point{}, draw.Src)
	for _, o := range []ConvertOptions{{}, {Width: 8}} {
		for _, to := range []string{"png", "jpg", "tiff"} {
			got := converted(t, encoded(t, gray, "png"), "png", to, o)
			assert.IsType(t, gray, got, to)
			assertColor(t, color.NRGBA{R: 0x60, G: 0x60, B: 0x60, A: 0xff}, got, 4, 4)
		}
	}
}

func TestConvert16Bit(t *testing.T) {
	t.Parallel()
	deep := image.NewNRGBA64(image.Rect(0, 0, 16, 16))
	want := color.NRGBA64{R: 0x1234, G: 0x5678, B: 0x9abc, A: 0xffff}
	draw.Draw(deep, deep.Rect, image.NewUniform(want), image.Point{}, draw.Src)
	data := encoded(t, deep, "png")

	for _, o := range []ConvertOptions{{}, {Width: 8, Height: 8}} {
		got := converted(t, data, "png", "png", o)
		assert.Equal(t, want, color.NRGBA64Model.Convert(got.At(4, 4)), "%v", o)
	}
	eight := color.NRGBA{R: 0x12, G: 0x56, B: 0x9a, A: 0xff}
	for _, to := range []string{"jpg", "gif", "bmp", "tiff"} {
		assertColor(t, eight, converted(t, data, "png", to, ConvertOptions{}), 4, 4)
	}

	gray := image.NewGray16(image.Rect(0, 0, 16, 16))
	draw.Draw(gray, gray.Rect, image.NewUniform(color.Gray16{Y: 0x4321}), image.Point{}, draw.Src)
	data = encoded(t, gray, "png")
	assert.Equal(t, color.Gray16{Y: 0x4321}, converted(t, data, "png", "png", ConvertOptions{}).At(3, 3))
	assert.IsType(t, &image.Gray{}, converted(t, data, "png", "jpg", ConvertOptions{}))
}

func TestConvertJPGQuality(t *testing.T) {
	t.Parallel()
	sizes := map[int]int{}
	for _, quality := range []int{0, 20, 90, 100} {
		var b bytes.Buffer
		source := bytes.NewReader(encoded(t, noisy(64, 64), "png"))
		require.NoError(t, Convert(t.Context(), &b, source, "png", "jpg", ConvertOptions{Quality: quality}))
		sizes[quality] = b.Len()
	}
	assert.Less(t, sizes[20], sizes[90])
	assert.Less(t, sizes[90], sizes[100])
	assert.Equal(t, sizes[90], sizes[0])
}

func TestConvertGIFWithSmallFirstFrame(t *testing.T) {
	t.Parallel()
	frame := image.NewPaletted(image.Rect(8, 8, 16, 16), color.Palette{red, blue})
	var b bytes.Buffer
	require.NoError(t, gif.EncodeAll(&b, &gif.GIF{
		Image:  []*image.Paletted{frame},
		Delay:  []int{0},
		Config: image.Config{Width: 16, Height: 16, ColorModel: frame.Palette},
	}))
	assertCorners(t, converted(t, b.Bytes(), "gif", "png", ConvertOptions{}), 16, 16, corners{none, none, none, red})
}

func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	good := encoded(t, quarters(8, 8), "png")
	for name, test := range map[string]struct {
		from, to string
		options  ConvertOptions
	}{
		"input format":  {"docx", "png", ConvertOptions{}},
		"output format": {"png", "webp", ConvertOptions{}},
		"fit":           {"png", "png", ConvertOptions{Width: 4, Fit: "fill"}},
		"negative size": {"png", "png", ConvertOptions{Width: -4}},
		"huge size":     {"png", "png", ConvertOptions{Width: math.MaxInt, Height: math.MaxInt, Fit: "scale"}},
		"huge area":     {"png", "png", ConvertOptions{Width: 100_000, Height: 100_000, Fit: "crop"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			err := Convert(t.Context(), &b, bytes.NewReader(good), test.from, test.to, test.options)
			require.ErrorIs(t, err, ErrUnsupported)
			assert.Zero(t, b.Len())
		})
	}
}

func TestConvertStopsWithContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var b bytes.Buffer
	err := Convert(ctx, &b, bytes.NewReader(encoded(t, quarters(8, 8), "png")), "png", "jpg", ConvertOptions{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Zero(t, b.Len())
}

func TestConvertReturnsReadErrors(t *testing.T) {
	t.Parallel()
	broken := errors.New("connection reset")
	err := Convert(t.Context(), &bytes.Buffer{}, iotest.ErrReader(broken), "png", "jpg", ConvertOptions{})
	require.ErrorIs(t, err, broken)
	assert.NotErrorIs(t, err, ErrOpen)
}
