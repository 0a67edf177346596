package catalog

import (
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/wire"
)

// Entry is an item of the catalog, as the API lists it.
type Entry struct {
	Operation      string          `json:"operation"`
	InputFormat    *string         `json:"input_format"`
	OutputFormat   *string         `json:"output_format"`
	Engine         string          `json:"engine"`
	Credits        int             `json:"credits"`
	Meta           any             `json:"meta"`
	Deprecated     bool            `json:"deprecated"`
	Experimental   bool            `json:"experimental"`
	Options        []Option        `json:"options,omitzero"`
	EngineVersions []EngineVersion `json:"engine_versions,omitzero"`

	alternative bool
}

// Option is a parameter of an engine.
type Option struct {
	Name           string `json:"name"`
	Type           string `json:"type"`
	Default        any    `json:"default"`
	PossibleValues []any  `json:"possible_values"`
	Label          string `json:"label,omitempty"`
}

// EngineVersion is a version of an engine.
type EngineVersion struct {
	Version      string `json:"version"`
	Default      bool   `json:"default"`
	Latest       bool   `json:"latest"`
	Deprecated   bool   `json:"deprecated"`
	Experimental bool   `json:"experimental"`
}

func option(name, kind string, standard any, values ...any) Option {
	return Option{Name: name, Type: kind, Default: standard, PossibleValues: values}
}

func versions(names ...string) []EngineVersion {
	out := make([]EngineVersion, len(names))
	for i, name := range names {
		out[i] = EngineVersion{Version: name, Default: i == 0, Latest: i == len(names)-1}
	}
	return out
}

// entry returns an item of the catalog. An empty format becomes null.
func entry(operation, from, to, engine, group string, vs []EngineVersion, options ...Option) Entry {
	o := Entry{
		Operation: operation, InputFormat: wire.OrNull(from), OutputFormat: wire.OrNull(to), Engine: engine,
		Credits: Operations[operation].Credits, Meta: map[string]string{"group": group}, Options: options, EngineVersions: vs,
	}
	if group == "" {
		o.Meta = []string{} // how the service writes an empty object
	}
	return o
}

func (o Entry) asAlternative() Entry {
	o.alternative = true
	return o
}

var (
	sizeOptions = []Option{
		option("width", "integer", nil), option("height", "integer", nil), option("fit", "enum", "max", "max", "crop", "scale"),
	}
	imageOptions = append(slices.Clone(sizeOptions), option("strip", "boolean", false), option("quality", "integer", nil))
	pageOptions  = []Option{option("pages", "string", nil), option("password", "string", nil)}
	magick       = versions("7.1.0", "7.1.1")
)

// catalogue is a small part of the catalog of the service.
var catalogue = []Entry{
	entry(Convert, "docx", "pdf", "office", "document", versions("2019", "2016"),
		append(slices.Clone(pageOptions), option("optimize_print", "boolean", true), option("pdf_a", "boolean", false))...),
	entry(Convert, "docx", "pdf", "libreoffice", "document", versions("7.4"), pageOptions...).asAlternative(),
	entry(Convert, "xlsx", "pdf", "office", "spreadsheet", versions("2019"), pageOptions...),
	entry(Convert, "pptx", "pdf", "office", "presentation", versions("2019"), pageOptions...),
	entry(Convert, "pdf", "docx", "pdftron-pdf2word", "document", versions("12.0.0"), pageOptions...),
	entry(Convert, "html", "pdf", "chrome", "document", versions("75"), option("margin_top", "float", nil),
		option("print_background", "boolean", 1), option("headers", "dictionary", nil)),
	entry(Convert, "epub", "mobi", "calibre", "ebook", versions("8.5")),
	entry(Convert, "mp4", "webm", "ffmpeg", "video", versions("5.1.2", "4.1.1"), option("crf", "integer", 23),
		option("audio_codec", "enum", "vorbis", "copy", "none", "opus", "vorbis"), option("trim_start", "string", nil)),
	entry(Convert, "wav", "mp3", "ffmpeg", "audio", versions("5.1.2"), option("audio_bitrate", "integer", 128)),
	entry(Convert, "jpg", "png", "imagemagick", "image", magick, imageOptions...),
	entry(Convert, "jpg", "png", "graphicsmagick", "image", versions("1.3"), imageOptions...).asAlternative(),
	entry(Convert, "png", "jpg", "imagemagick", "image", magick, imageOptions...),
	entry(Convert, "png", "gif", "imagemagick", "image", magick, imageOptions...),
	entry(Convert, "png", "tiff", "imagemagick", "image", magick, imageOptions...),
	entry(Convert, "webp", "png", "imagemagick", "image", magick, imageOptions...),
	entry(Convert, "zip", "tar.gz", "archivetool", "archive", versions("1.0")),
	entry("optimize", "pdf", "", "3heights", "document", versions("6.27"),
		option("profile", "enum", "web", "web", "print", "archive", "mrc", "max")),
	entry("optimize", "jpg", "", "imagemagick", "image", magick, option("quality", "integer", nil)),
	entry("optimize", "png", "", "imagemagick", "image", magick, option("quality", "integer", nil)),
	entry(Watermark, "png", "", "imagemagick", "image", magick, option("text", "string", nil),
		option("image", "Input", nil), option("opacity", "integer", 100)),
	entry("thumbnail", "png", "png", "imagemagick", "image", magick, sizeOptions...),
	entry("thumbnail", "pdf", "png", "poppler", "document", versions("22.02"), sizeOptions...),
	entry("capture-website", "", "pdf", "chrome", "", versions("75"), option("wait_time", "integer", 0)),
	entry("archive", "", "zip", "archivetool", "", versions("1.0")),
	entry("merge", "", "pdf", "qpdf", "", versions("8.2.1")),
	entry("metadata", "png", "", "exiftool", "image", versions("12.07")),
	entry("pdf/ocr", "pdf", "pdf", "tesseract", "document", versions("5.3"), option("language", "array", nil)),
}

// Query selects items of the catalog. An empty field selects all.
type Query struct {
	Operation, InputFormat, OutputFormat, Engine, EngineVersion string

	// Alternatives includes engines that are not the default.
	Alternatives bool
	// Options and EngineVersions include these parts of the items.
	Options, EngineVersions bool
}

// List returns all items that match.
func List(q Query) []Entry {
	items := []Entry{}
	for _, o := range catalogue {
		if o.alternative && !q.Alternatives || !o.matches(q) {
			continue
		}
		if !q.Options {
			o.Options = nil
		} else if o.Options == nil {
			o.Options = []Option{}
		}
		if !q.EngineVersions {
			o.EngineVersions = nil
		}
		items = append(items, o)
	}
	return items
}

func (o Entry) matches(q Query) bool {
	return (q.Operation == "" || o.Operation == q.Operation) && (q.Engine == "" || o.Engine == q.Engine) &&
		(q.InputFormat == "" || o.InputFormat != nil && *o.InputFormat == q.InputFormat) &&
		(q.OutputFormat == "" || o.OutputFormat != nil && *o.OutputFormat == q.OutputFormat) &&
		(q.EngineVersion == "" ||
			slices.ContainsFunc(o.EngineVersions, func(v EngineVersion) bool { return v.Version == q.EngineVersion }))
}
