package catalog

import "slices"

// Option is a parameter of an engine.
type Option struct {
	Name           string `json:"name"`
	Type           string `json:"type"`
	Default        any    `json:"default"`
	PossibleValues []any  `json:"possible_values"`
}

func option(name, kind string, standard any, values ...any) Option {
	return Option{Name: name, Type: kind, Default: standard, PossibleValues: values}
}

// The options of conversions.
var (
	sizeOptions = []Option{
		option("width", "integer", nil), option("height", "integer", nil), option("fit", "enum", "max", "max", "crop", "scale"),
	}
	imageOptions = append(slices.Clone(sizeOptions), option("strip", "boolean", false), option("quality", "integer", nil))
	pageOptions  = []Option{
		option("pages", "string", nil), option("password", "string", nil), option("optimize_print", "boolean", true),
		option("pdf_a", "boolean", false),
	}
	audioOptions = []Option{option("audio_codec", "string", nil), option("audio_bitrate", "integer", 128)}
	videoOptions = append(slices.Clone(audioOptions), option("video_codec", "string", nil), option("crf", "integer", 23),
		option("preset", "string", nil), option("profile", "string", nil), option("width", "integer", nil),
		option("height", "integer", nil), option("fit", "enum", "max", "max", "crop", "scale"))
)

// optionsOf returns the options of a pair.
func optionsOf(p Pair) []Option {
	if p.Operation == Convert {
		return conversionOptions(p.From, p.To)
	}
	options := []Option{}
	for _, param := range Operations[p.Operation].Params {
		if !slices.ContainsFunc(common, func(c Param) bool { return c.Name == param.Name }) && param.Name != "output_format" {
			options = append(options, param.option(p.Operation))
		}
	}
	return options
}

func conversionOptions(from, to string) []Option {
	switch {
	case from == "html" || from == "htm":
		return optionsOf(Pair{Operation: CaptureWebsite})
	case groupOf[from] == "image":
		return imageOptions
	case groupOf[to] == "image":
		return append(slices.Clone(pageOptions), imageOptions...)
	case groupOf[to] == "audio":
		return audioOptions
	case groupOf[from] == "video":
		return videoOptions
	case groupOf[from] == "archive":
		return []Option{}
	}
	return pageOptions
}

// option describes a parameter as the API does.
func (p Param) option(operation string) Option {
	if operation == Watermark && p.Name == "image" {
		return option(p.Name, "Input", nil)
	}
	if p.Values != nil {
		values := make([]any, len(p.Values))
		for i, value := range p.Values {
			values[i] = value
		}
		return option(p.Name, "enum", nil, values...)
	}
	kind := map[Kind]string{
		Number: "float", Integer: "integer", Boolean: "boolean", Object: "dictionary", Texts: "array",
	}[p.Kind]
	if kind == "" {
		kind = "string"
	}
	return option(p.Name, kind, nil)
}
