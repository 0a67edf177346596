package engines

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"os"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
)

// work is the work on an input file of a task.
type work struct {
	run      *cloudconverttest.Run
	in       cloudconverttest.Input
	n, total int // the number of the file, from 1, and how many there are
}

// partOf returns the work on one of the input files of a task. If the parameter filename
// is to be the name of several results, the part has it with the number of the file.
func partOf(run *cloudconverttest.Run, i int) work {
	part := *run
	part.Inputs = run.Inputs[i : i+1]
	w := work{run: &part, in: run.Inputs[i], n: i + 1, total: len(run.Inputs)}
	if w.total > 1 && run.Text("filename") != "" {
		part.Params = maps.Clone(run.Params)
		part.Params["filename"] = names.Numbered(run.Text("filename"), w.n, w.total)
	}
	return w
}

// name returns the name of the result, if there is one for each input file.
func (w work) name() string { return w.run.OutputName(w.in) }

// numbered returns the name of the nth of several results.
func (w work) numbered(n, total int) string {
	return names.Numbered(cmp.Or(w.run.Text("filename"), w.run.OutputName(w.in)), n, total)
}

// content reads the input file, up to a size.
func content(in cloudconverttest.Input, limit int64) ([]byte, error) {
	if in.Size > limit {
		return nil, cloudconverttest.Fail("FILE_TOO_LARGE",
			fmt.Sprintf("%s has %d bytes, and the limit is %d", in.Name, in.Size, limit))
	}
	return os.ReadFile(in.Path)
}

// openFailed returns the error for an unreadable input.
func openFailed(in cloudconverttest.Input, why string) error {
	return cloudconverttest.Fail("OPEN_FAILED", fmt.Sprintf("%s cannot be opened: %s", in.Name, why))
}

// invalid returns the error for an invalid parameter.
func invalid(format string, args ...any) error {
	return cloudconverttest.Fail("INVALID_DATA", fmt.Sprintf(format, args...))
}

// unsupported returns an error that matches [cloudconverttest.ErrUnsupported], with a
// reason for the message of the task.
func unsupported(reason string) error {
	return fmt.Errorf("%w: %w", cloudconverttest.ErrUnsupported, reasonError(reason))
}

type reasonError string

func (e reasonError) Error() string { return string(e) }

// errTooMuch means that a result is too large.
var errTooMuch = cloudconverttest.Fail("FILE_TOO_LARGE", "The result is too large")

// bounded is a buffer of a limited size.
type bounded struct {
	buffer []byte
	limit  int
}

var _ io.Writer = (*bounded)(nil)

func (b *bounded) Write(p []byte) (int, error) {
	if len(b.buffer)+len(p) > b.limit {
		return 0, errTooMuch
	}
	b.buffer = append(b.buffer, p...)
	return len(p), nil
}
