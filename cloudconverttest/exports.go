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
)

// exportFiles exports the files of a run. Exports to storage services only list the
// files.
func (s *Server) exportFiles(ctx context.Context, run *Run) error {
	if run.Operation == catalog.ExportURL && run.Bool("archive_multiple_files") && len(run.Inputs) > 1 {
		return s.pack(ctx, run, "archive.zip", "zip")
	}
	for _, in := range run.Inputs {
		if run.Operation == "export/upload" {
			if err := s.put(ctx, run, in); err != nil {
				return err
			}
		}
		run.work.Share(in.source)
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
