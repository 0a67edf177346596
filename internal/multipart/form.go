// Package multipart encodes form uploads to S3-like storage: the fields of the form in
// their order, then the file. The length is known before the first byte is sent, because
// storage refuses chunked uploads. The file is streamed, with no more of it in memory
// than the buffer of the reader.
package multipart

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// fileField is the name of the field with the file. It must be the last field.
const fileField = "file"

// Field is a form field. The zero value is invalid, because a field needs a name.
type Field struct {
	// Name is the name of the field.
	Name string
	// Value is sent unchanged. It may contain any bytes, including line breaks.
	Value string
}

// Form is a form upload without the bytes of the file. It is immutable, so that one Form
// can make the bodies of several attempts. The zero value is not usable; see [New].
type Form struct {
	boundary string
	prefix   string
	suffix   string
	fileSize int64
}

// New returns a form with the fields in the given order, followed by a file of exactly
// size bytes. It returns an error for names that cannot be sent unchanged, for a field
// called "file", and for a negative size. [Form.Body] describes what happens to a file of
// another size.
func New(fields []Field, filename string, size int64) (*Form, error) {
	if err := check(fields, filename, size); err != nil {
		return nil, err
	}
	boundary := rand.Text()
	form := &Form{
		boundary: boundary,
		prefix:   prefix(boundary, fields, filename),
		suffix:   "\r\n--" + boundary + "--\r\n",
		fileSize: size,
	}
	if size > math.MaxInt64-int64(len(form.prefix)+len(form.suffix)) {
		return nil, fmt.Errorf("file size %d is too large", size)
	}
	return form, nil
}

// ContentType returns the value of the Content-Type header.
func (f *Form) ContentType() string {
	return "multipart/form-data; boundary=" + f.boundary
}

// Size returns the length of the body in bytes, which is the Content-Length.
func (f *Form) Size() int64 {
	return int64(len(f.prefix)) + f.fileSize + int64(len(f.suffix))
}

// Body returns a body with the bytes of file from its current offset. If the file is
// shorter or longer than announced, Read fails before the closing boundary is sent, so
// that storage never stores a partial or wrong object. The error for a short file matches
// [io.ErrUnexpectedEOF].
//
// Close does not close the file, but no read of the file begins after Close. A transport
// may still be reading the body when the response arrives, so each attempt needs its own
// reader of the file, such as an [io.SectionReader].
func (f *Form) Body(file io.Reader) io.ReadCloser {
	return &body{
		prefix: strings.NewReader(f.prefix),
		file:   file,
		left:   f.fileSize,
		size:   f.fileSize,
		suffix: strings.NewReader(f.suffix),
	}
}

func check(fields []Field, filename string, size int64) error {
	for _, field := range fields {
		if err := CheckName(field.Name); err != nil {
			return fmt.Errorf("field name %q %w", field.Name, err)
		}
		if strings.EqualFold(field.Name, fileField) {
			return errors.New(`a field is called "file": storage would take its value for the file`)
		}
	}
	if err := CheckName(filename); err != nil {
		return fmt.Errorf("file name %q %w", filename, err)
	}
	if size < 0 {
		return fmt.Errorf("file size %d is negative: an upload needs the exact number of bytes", size)
	}
	return nil
}

// prefix returns everything before the first byte of the file. The type of the file is
// always application/octet-stream: without a type the standard implies text/plain, and
// the service relies on the fields of the form and the file name.
func prefix(boundary string, fields []Field, filename string) string {
	var b strings.Builder
	for _, field := range fields {
		b.WriteString("--" + boundary + "\r\n" +
			`Content-Disposition: form-data; name="` + quote(field.Name) + `"` + "\r\n\r\n" +
			field.Value + "\r\n")
	}
	b.WriteString("--" + boundary + "\r\n" +
		`Content-Disposition: form-data; name="` + fileField + `"; filename="` + quote(filename) + `"` + "\r\n" +
		"Content-Type: application/octet-stream\r\n\r\n")
	return b.String()
}
