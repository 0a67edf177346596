// Package names takes the names of files apart.
package names

import (
	"path"
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
