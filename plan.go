package cloudconvert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/params"
)

// plan is a copy of a request as it is run: with exports, and with the local
// sources apart.
type plan struct {
	request JobRequest // with exports
	body    jobBody    // without the contents of local sources
	sources []plannedSource
	output  plannedOutput
}

// plannedSource is a local source and the task that imports it.
type plannedSource struct {
	task string
	Source
}

// plannedOutput is what a request determines of the files of its job.
type plannedOutput struct {
	exports  int    // export/url tasks
	filename string // of a single file, "" if not known
	// filenames are those that the exported tasks were given.
	filenames []string
	format    string // of a single file, "" if not known
	archive   bool   // several files are exported as one ZIP
	stem      string // of the first source
}

// newPlan validates a request and adds exports to it.
func newPlan(r *JobRequest) (*plan, error) {
	if r == nil || len(r.Tasks) == 0 {
		_, err := r.body(nil)
		return nil, err
	}
	p := &plan{request: *r}
	p.request.Tasks = maps.Clone(r.Tasks)
	p.request.problems = slices.Clone(r.problems)
	encoded := p.request.encodeTasks()
	p.addExports(encoded)
	body, err := p.request.body(encoded)
	if err != nil {
		return nil, err
	}
	if p.request.Redirect {
		return nil, errRedirect
	}
	p.body = body
	for _, name := range params.SortedKeys(p.request.Tasks) {
		if source, ok := taskOf(p.request.Tasks[name]).(Source); ok && source.isLocal() {
			p.sources = append(p.sources, plannedSource{name, source})
		}
	}
	p.output = p.planOutput()
	return p, nil
}

// addExports adds an export/url task for each task whose output no other task uses, if
// the job has no exports. A source that no task uses is a problem of the request.
func (p *plan) addExports(encoded map[string]params.Task) {
	tasks := p.request.Tasks
	names := params.SortedKeys(tasks)
	used, exports := map[string]bool{}, false
	for _, name := range names {
		task, ok := encoded[name]
		if !ok {
			continue // body reports the problem
		}
		exports = exports || strings.HasPrefix(string(tasks[name].Operation()), "export/")
		for _, input := range task.Inputs {
			used[input] = true
		}
	}
	for _, name := range names {
		task, ok := encoded[name]
		if !ok || used[name] {
			continue
		}
		if source, ok := taskOf(tasks[name]).(Source); ok {
			p.request.problems = append(p.request.problems, fmt.Errorf("no task uses the source %q: name it in the Input of one", source.String()))
			continue
		}
		if !exports && tasks[name].Operation() != OperationMetadata {
			ignore, _ := task.Params["ignore_error"].(bool)
			export := tasks.numbered("export-" + name)
			tasks[export] = ExportURL{Input: []string{name}, IgnoreError: ignore}
			encoded[export] = encodeTask(tasks[export])
		}
	}
}

func (p *plan) planOutput() plannedOutput {
	var o plannedOutput
	if first, ok := p.request.firstSource(); ok {
		o.stem = first.stem()
	}
	var inputs []string
	for _, name := range params.SortedKeys(p.body.Tasks) {
		task := p.body.Tasks[name]
		if task["operation"] == string(OperationExportURL) {
			o.exports++
			inputs = append(inputs, params.Texts(task["input"])...)
			o.archive, _ = task["archive_multiple_files"].(bool)
		}
	}
	for _, name := range inputs {
		asked := params.Text(p.body.Tasks[name]["filename"])
		if asked != "" && !strings.Contains(asked, "%") { // % stands for a number
			o.filenames = append(o.filenames, asked)
		}
	}
	if len(inputs) != 1 {
		return o
	}
	exported := p.body.Tasks[inputs[0]]
	if len(o.filenames) == 1 {
		o.filename = o.filenames[0]
	}
	operation := params.Text(exported["operation"])
	switch format, known := filename.Format(o.filename); {
	case params.Text(exported["output_format"]) != "":
		o.format = filename.Normalize(params.Text(exported["output_format"]))
	case known:
		o.format = format
	case strings.HasPrefix(operation, "pdf/"):
		o.format = "pdf"
	}
	return o
}

// firstSource returns the source that the output is named after: that of a pipeline, or
// else the first by task name.
func (r *JobRequest) firstSource() (Source, bool) {
	if r == nil {
		return Source{}, false
	}
	if source, ok := taskOf(r.Tasks["source"]).(Source); ok {
		return source, true
	}
	for _, name := range params.SortedKeys(r.Tasks) {
		if source, ok := taskOf(r.Tasks[name]).(Source); ok {
			return source, true
		}
	}
	return Source{}, false
}

// defaultName returns the default name of a work: the path, name or URL of its
// first source.
func (r *JobRequest) defaultName() string {
	first, ok := r.firstSource()
	if !ok {
		return ""
	}
	return first.String()
}

// checkExtension returns an error if the extension of a path is that of another format
// than the output.
func (o plannedOutput) checkExtension(path string) error {
	format, known := filename.Format(path)
	archived := o.archive && format == archiveFormat
	if !known || o.format == "" || archived || filename.Same(format, o.format) {
		return nil
	}
	return invalid(fmt.Errorf("the destination %q has the extension of another format than the output %q: change one of them", engine.HideQueries(path), o.format))
}

// names returns the names of files in a directory that are known beforehand.
func (o plannedOutput) names() []string {
	switch {
	case o.archive:
		return nil
	case len(o.filenames) > 0:
		return o.filenames
	case o.exports != 1 || o.stem == "" || o.format == "":
		return nil
	default:
		return []string{o.stem + "." + o.format}
	}
}

// archiveFormat is the format of exported archives.
const archiveFormat = "zip"

// checkUploads refuses tasks that wait for a file that this package does not send.
func (p *plan) checkUploads() error {
	for _, name := range params.SortedKeys(p.request.Tasks) {
		task := p.request.Tasks[name]
		if _, ok := taskOf(task).(Source); !ok && task.Operation() == OperationImportUpload {
			return invalid(fmt.Errorf("task %q waits for an upload: put a source in its place, or pass WithPendingUpload if another program uploads the file", name))
		}
	}
	return nil
}

// checkFiles refuses a job that exports no files.
func (p *plan) checkFiles() error {
	if p.output.exports == 0 {
		return invalid(errors.New("the job has no export/url task, so there is no file to write: use Run"))
	}
	return nil
}
