package cloudconverttest

const (
	opImportUpload = "import/upload"
	opWatermark    = "watermark"
	opExportURL    = "export/url"
	opConvert      = "convert"
)

// family is a kind of operation.
type family int

const (
	importing family = iota
	processing
	exporting
)

// operation describes an operation for validation.
type operation struct {
	family  family
	noInput bool
	params  []param
	oneOf   [][]string // at least one of each group is required
	credits int
	engine  string
}

func (o operation) needsInput() bool { return o.family != importing && !o.noInput }

type param struct {
	name     string
	kind     kind
	required bool
	values   []string // the allowed ones, if limited
}

type kind int

const (
	text kind = iota
	webURL
	number
	integer
	boolean
	object
	texts // array of strings
)

func need(names ...string) []param {
	out := make([]param, len(names))
	for i, name := range names {
		out[i] = param{name: name, required: true}
	}
	return out
}

func with(params []param, more ...param) []param { return append(params, more...) }

var (
	pdfOperation = operation{family: processing, credits: 1, engine: "qpdf"}
	thumbnails   = []string{"png", "jpg", "webp"}
	captures     = []string{"pdf", "png", "jpg"}
	archives     = []string{"zip", "rar", "7z", "tar", "tar.gz", "tar.bz2"}
	cannedACLs   = []string{
		"private", "public-read", "public-read-write", "authenticated-read", "bucket-owner-read", "bucket-owner-full-control",
	}
)

// operations are all operations of the service. Other parameters are not validated.
var operations = map[string]operation{
	"import/url":    {params: []param{{name: "url", kind: webURL, required: true}, {name: "filename"}, {name: "headers", kind: object}}},
	opImportUpload:  {params: []param{{name: "redirect", kind: webURL}}},
	"import/base64": {params: need("file", "filename")},
	"import/raw":    {params: need("file", "filename")},
	"import/s3": {
		params: need("bucket", "region", "access_key_id", "secret_access_key"),
		oneOf:  [][]string{{"key", "key_prefix"}},
	},
	"import/azure/blob": {
		params: need("storage_account", "container"),
		oneOf:  [][]string{{"storage_access_key", "sas_token"}, {"blob", "blob_prefix"}},
	},
	"import/google-cloud-storage": {
		params: need("project_id", "bucket", "client_email", "private_key"),
		oneOf:  [][]string{{"file", "file_prefix"}},
	},
	"import/openstack": {
		params: need("auth_url", "username", "password", "region", "container"),
		oneOf:  [][]string{{"file", "file_prefix"}},
	},
	"import/sftp": {
		params: with(need("host", "username"), param{name: "port", kind: integer}),
		oneOf:  [][]string{{"password", "private_key"}, {"file", "path"}},
	},

	opConvert: {family: processing, credits: 1, params: with(need("output_format"), common...)},
	"optimize": {family: processing, credits: 1, engine: "imagemagick", params: with([]param{
		{name: "profile", values: []string{"web", "print", "archive", "mrc", "max"}},
		{name: "quality", kind: integer},
		{name: "flatten_signatures", kind: boolean},
		{name: "colorspace", values: []string{"unchanged", "rgb", "cmyk", "greyscale", "grayscale"}},
	}, common...)},
	opWatermark: {family: processing, credits: 1, engine: "imagemagick", params: with([]param{
		{name: "text"},
		{name: "image"},
		{name: "pages"},
		{name: "layer", values: []string{"above", "below"}},
		{name: "font_size", kind: number},
		{name: "font_width_percent", kind: number},
		{name: "font_color"},
		{name: "font_name"},
		{name: "font_align", values: []string{"left", "center", "right"}},
		{name: "image_width", kind: number},
		{name: "image_height", kind: number},
		{name: "image_width_percent", kind: number},
		{name: "position_vertical", values: []string{"top", "center", "bottom"}},
		{name: "position_horizontal", values: []string{"left", "center", "right"}},
		{name: "margin_vertical", kind: number},
		{name: "margin_horizontal", kind: number},
		{name: "opacity", kind: number},
		{name: "rotation", kind: number},
	}, common...), oneOf: [][]string{{"text", "image"}}},
	"capture-website": {family: processing, credits: 1, engine: "chrome", noInput: true, params: with([]param{
		{name: "url", kind: webURL, required: true},
		{name: "output_format", required: true, values: captures},
		{name: "headers", kind: object},
		{name: "wait_time", kind: integer},
		{name: "print_background", kind: boolean},
		{name: "display_header_footer", kind: boolean},
		{name: "zoom", kind: number},
		{name: "page_orientation", values: []string{"portrait", "landscape"}},
		{name: "wait_until", values: []string{"load", "domcontentloaded", "networkidle0", "networkidle2"}},
		{name: "css_media_type", values: []string{"print", "screen"}},
	}, common...)},
	"thumbnail": {family: processing, credits: 1, engine: "imagemagick", params: with([]param{
		{name: "output_format", required: true, values: thumbnails},
		{name: "width", kind: integer},
		{name: "height", kind: integer},
		{name: "count", kind: integer},
		{name: "fit", values: []string{"max", "crop", "scale"}},
	}, common...)},
	"merge": {family: processing, credits: 1, engine: "qpdf", params: with([]param{
		{name: "output_format", required: true, values: []string{"pdf"}},
	}, common...)},
	"archive": {family: processing, credits: 1, engine: "archivetool", params: with([]param{
		{name: "output_format", required: true, values: archives},
	}, common...)},
	"metadata": {family: processing, engine: "exiftool", params: common},
	"metadata/write": {family: processing, engine: "exiftool", params: with([]param{
		{name: "metadata", kind: object, required: true},
	}, common...)},
	"command": {family: processing, credits: 1, params: with([]param{
		{name: "engine", required: true, values: []string{"ffmpeg", "imagemagick", "graphicsmagick"}},
		{name: "command", required: true, values: []string{"ffmpeg", "ffprobe", "convert", "identify", "gm"}},
		{name: "arguments", required: true},
		{name: "capture_output", kind: boolean},
		{name: "timeout", kind: integer},
	})},

	"pdf/a":   pdfOperation.taking(param{name: "conformance_level", values: []string{"1b", "2b", "3b"}}),
	"pdf/x":   pdfOperation.taking(param{name: "variant"}),
	"pdf/ocr": pdfOperation.taking(param{name: "auto_orient", kind: boolean}, param{name: "language", kind: texts}),
	"pdf/encrypt": pdfOperation.taking(param{name: "allow_extract", kind: boolean},
		param{name: "allow_accessibility", kind: boolean}, param{name: "allow_modify"}, param{name: "allow_print"}),
	"pdf/decrypt":       pdfOperation.taking(need("password")...),
	"pdf/split-pages":   pdfOperation.taking(),
	"pdf/extract-pages": pdfOperation.taking(need("pages")...),
	"pdf/rotate-pages":  pdfOperation.taking(param{name: "pages"}, param{name: "rotation", required: true}),

	opExportURL: {family: exporting, params: []param{
		{name: "inline", kind: boolean}, {name: "archive_multiple_files", kind: boolean},
	}},
	"export/s3": {family: exporting, params: with(need("bucket", "region", "access_key_id", "secret_access_key"),
		param{name: "acl", values: cannedACLs}, param{name: "metadata", kind: object}, param{name: "tagging", kind: object},
		param{name: "server_side_encryption", values: []string{"AES256", "aws:kms"}},
	)},
	"export/azure/blob": {
		family: exporting, params: with(need("storage_account", "container"), param{name: "metadata", kind: object}),
		oneOf: [][]string{{"storage_access_key", "sas_token"}},
	},
	"export/google-cloud-storage": {family: exporting, params: need("project_id", "bucket", "client_email", "private_key")},
	"export/openstack":            {family: exporting, params: need("auth_url", "username", "password", "region", "container")},
	"export/sftp": {
		family: exporting, params: with(need("host", "username"), param{name: "port", kind: integer}),
		oneOf: [][]string{{"password", "private_key"}},
	},
	"export/upload": {family: exporting, params: []param{
		{name: "url", kind: webURL, required: true}, {name: "headers", kind: object},
	}},
}

// common are the parameters of every processing operation.
var common = []param{
	{name: "input_format"}, {name: "engine"}, {name: "engine_version"}, {name: "filename"}, {name: "timeout", kind: integer},
}

func (o operation) taking(params ...param) operation {
	o.params = with(params, common...)
	return o
}
