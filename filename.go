package cloudconvert

import (
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var formatName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

// formatOf returns the format that the extension of a name stands for. It reports false
// if there is none, or one that cannot be a format.
func formatOf(name string) (string, bool) {
	format := normalFormat(extensionOf(name))
	return format, formatName.MatchString(format)
}

// normalFormat returns the service's name of a format.
func normalFormat(format string) string {
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

// stemOf returns a name without its extension.
func stemOf(name string) string {
	if extension := extensionOf(name); extension != "" {
		return name[:len(name)-len(extension)-1]
	}
	return strings.TrimSuffix(name, ".")
}

// baseOf returns a name without the directories before it.
func baseOf(name string) string {
	name = filepath.ToSlash(name)
	return name[strings.LastIndexByte(name, '/')+1:]
}

// extensionOf returns what stands behind the last dot of a name, or behind the last but
// one in "tar.gz" and its like. A leading dot does not count.
func extensionOf(name string) string {
	stem := baseOf(name)
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

// knownFormats are the formats that an extension certainly stands for. Of others,
// as in "report.2026", nothing is known.
var knownFormats = strings.Fields(`
	ai azw3 csv doc docx dwg dxf eps epub html key md mobi numbers odp ods odt pages pdf ppt pptx ps psd rtf svg tex txt xls xlsx xps
	avif bmp gif heic ico jpg png tiff webp
	aac aiff flac m4a mp3 ogg opus wav wma
	3gp avi flv mkv mov mp4 mpg webm wmv
	7z bz2 gz rar tar tar.bz2 tar.gz tar.xz zip
	otf ttf woff woff2`)

// sameFormat returns one name for all extensions that files of a format may have.
func sameFormat(format string) string {
	format = normalFormat(format)
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
