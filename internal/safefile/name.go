// Package safefile writes files whose names and contents come from the network. [Name]
// and [Dir] make names safe, [Distinct] keeps them distinct, and a [Group] saves files so
// that each appears under its name either complete or not at all.
package safefile

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxBytes is the maximum length of a file name: 255 bytes on Linux, and 255 UTF-16
	// units elsewhere, which are never more than the bytes.
	maxBytes = 255
	// maxName leaves room for the number that [Distinct] may add.
	maxName = maxBytes - len(" (1000000000)")
	// maxExt is the length of the longest extension that is kept when a name is cut.
	maxExt = 32
	// maxDir bounds a path below the directory of the user. Systems bound the length of
	// the whole path.
	maxDir = 1024
	// maxDepth bounds the number of nested directories, because each takes time.
	maxDepth = 32
)

// Name returns a base name for a file name from the network that is safe on Linux, macOS
// and Windows. It removes directories, replaces control characters and characters that
// Windows refuses, and removes characters that change the direction of text, and dots and
// spaces at both ends. The result is valid UTF-8, is not the name of a Windows device,
// and is short enough for every file system, with the extension kept. If nothing remains,
// the result is "file". Name is idempotent.
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

// Dir returns a relative slash path for a directory from the network, whose parts may be
// separated by slashes or backslashes. Each part is safe like a [Name]. Parts of which
// nothing remains are dropped, including "." and "..", and so are parts that are nested
// too deeply. The result is "" if no parts remain.
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

// safe does for a part of a path what [Name] does, but returns "" if nothing remains. It
// checks for device names twice, because cutting a long name may produce one.
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

// isPadding reports whether r is lost or misleading at the ends of a name.
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

// split splits name before its extension, which is "" if name has none or a very long
// one. Compressed tar archives have two extensions.
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
