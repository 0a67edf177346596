package cloudconvert

import "time"

// Convert brings files into another format. It also unpacks archives.
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
	// Engine is the program that does the work, for example "office". By default
	// the service chooses, and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine, for example "2019". By default
	// the service chooses.
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

// Optimize makes PDF, JPG and PNG files smaller. The format stays the same.
type Optimize struct {
	// Input names the tasks whose files are made smaller. Required; [Pipeline]
	// fills it in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input: "pdf", "jpg" or "png". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Profile is what a PDF is meant for. By default [OptimizeWeb].
	Profile OptimizeProfile `json:"profile"`
	// Quality is the quality of JPG and PNG files; a higher one makes larger
	// files.
	Quality int `json:"quality"`
	// FlattenSignatures turns the visible signatures of a PDF into graphics.
	FlattenSignatures bool `json:"flatten_signatures"`
	// Colorspace is the color space of the images in a PDF: "unchanged", "rgb",
	// "cmyk", or grey, which is written "greyscale" or "grayscale".
	Colorspace string `json:"colorspace"`
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

// OptimizeProfile says what a PDF is optimized for, see [Optimize].
type OptimizeProfile string

// The profiles of [Optimize].
const (
	OptimizeWeb     OptimizeProfile = "web"     // RGB and fewer pixels
	OptimizePrint   OptimizeProfile = "print"   // CMYK
	OptimizeArchive OptimizeProfile = "archive" // keeping for long
	OptimizeMRC     OptimizeProfile = "mrc"     // scanned pages
	OptimizeMax     OptimizeProfile = "max"     // the smallest file
)

// Thumbnail makes small pictures of PDF files, images, videos and office
// documents.
type Thumbnail struct {
	// Input names the tasks whose files are pictured. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// OutputFormat is the format of the picture: "png", "jpg" or "webp".
	// Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Width is the width of the picture in pixels.
	Width int `json:"width"`
	// Height is the height of the picture in pixels.
	Height int `json:"height"`
	// Fit says how the picture is brought to Width and Height. By default
	// [FitMax].
	Fit Fit `json:"fit"`
	// Count is the number of pictures of a video. By default 1.
	Count int `json:"count"`
	// Timestamp is the position in a video.
	Timestamp string `json:"timestamp"`
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

// Fit says how a picture is brought to a width and a height, see [Thumbnail].
type Fit string

// The ways to bring a picture to a width and a height.
const (
	FitMax   Fit = "max"   // fits inside, is never enlarged
	FitCrop  Fit = "crop"  // fills it, what stands out is cut off
	FitScale Fit = "scale" // fills it, proportions change
)

// Merge joins files into one PDF, in the order of Input. Files in other formats
// are converted first.
type Merge struct {
	// Input names the tasks whose files are joined. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// OutputFormat is the format of the output: "pdf". Required.
	OutputFormat string `json:"output_format" task:"required"`
	// Engine is the program that does the work. By default the service chooses,
	// and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the output with its extension. By default it is
	// derived from the input.
	Filename string `json:"filename"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
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
	// Engine is the program that does the work. By default the service chooses,
	// and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Filename is the name of the archive with its extension. By default it is
	// derived from the input.
	Filename string `json:"filename"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}
