package cloudconvert

import "time"

// PDFSplitPages makes a PDF file of each page.
type PDFSplitPages struct {
	// Input names the tasks whose files are split. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
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

// PDFExtractPages makes a PDF file of some pages.
type PDFExtractPages struct {
	// Input names the tasks whose files the pages are taken from. Required;
	// [Pipeline] fills it in.
	Input []string `json:"input" task:"input,required"`
	// Pages are the pages to keep, counted from 1, for example "1,2,5-7".
	// Required.
	Pages string `json:"pages" task:"required"`
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

// PDFRotatePages turns pages of PDF files.
type PDFRotatePages struct {
	// Input names the tasks whose files are turned. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// Pages are the pages to turn, counted from 1, for example "1,2,5-7". By
	// default all.
	Pages string `json:"pages"`
	// Rotation is the angle in degrees. With a sign it adds to how the page is
	// turned now: "+90", "-90" or "180". Required.
	Rotation string `json:"rotation" task:"required"`
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
