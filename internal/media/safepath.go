package media

import (
	"strings"
	"unicode"
)

// safePath cleans the name of an archive entry and splits it into directory and file
// name. It returns false for a name with ".." and for one that becomes empty.
func safePath(name string) (dir, base string, ok bool) {
	name = strings.Map(harmless, strings.ToValidUTF8(name, "_"))
	var kept []string
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "" || element == ".":
			continue
		case strings.Trim(element, ". ") == "": // ".." and its equivalents on some systems
			return "", "", false
		}
		kept = append(kept, element)
	}
	if len(kept) == 0 {
		return "", "", false
	}
	last := len(kept) - 1
	return strings.Join(kept[:last], "/"), kept[last], true
}

// harmless replaces characters with a meaning to a file system. On Windows a backslash is
// a slash, and a colon makes a drive letter.
func harmless(r rune) rune {
	switch {
	case r == '\\':
		return '/'
	case r == ':' || unicode.IsControl(r):
		return '_'
	}
	return r
}
