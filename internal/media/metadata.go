package media

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"path"
	"strings"
)

// Metadata returns metadata of a file by the keys of ExifTool: FileName, FileSize,
// FileType, FileTypeExtension and MIMEType for every known format, ImageWidth,
// ImageHeight and more for images, PDFVersion and PageCount for PDFs. Values are strings,
// ints or floats. name is the name of the file and size its length in bytes. The content
// takes precedence over the name. The error matches [ErrOpen] for an empty file and for an
// image with an invalid header.
func Metadata(ctx context.Context, r io.ReadSeeker, name string, size int64) (map[string]any, error) {
	head, err := readHead(ctx, r)
	if err != nil {
		return nil, err
	}
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	if len(head) == 0 {
		return nil, openError(name, errors.New("it is empty"))
	}
	kind := kindOf(head, name)
	values := map[string]any{"FileName": name, "FileSize": printSize(size), "MIMEType": kind.mime}
	if kind.fileType != "" {
		values["FileType"] = kind.fileType
		values["FileTypeExtension"] = kind.extension
	}
	details, err := readDetails(ctx, r, head)
	if err != nil {
		return nil, err
	}
	maps.Copy(values, details)
	return values, nil
}

// readHead reads the first bytes of a file and seeks back to its start.
func readHead(ctx context.Context, r io.ReadSeeker) ([]byte, error) {
	head, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, sniffLen))
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	return head, nil
}

// readDetails returns the metadata that depends on the kind of file.
func readDetails(ctx context.Context, r io.Reader, head []byte) (map[string]any, error) {
	format := sniff(head)
	if _, err := codecOf(format); err == nil {
		return imageDetails(ctx, r, format)
	}
	if format == "pdf" {
		return pdfDetails(ctx, r)
	}
	return nil, nil
}

// kind is a kind of file as ExifTool names it.
type kind struct{ fileType, extension, mime string }

// kinds maps formats, of a content or a name, to kinds of file.
var kinds = map[string]kind{
	"png":  {"PNG", "png", "image/png"},
	"jpg":  {"JPEG", "jpg", "image/jpeg"},
	"gif":  {"GIF", "gif", "image/gif"},
	"bmp":  {"BMP", "bmp", "image/bmp"},
	"tiff": {"TIFF", "tif", "image/tiff"},
	"webp": {"WEBP", "webp", "image/webp"},
	"pdf":  {"PDF", "pdf", "application/pdf"},
	"zip":  {"ZIP", "zip", "application/zip"},
	"gz":   {"GZIP", "gz", "application/x-gzip"},
	"tar":  {"TAR", "tar", "application/x-tar"},
	"docx": {"DOCX", "docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	"xlsx": {"XLSX", "xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	"pptx": {"PPTX", "pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
	"odt":  {"ODT", "odt", "application/vnd.oasis.opendocument.text"},
	"ods":  {"ODS", "ods", "application/vnd.oasis.opendocument.spreadsheet"},
	"odp":  {"ODP", "odp", "application/vnd.oasis.opendocument.presentation"},
	"epub": {"EPUB", "epub", "application/epub+zip"},
	"txt":  {"TXT", "txt", "text/plain"},
	"csv":  {"CSV", "csv", "text/csv"},
	"html": {"HTML", "html", "text/html"},
	"json": {"JSON", "json", "application/json"},
	"xml":  {"XML", "xml", "application/xml"},
	"svg":  {"SVG", "svg", "image/svg+xml"},
	"md":   {"TXT", "md", "text/plain"},
	"rtf":  {"RTF", "rtf", "text/rtf"},
	"mp3":  {"MP3", "mp3", "audio/mpeg"},
	"wav":  {"WAV", "wav", "audio/x-wav"},
	"mp4":  {"MP4", "mp4", "video/mp4"},
}

// kindOf returns the kind of a file. Its name matters where the content is ambiguous: a
// docx is a zip file too.
func kindOf(head []byte, name string) kind {
	named := Normalize(strings.TrimPrefix(path.Ext(name), "."))
	found := sniff(head)
	if found == "zip" && isZipped(named) || found == "" && !isMagic(named) {
		found = named
	}
	if k, known := kinds[found]; known {
		return k
	}
	mime, _, _ := strings.Cut(http.DetectContentType(head), ";")
	return kind{mime: mime}
}

// isZipped reports whether files of the format are zip archives.
func isZipped(format string) bool {
	switch format {
	case "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub":
		return true
	}
	return false
}

// isMagic reports whether every file of the format begins with known bytes.
func isMagic(format string) bool {
	if format == "webp" || isZipped(format) {
		return true
	}
	for _, magic := range magics {
		if magic.format == format {
			return true
		}
	}
	return false
}

// printSize returns a size as ExifTool prints it.
func printSize(size int64) string {
	const (
		kB = 1 << 10
		mB = 1 << 20
		gB = 1 << 30
	)
	number := float64(size)
	switch {
	case size < 2*kB:
		return fmt.Sprintf("%d bytes", size)
	case size < 10*kB:
		return fmt.Sprintf("%.1f kB", number/kB)
	case size < 2*mB:
		return fmt.Sprintf("%.0f kB", number/kB)
	case size < 10*mB:
		return fmt.Sprintf("%.1f MB", number/mB)
	case size < 2*gB:
		return fmt.Sprintf("%.0f MB", number/mB)
	case size < 10*gB:
		return fmt.Sprintf("%.1f GB", number/gB)
	}
	return fmt.Sprintf("%.0f GB", number/gB)
}
