package cloudconvert

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
