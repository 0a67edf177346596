package cloudconverttest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/media"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// Run is a run of a task. For the operation convert it is the run for one of its input
// files. A handler must not use it after it has returned.
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

	s       *Server
	t       *task
	index   int // of the input file, for numbered names
	total   int
	results *results
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

	blob *storage.Blob
}

// results are the results of the runs of a task.
type results struct {
	mu            sync.Mutex
	scratch       string
	held          []*storage.Blob // of inputs beyond Run.Inputs
	files         []*storage.File
	message       string
	engine        string
	engineVersion string
	metadata      map[string]any
	output        *string
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
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	for _, need := range r.t.needs {
		if need.name != task && need.id != task {
			continue
		}
		files := r.s.inputsFrom(need, "")
		for _, in := range files {
			r.results.held = append(r.results.held, in.blob)
		}
		if len(files) > 0 {
			return files[0], true
		}
	}
	return Input{}, false
}

// Text returns a parameter that is a string or a number as text, or "".
func (r *Run) Text(name string) string {
	s, _ := request.Text(r.Params[name])
	return s
}

// Number returns a parameter that is a number, or a string with one, or 0.
func (r *Run) Number(name string) float64 {
	f, err := strconv.ParseFloat(r.Text(name), 64)
	if err != nil {
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
// parameter filename with the number of the file for %d, or the name of the input with
// the extension of the output format.
func (r *Run) OutputName(in Input) string {
	name := r.Text("filename")
	if name == "" {
		return names.Stem(in.Name) + "." + cmp.Or(r.OutputFormat, in.Format)
	}
	return numbered(name, r.index+1, r.total)
}

// numbered replaces the placeholder of a name by a number, or adds the number if there
// are several files.
func numbered(name string, n, total int) string {
	if before, after, ok := strings.Cut(name, "%d"); ok {
		return before + strconv.Itoa(n) + after
	}
	if total < 2 {
		return name
	}
	return fmt.Sprintf("%s-%d.%s", names.Stem(name), n, names.Extension(name))
}

// Dir returns an empty directory for temporary files. It is removed after the task.
func (r *Run) Dir() (string, error) {
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	if r.results.scratch == "" {
		dir, err := os.MkdirTemp(r.s.dir, "run-")
		if err != nil {
			return "", fmt.Errorf("make a directory: %w", err)
		}
		r.results.scratch = dir
	}
	return os.MkdirTemp(r.results.scratch, "")
}

// Write adds a file with the given content to the result of the task. The name
// may have slash-separated directories.
func (r *Run) Write(name string, content []byte) error {
	return r.ReadFrom(name, strings.NewReader(string(content)))
}

// ReadFrom adds a file with the content of from to the result of the task.
func (r *Run) ReadFrom(name string, from io.Reader) error {
	b, err := r.s.storage.Write(names.Extension(name), from)
	if err != nil {
		return err
	}
	return r.add(name, b)
}

// AddFile adds a file on disk to the result of the task. It moves a file in [Run.Dir],
// and copies any other.
func (r *Run) AddFile(name, path string) error {
	if r.mayMove(path) {
		b, err := r.s.storage.Adopt(path, names.Extension(name))
		if err != nil {
			return err
		}
		return r.add(name, b)
	}
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("add a file: %w", err)
	}
	return errors.Join(r.ReadFrom(name, f), f.Close())
}

// mayMove reports whether a file is in a directory of the run. Others, such as inputs,
// have other users.
func (r *Run) mayMove(path string) bool {
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	rel, err := filepath.Rel(r.results.scratch, path)
	return r.results.scratch != "" && err == nil && filepath.IsLocal(rel)
}

func (r *Run) add(name string, b *storage.Blob) error {
	dir, base := path.Split(path.Clean("/" + strings.ReplaceAll(name, `\`, "/")))
	if base == "" {
		r.s.storage.Release(b)
		return Fail(codeFilename, "The output has no file name")
	}
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	r.results.files = append(r.results.files, &storage.File{
		Name: base, Dir: strings.Trim(dir, "/"), Blob: b, Size: b.Size, MD5: b.MD5,
	})
	return nil
}

// SetMessage sets the message of the finished task, such as "File size reduced by 12%".
func (r *Run) SetMessage(message string) { r.set(func(x *results) { x.message = message }) }

// SetEngine sets the engine of the task.
func (r *Run) SetEngine(engine, version string) {
	r.set(func(x *results) { x.engine, x.engineVersion = engine, version })
}

// SetMetadata sets the metadata in the result of the task.
func (r *Run) SetMetadata(metadata map[string]any) {
	r.set(func(x *results) { x.metadata = maps.Clone(metadata) })
}

// SetOutput sets the console output in the result of the task.
func (r *Run) SetOutput(output string) { r.set(func(x *results) { x.output = &output }) }

func (r *Run) set(f func(*results)) {
	r.results.mu.Lock()
	defer r.results.mu.Unlock()
	f(r.results)
}

// SetPercent sets the progress of the task.
func (r *Run) SetPercent(percent int) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	percent = min(max(percent, 0), 100)
	if r.t.terminal() || r.t.percent == percent {
		return
	}
	r.t.percent = percent
	r.s.emitTasks(taskUpdated, r.t)
}

// taskError is an error with a code of the service.
type taskError struct{ code, message string }

// Error returns the message.
func (e *taskError) Error() string { return e.message }

// Fail returns an error with a code of the service, such as "OPEN_FAILED", and a message,
// for a handler that fails its task. With any other error the task has no code, as with
// the service when a tool fails.
func Fail(code, message string) error { return &taskError{code, message} }

// failure returns the code and the message of the task for an error of its run.
func failure(ctx context.Context, err error) (code, message string) {
	if fail, ok := errors.AsType[*taskError](err); ok {
		return fail.code, fail.message
	}
	switch {
	case errors.Is(context.Cause(ctx), errTimeout):
		return codeTimeout, "The task took too long"
	case errors.Is(err, media.ErrUnsupported):
		return codeUnsupported, messageUnsupported
	case errors.Is(err, media.ErrOpen):
		return codeOpen, err.Error()
	}
	return "", err.Error()
}

// formatOf returns the canonical name of a format.
func formatOf(format string) string { return media.Normalize(strings.TrimPrefix(format, ".")) }
