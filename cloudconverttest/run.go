package cloudconverttest

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"math"
	"net/url"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/media"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
)

// Run is a run of a task. If a handler is called for each input file, it is the run for
// one of them. A handler must not use it after it has returned.
type Run struct {
	// Operation is the operation of the task, such as "convert".
	Operation string
	// TaskID and JobID are the ids. JobID is empty for a task without a job. Name
	// is the name of the task in its job.
	TaskID, JobID, Name string
	// Params are the parameters of the task as they were sent, without operation,
	// input and ignore_error. Numbers are of type json.Number. Text, Number and Bool
	// convert them.
	Params map[string]any
	// Inputs are the files of the input tasks, in the order of the input
	// parameter.
	Inputs []Input
	// OutputFormat is the parameter output_format in lower case, with jpeg as
	// jpg; it may be empty.
	OutputFormat string

	s     *Server
	work  *jobs.Run
	index int // of the input file, for numbered names
	total int
}

// Input is an input file of a task.
type Input struct {
	// Name is the name of the file with its extension. It is untrusted: never use it
	// as a path.
	Name string
	// Dir is the directory of the file in an extracted archive, usually empty.
	Dir string
	// Format is the parameter input_format, or else the extension of the name, in
	// lower case, with jpeg as jpg.
	Format string
	// Path is the path of the file until the handler returns. It has the extension
	// of the file.
	Path string
	// Size is the size in bytes.
	Size int64
	// TaskID and Task are the id and the name of the task that made the file.
	TaskID, Task string

	source jobs.Input
}

// newRun returns the run of a task. With content, the parameters have the content of an
// inline import.
func (s *Server) newRun(work *jobs.Run, content bool) (*Run, error) {
	r := &Run{
		Operation: work.Operation, TaskID: work.TaskID, JobID: work.JobID, Name: work.Name, Params: work.Request.Params,
		s: s, work: work, total: 1,
	}
	if content {
		var err error
		if r.Params, err = work.Params(); err != nil {
			return nil, err
		}
	}
	r.OutputFormat = normalFormat(r.Text("output_format"))
	for _, in := range work.Inputs {
		r.Inputs = append(r.Inputs, input(in, r.Text("input_format")))
	}
	return r, nil
}

// input returns an input file with a format, or with that of its name.
func input(in jobs.Input, format string) Input {
	return Input{
		Name: in.Name, Dir: in.Dir, Format: normalFormat(cmp.Or(format, names.Extension(in.Name))), Path: in.Blob.Path,
		Size: in.Blob.Size, TaskID: in.TaskID, Task: in.Task, source: in,
	}
}

// Input returns the first input file. Its Path is empty if there is none.
func (r *Run) Input() Input {
	if len(r.Inputs) == 0 {
		return Input{}
	}
	return r.Inputs[0]
}

// InputOf returns the first file of another task that this one depends on, by the name or
// id of that task. An example is the task in the parameter image of a watermark. It
// returns false if there is none.
func (r *Run) InputOf(task string) (Input, bool) {
	inputs := r.work.InputsOf(task)
	if len(inputs) == 0 {
		return Input{}, false
	}
	return input(inputs[0], ""), true
}

// Text returns a parameter that is a string or a number as text, or "".
func (r *Run) Text(name string) string {
	s, _ := request.Text(r.Params[name])
	return s
}

// Number returns a parameter that is a number, or a string with one, or 0.
func (r *Run) Number(name string) float64 {
	f, err := strconv.ParseFloat(r.Text(name), 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return f
}

// Bool returns a parameter that is a boolean, or a string or number that stands for one,
// or false.
func (r *Run) Bool(name string) bool {
	b, _ := request.Bool(r.Params[name])
	return b
}

// OutputName returns the name that the service gives to the result for an input file: the
// parameter filename with the number of the file for %d or %03d, or the name of the input with
// the extension of the output format. The default name of an archive is archive, that of
// a capture the host of the website.
func (r *Run) OutputName(in Input) string {
	if name := r.Text("filename"); name != "" {
		return names.Numbered(name, r.index+1, r.total)
	}
	stem := names.Stem(in.Name)
	switch r.Operation {
	case catalog.Archive:
		stem = "archive"
	case catalog.CaptureWebsite:
		stem = hostOf(r.Text("url"))
	}
	return stem + "." + cmp.Or(r.OutputFormat, in.Format)
}

// hostOf returns the host of a URL, for the name of a file.
func hostOf(rawURL string) string {
	if u, err := url.Parse(rawURL); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "website"
}

// Dir returns an empty directory for temporary files. It is removed after the task.
func (r *Run) Dir() (string, error) { return r.work.Dir() }

// Write adds a file with the given content to the result of the task. The name
// may have slash-separated directories.
func (r *Run) Write(name string, content []byte) error {
	return r.ReadFrom(name, bytes.NewReader(content))
}

// ReadFrom adds a file with the content of from to the result of the task.
func (r *Run) ReadFrom(name string, from io.Reader) error { return r.work.ReadFrom(name, from) }

// AddFile adds a file on disk to the result of the task. It moves a file in [Run.Dir],
// and copies any other.
func (r *Run) AddFile(name, path string) error { return r.work.AddFile(name, path) }

// SetMessage sets the message of the finished task, such as "File size reduced by 12%".
func (r *Run) SetMessage(message string) {
	r.work.Update(func(x *jobs.Result) { x.Message = message })
}

// SetEngine sets the engine of the task.
func (r *Run) SetEngine(engine, version string) {
	r.work.Update(func(x *jobs.Result) { x.Engine, x.EngineVersion = engine, version })
}

// SetMetadata sets the metadata in the result of the task.
func (r *Run) SetMetadata(metadata map[string]any) {
	r.work.Update(func(x *jobs.Result) { x.Metadata = maps.Clone(metadata) })
}

// SetOutput sets the console output in the result of the task.
func (r *Run) SetOutput(output string) { r.work.Update(func(x *jobs.Result) { x.Output = &output }) }

// SetPercent sets the progress of the task.
func (r *Run) SetPercent(percent int) { r.work.SetPercent(percent) }

// Fail returns an error with a code of the service, such as "OPEN_FAILED", and a message,
// for a handler that fails its task. With any other error the task has no code, as with
// the service when a tool fails.
func Fail(code, message string) error { return jobs.Fail(code, message) }

// ErrUnsupported matches the error of [Run.Default] for a task that no built-in
// conversion can do. A handler that returns it refuses the task like the service.
var ErrUnsupported = Fail(jobs.CodeUnsupported, jobs.MessageUnsupported)

// normalFormat returns the canonical name of a format.
func normalFormat(format string) string { return media.Normalize(strings.TrimPrefix(format, ".")) }
