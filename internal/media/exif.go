package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// exif is the part of an image's EXIF data that is used.
type exif struct {
	orientation int            // 1 to 8, or 0 if unknown
	values      map[string]any // by the names of ExifTool: strings, ints and floats
}

// exifTags maps the tags that are read to their names. The two directories of EXIF have
// no number in common.
var exifTags = map[uint16]string{
	0x010e: "ImageDescription",
	0x010f: "Make",
	0x0110: "Model",
	0x0112: "Orientation",
	0x011a: "XResolution",
	0x011b: "YResolution",
	0x0128: "ResolutionUnit",
	0x0131: "Software",
	0x0132: "ModifyDate",
	0x013b: "Artist",
	0x8298: "Copyright",
	0x829a: "ExposureTime",
	0x829d: "FNumber",
	0x8827: "ISO",
	0x9003: "DateTimeOriginal",
	0x9004: "CreateDate",
	0x920a: "FocalLength",
	0xa434: "LensModel",
}

// exifDirectoryTag points to the directory with the data of the camera.
const exifDirectoryTag = 0x8769

// imageEXIF returns the EXIF data of a jpg or tiff. That of other formats is not read.
func imageEXIF(data []byte, format string) exif {
	switch format {
	case "jpg":
		return parseEXIF(jpegEXIF(data))
	case "tiff":
		return parseEXIF(data)
	}
	return exif{}
}

// jpegEXIF returns the EXIF block of a jpg, or nil.
func jpegEXIF(data []byte) []byte {
	data = data[min(2, len(data)):]
	for len(data) >= 4 && data[0] == 0xff {
		marker := data[1]
		if marker == 0xff { // fill byte
			data = data[1:]
			continue
		}
		end := 2 + int(binary.BigEndian.Uint16(data[2:]))
		if marker == 0xda || end < 4 || end > len(data) { // the image data, or a damaged segment
			return nil
		}
		if block, ok := bytes.CutPrefix(data[4:end], []byte("Exif\x00\x00")); ok && marker == 0xe1 {
			return block
		}
		data = data[end:]
	}
	return nil
}

// parseEXIF parses an EXIF block, which has the structure of a tiff file. It skips what
// is damaged.
func parseEXIF(block []byte) exif {
	e := exif{values: map[string]any{}}
	if len(block) < 8 {
		return e
	}
	d := directory{block: block, order: binary.LittleEndian}
	if block[0] == 'M' {
		d.order = binary.BigEndian
	}
	camera := 0
	d.each(d.order.Uint32(block[4:]), func(tag uint16, value any) {
		if number, ok := value.(int); ok && tag == exifDirectoryTag {
			camera = number
		}
		e.set(tag, value)
	})
	d.each(uint32(camera), e.set)
	return e
}

// set stores the value of a known tag.
func (e *exif) set(tag uint16, value any) {
	name, known := exifTags[tag]
	if !known {
		return
	}
	if number, ok := value.(int); ok && name == "Orientation" && number >= 1 && number <= 8 {
		e.orientation = number
	}
	if printed := printEXIF(name, value); printed != nil {
		e.values[name] = printed
	}
}

// directory reads the directories of an EXIF block.
type directory struct {
	block []byte
	order binary.ByteOrder
}

// each calls visit for every entry of the directory at an offset whose value can be read.
func (d directory) each(offset uint32, visit func(tag uint16, value any)) {
	entries, ok := d.slice(offset, 2)
	if !ok || offset == 0 {
		return
	}
	const entrySize = 12
	for i := range uint32(d.order.Uint16(entries)) {
		entry, ok := d.slice(offset+2+i*entrySize, entrySize)
		if !ok {
			return
		}
		if value := d.value(entry); value != nil {
			visit(d.order.Uint16(entry), value)
		}
	}
}

// value returns the first value of an entry as int, float64 or string, or nil if it is
// damaged or of another type.
func (d directory) value(entry []byte) any {
	const (
		ascii    = 2
		short    = 3
		long     = 4
		rational = 5
	)
	count := d.order.Uint32(entry[4:])
	switch d.order.Uint16(entry[2:]) {
	case ascii:
		if text, ok := d.data(entry, count, 1); ok {
			return exifText(text)
		}
	case short:
		if number, ok := d.data(entry, count, 2); ok {
			return int(d.order.Uint16(number))
		}
	case long:
		if number, ok := d.data(entry, count, 4); ok {
			return int(d.order.Uint32(number))
		}
	case rational:
		if pair, ok := d.data(entry, count, 8); ok && d.order.Uint32(pair[4:]) != 0 {
			return float64(d.order.Uint32(pair)) / float64(d.order.Uint32(pair[4:]))
		}
	}
	return nil
}

// data returns count values of a width each. They are in the entry if they fit into it.
func (d directory) data(entry []byte, count, width uint32) ([]byte, bool) {
	const room = 4
	switch {
	case count == 0 || count > math.MaxUint32/width:
		return nil, false
	case count*width <= room:
		return entry[8 : 8+count*width], true
	}
	return d.slice(d.order.Uint32(entry[8:]), count*width)
}

// slice returns size bytes from an offset, and false if the block is too short.
func (d directory) slice(offset, size uint32) ([]byte, bool) {
	end := uint64(offset) + uint64(size)
	if end > uint64(len(d.block)) {
		return nil, false
	}
	return d.block[offset:end], true
}

// maxEXIFText bounds a text: thousands of entries may point to the same megabytes.
const maxEXIFText = 1000

// exifText returns a text up to its first zero byte, without the blanks that some cameras
// pad it with.
func exifText(b []byte) string {
	text, _, _ := bytes.Cut(b[:min(len(b), maxEXIFText)], []byte{0})
	return strings.TrimSpace(strings.ToValidUTF8(string(text), "\ufffd"))
}

// orientations are the values of Orientation from 1 on, as ExifTool prints them.
var orientations = []string{
	"Horizontal (normal)",
	"Mirror horizontal",
	"Rotate 180",
	"Mirror vertical",
	"Mirror horizontal and rotate 270 CW",
	"Rotate 90 CW",
	"Mirror horizontal and rotate 90 CW",
	"Rotate 270 CW",
}

// printEXIF returns a value as ExifTool prints it, or nil for an invalid one.
func printEXIF(name string, value any) any {
	switch value := value.(type) {
	case string:
		if value == "" {
			return nil
		}
	case int:
		switch name {
		case "Orientation":
			return pick(orientations, value)
		case "ResolutionUnit":
			return pick([]string{"None", "inches", "cm"}, value)
		}
	case float64:
		switch name {
		case "ExposureTime":
			if value > 0 && value < 0.3 {
				return fmt.Sprintf("1/%d", int(math.Round(1/value)))
			}
		case "FocalLength":
			return fmt.Sprintf("%.1f mm", value)
		}
	}
	return value
}

// pick returns the name of a number that counts from 1.
func pick(names []string, number int) any {
	if number < 1 || number > len(names) {
		return nil
	}
	return names[number-1]
}
