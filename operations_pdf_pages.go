package cloudconvert

import (
	"fmt"
	"log/slog"
	"time"
)

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

// Operation returns [OperationPDFSplitPages].
func (PDFSplitPages) Operation() Operation { return OperationPDFSplitPages }

// MarshalJSON encodes the task as the API wants it.
func (t PDFSplitPages) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *PDFSplitPages) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t PDFSplitPages) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t PDFSplitPages) LogValue() slog.Value { return logTask(t) }

func (PDFSplitPages) isTask() {}

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

// Operation returns [OperationPDFExtractPages].
func (PDFExtractPages) Operation() Operation { return OperationPDFExtractPages }

// MarshalJSON encodes the task as the API wants it.
func (t PDFExtractPages) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *PDFExtractPages) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t PDFExtractPages) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t PDFExtractPages) LogValue() slog.Value { return logTask(t) }

func (PDFExtractPages) isTask() {}

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

// Operation returns [OperationPDFRotatePages].
func (PDFRotatePages) Operation() Operation { return OperationPDFRotatePages }

// MarshalJSON encodes the task as the API wants it.
func (t PDFRotatePages) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *PDFRotatePages) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t PDFRotatePages) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t PDFRotatePages) LogValue() slog.Value { return logTask(t) }

func (PDFRotatePages) isTask() {}
