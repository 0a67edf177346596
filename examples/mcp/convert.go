package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/cloudconvert/cloudconvert-go"
)

// convertInput has the arguments of convert_file.
type convertInput struct {
	Input        string         `json:"input" jsonschema:"the source: a path, absolute or relative to the first root, a file URI, or an http(s) URL, which the service fetches"`
	Output       string         `json:"output" jsonschema:"the file to write, below a root, such as report.pdf. With output_format, it may be a directory, which ends in a slash"`
	OutputFormat string         `json:"output_format,omitempty" jsonschema:"the format to convert to, such as pdf, if output has no extension"`
	InputFormat  string         `json:"input_format,omitempty" jsonschema:"the format of the source, such as docx, if its name has no extension or a wrong one"`
	Options      map[string]any `json:"options,omitempty" jsonschema:"options of the conversion, such as quality or pages. list_formats lists them"`
}

// convertFile implements the tool convert_file.
func (s *server) convertFile(ctx context.Context, request *mcp.CallToolRequest, in convertInput) (*mcp.CallToolResult, *jobOutput, error) {
	w, roots, err := s.workspace(request)
	if w == nil {
		return roots, nil, err
	}
	defer w.close()
	task := cloudconvert.Convert{InputFormat: in.InputFormat, Options: in.Options}
	if task.OutputFormat, err = outputFormat(in); err != nil {
		return nil, nil, err
	}
	source, err := w.source(in.Input)
	if err != nil {
		return nil, nil, err
	}
	if !isURL(in.Input) {
		name := filepath.Base(in.Input)
		switch {
		case in.InputFormat != "":
			source = source.WithName(strings.TrimSuffix(name, filepath.Ext(name)) + "." + in.InputFormat)
		case filepath.Ext(name) == "":
			return nil, nil, fmt.Errorf("cannot tell the format of %q: set input_format", in.Input)
		}
	}
	o, err := s.output(w, in.Output)
	if err != nil {
		return nil, nil, err
	}
	defer o.close()
	out, err := s.run(ctx, request, cloudconvert.Pipeline(source, task), o)
	return nil, out, err
}

// outputFormat returns the format to convert to.
func outputFormat(in convertInput) (string, error) {
	asked, extension := formatOf("."+in.OutputFormat), formatOf(in.Output)
	switch {
	case asked == "" && extension == "":
		return "", errors.New("cannot tell the format to convert to: set output_format, or give output an extension such as .pdf")
	case asked != "" && extension != "" && asked != extension:
		return "", fmt.Errorf("output has the extension of another format than %s: leave out output_format, or change one of them", asked)
	default:
		return cmp.Or(asked, extension), nil
	}
}

// formatOf returns the format that the extension of a name stands for, or "".
func formatOf(name string) string {
	name = strings.ToLower(name)
	extension := strings.TrimPrefix(path.Ext(name), ".")
	if strings.HasSuffix(strings.TrimSuffix(name, "."+extension), ".tar") {
		return "tar." + extension
	}
	return cmp.Or(map[string]string{"jpeg": "jpg", "tif": "tiff", "htm": "html", "tgz": "tar.gz"}[extension], extension)
}
