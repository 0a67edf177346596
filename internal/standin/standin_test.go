package standin_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"image"
	_ "image/gif" // formats to decode
	_ "image/jpeg"
	_ "image/png"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	_ "golang.org/x/image/bmp" // formats to decode
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// about has what each format must escape.
const about = "convert <docx> & \"Grüße\" (to) {pdf}, \\ and\na line"

func file(t *testing.T, format string) []byte {
	t.Helper()
	content, ok := standin.File(format, about)
	require.True(t, ok, format)
	return content
}

// signatures are bytes that files of a format have at an offset.
var signatures = map[string]struct {
	at    int
	bytes string
}{
	"7z": {0, "7z\xbc\xaf\x27\x1c"}, "aac": {0, "ID3"}, "aiff": {8, "AIFF"}, "avi": {8, "AVI "}, "bmp": {0, "BM"},
	"csv": {0, "note,about\n"}, "doc": {0, "\xd0\xcf\x11\xe0"}, "docx": {0, "PK\x03\x04"}, "eps": {0, "%!PS-Adobe-3.0 EPSF"},
	"epub": {30, "mimetypeapplication/epub+zip"}, "flac": {0, "fLaC"}, "flv": {0, "FLV"}, "gif": {0, "GIF89a"},
	"htm": {0, "<!DOCTYPE html>"}, "html": {0, "<!DOCTYPE html>"}, "ico": {0, "\x00\x00\x01\x00\x01\x00"},
	"jpg": {0, "\xff\xd8\xff"}, "json": {0, "{"}, "m4a": {4, "ftypM4A"}, "md": {0, "# "}, "mkv": {0, "\x1a\x45\xdf\xa3"},
	"mov": {4, "ftypqt"}, "mp3": {0, "ID3"}, "mp4": {4, "ftypisom"}, "mpg": {0, "\x00\x00\x01\xba"},
	"odp": {30, "mimetypeapplication/vnd.oasis.opendocument.presentation"},
	"ods": {30, "mimetypeapplication/vnd.oasis.opendocument.spreadsheet"},
	"odt": {30, "mimetypeapplication/vnd.oasis.opendocument.text"}, "ogg": {0, "OggS"}, "opus": {28, "OpusHead"},
	"pdf": {0, "%PDF-1.4\n"}, "png": {0, "\x89PNG"}, "pptx": {0, "PK\x03\x04"}, "ps": {0, "%!PS"}, "rar": {0, "Rar!\x1a\x07\x00"},
	"rtf": {0, `{\rtf1`}, "svg": {0, "<svg "}, "tar": {257, "ustar"}, "tar.bz2": {0, "BZh"}, "tar.gz": {0, "\x1f\x8b"},
	"tiff": {0, "II*\x00"}, "txt": {0, "This file"}, "wav": {8, "WAVEfmt "}, "webm": {0, "\x1a\x45\xdf\xa3"}, "webp": {8, "WEBP"},
	"wma": {0, "\x30\x26\xb2\x75"}, "wmv": {0, "\x30\x26\xb2\x75"}, "xls": {0, "\xd0\xcf\x11\xe0"}, "xlsx": {0, "PK\x03\x04"},
	"xml": {0, "<?xml"}, "zip": {0, "PK\x03\x04"},
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	for _, format := range standin.Formats() {
		content := file(t, format)
		want, ok := signatures[format]
		require.True(t, ok, "add the signature of %s", format)
		require.Greater(t, len(content), want.at+len(want.bytes), format)
		assert.Equal(t, want.bytes, string(content[want.at:][:len(want.bytes)]), format)
		assert.Less(t, len(content), 24<<10, "%s is not small", format)
		assert.Equal(t, content, file(t, format), "%s differs the second time", format)
	}
	assert.Len(t, standin.Formats(), len(signatures))
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"", "xyz", "../standin.go", "PDF"} {
		_, ok := standin.File(format, about)
		assert.False(t, ok, format)
	}
}

// TestMark checks formats whose text is not compressed. Images show it.
func TestMark(t *testing.T) {
	t.Parallel()
	for format := range strings.FieldsSeq("7z aac aiff avi csv docx eps epub flac flv html ico json m4a md mkv mov mp3 mp4 odp ods odt ogg opus " +
		"pdf pptx ps rar rtf svg tar tiff txt wav webm xlsx xml zip") {
		assert.Contains(t, string(file(t, format)), standin.Mark, format)
	}
	for _, format := range []string{"doc", "wma", "wmv"} {
		wide := strings.Join(strings.Split(standin.Mark, ""), "\x00")
		content := string(file(t, format))
		assert.True(t, strings.Contains(content, wide) || strings.Contains(content, standin.Mark), format)
	}
}

func TestImages(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"png", "jpg", "gif", "bmp", "tiff", "webp"} {
		m, _, err := image.Decode(bytes.NewReader(file(t, format)))
		require.NoError(t, err, format)
		assert.Equal(t, image.Pt(244, 30), m.Bounds().Size(), format)
		var dark int
		for x := range 244 {
			for y := range 30 {
				if r, _, _, _ := m.At(x, y).RGBA(); r < 0x8000 {
					dark++
				}
			}
		}
		assert.InDelta(t, 1068, dark, 20, "%s does not show the text", format)
	}
	icon := file(t, "ico")
	_, _, err := image.Decode(bytes.NewReader(icon[22:]))
	assert.NoError(t, err)
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	for format, part := range map[string]string{
		"docx": "word/document.xml", "xlsx": "xl/worksheets/sheet1.xml", "pptx": "ppt/slides/slide1.xml",
		"odt": "content.xml", "ods": "content.xml", "odp": "content.xml", "epub": "text.xhtml",
	} {
		content := file(t, format)
		z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		require.NoError(t, err, format)
		assert.Equal(t, standin.Mark, z.Comment)
		for _, entry := range z.File {
			f, err := entry.Open()
			require.NoError(t, err)
			text, err := io.ReadAll(f)
			require.NoError(t, err, entry.Name)
			if entry.Name == "mimetype" {
				assert.Equal(t, z.File[0], entry)
				continue
			}
			shown := textOf(t, text)
			if entry.Name == part {
				assert.Contains(t, shown, "This file was made by the sandbox.", format)
				assert.Contains(t, shown, strings.ReplaceAll(about, "\n", " "), format)
			}
		}
	}
}

// textOf returns the text of an XML document.
func textOf(t *testing.T, content []byte) string {
	t.Helper()
	var text strings.Builder
	d := xml.NewDecoder(bytes.NewReader(content))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String()
		}
		require.NoError(t, err)
		if data, ok := token.(xml.CharData); ok {
			text.Write(data)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"svg", "xml"} {
		assert.Contains(t, textOf(t, file(t, format)), strings.ReplaceAll(about, "\n", " "))
	}
	var values map[string]string
	require.NoError(t, json.Unmarshal(file(t, "json"), &values))
	assert.Equal(t, about, values["about"])
	rows, err := csv.NewReader(bytes.NewReader(file(t, "csv"))).ReadAll()
	require.NoError(t, err)
	assert.Equal(t, strings.ReplaceAll(about, "\n", " "), rows[1][1])
	assert.Contains(t, string(file(t, "html")), "&lt;docx&gt;")
	assert.Contains(t, string(file(t, "rtf")), `Gr\u252?\u223?e" (to) \{pdf\}, \\ and a line`)
	assert.Contains(t, string(file(t, "pdf")), `Gr??e" \(to\) {pdf}, \\ and a line) Tj`)
	long, _ := standin.File("txt", strings.Repeat("ü", 10_000))
	assert.True(t, utf8.Valid(long))
	assert.Less(t, len(long), 1000)
	invalid, _ := standin.File("xml", "\xff\x00")
	textOf(t, invalid)
}

func TestArchives(t *testing.T) {
	t.Parallel()
	open := map[string]func(io.Reader) (io.Reader, error){
		"tar":     func(r io.Reader) (io.Reader, error) { return r, nil },
		"tar.gz":  func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"tar.bz2": func(r io.Reader) (io.Reader, error) { return bzip2.NewReader(r), nil },
	}
	for format, uncompress := range open {
		r, err := uncompress(bytes.NewReader(file(t, format)))
		require.NoError(t, err, format)
		archive := tar.NewReader(r)
		header, err := archive.Next()
		require.NoError(t, err, format)
		assert.Equal(t, "made-by-the-sandbox.txt", header.Name)
		text, err := io.ReadAll(archive)
		require.NoError(t, err)
		assert.Contains(t, string(text), standin.Mark)
	}
	content := file(t, "zip")
	z, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	require.NoError(t, err)
	f, err := z.Open("made-by-the-sandbox.txt")
	require.NoError(t, err)
	text, err := io.ReadAll(f)
	require.NoError(t, err)
	assert.Contains(t, string(text), standin.Mark)
}
