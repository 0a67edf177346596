package cloudconvert

import "time"

// Watermark puts a text or an image on PDF files, images and videos.
//
// The image is a file of the job too: Image names the task that imports it.
type Watermark struct {
	// Input names the tasks whose files are marked. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Pages are the pages of a PDF to be marked, for example "1-3" or "1,2,3".
	// By default all.
	Pages string `json:"pages"`
	// Layer puts the mark above or below the content of a PDF.
	Layer Layer `json:"layer"`
	// Text is the text of the mark. It or Image is required.
	Text string `json:"text" task:"one=mark"`
	// FontSize is the size of the text.
	FontSize float64 `json:"font_size"`
	// FontWidthPercent is the width of the text in percent of the page, instead
	// of FontSize.
	FontWidthPercent float64 `json:"font_width_percent"`
	// FontColor is the color of the text, for example "#ff0000".
	FontColor string `json:"font_color"`
	// FontName is the font of the text.
	FontName Font `json:"font_name"`
	// FontAlign aligns the lines of the text.
	FontAlign HAlign `json:"font_align"`
	// Image names the task whose file, a PNG, JPG or SVG, is the mark.
	Image string `json:"image" task:"input,one=mark"`
	// ImageWidth is the width of the image in pixels.
	ImageWidth int `json:"image_width"`
	// ImageHeight is the height of the image in pixels.
	ImageHeight int `json:"image_height"`
	// ImageWidthPercent is the width of the image in percent, instead of
	// ImageWidth.
	ImageWidthPercent float64 `json:"image_width_percent"`
	// PositionVertical is where the mark is between top and bottom.
	PositionVertical VAlign `json:"position_vertical"`
	// PositionHorizontal is where the mark is between left and right.
	PositionHorizontal HAlign `json:"position_horizontal"`
	// MarginVertical is the distance to the upper or lower edge. nil means the
	// default of the service, 0 no distance.
	MarginVertical *float64 `json:"margin_vertical"`
	// MarginHorizontal is the distance to the left or right edge. nil means the
	// default of the service, 0 no distance.
	MarginHorizontal *float64 `json:"margin_horizontal"`
	// Opacity is how much the mark covers in percent, from 0 (invisible) to 100
	// (opaque). nil means the default of the service.
	Opacity *int `json:"opacity"`
	// Rotation turns the mark by degrees.
	Rotation float64 `json:"rotation"`
	// Engine is the program that does the work. By default the service chooses,
	// and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. For several
	// outputs it may hold a place for their number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// Layer is where a mark is relative to the content, see [Watermark].
type Layer string

// The layers of a [Watermark].
const (
	LayerAbove Layer = "above"
	LayerBelow Layer = "below"
)

// HAlign is a position between left and right, see [Watermark].
type HAlign string

// The positions between left and right.
const (
	HAlignLeft   HAlign = "left"
	HAlignCenter HAlign = "center"
	HAlignRight  HAlign = "right"
)

// VAlign is a position between top and bottom, see [Watermark].
type VAlign string

// The positions between top and bottom.
const (
	VAlignTop    VAlign = "top"
	VAlignCenter VAlign = "center"
	VAlignBottom VAlign = "bottom"
)

// Font is a font of the service, see [Watermark].
type Font string

// The fonts of a [Watermark].
const (
	FontAndaleMono                 Font = "Andale Mono"
	FontArial                      Font = "Arial"
	FontArialBlack                 Font = "Arial Black"
	FontArialBold                  Font = "Arial Bold"
	FontArialBoldItalic            Font = "Arial Bold Italic"
	FontArialItalic                Font = "Arial Italic"
	FontCourierNew                 Font = "Courier New"
	FontCourierNewBold             Font = "Courier New Bold"
	FontCourierNewBoldItalic       Font = "Courier New Bold Italic"
	FontCourierNewItalic           Font = "Courier New Italic"
	FontGeorgia                    Font = "Georgia"
	FontGeorgiaBold                Font = "Georgia Bold"
	FontGeorgiaBoldItalic          Font = "Georgia Bold Italic"
	FontGeorgiaItalic              Font = "Georgia Italic"
	FontHelvetica                  Font = "Helvetica"
	FontHelveticaBold              Font = "Helvetica Bold"
	FontHelveticaBoldOblique       Font = "Helvetica BoldOblique"
	FontHelveticaNarrowBold        Font = "Helvetica Narrow Bold"
	FontHelveticaNarrowBoldOblique Font = "Helvetica Narrow BoldOblique"
	FontHelveticaOblique           Font = "Helvetica Oblique"
	FontImpact                     Font = "Impact"
	FontTimesNewRoman              Font = "Times New Roman"
	FontTimesNewRomanBold          Font = "Times New Roman Bold"
	FontTimesNewRomanBoldItalic    Font = "Times New Roman Bold Italic"
	FontTimesNewRomanItalic        Font = "Times New Roman Italic"
	FontTrebuchetMS                Font = "Trebuchet MS"
	FontTrebuchetMSBold            Font = "Trebuchet MS Bold"
	FontTrebuchetMSBoldItalic      Font = "Trebuchet MS Bold Italic"
	FontTrebuchetMSItalic          Font = "Trebuchet MS Italic"
	FontVerdana                    Font = "Verdana"
	FontVerdanaBold                Font = "Verdana Bold"
	FontVerdanaBoldItalic          Font = "Verdana Bold Italic"
	FontVerdanaItalic              Font = "Verdana Italic"
)
