package cloudconverttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/objects"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// exportFiles exports the files of a run.
func (s *Server) exportFiles(ctx context.Context, run *Run) error {
	switch run.Operation {
	case catalog.ExportURL:
		if run.Bool("archive_multiple_files") && len(run.Inputs) > 1 {
			return s.pack(ctx, run, "archive.zip", "zip")
		}
	case "export/upload":
		for _, in := range run.Inputs {
			if err := s.put(ctx, run, in); err != nil {
				return err
			}
		}
	default:
		if err := s.exportObjects(run); err != nil {
			return err
		}
	}
	for _, in := range run.Inputs {
		run.work.Share(in.source)
	}
	return nil
}

// exportObjects exports files as objects of a storage service.
func (s *Server) exportObjects(run *Run) error {
	files := make([]storage.File, len(run.Inputs))
	for i, in := range run.Inputs {
		files[i] = storage.File{Name: in.source.Name, Dir: in.source.Dir, Blob: in.source.Blob}
	}
	if err := s.objects.Write(objects.Locate(run.Operation, run.Text), files); err != nil {
		return jobs.FailWith(jobs.CodeUpload, "Upload failed", err)
	}
	return nil
}

// put sends a file to the URL of an export/upload.
func (s *Server) put(ctx context.Context, run *Run, in Input) error {
	f, err := os.Open(in.Path)
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, run.Text("url"), io.NopCloser(f))
	if err != nil {
		return Fail(jobs.CodeUpload, "The URL is invalid")
	}
	req.ContentLength = in.Size
	setHeaders(req.Header, run.Params["headers"])
	resp, err := s.outbound.Do(req)
	if err != nil {
		return Fail(jobs.CodeUpload, "Upload failed: "+withoutURL(err))
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return Fail(jobs.CodeUpload, "Upload failed: "+withoutURL(err))
	}
	if resp.StatusCode >= 300 {
		return Fail(jobs.CodeUpload, "Upload failed: the server responded with "+resp.Status)
	}
	return nil
}
