package media

import (
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/tiff"
)

// The colors of the four quarters of a test image.
var (
	red    = color.NRGBA{R: 0xe0, G: 0x10, B: 0x10, A: 0xff}
	green  = color.NRGBA{R: 0x10, G: 0xc0, B: 0x10, A: 0xff}
	blue   = color.NRGBA{R: 0x10, G: 0x10, B: 0xe0, A: 0xff}
	yellow = color.NRGBA{R: 0xe0, G: 0xe0, B: 0x10, A: 0xff}
	white  = color.NRGBA{R: 0xff, G: 0xff, B: 0xff, A: 0xff}
	black  = color.NRGBA{A: 0xff}
	none   = color.NRGBA{}
)

// corners are the colors of an image at top left, top right, bottom left and bottom
// right.
type corners [4]color.NRGBA

// quarters returns an image of four colors.
func quarters(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for i, c := range (corners{red, green, blue, yellow}) {
		corner := image.Pt(i%2*width/2, i/2*height/2)
		area := image.Rectangle{Min: corner, Max: corner.Add(image.Pt((width+1)/2, (height+1)/2))}
		draw.Draw(m, area, image.NewUniform(c), image.Point{}, draw.Src)
	}
	return m
}

// solid returns an image of one color.
func solid(width, height int, c color.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	draw.Draw(m, m.Rect, image.NewUniform(c), image.Point{}, draw.Src)
	return m
}

// noisy returns an image with many colors.
func noisy(width, height int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.SetNRGBA(x, y, color.NRGBA{R: uint8(x * 7), G: uint8(y * 11), B: uint8(x * y), A: 0xff})
		}
	}
	return m
}

func encoded(t *testing.T, m image.Image, format string) []byte {
	t.Helper()
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "jpg":
		err = jpeg.Encode(&b, m, &jpeg.Options{Quality: 100})
	case "gif":
		err = gif.Encode(&b, indexed(m), nil) // the encoder alone would change colors
	case "bmp":
		err = bmp.Encode(&b, m)
	case "tiff":
		err = tiff.Encode(&b, m, nil)
	case "webp":
		return webpOf(t, m)
	default:
		t.Fatalf("no encoder for %q", format)
	}
	require.NoError(t, err)
	return b.Bytes()
}

// webpOf returns a lossless webp in the color of the first pixel. Its codes have one
// symbol each, so the pixels take no bits.
func webpOf(t *testing.T, m image.Image) []byte {
	t.Helper()
	var bits []byte
	count := 0
	put := func(value, width int) {
		for i := range width {
			if count%8 == 0 {
				bits = append(bits, 0)
			}
			bits[count/8] |= byte(value >> i & 1 << (count % 8))
			count++
		}
	}
	c, ok := color.NRGBAModel.Convert(m.At(0, 0)).(color.NRGBA)
	require.True(t, ok)
	put(m.Bounds().Dx()-1, 14)
	put(m.Bounds().Dy()-1, 14)
	put(1, 1) // alpha is used
	put(0, 3) // version
	put(0, 3) // no transform, no color cache, no meta codes
	for _, symbol := range []uint8{c.G, c.R, c.B, c.A, 0} {
		put(0b101, 3) // a simple code of one symbol with 8 bits
		put(int(symbol), 8)
	}
	chunk := append([]byte{0x2f}, bits...)
	if len(chunk)%2 == 1 {
		chunk = append(chunk, 0)
	}
	size := byte(len(chunk))
	riff := append([]byte("RIFF"), size+12, 0, 0, 0)
	return append(append(append(riff, "WEBPVP8L"...), size, 0, 0, 0), chunk...)
}

func decoded(t *testing.T, data []byte, format string) image.Image {
	t.Helper()
	m, err := decode(t.Context(), data, format)
	require.NoError(t, err)
	return m
}

// converted runs Convert and decodes the result.
func converted(t *testing.T, data []byte, from, to string, o ConvertOptions) image.Image {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Convert(t.Context(), &b, bytes.NewReader(data), from, to, o))
	return decoded(t, b.Bytes(), Normalize(to))
}

// assertColor checks a pixel, with a tolerance for formats with loss.
func assertColor(t *testing.T, want color.NRGBA, m image.Image, x, y int) {
	t.Helper()
	got, ok := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
	require.True(t, ok)
	if want.A == 0 {
		assert.Zero(t, got.A, "transparency at (%d,%d)", x, y)
		return
	}
	const tolerance = 16 // a small jpg differs so much near edges; the test colors differ much more
	message := "%v instead of %v at (%d,%d)"
	for _, pair := range [][2]uint8{{want.R, got.R}, {want.G, got.G}, {want.B, got.B}, {want.A, got.A}} {
		assert.InDelta(t, pair[0], pair[1], tolerance, message, got, want, x, y)
	}
}

// assertCorners checks the size of an image and the colors near its corners.
func assertCorners(t *testing.T, m image.Image, width, height int, want corners) {
	t.Helper()
	require.Equal(t, image.Rect(0, 0, width, height), m.Bounds())
	assertColor(t, want[0], m, width/8, height/8)
	assertColor(t, want[1], m, width-1-width/8, height/8)
	assertColor(t, want[2], m, width/8, height-1-height/8)
	assertColor(t, want[3], m, width-1-width/8, height-1-height/8)
}
