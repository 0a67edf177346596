package cloudconvert

import "time"

// Convert converts files to another format. It also unpacks archives.
//
// The settings of each conversion, such as "pages" or "audio_bitrate", go into
// Options.
type Convert struct {
	// Input names the tasks whose files are converted. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// OutputFormat is the format of the output, for example "pdf". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Engine is the program to use, for example "office". By default the service
	// chooses, and its choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine, for example "2019". By default
	// the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. For several outputs
	// it may contain a placeholder for the output number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// Optimize reduces the size of PDF, JPG and PNG files. It keeps their format.
type Optimize struct {
	// Input names the tasks whose files are optimized. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input: "pdf", "jpg" or "png". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Profile is the purpose of a PDF. By default [OptimizeWeb].
	Profile OptimizeProfile `json:"profile"`
	// Quality is the quality of JPG and PNG files. A higher quality makes larger files.
	Quality int `json:"quality"`
	// FlattenSignatures converts the visible signatures of a PDF to graphics.
	FlattenSignatures bool `json:"flatten_signatures"`
	// Colorspace is the color space of the images in a PDF: "unchanged", "rgb",
	// "cmyk", "greyscale" or "grayscale".
	Colorspace string `json:"colorspace"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. For several outputs
	// it may contain a placeholder for the output number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// OptimizeProfile is the purpose that a PDF is optimized for, see [Optimize].
type OptimizeProfile string

// The profiles of [Optimize].
const (
	OptimizeWeb     OptimizeProfile = "web"     // RGB, reduced resolution
	OptimizePrint   OptimizeProfile = "print"   // CMYK
	OptimizeArchive OptimizeProfile = "archive" // long-term storage
	OptimizeMRC     OptimizeProfile = "mrc"     // scanned pages
	OptimizeMax     OptimizeProfile = "max"     // the smallest file
)

// Watermark adds a text or an image to PDF files, images and videos.
//
// The image is a file of the job, too: Image names the task that imports it.
type Watermark struct {
	// Input names the tasks whose files get the watermark. Required; [Pipeline]
	// fills it in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Pages selects the pages of a PDF, for example "1-3" or "1,2,3". By default all.
	Pages string `json:"pages"`
	// Layer puts the watermark above or below the content of a PDF.
	Layer Layer `json:"layer"`
	// Text is the text of the watermark. Text or Image is required.
	Text string `json:"text" task:"one=mark"`
	// FontSize is the size of the text.
	FontSize float64 `json:"font_size"`
	// FontWidthPercent is the width of the text in percent of the page. It
	// replaces FontSize.
	FontWidthPercent float64 `json:"font_width_percent"`
	// FontColor is the color of the text, for example "#ff0000".
	FontColor string `json:"font_color"`
	// FontName is the font of the text.
	FontName Font `json:"font_name"`
	// FontAlign is the alignment of the lines.
	FontAlign HAlign `json:"font_align"`
	// Image names the task whose file is the watermark: a PNG, JPG or SVG.
	Image string `json:"image" task:"input,one=mark"`
	// ImageWidth is the width of the image in pixels.
	ImageWidth int `json:"image_width"`
	// ImageHeight is the height of the image in pixels.
	ImageHeight int `json:"image_height"`
	// ImageWidthPercent is the width of the image in percent. It replaces ImageWidth.
	ImageWidthPercent float64 `json:"image_width_percent"`
	// PositionVertical is the vertical position of the watermark.
	PositionVertical VAlign `json:"position_vertical"`
	// PositionHorizontal is the horizontal position of the watermark.
	PositionHorizontal HAlign `json:"position_horizontal"`
	// MarginVertical is the distance to the upper or lower edge. nil means the
	// default of the service, and 0 none.
	MarginVertical *float64 `json:"margin_vertical"`
	// MarginHorizontal is the distance to the left or right edge. nil means the
	// default of the service, and 0 none.
	MarginHorizontal *float64 `json:"margin_horizontal"`
	// Opacity is the opacity in percent, from 0 (invisible) to 100 (opaque). nil
	// means the default of the service.
	Opacity *int `json:"opacity"`
	// Rotation is the angle of the watermark in degrees.
	Rotation float64 `json:"rotation"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. For several outputs
	// it may contain a placeholder for the output number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// Layer is the position of a watermark relative to the content, see [Watermark].
type Layer string

// The layers of a [Watermark].
const (
	LayerAbove Layer = "above"
	LayerBelow Layer = "below"
)

// HAlign is a horizontal position, see [Watermark].
type HAlign string

// The horizontal positions.
const (
	HAlignLeft   HAlign = "left"
	HAlignCenter HAlign = "center"
	HAlignRight  HAlign = "right"
)

// VAlign is a vertical position, see [Watermark].
type VAlign string

// The vertical positions.
const (
	VAlignTop    VAlign = "top"
	VAlignCenter VAlign = "center"
	VAlignBottom VAlign = "bottom"
)

// Font is the name of a font of the service. Arial, Courier New, Georgia, Times New
// Roman, Trebuchet MS and Verdana may be followed by Bold, Italic or Bold Italic, as in
// "Arial Bold", and Helvetica by Bold, Oblique, BoldOblique, Narrow Bold or Narrow
// BoldOblique. Andale Mono, Arial Black and Impact have one style.
type Font string

// CaptureWebsite captures a web page as a PDF or an image. It takes no input.
type CaptureWebsite struct {
	// URL is the URL of the page. Required.
	URL string `json:"url" task:"required"`
	// OutputFormat is the format of the output: "pdf", "png" or "jpg". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Pages are the pages of the PDF to keep, for example "1-3" or "1,2,3". By
	// default all.
	Pages string `json:"pages"`
	// Zoom is the scale of the page. By default 1.
	Zoom float64 `json:"zoom"`
	// PageWidth is the width of the PDF's pages in centimeters.
	PageWidth float64 `json:"page_width"`
	// PageHeight is the height of the PDF's pages in centimeters.
	PageHeight float64 `json:"page_height"`
	// PageFormat is the size of the PDF's pages. It replaces PageWidth and PageHeight.
	PageFormat PageFormat `json:"page_format"`
	// PageOrientation is the orientation of the PDF's pages. By default
	// [OrientationPortrait].
	PageOrientation Orientation `json:"page_orientation"`
	// MarginTop is the upper margin of the PDF's pages in millimeters. nil means
	// the default of the service, and 0 none.
	MarginTop *float64 `json:"margin_top"`
	// MarginBottom is the lower margin in millimeters. nil means the default of
	// the service, and 0 none.
	MarginBottom *float64 `json:"margin_bottom"`
	// MarginLeft is the left margin in millimeters. nil means the default of the
	// service, and 0 none.
	MarginLeft *float64 `json:"margin_left"`
	// MarginRight is the right margin in millimeters. nil means the default of
	// the service, and 0 none.
	MarginRight *float64 `json:"margin_right"`
	// PrintBackground prints background colors and images. nil means true.
	PrintBackground *bool `json:"print_background"`
	// DisplayHeaderFooter adds a header and a footer to the PDF's pages, by
	// default with the URL and page numbers.
	DisplayHeaderFooter bool `json:"display_header_footer"`
	// HeaderTemplate is the header in HTML. Elements of the classes date, title,
	// url, pageNumber and totalPages are filled in.
	HeaderTemplate string `json:"header_template"`
	// FooterTemplate is the footer in HTML, see HeaderTemplate.
	FooterTemplate string `json:"footer_template"`
	// WaitUntil is when the page is considered loaded. By default [WaitUntilLoad].
	WaitUntil WaitUntil `json:"wait_until"`
	// WaitForElement is a CSS selector of an element to wait for before capturing.
	WaitForElement string `json:"wait_for_element"`
	// WaitTime is the pause between loading and capturing. It must be a whole
	// number of milliseconds.
	WaitTime time.Duration `json:"wait_time" task:"milliseconds"`
	// CSSMediaType is the CSS media type of the page. By default [CSSMediaPrint].
	CSSMediaType CSSMedia `json:"css_media_type"`
	// Headers are sent with the request, for example for authorization.
	Headers map[string]string `json:"headers"`
	// ScreenWidth is the width of the browser window in pixels, for images.
	ScreenWidth int `json:"screen_width"`
	// ScreenHeight is the height of the browser window in pixels, for images.
	ScreenHeight int `json:"screen_height"`
	// Engine is the program to use: "chrome" or "wkhtml". By default the service
	// chooses, and its choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. By default the
	// service chooses.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// PageFormat is the size of a page, see [CaptureWebsite].
type PageFormat string

// The sizes of a page.
const (
	PageFormatLetter  PageFormat = "letter"
	PageFormatLegal   PageFormat = "legal"
	PageFormatTabloid PageFormat = "tabloid"
	PageFormatLedger  PageFormat = "ledger"
	PageFormatA0      PageFormat = "a0"
	PageFormatA1      PageFormat = "a1"
	PageFormatA2      PageFormat = "a2"
	PageFormatA3      PageFormat = "a3"
	PageFormatA4      PageFormat = "a4"
	PageFormatA5      PageFormat = "a5"
	PageFormatA6      PageFormat = "a6"
)

// Orientation is the orientation of a page, see [CaptureWebsite].
type Orientation string

// The orientations of a page.
const (
	OrientationPortrait  Orientation = "portrait"
	OrientationLandscape Orientation = "landscape"
)

// WaitUntil is when a web page is considered loaded, see [CaptureWebsite].
type WaitUntil string

// The events to wait for.
const (
	WaitUntilLoad             WaitUntil = "load"             // the page and its resources are loaded
	WaitUntilDOMContentLoaded WaitUntil = "domcontentloaded" // the document is parsed
	WaitUntilNetworkIdle0     WaitUntil = "networkidle0"     // no network connections
	WaitUntilNetworkIdle2     WaitUntil = "networkidle2"     // at most two network connections
)

// CSSMedia is a CSS media type, see [CaptureWebsite].
type CSSMedia string

// The CSS media types.
const (
	CSSMediaPrint  CSSMedia = "print"
	CSSMediaScreen CSSMedia = "screen"
)

// Thumbnail creates small images of PDF files, images, videos and office documents.
type Thumbnail struct {
	// Input names the tasks whose files get thumbnails. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// OutputFormat is the format of the image: "png", "jpg" or "webp". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Width is the width of the image in pixels.
	Width int `json:"width"`
	// Height is the height of the image in pixels.
	Height int `json:"height"`
	// Fit selects how the image is resized to Width and Height. By default [FitMax].
	Fit Fit `json:"fit"`
	// Count is the number of images taken from a video. By default 1.
	Count int `json:"count"`
	// Timestamp is the position in a video to take the image from.
	Timestamp string `json:"timestamp"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. For several outputs
	// it may contain a placeholder for the output number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// Fit is how an image is resized to a width and a height, see [Thumbnail].
type Fit string

// The resize modes.
const (
	FitMax   Fit = "max"   // fits within the size, never enlarged
	FitCrop  Fit = "crop"  // fills the size, the rest is cropped
	FitScale Fit = "scale" // fills the size, proportions change
)

// Merge merges files into one PDF, in the order of Input. Files in other formats
// are converted first.
type Merge struct {
	// Input names the tasks whose files are merged. Required; [Pipeline] fills it in.
	Input []string `json:"input" task:"input,required"`
	// OutputFormat is the format of the output: "pdf". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. By default it is
	// derived from the input.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// Archive packs files into an archive. [Convert] unpacks archives.
type Archive struct {
	// Input names the tasks whose files are packed. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// OutputFormat is the format of the archive: "zip", "rar", "7z", "tar",
	// "tar.gz" or "tar.bz2". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the archive with its extension. By default it is
	// derived from the input.
	Filename string `json:"filename"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// Metadata reads the metadata of files, such as title, author or size in pixels.
// The metadata is in the [TaskResult]. The task costs no credits.
type Metadata struct {
	// Input names the tasks whose files are read. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// MetadataWrite changes the metadata of files.
type MetadataWrite struct {
	// Input names the tasks whose files are changed. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Metadata maps names, for example "Title" or "Author", to new values, which
	// are strings or numbers. Required.
	Metadata map[string]any `json:"metadata" task:"required"`
	// Filename is the name of the output with its extension. For several outputs
	// it may contain a placeholder for the output number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Engine is the program to use. By default the service chooses, and its
	// choice may change.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}

// Command runs FFmpeg, ImageMagick or GraphicsMagick.
//
// The files of Input are at /input/{task name}/{file name}. Every file written to
// /output/ is an output of the task.
type Command struct {
	// Input names the tasks whose files the command reads. Required; [Pipeline]
	// fills it in.
	Input []string `json:"input" task:"input,required"`
	// Engine is the program: "ffmpeg", "imagemagick" or "graphicsmagick".
	// Required.
	Engine string `json:"engine" task:"required"`
	// EngineVersion is the version of the engine. By default the service
	// chooses.
	EngineVersion string `json:"engine_version"`
	// Command is the command of the engine: "ffmpeg" or "ffprobe" of ffmpeg,
	// "convert" or "identify" of imagemagick, "gm" of graphicsmagick. Required.
	Command string `json:"command" task:"required"`
	// Arguments are the arguments, written as in a shell. Required.
	Arguments string `json:"arguments" task:"required"`
	// CaptureOutput adds the output of the command to the [TaskResult].
	CaptureOutput bool `json:"capture_output"`
	// Timeout limits how long the task may take. It must be a whole number of
	// seconds. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job continue and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options holds additional parameters.
	Options Options `json:"-"`
}
