package cloudconverttest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/jobs"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/objects"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

func (s *Server) importFiles(ctx context.Context, run *Run) error {
	switch run.Operation {
	case catalog.ImportUpload:
		return importUpload(run)
	case "import/url":
		return s.importURL(ctx, run)
	case "import/base64", "import/raw":
		return importInline(run)
	}
	return s.importObjects(run)
}

// importFile adds a file. Its name must have an extension.
func importFile(run *Run, name string, content io.Reader) error {
	name = names.Base(name)
	b, err := run.work.Storage().Write(names.Extension(name), content)
	if err != nil {
		return err
	}
	return addFile(run, name, b)
}

// addFile adds a file with the content of b, which it takes over. Its name must have an
// extension.
func addFile(run *Run, name string, b *storage.Blob) error {
	if names.Extension(name) == "" {
		run.work.Storage().Release(b)
		return Fail(jobs.CodeFilename, "The file name "+name+" has no extension")
	}
	return run.work.Add(name, b)
}

// importUpload adds the uploaded file.
func importUpload(run *Run) error {
	name, b := run.work.Uploaded()
	if b == nil {
		return errors.New("the upload has ended")
	}
	if name = names.Base(name); names.Extension(name) == "" {
		run.work.Storage().Release(b)
		return Fail(jobs.CodeFilename, "The uploaded file has no usable name")
	}
	return run.work.Add(name, b)
}

// importInline adds the file of the request.
func importInline(run *Run) error {
	b, ok := run.work.Inline()
	if !ok {
		return Fail("INVALID_FILE", "The file is not valid base64")
	}
	return addFile(run, names.Base(run.Text("filename")), b)
}

func (s *Server) importURL(ctx context.Context, run *Run) error {
	rawURL := run.Text("url")
	if local, ok := s.outbound.Registered(rawURL); ok {
		return importLocal(run, local, nameOf(run.Text("filename"), rawURL, nil))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		return Fail(jobs.CodeDownload, "The URL is invalid")
	}
	setHeaders(req.Header, run.Params["headers"])
	resp, err := s.outbound.Do(req)
	if err != nil {
		return Fail(jobs.CodeDownload, "Download failed: "+withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if resp.StatusCode != http.StatusOK {
		return Fail(jobs.CodeDownload, "Download failed: the server responded with "+resp.Status)
	}
	body := &bodyReader{r: resp.Body, limit: s.cfg.maxUpload}
	err = importFile(run, nameOf(run.Text("filename"), rawURL, resp.Header), body)
	if body.err != nil {
		return Fail(jobs.CodeDownload, "Download failed: "+body.err.Error())
	}
	return err
}

// bodyReader bounds a download, and records its error.
type bodyReader struct {
	r     io.Reader
	n     int64 // bytes read
	limit int64
	err   error
}

func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if b.n += int64(n); b.n > b.limit {
		err = fmt.Errorf("the file has more than %d bytes", b.limit)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// nameOf returns the name of a downloaded file: the requested one, that of the response,
// or the last element of the URL. A name without an extension gets one by the content
// type.
func nameOf(requested, rawURL string, header http.Header) string {
	if requested != "" {
		return requested
	}
	_, params, err := mime.ParseMediaType(header.Get("Content-Disposition"))
	if err == nil && params["filename"] != "" {
		return params["filename"]
	}
	name := "download"
	if u, err := url.Parse(rawURL); err == nil && names.Base(u.Path) != "" {
		name = names.Base(u.Path)
	}
	if names.Extension(name) != "" {
		return name
	}
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return name
	}
	return name + usualExtension(mediaType)
}

// usualExtension returns the usual extension of a content type.
func usualExtension(mediaType string) string {
	switch mediaType {
	case "image/jpeg":
		return ".jpg"
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".html"
	case "image/tiff":
		return ".tiff"
	}
	exts, err := mime.ExtensionsByType(mediaType)
	if err != nil || len(exts) == 0 {
		return ""
	}
	return exts[0]
}

func importLocal(run *Run, path, name string) error {
	f, err := os.Open(path)
	if err != nil {
		return Fail(jobs.CodeDownload, "Download failed: the registered file cannot be read")
	}
	return errors.Join(importFile(run, name, f), f.Close())
}

func setHeaders(h http.Header, v any) {
	headers, _ := v.(map[string]any)
	for name, value := range headers {
		if s, ok := request.Text(value); ok {
			h.Set(name, s)
		}
	}
}

// HandleURL makes import/url of a URL take the local file at path, without a request. An
// empty path removes that.
func (s *Server) HandleURL(url, path string) { s.outbound.Register(url, path) }

// HandleObject registers an object of a storage service. Imports of the operation, such
// as "import/s3", with the key, blob or file of this name or with a prefix of it, get the
// local file at path, from every bucket. It takes precedence over an exported object, see
// [WithObjects]. An empty path removes it. HandleObject panics if there is no such
// operation.
func (s *Server) HandleObject(operation, key, path string) {
	checkOperation(operation)
	s.objects.Register(operation, key, path)
}

// importObjects imports objects of storage services.
func (s *Server) importObjects(run *Run) error {
	from := objects.Locate(run.Operation, run.Text)
	keys, err := s.objects.Keys(from)
	if err != nil {
		return jobs.FailWith(jobs.CodeDownload, "Download failed", err)
	}
	for _, key := range keys {
		name := names.Base(key)
		if len(keys) == 1 && run.Text("filename") != "" {
			name = names.Base(run.Text("filename"))
		}
		b, err := s.objects.Read(from, key, names.Extension(name))
		if err != nil {
			return jobs.FailWith(jobs.CodeDownload, "Download failed", err)
		}
		if err := addFile(run, name, b); err != nil {
			return err
		}
	}
	return nil
}

// withoutURL returns the text of an error without the URL, which may hold a secret.
func withoutURL(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Sprint(err)
}
