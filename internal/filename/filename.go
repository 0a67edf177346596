// Package filename reads the formats of files from their names.
package filename

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

var formatPattern = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

// IsFormat reports whether a name may be that of a format. The set is open.
func IsFormat(name string) bool { return formatPattern.MatchString(name) }

// Format returns the format that the extension of a name stands for. It reports false
// if there is none, or one that cannot be a format.
func Format(name string) (string, bool) {
	format := Normalize(Extension(name))
	return format, IsFormat(format)
}

// Normalize returns the service's name of a format, which may be given as an extension.
func Normalize(format string) string {
	format = strings.ToLower(strings.TrimPrefix(format, "."))
	switch format {
	case "jpeg":
		return "jpg"
	case "tif":
		return "tiff"
	case "htm":
		return "html"
	case "tgz":
		return "tar.gz"
	default:
		return format
	}
}

// Stem returns a name without its extension.
func Stem(name string) string {
	if extension := Extension(name); extension != "" {
		return name[:len(name)-len(extension)-1]
	}
	return strings.TrimSuffix(name, ".")
}

// Base returns a name without the directories before it.
func Base(name string) string {
	name = filepath.ToSlash(name)
	return name[strings.LastIndexByte(name, '/')+1:]
}

// Extension returns what stands behind the last dot of a name, or behind the last but
// one in "tar.gz" and its like. A leading dot does not count.
func Extension(name string) string {
	stem := Base(name)
	extension := path.Ext(stem)
	stem = strings.TrimSuffix(stem, extension)
	if inner := path.Ext(stem); strings.EqualFold(inner, ".tar") && extension != "." {
		stem, extension = strings.TrimSuffix(stem, inner), inner+extension
	}
	if stem == "" || len(extension) < 2 {
		return ""
	}
	return extension[1:]
}

// IsKnown reports whether an extension certainly stands for a format. Nothing is known of
// others, as in "report.2026".
func IsKnown(extension string) bool { return slices.Contains(knownFormats, Canonical(extension)) }

var knownFormats = strings.Fields(`
	ai azw3 csv doc docx dwg dxf eps epub html key md mobi numbers odp ods odt pages pdf ppt pptx ps psd rtf svg tex txt xls xlsx xps
	avif bmp gif heic ico jpg png tiff webp
	aac aiff flac m4a mp3 ogg opus wav wma
	3gp avi flv mkv mov mp4 mpg webm wmv
	7z bz2 gz rar tar tar.bz2 tar.gz tar.xz zip
	otf ttf woff woff2`)

// Same reports whether two formats or extensions stand for one format.
func Same(a, b string) bool { return Canonical(a) == Canonical(b) }

// Canonical returns one name for all extensions that files of a format may have.
func Canonical(format string) string {
	format = Normalize(format)
	switch format {
	case "jfif", "jpe":
		return "jpg"
	case "heif":
		return "heic"
	case "xhtml":
		return "html"
	case "markdown":
		return "md"
	case "aif":
		return "aiff"
	case "oga":
		return "ogg"
	case "m4v":
		return "mp4"
	case "mpeg":
		return "mpg"
	case "tbz", "tbz2":
		return "tar.bz2"
	case "txz":
		return "tar.xz"
	default:
		return format
	}
}
