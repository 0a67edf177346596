package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// merge joins the contents of files.
func merge(_ context.Context, run *cloudconverttest.Run) error {
	var all []byte
	for _, input := range run.Inputs {
		content, err := os.ReadFile(input.Path)
		if err != nil {
			return err
		}
		all = append(all, content...)
	}
	return run.Write("merged.pdf", all)
}

func TestRunPipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.service.Handle("merge", merge)
	w.service.HandleURL("https://example.com/b.pdf", w.write(t, "remote", " and b"))
	tasks := arguments{ // as the Job Builder writes it
		"import-1": arguments{"operation": "import/upload"},
		"import-2": arguments{"operation": "import/url", "url": "https://example.com/b.pdf"},
		"merge":    arguments{"operation": "merge", "input": []string{"import-1", "import-2"}, "output_format": "pdf", "engine": "qpdf"},
		"export-1": arguments{"operation": "export/url", "input": []string{"merge"}, "inline": false},
	}
	out := call[jobOutput](t, w, "run_pipeline", arguments{
		"tasks": tasks, "files": arguments{"import-1": "a.docx"}, "output": "book.pdf",
	})
	assert.Equal(t, []string{filepath.Join(w.dir, "book.pdf")}, out.Paths)
	assert.Equal(t, "letter and b", w.read(t, "book.pdf"))
	delete(tasks, "export-1")
	call[jobOutput](t, w, "run_pipeline", arguments{
		"tasks": tasks, "files": arguments{"import-1": uriOf(filepath.Join(w.dir, "a.docx"))}, "output": "out/",
	})
	assert.Equal(t, "letter and b", w.read(t, "out/merged.pdf"))
}

func TestRunPipelineReturnsMetadata(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.service.Handle("metadata", func(_ context.Context, run *cloudconverttest.Run) error {
		run.SetMetadata(map[string]any{"PageCount": 3})
		return nil
	})
	for _, output := range []string{"", "unused.pdf"} {
		out := call[jobOutput](t, w, "run_pipeline", arguments{
			"tasks":  arguments{"in": arguments{"operation": "import/upload"}, "info": arguments{"operation": "metadata", "input": "in"}},
			"files":  arguments{"in": "a.docx"},
			"output": output,
		})
		assert.Equal(t, map[string]map[string]any{"info": {"PageCount": 3.0}}, out.Metadata)
		assert.Empty(t, out.Paths)
	}
	assert.Equal(t, []string{"a.docx"}, w.files(t))
}

func TestRunPipelineRefuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	upload := arguments{"operation": "import/upload"}
	convert := arguments{"operation": "convert", "input": "in", "output_format": "pdf"}
	s3 := arguments{"operation": "export/s3", "input": "c", "bucket": "b", "region": "r", "access_key_id": "i", "secret_access_key": "SECRET"}
	files := arguments{"in": "a.docx"}
	for want, in := range map[string]arguments{
		"no tasks":                        {"tasks": arguments{}, "output": "b.pdf"},
		"set output":                      {"tasks": arguments{"in": upload, "c": convert}, "files": files},
		"waits for a file":                {"tasks": arguments{"in": upload, "c": convert}, "output": "b.pdf"},
		"add the task":                    {"tasks": arguments{"in": upload, "c": convert}, "files": arguments{"x": "a.docx"}, "output": "b.pdf"},
		"use a task of the operation imp": {"tasks": arguments{"in": upload, "c": convert}, "files": arguments{"in": "https://x"}, "output": "b.pdf"},
		`"spaces" exports to another`:     {"tasks": arguments{"in": upload, "spaces": arguments{"operation": " export/sftp", "input": "in"}}, "files": files, "output": "b.pdf"},
		`"upper" exports to another`:      {"tasks": arguments{"in": upload, "upper": arguments{"operation": "EXPORT/S3", "input": "in"}}, "files": files, "output": "b.pdf"},
		"exports to another place":        {"tasks": arguments{"in": upload, "c": convert, "out": s3}, "files": files, "output": "b.pdf"},
		"no task uses the source":         {"tasks": arguments{"in": upload, "c": arguments{"operation": "capture-website", "url": "https://x", "output_format": "pdf"}}, "files": files, "output": "b.pdf"},
		`"nowhere"`:                       {"tasks": arguments{"in": upload, "c": arguments{"operation": "convert", "input": "nowhere", "output_format": "pdf"}}, "files": files, "output": "b.pdf"},
		"operation":                       {"tasks": arguments{"in": arguments{"input": "x"}}, "output": "b.pdf"},
		"unexpected":                      {"tasks": arguments{"in": upload, "c": convert}, "files": files, "output": "b.pdf", "webhook_url": "https://x"},
	} {
		text := w.refuses(t, "run_pipeline", in)
		assert.Contains(t, text, want)
		assert.NotContains(t, text, "SECRET")
	}
	assert.Equal(t, []string{"a.docx"}, w.files(t))
}
