package main

import (
	"path"
	"regexp"
	"strings"
)

// The reasons to skip an object.
const (
	folder       = "folder markers"
	empty        = "empty"
	sameFormat   = "in the format already"
	unknown      = "not convertible to the format"
	placeholders = "with %d in the key"
)

// placeholder is what CloudConvert replaces in the key of an export by the number of the
// file.
var placeholder = regexp.MustCompile(`%[0-9]*d`)

// skipReason returns why an object is not converted, or "". inputs are the formats that
// can be converted to the format of the results. Results are never sources, also if two
// names of a bucket hide that the locations overlap.
func skipReason(o object, inputs map[string]bool, format string) string {
	extension := formatOf(o.name)
	switch {
	case o.name == "", strings.HasSuffix(o.name, "/"):
		return folder
	case o.size == 0:
		return empty
	case extension == format, strings.HasSuffix(strings.ToLower(o.name), "."+format):
		return sameFormat
	case !inputs[extension]:
		return unknown
	case placeholder.MatchString(o.name):
		return placeholders
	default:
		return ""
	}
}

// formatOf returns the format that the extension of a name stands for, or "" if it has
// none.
func formatOf(name string) string {
	extension := path.Ext(name)
	if extension == path.Base(name) {
		return "" // a hidden file
	}
	return normalFormat(strings.TrimPrefix(extension, "."))
}

// normalFormat returns CloudConvert's name of a format.
func normalFormat(format string) string {
	format = strings.ToLower(format)
	switch format {
	case "jpeg":
		return "jpg"
	case "tif":
		return "tiff"
	case "htm":
		return "html"
	default:
		return format
	}
}
