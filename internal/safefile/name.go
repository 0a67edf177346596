// Package safefile writes files whose names and bytes come from the network. [Name] and [Dir] turn untrusted names
// into safe ones, [Names] keeps them apart, and a [File] appears under its name whole or not at all.
package safefile

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxBytes is what file systems take for one name: 255 bytes on Linux, 255 UTF-16 units elsewhere, which are never
	// more than the bytes.
	maxBytes = 255
	// maxName leaves room for the number that [Names] may add.
	maxName = maxBytes - len(" (1000000000)")
	// maxExt is the longest extension worth keeping when a name is cut.
	maxExt = 32
	// maxDir bounds a path below the one the user gave, since a system bounds the whole.
	maxDir = 1024
	// maxDepth bounds how deep it is nested, each level of which costs time.
	maxDepth = 32
)

// Name turns a file name from the network into a base name that is safe on Linux, macOS and Windows: without
// directories, control characters, characters that Windows refuses or that change the direction of text, and dots or
// spaces at either end; valid UTF-8, not the name of a Windows device, and short enough for every file system, with
// its extension kept. A name of which nothing is left becomes "file". Name of its own result is that result.
func Name(untrusted string) string {
	names := strings.FieldsFunc(untrusted, isSeparator)
	if len(names) == 0 {
		return "file"
	}
	if name := safe(names[len(names)-1]); name != "" {
		return name
	}
	return "file"
}

// Dir turns a directory from the network, separated by slashes or backslashes, into a relative slash path of names
// that are safe like those of [Name]. Parts of which nothing is left are dropped, "." and ".." among them, and so is
// what is nested too deeply; "" is left of a directory without any other part.
func Dir(untrusted string) string {
	var dir string
	depth := 0
	for part := range strings.FieldsFuncSeq(untrusted, isSeparator) {
		next := path.Join(dir, safe(part))
		if next != dir {
			depth++
		}
		if len(next) > maxDir || depth > maxDepth {
			break
		}
		dir = next
	}
	return dir
}

func isSeparator(r rune) bool {
	return r == '/' || r == '\\'
}

// safe does for one part of a path what [Name] promises, but returns "" when nothing is left. A device name may be
// there from the start or come to light when a long name is cut.
func safe(part string) string {
	part = strings.Map(safeRune, strings.ToValidUTF8(part, "_"))
	part = strings.TrimFunc(part, isPadding)
	return guardDevice(shorten(guardDevice(part), maxName))
}

func safeRune(r rune) rune {
	switch {
	case unicode.Is(unicode.Bidi_Control, r):
		return -1
	case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp), strings.ContainsRune(`<>:"|?*`, r):
		return '_'
	}
	return r
}

// isPadding reports whether r gets lost or misleads at the ends of a name.
func isPadding(r rune) bool {
	return r == '.' || unicode.IsSpace(r)
}

// shorten cuts name to at most limit bytes, between runes and before the extension.
func shorten(name string, limit int) string {
	if len(name) <= limit {
		return name
	}
	stem, ext := split(name)
	end := limit - len(ext)
	for end > 0 && !utf8.RuneStart(stem[end]) {
		end--
	}
	return strings.TrimRightFunc(stem[:end], isPadding) + ext
}

// split divides name before its extension, which is "" when there is none worth the name. Compressed tar archives
// have two.
func split(name string) (stem, ext string) {
	ext = path.Ext(name)
	stem = strings.TrimSuffix(name, ext)
	if inner := path.Ext(stem); strings.EqualFold(inner, ".tar") {
		stem, ext = strings.TrimSuffix(stem, inner), inner+ext
	}
	if len(ext) > maxExt || path.Base(name) == ext {
		return name, ""
	}
	return stem, ext
}
