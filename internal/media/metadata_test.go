package media

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"image"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func runMetadata(t *testing.T, data []byte, name string) map[string]any {
	t.Helper()
	got, err := Metadata(t.Context(), bytes.NewReader(data), name, int64(len(data)))
	require.NoError(t, err)
	return got
}

func TestMetadataOfImages(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]map[string]any{
		"png":  {"FileType": "PNG", "FileTypeExtension": "png", "MIMEType": "image/png", "ColorType": "RGB", "BitDepth": 8},
		"jpg":  {"FileType": "JPEG", "FileTypeExtension": "jpg", "MIMEType": "image/jpeg", "ColorType": "RGB"},
		"gif":  {"FileType": "GIF", "FileTypeExtension": "gif", "MIMEType": "image/gif", "ColorType": "Palette"},
		"bmp":  {"FileType": "BMP", "FileTypeExtension": "bmp", "MIMEType": "image/bmp"},
		"tiff": {"FileType": "TIFF", "FileTypeExtension": "tif", "MIMEType": "image/tiff"},
		"webp": {"FileType": "WEBP", "FileTypeExtension": "webp", "MIMEType": "image/webp", "ColorType": "RGB with Alpha"},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			got := runMetadata(t, encoded(t, quarters(64, 48), format), "holiday."+format)
			for key, value := range want {
				assert.Equal(t, value, got[key], key)
			}
			assert.Equal(t, "holiday."+format, got["FileName"])
			assert.Equal(t, 64, got["ImageWidth"])
			assert.Equal(t, 48, got["ImageHeight"])
			assert.Equal(t, "64x48", got["ImageSize"])
			assert.InDelta(t, 0.003072, got["Megapixels"], 1e-9)
			assert.NotEmpty(t, got["FileSize"])
			checkValues(t, got)
		})
	}
}

func TestMetadataOfColors(t *testing.T) {
	t.Parallel()
	bounds := image.Rect(0, 0, 4, 4)
	got := runMetadata(t, encoded(t, image.NewGray16(bounds), "png"), "a.png")
	assert.Equal(t, "Grayscale", got["ColorType"])
	assert.Equal(t, 16, got["BitDepth"])
	assert.Equal(t, "CMYK", runMetadata(t, cmykJPG(0, 0, 0, 0), "a.jpg")["ColorType"])
}

func TestMetadataBeforeOrientation(t *testing.T) {
	t.Parallel()
	got := runMetadata(t, withOrientation(encoded(t, quarters(64, 32), "jpg"), 6), "a.jpg")
	assert.Equal(t, "Rotate 90 CW", got["Orientation"])
	assert.Equal(t, 64, got["ImageWidth"])
}

func TestMetadataOfOtherFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		content                   string
		fileType, extension, mime string
	}{
		"report.pdf":       {"%PDF-1.7\nrest", "PDF", "pdf", "application/pdf"},
		"report.docx":      {"PK\x03\x04 rest", "DOCX", "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
		"files.zip":        {"PK\x03\x04 rest", "ZIP", "zip", "application/zip"},
		"notes.txt":        {"hello", "TXT", "txt", "text/plain"},
		"lying.png":        {"%PDF-1.7\nrest", "PDF", "pdf", "application/pdf"},
		"archive.tgz":      {"\x1f\x8b\x08", "GZIP", "gz", "application/x-gzip"},
		"archive.tar":      {strings.Repeat("\x00", 257) + "ustar", "TAR", "tar", "application/x-tar"},
		`C:\docs\a.csv`:    {"a,b\n", "CSV", "csv", "text/csv"},
		"/etc/drawing.SVG": {"<svg/>", "SVG", "svg", "image/svg+xml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runMetadata(t, []byte(test.content), name)
			assert.Equal(t, test.fileType, got["FileType"])
			assert.Equal(t, test.extension, got["FileTypeExtension"])
			assert.Equal(t, test.mime, got["MIMEType"])
			assert.NotContains(t, got["FileName"], "/")
			assert.NotContains(t, got["FileName"], `\`)
			checkValues(t, got)
		})
	}
}

func TestMetadataOfPDF(t *testing.T) {
	t.Parallel()
	const (
		root = "2 0 obj\n<< /Type /Pages /Kids [3 0 R 4 0 R] /Count 3 >>\nendobj\n"
		node = "3 0 obj\n<</Type/Pages/Parent 2 0 R/Kids[5 0 R 6 0 R]/Count 2>>\nendobj\n"
	)
	packed := func(index string, objects string) string {
		var out bytes.Buffer
		w := zlib.NewWriter(&out)
		_, err := w.Write([]byte(index + objects))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return fmt.Sprintf("9 0 obj\n<</Type/ObjStm/Filter/FlateDecode/N 2/First %d/Length %d>>stream\r\n%s\nendstream\nendobj\n",
			len(index), out.Len(), out.String())
	}
	const objects = "<</Type/Pages/Kids[3 0 R]/Count 7>><</Type/Page/Parent 2 0 R>>"
	for name, c := range map[string]struct {
		body  string
		pages any
	}{
		"tree":             {node + root, 3},
		"inner node last":  {root + node, 3},
		"updated":          {root + node + strings.Replace(root, "/Count 3", "/Count 4", 1), 4},
		"object stream":    {packed("2 0 3 35 ", objects), 7},
		"hidden in stream": {root + "9 0 obj\n<</Length 9>>stream\n<</Type/Pages/Count 99>>\nendstream\nendobj\n", 3},
		"wrong offsets":    {packed("2 0 3 999999 ", objects), nil},
		"no offsets":       {packed("", objects), nil},
		"damaged stream":   {"9 0 obj\n<</Type/ObjStm/First 9>>stream\nnonsense endstream\nendobj\n", nil},
		"no pages":         {"rest", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runMetadata(t, []byte("%PDF-1.7\n"+c.body), "a.pdf")
			assert.Equal(t, c.pages, got["PageCount"])
			assert.InDelta(t, 1.7, got["PDFVersion"], 0)
			checkValues(t, got)
		})
	}
	assert.NotContains(t, runMetadata(t, []byte("%PDF-x\nrest"), "a.pdf"), "PDFVersion")
}

func TestMetadataOfUnknownFiles(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"data": "application/octet-stream", "fake.png": "application/octet-stream"} {
		got := runMetadata(t, []byte{0, 1, 2, 3}, name)
		assert.Equal(t, map[string]any{"FileName": name, "FileSize": "4 bytes", "MIMEType": want}, got)
	}
}

func TestMetadataRefuses(t *testing.T) {
	t.Parallel()
	_, err := Metadata(t.Context(), bytes.NewReader(nil), "a.png", 0)
	require.ErrorIs(t, err, ErrOpen)
	require.ErrorContains(t, err, "empty")

	_, err = Metadata(t.Context(), bytes.NewReader(encoded(t, quarters(8, 8), "png")[:20]), "a.png", 20)
	require.ErrorIs(t, err, ErrOpen)
}

func TestPrintSize(t *testing.T) {
	t.Parallel()
	for size, want := range map[int64]string{
		0: "0 bytes", 2047: "2047 bytes", 2048: "2.0 kB", 10_240: "10 kB", 120_000: "117 kB",
		2 << 20: "2.0 MB", 15 << 20: "15 MB", 3 << 30: "3.0 GB", 12 << 30: "12 GB",
	} {
		assert.Equal(t, want, printSize(size))
	}
}
