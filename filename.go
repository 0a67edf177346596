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
