package cloudconvert

import "time"

// PDFA converts PDF files to PDF/A, for archiving.
type PDFA struct {
	// Input names the tasks whose files are converted. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// ConformanceLevel is the level of PDF/A. By default the service chooses.
	ConformanceLevel PDFALevel `json:"conformance_level"`
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

// PDFALevel is a conformance level of [PDFA].
type PDFALevel string

// The conformance levels of PDF/A.
const (
	PDFALevel1B PDFALevel = "1b"
	PDFALevel2B PDFALevel = "2b"
	PDFALevel3B PDFALevel = "3b"
)

// PDFX converts PDF files to PDF/X, for printing.
type PDFX struct {
	// Input names the tasks whose files are converted. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// Variant is the variant of PDF/X, for example "4". By default the service
	// chooses.
	Variant string `json:"variant"`
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

// PDFOCR recognizes text in scanned PDF files (OCR).
type PDFOCR struct {
	// Input names the tasks whose files are read. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// AutoOrient turns the pages upright first. nil means the default of the service.
	AutoOrient *bool `json:"auto_orient"`
	// Language lists the languages of the text by their ISO 639-2 codes, for
	// example "eng" and "deu".
	Language []string `json:"language"`
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

// PDFEncrypt protects PDF files with passwords.
type PDFEncrypt struct {
	// Input names the tasks whose files are protected. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// SetPassword is the password needed to open the file.
	SetPassword string `json:"set_password"`
	// SetOwnerPassword is the password needed to change the permissions. The API
	// does not document what happens without a password.
	SetOwnerPassword string `json:"set_owner_password"`
	// AllowExtract allows copying text and images from the file. nil means the
	// default of the service.
	AllowExtract *bool `json:"allow_extract"`
	// AllowAccessibility allows extracting text for people with disabilities.
	// nil means the default of the service.
	AllowAccessibility *bool `json:"allow_accessibility"`
	// AllowModify selects the changes that are allowed, for example "none" or
	// "form". By default the service chooses.
	AllowModify string `json:"allow_modify"`
	// AllowPrint selects how the file may be printed, for example "none" or
	// "full". By default the service chooses.
	AllowPrint string `json:"allow_print"`
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

// PDFDecrypt removes the protection of PDF files.
type PDFDecrypt struct {
	// Input names the tasks whose files are decrypted. Required; [Pipeline] fills
	// it in.
	Input []string `json:"input" task:"input,required"`
	// Password is the password that opens the file. Required.
	Password string `json:"password" task:"required"`
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

// PDFSplitPages writes each page to its own PDF file.
type PDFSplitPages struct {
	// Input names the tasks whose files are split. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
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

// PDFExtractPages writes selected pages to a new PDF file.
type PDFExtractPages struct {
	// Input names the tasks whose files the pages are taken from. Required;
	// [Pipeline] fills it in.
	Input []string `json:"input" task:"input,required"`
	// Pages are the pages to keep, counted from 1, for example "1,2,5-7".
	// Required.
	Pages string `json:"pages" task:"required"`
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

// PDFRotatePages rotates pages of PDF files.
type PDFRotatePages struct {
	// Input names the tasks whose files are rotated. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// Pages are the pages to rotate, counted from 1, for example "1,2,5-7". By
	// default all.
	Pages string `json:"pages"`
	// Rotation is the angle in degrees. With a sign it is added to the current
	// rotation: "+90", "-90" or "180". Required.
	Rotation string `json:"rotation" task:"required"`
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
