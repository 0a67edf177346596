package cloudconvert

import (
	"fmt"
	"log/slog"
)

// ImportURL fetches a file from a web address.
type ImportURL struct {
	// URL is the address. Required.
	URL string `json:"url" task:"required"`
	// Filename is the name of the file with its extension, which decides the
	// input format. By default it is taken from the address or the answer.
	Filename string `json:"filename"`
	// Headers are sent with the request, for example for authorization.
	Headers map[string]string `json:"headers"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// Operation returns [OperationImportURL].
func (ImportURL) Operation() Operation { return OperationImportURL }

// MarshalJSON encodes the task as the API wants it.
func (t ImportURL) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *ImportURL) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t ImportURL) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t ImportURL) LogValue() slog.Value { return logTask(t) }

func (ImportURL) isTask() {}

// ImportUpload waits for a file to be uploaded, by [TasksService.Upload] or by
// a form in a browser, see [TasksService.UploadForm].
type ImportUpload struct {
	// Redirect is the address a browser is sent to after the upload. By
	// default it stays where it is.
	Redirect string `json:"redirect"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// Operation returns [OperationImportUpload].
func (ImportUpload) Operation() Operation { return OperationImportUpload }

// MarshalJSON encodes the task as the API wants it.
func (t ImportUpload) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *ImportUpload) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t ImportUpload) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t ImportUpload) LogValue() slog.Value { return logTask(t) }

func (ImportUpload) isTask() {}

// ImportBase64 carries a small file in the request, up to 10 MB. It may hold
// any bytes.
type ImportBase64 struct {
	// File is the content as base64 text in the standard encoding, as made by
	// [encoding/base64.StdEncoding]. Required.
	File string `json:"file" task:"required"`
	// Filename is the name of the file with its extension, which decides the
	// input format. Required.
	Filename string `json:"filename" task:"required"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// Operation returns [OperationImportBase64].
func (ImportBase64) Operation() Operation { return OperationImportBase64 }

// MarshalJSON encodes the task as the API wants it.
func (t ImportBase64) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *ImportBase64) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t ImportBase64) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t ImportBase64) LogValue() slog.Value { return logTask(t) }

func (ImportBase64) isTask() {}

// ImportRaw carries a small text file in the request, up to 10 MB. Files that
// are not UTF-8 text need [ImportBase64].
type ImportRaw struct {
	// File is the text itself. Required.
	File string `json:"file" task:"required"`
	// Filename is the name of the file with its extension, which decides the
	// input format. Required.
	Filename string `json:"filename" task:"required"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// Operation returns [OperationImportRaw].
func (ImportRaw) Operation() Operation { return OperationImportRaw }

// MarshalJSON encodes the task as the API wants it.
func (t ImportRaw) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *ImportRaw) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t ImportRaw) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue is the task without the values of its parameters.
func (t ImportRaw) LogValue() slog.Value { return logTask(t) }

func (ImportRaw) isTask() {}
