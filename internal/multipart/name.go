package multipart

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckName says what is wrong with a name between the quotes of a part's header.
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

// quote escapes a name the way browsers do, which is what servers know: quotes become %22 and all else stays,
// backslashes and percent signs too. Line breaks never get here, see CheckName.
func quote(name string) string {
	return strings.ReplaceAll(name, `"`, "%22")
}
