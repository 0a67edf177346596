package cloudconvert

import "time"

// CaptureWebsite makes a PDF or a picture of a web page. It takes no input.
type CaptureWebsite struct {
	// URL is the address of the page. Required.
	URL string `json:"url" task:"required"`
	// OutputFormat is the format of the output: "pdf", "png" or "jpg". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Pages are the pages of the PDF to keep, for example "1-3" or "1,2,3". By
	// default all.
	Pages string `json:"pages"`
	// Zoom enlarges the page. By default 1.
	Zoom float64 `json:"zoom"`
	// PageWidth is the width of the PDF's pages in centimeters.
	PageWidth float64 `json:"page_width"`
	// PageHeight is the height of the PDF's pages in centimeters.
	PageHeight float64 `json:"page_height"`
	// PageFormat is the size of the PDF's pages, instead of PageWidth and
	// PageHeight.
	PageFormat PageFormat `json:"page_format"`
	// PageOrientation is how the PDF's pages are turned. By default
	// [OrientationPortrait].
	PageOrientation Orientation `json:"page_orientation"`
	// MarginTop is the upper margin of the PDF's pages in millimeters. nil
	// means the default of the service, 0 none.
	MarginTop *float64 `json:"margin_top"`
	// MarginBottom is the lower margin in millimeters. nil means the default of
	// the service, 0 none.
	MarginBottom *float64 `json:"margin_bottom"`
	// MarginLeft is the left margin in millimeters. nil means the default of
	// the service, 0 none.
	MarginLeft *float64 `json:"margin_left"`
	// MarginRight is the right margin in millimeters. nil means the default of
	// the service, 0 none.
	MarginRight *float64 `json:"margin_right"`
	// PrintBackground prints background colors and images. nil means true.
	PrintBackground *bool `json:"print_background"`
	// DisplayHeaderFooter adds a header and a footer to the PDF's pages, by
	// default with the address and page numbers.
	DisplayHeaderFooter bool `json:"display_header_footer"`
	// HeaderTemplate is the header in HTML. Elements of the classes date, title,
	// url, pageNumber and totalPages are filled in.
	HeaderTemplate string `json:"header_template"`
	// FooterTemplate is the footer in HTML, see HeaderTemplate.
	FooterTemplate string `json:"footer_template"`
	// WaitUntil says when the page counts as loaded. By default
	// [WaitUntilLoad].
	WaitUntil WaitUntil `json:"wait_until"`
	// WaitForElement is a CSS selector: an element to wait for before capturing.
	WaitForElement string `json:"wait_for_element"`
	// WaitTime is a pause between loading and capturing, a whole number of
	// milliseconds such as 500*time.Millisecond.
	WaitTime time.Duration `json:"wait_time" task:"milliseconds"`
	// CSSMediaType is the medium the page is styled for. By default
	// [CSSMediaPrint].
	CSSMediaType CSSMedia `json:"css_media_type"`
	// Headers are sent with the request, for example for authorization.
	Headers map[string]string `json:"headers"`
	// ScreenWidth is the width of the browser window in pixels, for pictures.
	ScreenWidth int `json:"screen_width"`
	// ScreenHeight is the height of the browser window in pixels, for pictures.
	ScreenHeight int `json:"screen_height"`
	// Engine is the program that does the work: "chrome" or "wkhtml". By default
	// the service chooses, and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. By default the
	// service chooses.
	Filename string `json:"filename"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
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

// Orientation is how a page is turned, see [CaptureWebsite].
type Orientation string

// The orientations of a page.
const (
	OrientationPortrait  Orientation = "portrait"
	OrientationLandscape Orientation = "landscape"
)

// WaitUntil says when a web page counts as loaded, see [CaptureWebsite].
type WaitUntil string

// The moments to wait for.
const (
	WaitUntilLoad             WaitUntil = "load"             // everything the page names is loaded
	WaitUntilDOMContentLoaded WaitUntil = "domcontentloaded" // the document itself is read
	WaitUntilNetworkIdle0     WaitUntil = "networkidle0"     // no connection is in use
	WaitUntilNetworkIdle2     WaitUntil = "networkidle2"     // at most two connections are in use
)

// CSSMedia is a medium that a web page is styled for, see [CaptureWebsite].
type CSSMedia string

// The media a page can be styled for.
const (
	CSSMediaPrint  CSSMedia = "print"
	CSSMediaScreen CSSMedia = "screen"
)
