package main

import (
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
)

var formatName = regexp.MustCompile(`^[a-z0-9]+([._-][a-z0-9]+)*$`)

// formatOf returns the format that the extension of a name stands for, or "" if it
// shows none.
func formatOf(name string) string {
	extension := filepath.Ext(name)
	stem := filepath.Base(strings.TrimSuffix(name, extension))
	format := normalFormat(extension)
	if extension == "" || stem == "" || filepath.Base(name) == extension || !formatName.MatchString(format) {
		return ""
	}
	if strings.EqualFold(filepath.Ext(stem), ".tar") {
		format = "tar." + format
	}
	return format
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
	default:
		return format
	}
}

func isURL(argument string) bool {
	scheme, _, found := strings.Cut(argument, "://")
	return found && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http"))
}

// nameOfURL returns the file name in a URL.
func nameOfURL(text string) string {
	target, err := url.Parse(text)
	if err != nil {
		return "file"
	}
	name := filepath.Base(filepath.FromSlash(path.Base(target.Path)))
	if !filepath.IsLocal(name) || name == "." {
		return "file"
	}
	return name
}

// destinationOf returns where the result of a source goes.
func (s *settings) destinationOf(name, below string) string {
	stem := strings.TrimSuffix(name, filepath.Ext(name))
	if formatOf(name) == "" {
		stem = name
	}
	if inner := filepath.Ext(stem); strings.EqualFold(inner, ".tar") {
		stem = strings.TrimSuffix(stem, inner)
	}
	return filepath.Join(s.dir, below, stem+"."+s.to)
}
