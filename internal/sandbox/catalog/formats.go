package catalog

import (
	"maps"
	"slices"
	"strings"
)

// groups are the formats of the service that the server knows, by group.
var groups = map[string]string{
	"archive": "7z ace alz arc arj bz2 cab cpio deb gz iso jar lha rar rpm tar tar.bz2 tar.gz tar.xz xz z zip",
	"audio":   "aac ac3 aif aiff amr au caf flac m4a m4b mp3 oga ogg opus voc wav weba wma",
	"document": "abw djvu doc docm docx dot dotx htm html hwp json lwp md odt pages pdf rst rtf tex txt wpd wps xml " +
		"zabw",
	"ebook":        "azw azw3 azw4 cbr cbz chm epub fb2 htmlz lit lrf mobi pdb prc rb snb tcr txtz",
	"image":        "3fr arw avif bmp cr2 cr3 crw dcr dng erf gif heic heif ico jfif jpg mos mrw nef odd orf pef png ppm psb psd pub raf raw rw2 tga tiff webp x3f xcf",
	"presentation": "dps key odp pot potx pps ppsx ppt pptm pptx",
	"spreadsheet":  "csv et numbers ods tsv xls xlsm xlsx",
	"vector":       "ai cdr cgm dwg dxf emf eps ps sk svg svgz vsd wmf",
	"video":        "3g2 3gp avi cavs dv flv m2ts m4v mkv mod mov mp4 mpeg mpg mts mxf ogv rm rmvb swf ts vob webm wmv wtv",
}

// known are the formats of groups, sorted, and groupOf is the group of each.
var known, groupOf = invert(groups)

func invert(groups map[string]string) ([]string, map[string]string) {
	of := map[string]string{}
	for group, formats := range groups {
		for format := range strings.FieldsSeq(formats) {
			of[format] = group
		}
	}
	return slices.Sorted(maps.Keys(of)), of
}

// Converts reports whether the service may convert between two formats: both are formats
// of pages and images, of sound and films, or of archives.
func Converts(from, to string) bool {
	a, b := groupOf[from], groupOf[to]
	switch {
	case a == "" || b == "":
		return false
	case a == "audio" || b == "video":
		return b == "audio" || a == "video" || from == "gif" && b == "video"
	case a == "video":
		return b == "audio" || to == "gif"
	case b == "audio":
		return false
	}
	return (a == "archive") == (b == "archive")
}

// HasThumbnail reports whether the service may make a thumbnail of a format.
func HasThumbnail(format string) bool {
	group := groupOf[format]
	return group != "" && group != "archive" && group != "audio"
}
