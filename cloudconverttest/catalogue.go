package cloudconverttest

import (
	"net/http"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

type wireOperation struct {
	Operation      string              `json:"operation"`
	InputFormat    *string             `json:"input_format"`
	OutputFormat   *string             `json:"output_format"`
	Engine         string              `json:"engine"`
	Credits        int                 `json:"credits"`
	Meta           any                 `json:"meta"`
	Deprecated     bool                `json:"deprecated"`
	Experimental   bool                `json:"experimental"`
	Options        []wireOption        `json:"options,omitzero"`
	EngineVersions []wireEngineVersion `json:"engine_versions,omitzero"`

	alternative bool
}

type wireOption struct {
	Name           string `json:"name"`
	Type           string `json:"type"`
	Default        any    `json:"default"`
	PossibleValues []any  `json:"possible_values"`
	Label          string `json:"label,omitempty"`
}

type wireEngineVersion struct {
	Version      string `json:"version"`
	Default      bool   `json:"default"`
	Latest       bool   `json:"latest"`
	Deprecated   bool   `json:"deprecated"`
	Experimental bool   `json:"experimental"`
}

func option(name, kind string, standard any, values ...any) wireOption {
	return wireOption{Name: name, Type: kind, Default: standard, PossibleValues: values}
}

func versions(names ...string) []wireEngineVersion {
	out := make([]wireEngineVersion, len(names))
	for i, name := range names {
		out[i] = wireEngineVersion{Version: name, Default: i == 0, Latest: i == len(names)-1}
	}
	return out
}

// entry returns an item of the catalog. An empty format becomes null.
func entry(operation, from, to, engine, group string, vs []wireEngineVersion, options ...wireOption) wireOperation {
	o := wireOperation{
		Operation: operation, InputFormat: wire.OrNull(from), OutputFormat: wire.OrNull(to), Engine: engine,
		Credits: operations[operation].credits, Meta: map[string]string{"group": group}, Options: options, EngineVersions: vs,
	}
	if group == "" {
		o.Meta = []string{} // how the service writes an empty object
	}
	return o
}

func (o wireOperation) asAlternative() wireOperation {
	o.alternative = true
	return o
}

var (
	sizeOptions = []wireOption{
		option("width", "integer", nil), option("height", "integer", nil), option("fit", "enum", "max", "max", "crop", "scale"),
	}
	imageOptions = append(slices.Clone(sizeOptions), option("strip", "boolean", false), option("quality", "integer", nil))
	pageOptions  = []wireOption{option("pages", "string", nil), option("password", "string", nil)}
	magick       = versions("7.1.0", "7.1.1")
)

// catalogue is a small part of the catalog of the service.
var catalogue = []wireOperation{
	entry(opConvert, "docx", "pdf", "office", "document", versions("2019", "2016"),
		append(slices.Clone(pageOptions), option("optimize_print", "boolean", true), option("pdf_a", "boolean", false))...),
	entry(opConvert, "docx", "pdf", "libreoffice", "document", versions("7.4"), pageOptions...).asAlternative(),
	entry(opConvert, "xlsx", "pdf", "office", "spreadsheet", versions("2019"), pageOptions...),
	entry(opConvert, "pptx", "pdf", "office", "presentation", versions("2019"), pageOptions...),
	entry(opConvert, "pdf", "docx", "pdftron-pdf2word", "document", versions("12.0.0"), pageOptions...),
	entry(opConvert, "html", "pdf", "chrome", "document", versions("75"), option("margin_top", "float", nil),
		option("print_background", "boolean", 1), option("headers", "dictionary", nil)),
	entry(opConvert, "epub", "mobi", "calibre", "ebook", versions("8.5")),
	entry(opConvert, "mp4", "webm", "ffmpeg", "video", versions("5.1.2", "4.1.1"), option("crf", "integer", 23),
		option("audio_codec", "enum", "vorbis", "copy", "none", "opus", "vorbis"), option("trim_start", "string", nil)),
	entry(opConvert, "wav", "mp3", "ffmpeg", "audio", versions("5.1.2"), option("audio_bitrate", "integer", 128)),
	entry(opConvert, "jpg", "png", "imagemagick", "image", magick, imageOptions...),
	entry(opConvert, "jpg", "png", "graphicsmagick", "image", versions("1.3"), imageOptions...).asAlternative(),
	entry(opConvert, "png", "jpg", "imagemagick", "image", magick, imageOptions...),
	entry(opConvert, "png", "gif", "imagemagick", "image", magick, imageOptions...),
	entry(opConvert, "png", "tiff", "imagemagick", "image", magick, imageOptions...),
	entry(opConvert, "webp", "png", "imagemagick", "image", magick, imageOptions...),
	entry(opConvert, "zip", "tar.gz", "archivetool", "archive", versions("1.0")),
	entry("optimize", "pdf", "", "3heights", "document", versions("6.27"),
		option("profile", "enum", "web", "web", "print", "archive", "mrc", "max")),
	entry("optimize", "jpg", "", "imagemagick", "image", magick, option("quality", "integer", nil)),
	entry("optimize", "png", "", "imagemagick", "image", magick, option("quality", "integer", nil)),
	entry(opWatermark, "png", "", "imagemagick", "image", magick, option("text", "string", nil),
		option("image", "Input", nil), option("opacity", "integer", 100)),
	entry("thumbnail", "png", "png", "imagemagick", "image", magick, sizeOptions...),
	entry("thumbnail", "pdf", "png", "poppler", "document", versions("22.02"), sizeOptions...),
	entry("capture-website", "", "pdf", "chrome", "", versions("75"), option("wait_time", "integer", 0)),
	entry("archive", "", "zip", "archivetool", "", versions("1.0")),
	entry("merge", "", "pdf", "qpdf", "", versions("8.2.1")),
	entry("metadata", "png", "", "exiftool", "image", versions("12.07")),
	entry("pdf/ocr", "pdf", "pdf", "tesseract", "document", versions("5.3"), option("language", "array", nil)),
}

func (s *Server) listOperations(c *call) error {
	return c.catalogue(c.r.URL.Query().Get("filter[operation]"))
}

func (s *Server) listConvertFormats(c *call) error { return c.catalogue(opConvert) }

// catalogue responds with all items that match, on one page.
func (c *call) catalogue(operation string) error {
	q, include := c.r.URL.Query(), c.include()
	version := q.Get("filter[engine_version]")
	items := []wireOperation{}
	for _, o := range catalogue {
		if o.alternative && !c.flag("alternatives") || !o.matches(operation, q.Get("filter[input_format]"),
			q.Get("filter[output_format]"), q.Get("filter[engine]"), version) {
			continue
		}
		if !include["options"] {
			o.Options = nil
		} else if o.Options == nil {
			o.Options = []wireOption{}
		}
		if !include["engine_versions"] {
			o.EngineVersions = nil
		}
		items = append(items, o)
	}
	return c.data(http.StatusOK, items)
}

func (o wireOperation) matches(operation, from, to, engine, version string) bool {
	return (operation == "" || o.Operation == operation) && (engine == "" || o.Engine == engine) &&
		(from == "" || o.InputFormat != nil && *o.InputFormat == from) &&
		(to == "" || o.OutputFormat != nil && *o.OutputFormat == to) &&
		(version == "" || slices.ContainsFunc(o.EngineVersions, func(v wireEngineVersion) bool { return v.Version == version }))
}
