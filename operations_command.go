package cloudconvert

import "time"

// Metadata reads the metadata of files, such as title, author or size in
// pixels. It costs no credits. The answer is in the result of the task.
type Metadata struct {
	// Input names the tasks whose files are read. Required; [Pipeline] fills it
	// in.
	Input []string `json:"input" task:"input,required"`
	// InputFormat is the format of the input, for example "docx". By default
	// the extension of each file decides.
	InputFormat string `json:"input_format"`
	// Engine is the program that does the work. By default the service chooses,
	// and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
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
	// Metadata are the new values, texts or numbers, under their names, for
	// example "Title" or "Author". Required.
	Metadata map[string]any `json:"metadata" task:"required"`
	// Filename is the name of the output with its extension. For several
	// outputs it may hold a place for their number, as in "page-%d.pdf". By
	// default it is derived from the input.
	Filename string `json:"filename"`
	// Engine is the program that does the work. By default the service chooses,
	// and may choose differently later.
	Engine string `json:"engine"`
	// EngineVersion is the version of the engine. By default the service chooses.
	EngineVersion string `json:"engine_version"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}

// Command runs FFmpeg, ImageMagick or GraphicsMagick with arguments of your
// own.
//
// The files of Input are found as /input/{task name}/{file name}. Every file
// written to /output/ becomes an output.
type Command struct {
	// Input names the tasks whose files the command works on. Required; [Pipeline]
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
	// Arguments are the arguments in one line, as in a shell. Required.
	Arguments string `json:"arguments" task:"required"`
	// CaptureOutput keeps what the command prints in the result of the task.
	CaptureOutput bool `json:"capture_output"`
	// Timeout is how long the task may take, a whole number of seconds such as
	// 10*time.Minute. By default 5 hours.
	Timeout time.Duration `json:"timeout"`
	// IgnoreError lets the job go on and succeed if this task fails.
	IgnoreError bool `json:"ignore_error"`
	// Options are further parameters.
	Options Options `json:"-"`
}
