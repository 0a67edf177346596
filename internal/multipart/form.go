// Package multipart makes the body of a form upload to S3-like storage: the form's fields in their order, then the
// file. It knows the exact length before the first byte is sent, because storage refuses chunked uploads, and it
// streams the file without holding more of it than the reader's own buffer.
package multipart

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
)

// fileField is the field storage takes the file from. It must be the last one.
const fileField = "file"

// Field is one form field; order matters. The zero value is refused by [New], as a field needs a name.
type Field struct {
	// Name is the field's name.
	Name string
	// Value is sent as it is. It may hold anything, line breaks included.
	Value string
}

// Form is all of a form upload except the bytes of the file. It never changes, so that one Form can make the body of
// several attempts. The zero value is of no use; see [New].
type Form struct {
	boundary string
	prefix   string
	suffix   string
	fileSize int64
}

// New returns the form that sends all fields in the order given and then a file of exactly size bytes under filename.
// It refuses names that cannot be sent faithfully (see [Form.Body] for what happens to a file of another size), a
// second field called "file", and a negative size.
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

// ContentType returns the value of the request's Content-Type header.
func (f *Form) ContentType() string {
	return "multipart/form-data; boundary=" + f.boundary
}

// Size returns the length of the whole body in bytes, which is the request's Content-Length.
func (f *Form) Size() int64 {
	return int64(len(f.prefix)) + f.fileSize + int64(len(f.suffix))
}

// Body returns the body with the bytes of file, which is read from where it stands. A file that is shorter or longer
// than announced is an error of Read before the closing boundary was sent, so that storage never takes the wrong
// object for whole; the error of a short file matches [io.ErrUnexpectedEOF].
//
// Close does not close file, but no read of it begins after Close. A transport may still be within a read when the
// response has arrived; give every attempt a reader of its own, such as an [io.SectionReader].
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
			return errors.New(`a field is called "file" already: storage would take its value for the file`)
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

// prefix is everything before the first byte of the file. The file's type is always octet-stream: without a type the
// standard says text, and storage and service go by the form's own fields and by the file name.
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
