package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDecodeRefusesOtherContent(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data   []byte
		format string
		want   string // a part of the message
	}{
		"empty":            {nil, "png", "empty"},
		"jpg named png":    {encoded(t, quarters(8, 8), "jpg"), "png", "as png: its content is jpg"},
		"png named webp":   {encoded(t, quarters(8, 8), "png"), "webp", "as webp: its content is png"},
		"tiff named bmp":   {encoded(t, quarters(8, 8), "tiff"), "bmp", "as bmp: its content is tiff"},
		"pdf named jpg":    {[]byte("%PDF-1.7\n"), "jpg", "as jpg: its content is pdf"},
		"text named gif":   {[]byte("hello"), "gif", "its content is not gif"},
		"only a signature": {[]byte("\x89PNG\r\n\x1a\n"), "png", "as png"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := readImage(t.Context(), bytes.NewReader(test.data), test.format)
			require.ErrorIs(t, err, ErrOpen)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestDecodeTruncated(t *testing.T) {
	t.Parallel()
	inputs, _ := Formats()
	for _, format := range inputs {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			whole := encoded(t, noisy(40, 40), format)
			for _, part := range []int{len(whole) / 4, len(whole) / 2, len(whole) * 3 / 4} {
				_, err := decode(t.Context(), whole[:part], format)
				assert.ErrorIs(t, err, ErrOpen, "%d of %d bytes", part, len(whole))
			}
		})
	}
}

func TestDecodeRefusesBombs(t *testing.T) {
	t.Parallel()
	bomb := encoded(t, quarters(1, 1), "png")
	header := bomb[12:29] // the type and the content of the first chunk
	binary.BigEndian.PutUint32(header[4:], 12_000)
	binary.BigEndian.PutUint32(header[8:], 12_000)
	binary.BigEndian.PutUint32(bomb[29:], crc32.ChecksumIEEE(header))

	_, err := decode(t.Context(), bomb, "png")
	require.ErrorIs(t, err, ErrOpen)
	assert.ErrorContains(t, err, "12000x12000")
}

func TestDecodeCMYK(t *testing.T) {
	t.Parallel()
	data := cmykJPG(0x00, 0xff, 0xff, 0x00) // magenta and yellow make red
	m := decoded(t, data, "jpg")
	require.IsType(t, &image.CMYK{}, m)
	want := color.NRGBA{R: 0xff, A: 0xff}
	_, outputs := Formats()
	for _, to := range outputs {
		assertCorners(t, converted(t, data, "jpg", to, ConvertOptions{}), 8, 8, corners{want, want, want, want})
	}
	assertCorners(t, converted(t, data, "jpg", "png", ConvertOptions{Width: 4}), 4, 4, corners{want, want, want, want})
}

// cmykJPG returns a jpg of one block in one CMYK color, inverted as Adobe's programs
// store it.
func cmykJPG(inks ...byte) []byte {
	segment := func(marker byte, content ...byte) []byte {
		size := len(content) + 2
		return append([]byte{0xff, marker, byte(size >> 8), byte(size)}, content...)
	}
	quantization := append([]byte{0}, bytes.Repeat([]byte{1}, 64)...)
	frame := []byte{8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0}
	dcCodes := append([]byte{0x00, 0, 0, 0, 12}, make([]byte, 12)...) // twelve codes of 4 bits: 0 to 11
	dcCodes = append(dcCodes, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11)
	acCodes := append([]byte{0x10, 1}, make([]byte, 15)...) // one code of 1 bit: the end of the block
	acCodes = append(acCodes, 0)

	data := []byte{0xff, 0xd8}
	data = append(data, segment(0xee, append([]byte("Adobe"), 0, 100, 0, 0, 0, 0, 0)...)...)
	data = append(data, segment(0xdb, quantization...)...)
	data = append(data, segment(0xc0, frame...)...)
	data = append(data, segment(0xc4, dcCodes...)...)
	data = append(data, segment(0xc4, acCodes...)...)
	data = append(data, segment(0xda, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0)...)
	var bits bitWriter
	for _, ink := range inks {
		bits.block(8 * (int(^ink) - 128))
	}
	return append(append(data, bits.bytes()...), 0xff, 0xd9)
}

// bitWriter writes the entropy-coded part of a jpg.
type bitWriter struct{ text []byte }

// block writes a block of one color.
func (w *bitWriter) block(mean int) {
	category, bits := 0, mean
	if mean < 0 {
		bits = -mean
	}
	for rest := bits; rest > 0; rest >>= 1 {
		category++
	}
	if mean < 0 {
		bits = mean + 1<<category - 1
	}
	w.put(category, 4)
	w.put(bits, category)
	w.put(0, 1)
}

func (w *bitWriter) put(value, width int) {
	for i := width - 1; i >= 0; i-- {
		w.text = append(w.text, byte(value>>i&1))
	}
}

// bytes pads the last byte and escapes bytes that look like markers.
func (w *bitWriter) bytes() []byte {
	for len(w.text)%8 != 0 {
		w.text = append(w.text, 1)
	}
	var out []byte
	for i := 0; i < len(w.text); i += 8 {
		var b byte
		for _, bit := range w.text[i : i+8] {
			b = b<<1 | bit
		}
		out = append(out, b)
		if b == 0xff {
			out = append(out, 0)
		}
	}
	return out
}
