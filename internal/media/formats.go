// Package media has the built-in conversions of the local sandbox: images, thumbnails,
// watermarks, archives and metadata. It uses the standard library and golang.org/x/image.
//
// Every function reads its whole input from an [io.Reader] and writes its result to an
// [io.Writer], which the caller closes. After an error the written bytes are invalid. All
// functions end soon after their context and are safe for concurrent use.
package media

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrUnsupported means that this package does not support the formats, the operation
	// or an option.
	ErrUnsupported = errors.New("not supported by the local sandbox")

	// ErrOpen means that the input is not a valid file of its format. It is wrapped with
	// the reason.
	ErrOpen = errors.New("the input cannot be opened")
)

// Formats returns the image formats that can be read and those that can be written.
func Formats() (inputs, outputs []string) {
	outputs = []string{"png", "jpg", "gif", "bmp", "tiff"}
	return append(slices.Clone(outputs), "webp"), outputs
}

// Normalize returns the canonical name of a format, such as jpg for JPEG, tiff for tif
// and tar.gz for tgz. It returns an unknown name in lower case.
func Normalize(format string) string {
	format = strings.ToLower(format)
	switch format {
	case "jpeg":
		return "jpg"
	case "tif":
		return "tiff"
	case "tgz":
		return "tar.gz"
	}
	return format
}

// CanConvert reports whether [Convert] supports a pair of formats. They may be the same.
func CanConvert(from, to string) bool {
	inputs, outputs := Formats()
	return slices.Contains(inputs, Normalize(from)) && slices.Contains(outputs, Normalize(to))
}

func checkPair(from, to string) error {
	if CanConvert(from, to) {
		return nil
	}
	return fmt.Errorf("%w: %s to %s", ErrUnsupported, from, to)
}
