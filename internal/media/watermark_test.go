package media

import (
	"bytes"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func watermarked(t *testing.T, m image.Image, format string, o WatermarkOptions) image.Image {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Watermark(t.Context(), &b, bytes.NewReader(encoded(t, m, format)), format, o))
	return decoded(t, b.Bytes(), Normalize(format))
}

// inked returns the smallest rectangle around all pixels that are not white.
func inked(m image.Image) image.Rectangle {
	var area image.Rectangle
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y++ {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x++ {
			if r, g, b, _ := m.At(x, y).RGBA(); min(r, g, b) < 0xc000 {
				area = area.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return area
}

// stamp returns options for an image of one color.
func stamp(t *testing.T, width, height int, c color.Color) WatermarkOptions {
	t.Helper()
	mark := encoded(t, solid(width, height, c), "png")
	return WatermarkOptions{Image: bytes.NewReader(mark), ImageFormat: "png", Opacity: 100}
}

func TestWatermarkImagePosition(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		vertical, horizontal string
		marginV, marginH     int
		want                 image.Rectangle
	}{
		"center by default":        {"", "", 7, 7, image.Rect(40, 30, 60, 40)},
		"center":                   {"center", "center", 0, 0, image.Rect(40, 30, 60, 40)},
		"top left":                 {"top", "left", 5, 8, image.Rect(8, 5, 28, 15)},
		"bottom right":             {"bottom", "right", 5, 8, image.Rect(72, 55, 92, 65)},
		"bottom center":            {"bottom", "center", 0, 8, image.Rect(40, 60, 60, 70)},
		"beyond the edge is lost":  {"top", "left", -5, -8, image.Rect(0, 0, 12, 5)},
		"outside nothing is drawn": {"top", "left", 500, 0, image.Rectangle{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := stamp(t, 20, 10, blue)
			o.PositionVertical, o.PositionHorizontal = test.vertical, test.horizontal
			o.MarginVertical, o.MarginHorizontal = test.marginV, test.marginH
			got := watermarked(t, solid(100, 70, white), "png", o)
			assert.Equal(t, test.want, inked(got))
		})
	}
}

func TestWatermarkImageSize(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		width, height int
		percent       float64
		want          image.Point
	}{
		"its own":        {0, 0, 0, image.Pt(20, 10)},
		"width":          {40, 0, 0, image.Pt(40, 20)},
		"height":         {0, 30, 0, image.Pt(60, 30)},
		"both":           {30, 30, 0, image.Pt(30, 30)},
		"percent":        {0, 0, 50, image.Pt(50, 25)},
		"percent and px": {10, 10, 50, image.Pt(50, 25)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := stamp(t, 20, 10, blue)
			o.ImageWidth, o.ImageHeight, o.ImageWidthPercent = test.width, test.height, test.percent
			assert.Equal(t, test.want, inked(watermarked(t, solid(100, 70, white), "png", o)).Size())
		})
	}
}

func TestWatermarkOpacity(t *testing.T) {
	t.Parallel()
	for opacity, want := range map[int]color.NRGBA{
		100: {A: 0xff}, 50: {R: 0x80, G: 0x80, B: 0x80, A: 0xff}, 0: white,
	} {
		o := stamp(t, 20, 20, black)
		o.Opacity = opacity
		assertColor(t, want, watermarked(t, solid(20, 20, white), "png", o), 10, 10)
	}
	o := stamp(t, 20, 20, color.NRGBA{A: 0x80})
	o.Opacity = 50
	want := color.NRGBA{R: 0xc0, G: 0xc0, B: 0xc0, A: 0xff}
	assertColor(t, want, watermarked(t, solid(20, 20, white), "png", o), 10, 10)
}

func TestWatermarkRotation(t *testing.T) {
	t.Parallel()
	turned := func(degrees float64) image.Image {
		mark := encoded(t, quarters(40, 20), "png")
		o := WatermarkOptions{Image: bytes.NewReader(mark), ImageFormat: "png", Opacity: 100, Rotation: degrees}
		return watermarked(t, solid(80, 80, white), "png", o)
	}
	quarter := turned(90)
	assert.Equal(t, image.Rect(30, 20, 50, 60), inked(quarter))
	assertColor(t, blue, quarter, 34, 25) // clockwise: bottom left moves to the top
	assertColor(t, red, quarter, 46, 25)
	assertColor(t, yellow, quarter, 34, 55)

	back := turned(-90)
	assertColor(t, green, back, 34, 25)
	assert.Equal(t, image.Rect(20, 30, 60, 50), inked(turned(360)))
	assertColor(t, red, turned(720), 22, 32)
	assertColor(t, yellow, turned(180), 22, 32)

	slanted := inked(turned(45))
	assert.InDelta(t, 42, slanted.Dx(), 3)
	assert.InDelta(t, 42, slanted.Dy(), 3)
}

func TestWatermarkOnEveryFormat(t *testing.T) {
	t.Parallel()
	_, outputs := Formats()
	for _, format := range outputs {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			o := stamp(t, 16, 16, white)
			o.PositionVertical, o.PositionHorizontal = "top", "left"
			got := watermarked(t, quarters(32, 32), format, o)
			assertCorners(t, got, 32, 32, corners{white, green, blue, yellow})
		})
	}
}

func TestWatermarkKeeps16Bits(t *testing.T) {
	t.Parallel()
	deep := image.NewNRGBA64(image.Rect(0, 0, 32, 32))
	want := color.NRGBA64{R: 0x1234, G: 0x5678, B: 0x9abc, A: 0xffff}
	for i := range 32 * 32 {
		deep.SetNRGBA64(i%32, i/32, want)
	}
	o := stamp(t, 4, 4, white)
	got := watermarked(t, deep, "png", o)
	assert.Equal(t, want, color.NRGBA64Model.Convert(got.At(1, 1)))
	assertColor(t, white, got, 16, 16)
}

func TestWatermarkText(t *testing.T) {
	t.Parallel()
	ground := solid(400, 200, white)
	normal := inked(watermarked(t, ground, "png", WatermarkOptions{Text: "Hello", Opacity: 100}))
	require.False(t, normal.Empty())
	assert.InDelta(t, 200, (normal.Min.X+normal.Max.X)/2, 3)
	assert.InDelta(t, 100, (normal.Min.Y+normal.Max.Y)/2, 12)

	large := inked(watermarked(t, ground, "png", WatermarkOptions{Text: "Hello", FontSize: 80, Opacity: 100}))
	assert.InDelta(t, 2*normal.Dx(), large.Dx(), 4)
	assert.InDelta(t, 2*normal.Dy(), large.Dy(), 4)

	wide := inked(watermarked(t, ground, "png", WatermarkOptions{Text: "Hello", FontWidthPercent: 50, FontSize: 7, Opacity: 100}))
	assert.InDelta(t, 200, wide.Dx(), 12)

	corner := inked(watermarked(t, ground, "png", WatermarkOptions{
		Text: "Hello", Opacity: 100, PositionVertical: "bottom", PositionHorizontal: "right",
	}))
	assert.InDelta(t, 400, corner.Max.X, 5)
	assert.Greater(t, corner.Min.Y, 140)
}

func TestWatermarkTextColor(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]color.NRGBA{"": black, "#e01010": red, "#00f": {B: 0xff, A: 0xff}} {
		m := watermarked(t, solid(120, 120, white), "png", WatermarkOptions{
			Text: "I", FontSize: 200, FontColor: text, Opacity: 100,
		})
		area := inked(m)
		assertColor(t, want, m, (area.Min.X+area.Max.X)/2, (area.Min.Y+area.Max.Y)/2)
	}
}

func TestWatermarkTextLines(t *testing.T) {
	t.Parallel()
	lines := func(align string) (first, second image.Rectangle) {
		m := watermarked(t, solid(300, 200, white), "png", WatermarkOptions{
			Text: "iii\r\nMMMMMM", FontAlign: align, Opacity: 100, PositionVertical: "top", PositionHorizontal: "left",
		})
		rgba := toRGBA(m)
		return inked(rgba.SubImage(image.Rect(0, 0, 300, 44))), inked(rgba.SubImage(image.Rect(0, 48, 300, 200)))
	}
	first, second := lines("")
	require.Less(t, first.Dx(), second.Dx())
	assert.InDelta(t, second.Min.X, first.Min.X, 8)
	first, second = lines("right")
	assert.InDelta(t, second.Max.X, first.Max.X, 8)
	first, second = lines("center")
	assert.InDelta(t, second.Min.X+second.Max.X, first.Min.X+first.Max.X, 12)
}

func TestWatermarkRefuses(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]WatermarkOptions{
		"nothing":    {},
		"opacity":    {Text: "a", Opacity: 101},
		"vertical":   {Text: "a", PositionVertical: "left"},
		"horizontal": {Text: "a", PositionHorizontal: "top"},
		"align":      {Text: "a", FontAlign: "justify"},
		"color":      {Text: "a", FontColor: "red"},
		"no hash":    {Text: "a", FontColor: "ff0000"},
		"bad digits": {Text: "a", FontColor: "#ff00zz"},
		"tiny font":  {Text: "a", FontSize: 0.5},
		"huge font":  {Text: "a", FontSize: 1e9},
		"huge width": {Text: "a", FontWidthPercent: 1e9},
		"svg":        {Image: bytes.NewReader(nil), ImageFormat: "svg"},
		"image size": {Image: bytes.NewReader(encoded(t, solid(4, 4, red), "png")), ImageFormat: "png", ImageWidthPercent: -5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := bytes.NewReader(encoded(t, quarters(32, 32), "png"))
			require.ErrorIs(t, Watermark(t.Context(), &bytes.Buffer{}, source, "png", o), ErrUnsupported)
		})
	}
	source := bytes.NewReader(encoded(t, quarters(32, 32), "webp"))
	err := Watermark(t.Context(), &bytes.Buffer{}, source, "webp", WatermarkOptions{Text: "a"})
	require.ErrorIs(t, err, ErrUnsupported)

	source = bytes.NewReader(encoded(t, quarters(32, 32), "png"))
	broken := WatermarkOptions{Image: bytes.NewReader([]byte("text")), ImageFormat: "png"}
	err = Watermark(t.Context(), &bytes.Buffer{}, source, "png", broken)
	require.ErrorIs(t, err, ErrOpen)
	assert.ErrorContains(t, err, "watermark")
}
