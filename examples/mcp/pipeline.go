package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// pipelineInput has the arguments of run_pipeline.
type pipelineInput struct {
	Tasks  map[string]map[string]any `json:"tasks" jsonschema:"the tasks by name, each with its operation, its input (a task name or a list of them) and its parameters"`
	Files  map[string]string         `json:"files,omitempty" jsonschema:"the local file of each task of the operation import/upload, by task name: a path, absolute or relative to the first root, or a file URI"`
	Output string                    `json:"output,omitempty" jsonschema:"the file to write, below a root, or a directory if it ends in a slash. Required unless all results are metadata"`
}

// runPipeline implements the tool run_pipeline.
func (s *server) runPipeline(ctx context.Context, request *mcp.CallToolRequest, in pipelineInput) (*mcp.CallToolResult, *jobOutput, error) {
	w, roots, err := s.workspace(request)
	if w == nil {
		return roots, nil, err
	}
	defer w.close()
	job, err := w.job(in)
	if err != nil {
		return nil, nil, err
	}
	var o *output
	if hasFiles(job.Tasks) {
		if in.Output == "" {
			return nil, nil, errors.New("the tasks make files: set output to a file, or to a directory that ends in a slash")
		}
		if o, err = s.output(w, in.Output); err != nil {
			return nil, nil, err
		}
		defer o.close()
	}
	out, err := s.run(ctx, request, job, o)
	return nil, out, err
}

// job returns the job of the tasks, with the local files as sources.
func (w *workspace) job(in pipelineInput) (*cloudconvert.JobRequest, error) {
	data, err := json.Marshal(in.Tasks)
	if err != nil {
		return nil, err
	}
	job := &cloudconvert.JobRequest{}
	if err := json.Unmarshal(data, &job.Tasks); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(in.Files)) {
		task, ok := job.Tasks[name]
		if !ok || task.Operation() != cloudconvert.OperationImportUpload {
			return nil, fmt.Errorf("files names %q, which is not a task of the operation import/upload: add the task", name)
		}
		if isURL(in.Files[name]) {
			return nil, fmt.Errorf("the file of task %q is a URL: use a task of the operation import/url", name)
		}
		if job.Tasks[name], err = w.source(in.Files[name]); err != nil {
			return nil, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(job.Tasks)) {
		operation := job.Tasks[name].Operation()
		// It is not known whether the service ignores spaces or case.
		isExport := strings.HasPrefix(strings.ToLower(strings.TrimSpace(string(operation))), "export/")
		switch {
		case operation == cloudconvert.OperationImportUpload && in.Files[name] == "":
			return nil, fmt.Errorf("task %q waits for a file: add its path to files under this name", name)
		case isExport && operation != cloudconvert.OperationExportURL:
			return nil, fmt.Errorf("task %q exports to another place, which this server does not allow: leave it out, "+
				"and the files are written to output", name)
		}
	}
	return job, nil
}

// hasFiles reports whether a job has other results than metadata.
func hasFiles(tasks cloudconvert.Tasks) bool {
	for _, task := range tasks {
		operation := task.Operation()
		if operation != cloudconvert.OperationMetadata && !strings.HasPrefix(string(operation), "import/") {
			return true
		}
	}
	return false
}
