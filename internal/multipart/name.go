package multipart

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckName returns an error if a name cannot be sent between the quotes of a
// Content-Disposition header.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty")
	case !utf8.ValidString(name):
		return errors.New("is not valid UTF-8")
	case strings.ContainsFunc(name, unicode.IsControl):
		return errors.New("contains a control character")
	case strings.HasSuffix(name, `\`):
		return errors.New("ends with a backslash, which would hide the closing quote")
	}
	return nil
}

// quote escapes a name as browsers do, and as servers expect: a quote becomes %22, and
// everything else is unchanged, including backslashes and percent signs. CheckName
// refuses line breaks.
func quote(name string) string {
	return strings.ReplaceAll(name, `"`, "%22")
}
