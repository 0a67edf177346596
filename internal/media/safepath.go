package media

import (
	"strings"
	"unicode"
)

// safePath cleans the name of an archive entry and splits it into directory and file name. It is not ok for a name that
// climbs up or has nothing left.
func safePath(name string) (dir, base string, ok bool) {
	name = strings.Map(harmless, strings.ToValidUTF8(name, "_"))
	var kept []string
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "" || element == ".":
			continue
		case strings.Trim(element, ". ") == "": // ".." and what some systems take for it
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

// harmless replaces the characters that mean something to a file system: backslashes are taken for the slashes they are on
// Windows, where a colon makes a drive letter.
func harmless(r rune) rune {
	switch {
	case r == '\\':
		return '/'
	case r == ':' || unicode.IsControl(r):
		return '_'
	}
	return r
}
