package standin

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
)

// letters are the letters of Mark, five pixels wide and seven high, row by row.
var letters = map[rune]string{
	'A': " ### #   ##   #######   ##   ##   #",
	'B': "#### #   ##   ##### #   ##   ##### ",
	'D': "#### #   ##   ##   ##   ##   ##### ",
	'E': "######    #    #### #    #    #####",
	'H': "#   ##   ##   #######   ##   ##   #",
	'M': "#   ### ### # ## # ##   ##   ##   #",
	'N': "#   ##   ###  ## # ##  ###   ##   #",
	'O': " ### #   ##   ##   ##   ##   # ### ",
	'S': " #####    #     ###     #    ##### ",
	'T': "#####  #    #    #    #    #    #  ",
	'X': "#   ##   # # #   #   # # #   ##   #",
	'Y': "#   ##   # # #   #    #    #    #  ",
}

// drawing returns an image that shows Mark, black on white. Its sides are even, as video
// encoders require.
func drawing() *image.Paletted {
	const scale, margin, advance, height = 2, 8, 6, 7
	text := strings.ToUpper(Mark)
	bounds := image.Rect(0, 0, len(text)*advance*scale+2*margin, height*scale+2*margin)
	m := image.NewPaletted(bounds, color.Palette{color.White, color.Black})
	for i, letter := range text {
		for at, dot := range letters[letter] {
			if dot != '#' {
				continue
			}
			x, y := margin+(i*advance+at%5)*scale, margin+at/5*scale
			for dx := range scale {
				for dy := range scale {
					m.SetColorIndex(x+dx, y+dy, 1)
				}
			}
		}
	}
	return m
}

// The encoders of the standard library return only errors of their writers, and a Buffer
// has none.

func pngFile() []byte {
	var out bytes.Buffer
	_ = png.Encode(&out, drawing())
	return out.Bytes()
}

func jpgFile() []byte {
	var out bytes.Buffer
	_ = jpeg.Encode(&out, drawing(), nil)
	return out.Bytes()
}

func gifFile() []byte {
	var out bytes.Buffer
	_ = gif.Encode(&out, drawing(), nil)
	return out.Bytes()
}

// icoFile makes an icon of 16 pixels. It has no room for the text, but its entry is a PNG,
// which has metadata.
func icoFile() []byte {
	m := image.NewPaletted(image.Rect(0, 0, 16, 16), color.Palette{color.White, color.Black})
	for i := range 16 {
		m.SetColorIndex(i, i, 1)
	}
	var entry bytes.Buffer
	_ = png.Encode(&entry, m)
	content := withPNGText(entry.Bytes())
	header := []any{
		[3]uint16{0, 1, 1},                       // an icon with one image
		[4]uint8{16, 16, 0, 0}, [2]uint16{1, 32}, // its size, planes and bits
		[2]uint32{length(len(content)), 6 + 16}, content, // its length and offset
	}
	return packed(binary.LittleEndian, header...)
}

// bmpFile makes an image with 24 bits for each pixel.
func bmpFile() []byte {
	m := drawing()
	width, height := m.Rect.Dx(), m.Rect.Dy()
	stride := (width*3 + 3) / 4 * 4
	pixels := make([]byte, stride*height)
	for y := range height {
		for x := range width {
			if m.ColorIndexAt(x, height-1-y) == 0 { // from the bottom
				copy(pixels[y*stride+x*3:], "\xff\xff\xff")
			}
		}
	}
	const head = 14 + 40
	return packed(binary.LittleEndian,
		[]byte("BM"), length(head+len(pixels)), uint32(0), uint32(head),
		uint32(40), length(width), length(height), uint16(1), uint16(24), uint32(0), length(len(pixels)),
		[2]int32{2835, 2835}, [2]uint32{}, pixels)
}

// tiffFile makes a gray image in one strip.
func tiffFile() []byte {
	m := drawing()
	width, height := m.Rect.Dx(), m.Rect.Dy()
	pixels := make([]byte, width*height)
	for i, index := range m.Pix {
		if index == 0 {
			pixels[i] = 0xff
		}
	}
	const entries, head = 10, 8
	software := Mark + "\x00"
	const pixelsAt = head + 2 + entries*12 + 4
	softwareAt := pixelsAt + length(len(pixels))
	const short, long, ascii = 3, 4, 2
	entry := func(tag, kind uint16, count int, value uint32) []byte {
		return packed(binary.LittleEndian, tag, kind, length(count), value)
	}
	return packed(binary.LittleEndian, []byte("II"), uint16(42), uint32(head), uint16(entries),
		entry(256, long, 1, length(width)), entry(257, long, 1, length(height)),
		entry(258, short, 1, 8),                      // bits of a sample
		entry(259, short, 1, 1),                      // no compression
		entry(262, short, 1, 1),                      // 0 is black
		entry(273, long, 1, pixelsAt),                // offset of the strip
		entry(277, short, 1, 1),                      // samples of a pixel
		entry(278, long, 1, length(height)),          // rows of the strip
		entry(279, long, 1, length(len(pixels))),     // bytes of the strip
		entry(305, ascii, len(software), softwareAt), // software
		uint32(0), pixels, []byte(software))
}

// withPNGText adds Mark to a PNG, before its last chunk.
func withPNGText(file []byte) []byte {
	const end = 12
	text := "tEXtComment\x00" + Mark
	chunk := packed(binary.BigEndian, length(len(text)-4), []byte(text), checksum([]byte(text)))
	return append(append(bytes.Clone(file[:len(file)-end]), chunk...), file[len(file)-end:]...)
}
