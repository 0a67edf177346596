package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// exifEntry is an entry of a directory with its values as bytes.
type exifEntry struct {
	tag, kind uint16
	count     uint32
	data      []byte
}

// exifBlock returns an EXIF block with a directory, and one for the camera if there are
// entries for it.
func exifBlock(order binary.AppendByteOrder, first, camera []exifEntry) []byte {
	mark := "II*\x00"
	if order == binary.AppendByteOrder(binary.BigEndian) {
		mark = "MM\x00*"
	}
	block := order.AppendUint32([]byte(mark), 8)
	if camera == nil {
		return appendDirectory(order, block, first)
	}
	first = append(first, exifEntry{exifDirectoryTag, 4, 1, nil})
	size := len(appendDirectory(order, block, first))
	first[len(first)-1].data = order.AppendUint32(nil, uint32(size))
	return appendDirectory(order, appendDirectory(order, block, first), camera)
}

// appendDirectory appends a directory, followed by the values that do not fit into its
// entries.
func appendDirectory(order binary.AppendByteOrder, block []byte, entries []exifEntry) []byte {
	behind := len(block) + 2 + 12*len(entries) + 4
	var values []byte
	block = order.AppendUint16(block, uint16(len(entries)))
	for _, e := range entries {
		block = order.AppendUint32(order.AppendUint16(order.AppendUint16(block, e.tag), e.kind), e.count)
		if len(e.data) <= 4 {
			block = append(block, append(e.data, make([]byte, 4-len(e.data))...)...)
			continue
		}
		block = order.AppendUint32(block, uint32(behind+len(values)))
		values = append(values, e.data...)
	}
	return append(append(block, 0, 0, 0, 0), values...)
}

// withEXIF puts an EXIF block into a jpg.
func withEXIF(jpg, block []byte) []byte {
	content := append([]byte("Exif\x00\x00"), block...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(content)+2))
	return append(append(bytes.Clone(jpg[:2]), append(segment, content...)...), jpg[2:]...)
}

func withOrientation(jpg []byte, orientation uint16) []byte {
	order := binary.BigEndian
	entry := exifEntry{0x0112, 3, 1, order.AppendUint16(nil, orientation)}
	return withEXIF(jpg, exifBlock(order, []exifEntry{entry}, nil))
}

func TestOrientation(t *testing.T) {
	t.Parallel()
	// What is stored as red, green / blue, yellow looks like this:
	for orientation, want := range map[uint16]corners{
		0: {red, green, blue, yellow}, // invalid
		1: {red, green, blue, yellow},
		2: {green, red, yellow, blue},
		3: {yellow, blue, green, red},
		4: {blue, yellow, red, green},
		5: {red, blue, green, yellow},
		6: {blue, red, yellow, green},
		7: {yellow, green, blue, red},
		8: {green, yellow, red, blue},
		9: {red, green, blue, yellow},
	} {
		t.Run(fmt.Sprintf("orientation %d", orientation), func(t *testing.T) {
			t.Parallel()
			width, height := 64, 32
			if orientation >= 5 && orientation <= 8 {
				width, height = height, width
			}
			source := withOrientation(encoded(t, quarters(64, 32), "jpg"), orientation)
			assertCorners(t, converted(t, source, "jpg", "png", ConvertOptions{}), width, height, want)
			half := ConvertOptions{Width: width / 2}
			assertCorners(t, converted(t, source, "jpg", "jpg", half), width/2, height/2, want)
		})
	}
}

func TestUprightMovesEveryPixel(t *testing.T) {
	t.Parallel()
	source := noisy(5, 3)
	mirrored := upright(source, 5)
	for y := range 3 {
		for x := range 5 {
			assert.Equal(t, toRGBA(source).At(x, y), mirrored.At(y, x))
		}
	}
	for _, pair := range [][2]int{{2, 2}, {3, 3}, {4, 4}, {5, 5}, {6, 8}, {7, 7}, {8, 6}} {
		assertSamePixels(t, source, upright(upright(source, pair[0]), pair[1]))
	}
}

func TestParseEXIF(t *testing.T) {
	t.Parallel()
	for name, order := range map[string]binary.AppendByteOrder{"little": binary.LittleEndian, "big": binary.BigEndian} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ratio := func(a, b uint32) []byte { return order.AppendUint32(order.AppendUint32(nil, a), b) }
			short := func(n uint16) []byte { return order.AppendUint16(nil, n) }
			first := []exifEntry{
				{0x010f, 2, 10, []byte("Lightbox \x00")},
				{0x0110, 2, 3, []byte("X1\x00")},
				{0x0112, 3, 1, short(8)},
				{0x011a, 5, 1, ratio(300, 1)},
				{0x011b, 5, 1, ratio(300, 0)}, // invalid
				{0x0128, 3, 1, short(2)},
				{0x4444, 3, 1, short(1)}, // unknown
			}
			camera := []exifEntry{
				{0x829a, 5, 1, ratio(10, 2500)},
				{0x829d, 5, 1, ratio(28, 10)},
				{0x8827, 3, 1, short(200)},
				{0x9003, 2, 20, []byte("2026:05:04 03:02:01\x00")},
				{0x920a, 5, 1, ratio(50, 1)},
			}
			got := parseEXIF(exifBlock(order, first, camera))
			assert.Equal(t, 8, got.orientation)
			assert.Equal(t, map[string]any{
				"Make":             "Lightbox",
				"Model":            "X1",
				"Orientation":      "Rotate 270 CW",
				"XResolution":      300.0,
				"ResolutionUnit":   "inches",
				"ExposureTime":     "1/250",
				"FNumber":          2.8,
				"ISO":              200,
				"DateTimeOriginal": "2026:05:04 03:02:01",
				"FocalLength":      "50.0 mm",
			}, got.values)
		})
	}
}

func TestJPEGEXIFIsFoundBehindOtherSegments(t *testing.T) {
	t.Parallel()
	block := []byte("II*\x00 and so on")
	jpg := withEXIF([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, block)
	comment := []byte{0xff, 0xfe, 0, 5, 'a', 'b', 'c', 0xff} // with a fill byte before the next marker
	jpg = append([]byte{0xff, 0xd8}, append(comment, jpg[2:]...)...)
	assert.Equal(t, block, jpegEXIF(jpg))

	hidden := append([]byte{0xff, 0xd8, 0xff, 0xda, 0, 2}, jpg[2:]...)
	assert.Nil(t, jpegEXIF(hidden), "the image data is not searched")
}

func TestDamagedEXIFIsIgnored(t *testing.T) {
	t.Parallel()
	source := withOrientation(encoded(t, quarters(32, 32), "jpg"), 3)
	start := bytes.Index(source, []byte("MM"))
	require.Positive(t, start)
	copy(source[start+4:], []byte{0xff, 0xff, 0xff, 0xff}) // the directory is beyond the end
	got := converted(t, source, "jpg", "png", ConvertOptions{})
	assertCorners(t, got, 32, 32, corners{red, green, blue, yellow})
}

func TestLongEXIFTextIsCut(t *testing.T) {
	t.Parallel()
	text := exifEntry{0x010f, 2, 50_000, bytes.Repeat([]byte("x"), 50_000)}
	got := parseEXIF(exifBlock(binary.LittleEndian, []exifEntry{text}, nil))
	assert.Len(t, got.values["Make"], maxEXIFText)
}

func FuzzEXIF(f *testing.F) {
	order := binary.LittleEndian
	text := exifEntry{0x010f, 2, 9, []byte("Lightbox\x00")}
	turn := exifEntry{0x0112, 3, 1, []byte{6, 0}}
	time := exifEntry{0x829a, 5, 1, []byte{1, 0, 0, 0, 250, 0, 0, 0}}
	block := exifBlock(order, []exifEntry{text, turn}, []exifEntry{time})
	f.Add(block)
	f.Add(withEXIF([]byte{0xff, 0xd8, 0xff, 0xda}, block))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range []string{"tiff", "jpg"} {
			got := imageEXIF(data, format)
			if got.orientation < 0 || got.orientation > 8 {
				t.Errorf("orientation %d", got.orientation)
			}
			checkValues(t, got.values)
		}
	})
}

// checkValues checks that JSON can encode the values.
func checkValues(t *testing.T, values map[string]any) {
	t.Helper()
	for key, value := range values {
		switch value := value.(type) {
		case string:
			assert.True(t, value != "" && len(value) == len([]byte(value)), key)
			assert.True(t, bytes.Equal([]byte(value), bytes.ToValidUTF8([]byte(value), nil)), key)
		case int, float64:
			assert.NotContains(t, fmt.Sprint(value), "N", key) // NaN and infinities
		default:
			t.Errorf("%s is a %T", key, value)
		}
	}
}
