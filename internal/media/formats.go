// Package media does the conversions the local sandbox can do by itself: pictures, thumbnails, watermarks, archives and
// file metadata, with the standard library and golang.org/x/image and nothing else.
//
// Every function reads its whole input from an [io.Reader] and writes its result to an [io.Writer] that the caller closes.
// When a function returns an error, what it has written so far is worthless. All functions stop soon after their context
// ends and may be called from several goroutines at once.
package media

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	// ErrUnsupported says that the pair of formats, the operation or one of its settings is not one this package can do.
	ErrUnsupported = errors.New("not supported by the local sandbox")

	// ErrOpen says that the input cannot be read as what its name says. It is wrapped together with the reason.
	ErrOpen = errors.New("the input cannot be opened")
)

// Formats returns the names of the picture formats that can be read and of those that can be written.
func Formats() (inputs, outputs []string) {
	outputs = []string{"png", "jpg", "gif", "bmp", "tiff"}
	return append(slices.Clone(outputs), "webp"), outputs
}

// Normalize returns the name this package uses for a format: lower case, and one name where several are in use, such as
// jpg for jpeg, tiff for tif and tar.gz for tgz. A name it does not know comes back in lower case.
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

// CanConvert reports whether [Convert] turns pictures of one format into the other. A format converts to itself as well.
func CanConvert(from, to string) bool {
	inputs, outputs := Formats()
	return slices.Contains(inputs, Normalize(from)) && slices.Contains(outputs, Normalize(to))
}

// checkPair returns an error that names the pair when [Convert] cannot do it.
func checkPair(from, to string) error {
	if CanConvert(from, to) {
		return nil
	}
	return fmt.Errorf("%w: %s to %s", ErrUnsupported, from, to)
}
