// Package catalog has the operations of the service: their parameters, for validation, and
// the engines and formats that the API lists.
package catalog

// The operations that are handled specially.
const (
	ImportUpload   = "import/upload"
	Convert        = "convert"
	Optimize       = "optimize"
	Watermark      = "watermark"
	CaptureWebsite = "capture-website"
	Thumbnail      = "thumbnail"
	Merge          = "merge"
	Archive        = "archive"
	Metadata       = "metadata"
	WriteMetadata  = "metadata/write"
	Command        = "command"
	ExportURL      = "export/url"
)

// Family is a kind of operation.
type Family int

// The families of operations.
const (
	Importing Family = iota
	Processing
	Exporting
)

// Operation describes an operation for validation.
type Operation struct {
	Family  Family
	NoInput bool
	Params  []Param
	OneOf   [][]string // at least one of each group is required
	Credits int
}

// NeedsInput reports whether the parameter input is required.
func (o Operation) NeedsInput() bool { return o.Family != Importing && !o.NoInput }

// Param is a parameter of an operation.
type Param struct {
	Name     string
	Kind     Kind
	Required bool
	Values   []string // the allowed ones, if limited
}

// Kind is the type of a parameter.
type Kind int

// The types of parameters.
const (
	Text Kind = iota
	WebURL
	Number
	Integer
	Boolean
	Object
	Texts // array of strings
)

func need(names ...string) []Param {
	out := make([]Param, len(names))
	for i, name := range names {
		out[i] = Param{Name: name, Required: true}
	}
	return out
}

func with(params []Param, more ...Param) []Param { return append(params, more...) }

var (
	pdfOperation = Operation{Family: Processing, Credits: 1}
	thumbnails   = []string{"png", "jpg", "webp"}
	captures     = []string{"pdf", "png", "jpg"}
	archives     = []string{"zip", "rar", "7z", "tar", "tar.gz", "tar.bz2"}
	cannedACLs   = []string{
		"private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control",
	}
)

// Operations are all operations of the service. Other parameters are not validated.
var Operations = map[string]Operation{
	"import/url":    {Params: []Param{{Name: "url", Kind: WebURL, Required: true}, {Name: "filename"}, {Name: "headers", Kind: Object}}},
	ImportUpload:    {Params: []Param{{Name: "redirect", Kind: WebURL}}},
	"import/base64": {Params: need("file", "filename")},
	"import/raw":    {Params: need("file", "filename")},
	"import/s3": {
		Params: need("bucket", "region", "access_key_id", "secret_access_key"),
		OneOf:  [][]string{{"key", "key_prefix"}},
	},
	"import/azure/blob": {
		Params: need("storage_account", "container"),
		OneOf:  [][]string{{"storage_access_key", "sas_token"}, {"blob", "blob_prefix"}},
	},
	"import/google-cloud-storage": {
		Params: need("project_id", "bucket", "client_email", "private_key"),
		OneOf:  [][]string{{"file", "file_prefix"}},
	},
	"import/openstack": {
		Params: need("auth_url", "username", "password", "region", "container"),
		OneOf:  [][]string{{"file", "file_prefix"}},
	},
	"import/sftp": {
		Params: with(need("host", "username"), Param{Name: "port", Kind: Integer}),
		OneOf:  [][]string{{"password", "private_key"}, {"file", "path"}},
	},

	Convert: {Family: Processing, Credits: 1, Params: with(need("output_format"), common...)},
	Optimize: {Family: Processing, Credits: 1, Params: with([]Param{
		{Name: "profile", Values: []string{"web", "print", "archive", "mrc", "max"}},
		{Name: "quality", Kind: Integer},
		{Name: "flatten_signatures", Kind: Boolean},
		{Name: "colorspace", Values: []string{"unchanged", "rgb", "cmyk", "greyscale", "grayscale"}},
	}, common...)},
	Watermark: {Family: Processing, Credits: 1, Params: with([]Param{
		{Name: "text"},
		{Name: "image"},
		{Name: "pages"},
		{Name: "layer", Values: []string{"above", "below"}},
		{Name: "font_size", Kind: Number},
		{Name: "font_width_percent", Kind: Number},
		{Name: "font_color"},
		{Name: "font_name"},
		{Name: "font_align", Values: []string{"left", "center", "right"}},
		{Name: "image_width", Kind: Number},
		{Name: "image_height", Kind: Number},
		{Name: "image_width_percent", Kind: Number},
		{Name: "position_vertical", Values: []string{"top", "center", "bottom"}},
		{Name: "position_horizontal", Values: []string{"left", "center", "right"}},
		{Name: "margin_vertical", Kind: Number},
		{Name: "margin_horizontal", Kind: Number},
		{Name: "opacity", Kind: Number},
		{Name: "rotation", Kind: Number},
	}, common...), OneOf: [][]string{{"text", "image"}}},
	CaptureWebsite: {Family: Processing, Credits: 1, NoInput: true, Params: with([]Param{
		{Name: "url", Kind: WebURL, Required: true},
		{Name: "output_format", Required: true, Values: captures},
		{Name: "headers", Kind: Object},
		{Name: "wait_time", Kind: Integer},
		{Name: "print_background", Kind: Boolean},
		{Name: "display_header_footer", Kind: Boolean},
		{Name: "zoom", Kind: Number},
		{Name: "page_orientation", Values: []string{"portrait", "landscape"}},
		{Name: "wait_until", Values: []string{"load", "domcontentloaded", "networkidle0", "networkidle2"}},
		{Name: "css_media_type", Values: []string{"print", "screen"}},
	}, common...)},
	Thumbnail: {Family: Processing, Credits: 1, Params: with([]Param{
		{Name: "output_format", Required: true, Values: thumbnails},
		{Name: "width", Kind: Integer},
		{Name: "height", Kind: Integer},
		{Name: "count", Kind: Integer},
		{Name: "fit", Values: []string{"max", "crop", "scale"}},
	}, common...)},
	Merge: {Family: Processing, Credits: 1, Params: with([]Param{
		{Name: "output_format", Required: true, Values: []string{"pdf"}},
	}, common...)},
	Archive: {Family: Processing, Credits: 1, Params: with([]Param{
		{Name: "output_format", Required: true, Values: archives},
	}, common...)},
	Metadata: {Family: Processing, Params: common},
	WriteMetadata: {Family: Processing, Params: with([]Param{
		{Name: "metadata", Kind: Object, Required: true},
	}, common...)},
	Command: {Family: Processing, Credits: 1, Params: with([]Param{
		{Name: "engine", Required: true, Values: []string{"ffmpeg", "imagemagick", "graphicsmagick"}},
		{Name: "command", Required: true, Values: []string{"ffmpeg", "ffprobe", "convert", "identify", "gm"}},
		{Name: "arguments", Required: true},
		{Name: "capture_output", Kind: Boolean},
		{Name: "timeout", Kind: Integer},
	})},

	"pdf/a":   pdfOperation.taking(Param{Name: "conformance_level", Values: []string{"1b", "2b", "3b"}}),
	"pdf/x":   pdfOperation.taking(Param{Name: "variant"}),
	"pdf/ocr": pdfOperation.taking(Param{Name: "auto_orient", Kind: Boolean}, Param{Name: "language", Kind: Texts}),
	"pdf/encrypt": pdfOperation.taking(Param{Name: "allow_extract", Kind: Boolean},
		Param{Name: "allow_accessibility", Kind: Boolean}, Param{Name: "allow_modify"}, Param{Name: "allow_print"}),
	"pdf/decrypt":       pdfOperation.taking(need("password")...),
	"pdf/split-pages":   pdfOperation.taking(),
	"pdf/extract-pages": pdfOperation.taking(need("pages")...),
	"pdf/rotate-pages":  pdfOperation.taking(Param{Name: "pages"}, Param{Name: "rotation", Required: true}),

	ExportURL: {Family: Exporting, Params: []Param{
		{Name: "inline", Kind: Boolean}, {Name: "archive_multiple_files", Kind: Boolean},
	}},
	"export/s3": {Family: Exporting, Params: with(need("bucket", "region", "access_key_id", "secret_access_key"),
		Param{Name: "acl", Values: cannedACLs}, Param{Name: "metadata", Kind: Object}, Param{Name: "tagging", Kind: Object},
		Param{Name: "server_side_encryption", Values: []string{"AES256", "aws:kms"}},
	)},
	"export/azure/blob": {
		Family: Exporting, Params: with(need("storage_account", "container"), Param{Name: "metadata", Kind: Object}),
		OneOf: [][]string{{"storage_access_key", "sas_token"}},
	},
	"export/google-cloud-storage": {Family: Exporting, Params: need("project_id", "bucket", "client_email", "private_key")},
	"export/openstack":            {Family: Exporting, Params: need("auth_url", "username", "password", "region", "container")},
	"export/sftp": {
		Family: Exporting, Params: with(need("host", "username"), Param{Name: "port", Kind: Integer}),
		OneOf: [][]string{{"password", "private_key"}},
	},
	"export/upload": {Family: Exporting, Params: []Param{
		{Name: "url", Kind: WebURL, Required: true}, {Name: "headers", Kind: Object},
	}},
}

// common are the parameters of every processing operation.
var common = []Param{
	{Name: "input_format"}, {Name: "engine"}, {Name: "engine_version"}, {Name: "filename"}, {Name: "timeout", Kind: Integer},
}

func (o Operation) taking(params ...Param) Operation {
	o.Params = with(params, common...)
	return o
}
