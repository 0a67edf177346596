// Package names takes the names of files apart.
package names

import (
	"fmt"
	"path"
	"regexp"
	"strings"
)

// Base removes the directories from an untrusted name.
func Base(name string) string {
	base := path.Base(path.Clean("/" + strings.ReplaceAll(name, `\`, "/")))
	return strings.Trim(base, "/")
}

// Extension returns the extension of a name in lower case: "gz" of "a.gz", "tar.gz" of
// "a.tar.gz".
func Extension(name string) string {
	name = strings.ToLower(path.Base(name))
	for _, double := range []string{".tar.gz", ".tar.bz2"} {
		if strings.HasSuffix(name, double) && len(name) > len(double) {
			return double[1:]
		}
	}
	return strings.TrimPrefix(path.Ext(name), ".")
}

// Stem returns a name without its extension.
func Stem(name string) string {
	if ext := Extension(name); ext != "" {
		return name[:len(name)-len(ext)-1]
	}
	return name
}

// placeholder matches the place of a number in a name, as for printf.
var placeholder = regexp.MustCompile(`%\d?\d?d`)

// Numbered returns the name of a file, the nth of a total from 1: name with n for a
// placeholder such as %d or %03d, or else with n before the extension if the total is
// more than 1.
func Numbered(name string, n, total int) string {
	if placeholder.MatchString(name) {
		return placeholder.ReplaceAllStringFunc(name, func(format string) string { return fmt.Sprintf(format, n) })
	}
	if total < 2 {
		return name
	}
	stem := Stem(name)
	return fmt.Sprintf("%s-%d%s", stem, n, name[len(stem):])
}
