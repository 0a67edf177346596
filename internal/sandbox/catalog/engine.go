package catalog

import "strings"

// Engine is what does the work of a task.
type Engine struct {
	Name    string
	Version string // may be empty
}

// StandIn is the engine of tasks whose result is a stand-in.
var StandIn = Engine{Name: "stand-in"}

// Usual returns the engine that the service usually has for a pair, in its first version.
// Imports and exports have none.
func Usual(p Pair) Engine {
	name := usual(p)
	if name == "" {
		return Engine{}
	}
	return Engine{Name: name, Version: versions[name][0]}
}

func usual(p Pair) string {
	switch p.Operation {
	case Convert, Thumbnail, Optimize, Watermark:
		return usualOf(p.From, p.To)
	case CaptureWebsite:
		return "chrome"
	case Archive:
		return "archivetool"
	case Metadata, WriteMetadata:
		return "exiftool"
	case Command:
		return p.Engine
	case "pdf/a", "pdf/x":
		return "pdftools"
	case "pdf/ocr":
		return "tesseract"
	}
	if p.Operation == Merge || strings.HasPrefix(p.Operation, "pdf/") {
		return "qpdf"
	}
	return ""
}

// usualOf returns the engine for a pair of formats.
func usualOf(from, to string) string {
	switch {
	case from == "html" || from == "htm":
		return "chrome"
	case from == "pdf" && groupOf[to] == "image":
		return "poppler"
	case from == "pdf" && to == "":
		return "3heights"
	case from == "pdf":
		return "pdftron-pdf2word"
	}
	switch groupOf[from] {
	case "archive":
		return "archivetool"
	case "audio", "video":
		return "ffmpeg"
	case "ebook":
		return "calibre"
	case "vector":
		return "inkscape"
	case "document", "presentation", "spreadsheet":
		return "office"
	}
	return "imagemagick"
}

// versions are versions of the engines of the service. The first one is the newest, and
// the default.
var versions = map[string][]string{
	"3heights":         {"6.27"},
	"archivetool":      {"1.0"},
	"calibre":          {"8.5"},
	"chrome":           {"75"},
	"exiftool":         {"12.07"},
	"ffmpeg":           {"5.1.2", "4.1.1"},
	"graphicsmagick":   {"1.3"},
	"imagemagick":      {"7.1.0", "7.0.10"},
	"inkscape":         {"1.2"},
	"office":           {"2019", "2016"},
	"pdftools":         {"6.27"},
	"pdftron-pdf2word": {"12.0.0"},
	"poppler":          {"22.02"},
	"qpdf":             {"8.2.1"},
	"tesseract":        {"5.3"},
}
