package cloudconverttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
)

// exportFiles exports the files of a run. Exports to storage services only list the
// files.
func (s *Server) exportFiles(ctx context.Context, run *Run) error {
	if run.Operation == opExportURL && run.Bool("archive_multiple_files") && len(run.Inputs) > 1 {
		return s.pack(ctx, run, "archive.zip", "zip")
	}
	for _, in := range run.Inputs {
		if run.Operation == "export/upload" {
			if err := s.put(ctx, run, in); err != nil {
				return err
			}
		}
		run.share(in)
	}
	return nil
}

// share adds an input file to the result.
func (r *Run) share(in Input) {
	f := &file{name: in.Name, dir: in.Dir, blob: r.s.blobs.retain(in.blob), size: in.Size, md5: in.blob.md5}
	r.set(func(x *results) { x.files = append(x.files, f) })
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
		return Fail(codeUpload, "The URL is invalid")
	}
	req.ContentLength = in.Size
	setHeaders(req.Header, run.Params["headers"])
	resp, err := s.outbound.do(req)
	if err != nil {
		return Fail(codeUpload, "Upload failed: "+withoutURL(err))
	}
	_, err = io.Copy(io.Discard, resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil {
		return Fail(codeUpload, "Upload failed: "+withoutURL(err))
	}
	if resp.StatusCode >= 300 {
		return Fail(codeUpload, "Upload failed: the server responded with "+resp.Status)
	}
	return nil
}

// publish makes the files of a finished export/url downloadable.
func (s *Server) publish(t *task, inline bool) {
	for i, f := range t.files {
		f.inline, f.stored = inline, s.clock.now()
		f.object = t.id + "/" + f.name
		if _, taken := s.objects[f.object]; taken {
			f.object = t.id + "/" + strconv.Itoa(i) + "/" + f.name
		}
		s.objects[f.object] = f
	}
	t.files = slices.Clip(t.files)
}
