package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// Run is the work of a task: its inputs and its result.
type Run struct {
	TaskID, JobID, Name, Operation string

	Request request.Task
	Inputs  []Input // of the input tasks, in their order

	jobs   *Jobs
	task   *Task
	inline *inline

	mu      sync.Mutex
	result  Result
	held    []*storage.Blob // of inputs beyond Inputs
	scratch string
}

// Input is an input file. Its content stays on disk until the run ends.
type Input struct {
	Name, Dir    string
	Blob         *storage.Blob
	TaskID, Task string // the task that made the file
}

// Result is the result of a run.
type Result struct {
	Files         []*storage.File
	Message       string
	Engine        string
	EngineVersion string
	Metadata      map[string]any
	Output        *string
}

// newRun collects the inputs of a task. They stay on disk until close, even if their
// tasks are deleted.
func (s *Jobs) newRun(t *Task) *Run {
	r := &Run{
		TaskID: t.ID, Name: t.Name, Operation: t.Operation, Request: t.Request, jobs: s, task: t,
		inline: t.inline.share(s.cfg.Storage),
	}
	if t.Job != nil {
		r.JobID = t.Job.ID
	}
	for _, in := range t.inputs {
		r.Inputs = append(r.Inputs, s.inputsFrom(in)...)
	}
	return r
}

func (s *Jobs) inputsFrom(t *Task) []Input {
	if t.Status != Finished {
		return nil // it failed with ignore_error
	}
	inputs := make([]Input, len(t.Files))
	for i, f := range t.Files {
		inputs[i] = Input{Name: f.Name, Dir: f.Dir, Blob: s.cfg.Storage.Retain(f.Blob), TaskID: t.ID, Task: t.Name}
	}
	return inputs
}

// InputsOf returns the files of another task that this one depends on, by the name or id
// of that task.
func (r *Run) InputsOf(task string) []Input {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.jobs.mu.Lock()
	defer r.jobs.mu.Unlock()
	for _, need := range r.task.Needs {
		if need.Name != task && need.ID != task {
			continue
		}
		inputs := r.jobs.inputsFrom(need)
		for _, in := range inputs {
			r.held = append(r.held, in.Blob)
		}
		if len(inputs) > 0 {
			return inputs
		}
	}
	return nil
}

// Uploaded returns the file that was uploaded, once.
func (r *Run) Uploaded() (filename string, b *storage.Blob) {
	r.jobs.mu.Lock()
	defer r.jobs.mu.Unlock()
	b, r.task.upload.blob = r.task.upload.blob, nil
	return r.task.upload.filename, b
}

// Storage returns the storage, for files of the result.
func (r *Run) Storage() *storage.Storage { return r.jobs.cfg.Storage }

// Dir returns an empty directory for temporary files. It is removed after the task.
func (r *Run) Dir() (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.scratch == "" {
		dir, err := os.MkdirTemp(r.jobs.cfg.Dir, "run-")
		if err != nil {
			return "", fmt.Errorf("make a directory: %w", err)
		}
		r.scratch = dir
	}
	return os.MkdirTemp(r.scratch, "")
}

// ReadFrom adds a file with the content of from to the result.
func (r *Run) ReadFrom(name string, from io.Reader) error {
	b, err := r.jobs.cfg.Storage.Write(names.Extension(name), from)
	if err != nil {
		return err
	}
	return r.Add(name, b)
}

// AddFile adds a file on disk to the result. It moves a file in [Run.Dir], and copies any
// other.
func (r *Run) AddFile(name, path string) error {
	if r.mayMove(path) {
		b, err := r.jobs.cfg.Storage.Adopt(path, names.Extension(name))
		if err != nil {
			return err
		}
		return r.Add(name, b)
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
	r.mu.Lock()
	defer r.mu.Unlock()
	rel, err := filepath.Rel(r.scratch, path)
	return r.scratch != "" && err == nil && filepath.IsLocal(rel)
}

// Add adds a file with the content of b, which the run takes over, to the result. The name
// may have directories.
func (r *Run) Add(name string, b *storage.Blob) error {
	dir, base := path.Split(path.Clean("/" + strings.ReplaceAll(name, `\`, "/")))
	if base == "" {
		r.jobs.cfg.Storage.Release(b)
		return Fail(CodeFilename, "The output has no file name")
	}
	r.Update(func(x *Result) {
		x.Files = append(x.Files, &storage.File{Name: base, Dir: strings.Trim(dir, "/"), Blob: b, Size: b.Size, MD5: b.MD5})
	})
	return nil
}

// Share adds an input file to the result.
func (r *Run) Share(in Input) {
	b := r.jobs.cfg.Storage.Retain(in.Blob)
	r.Update(func(x *Result) {
		x.Files = append(x.Files, &storage.File{Name: in.Name, Dir: in.Dir, Blob: b, Size: b.Size, MD5: b.MD5})
	})
}

// Update changes the result.
func (r *Run) Update(f func(*Result)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.result)
}

// SetPercent sets the progress of the task.
func (r *Run) SetPercent(percent int) {
	r.jobs.mu.Lock()
	defer r.jobs.mu.Unlock()
	percent = min(max(percent, 0), 100)
	if r.task.terminal() || r.task.Percent == percent {
		return
	}
	r.task.Percent = percent
	r.jobs.cfg.TaskEvent(taskUpdated, r.task)
}

// Part returns a run of the same task with a separate result, which Close releases.
func (r *Run) Part() *Run {
	return &Run{
		TaskID: r.TaskID, JobID: r.JobID, Name: r.Name, Operation: r.Operation, Request: r.Request, jobs: r.jobs, task: r.task,
	}
}

// Files returns the files of the result as inputs, which stay on disk until Close.
func (r *Run) Files() []Input {
	r.mu.Lock()
	defer r.mu.Unlock()
	inputs := make([]Input, len(r.result.Files))
	for i, f := range r.result.Files {
		inputs[i] = Input{Name: f.Name, Dir: f.Dir, Blob: f.Blob}
	}
	return inputs
}

// Close releases the files of a run.
func (r *Run) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	store := r.jobs.cfg.Storage
	r.inline.release(store)
	for _, in := range r.Inputs {
		store.Release(in.Blob)
	}
	for _, b := range r.held {
		store.Release(b)
	}
	store.Free(r.result.Files...)
	r.result.Files = nil
	if r.scratch == "" {
		return
	}
	if err := os.RemoveAll(r.scratch); err != nil {
		r.jobs.cfg.Log.Warn("remove the directory of a task", "error", err)
	}
}

// taskError is an error with a code of the service.
type taskError struct {
	code, message string
	cause         error
}

// Error returns the message.
func (e *taskError) Error() string { return e.message }

// Is reports whether target is an error of [Fail] with the same code.
func (e *taskError) Is(target error) bool {
	other, ok := errors.AsType[*taskError](target)
	return ok && other.code == e.code
}

// Fail returns an error that fails a task with a code and a message.
func Fail(code, message string) error { return &taskError{code: code, message: message} }

// FailWith is like [Fail] with an error that completes the message, and that errors.Is
// finds.
func FailWith(code, message string, err error) error {
	return &taskError{code, message + ": " + err.Error(), err}
}

// Unwrap returns the error of [FailWith].
func (e *taskError) Unwrap() error { return e.cause }

// failure returns the code and the message of the task for an error of its run.
func failure(ctx context.Context, err error) (code, message string) {
	if errors.Is(context.Cause(ctx), errTimeout) {
		return codeTimeout, "The task took too long"
	}
	if fail, ok := errors.AsType[*taskError](err); ok {
		return fail.code, fail.message
	}
	return "", err.Error()
}
