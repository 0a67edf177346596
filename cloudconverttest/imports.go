package cloudconverttest

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
)

// importFiles brings files into the server.
func (s *Server) importFiles(ctx context.Context, run *Run) error {
	switch run.Operation {
	case opImportUpload:
		return importUpload(run)
	case "import/url":
		return s.importURL(ctx, run)
	case "import/base64":
		content, err := decodeBase64(run.Text("file"))
		if err != nil {
			return Fail("INVALID_FILE", "The file is not valid base64")
		}
		return importFile(run, run.Text("filename"), strings.NewReader(string(content)))
	case "import/raw":
		return importFile(run, run.Text("filename"), strings.NewReader(run.Text("file")))
	}
	return s.importObjects(run)
}

// importFile adds a file whose name must tell its format.
func importFile(run *Run, name string, content io.Reader) error {
	if name = baseName(name); extension(name) == "" {
		return Fail(codeFilename, "The file name "+name+" has no extension")
	}
	return run.ReadFrom(name, content)
}

// baseName takes the directories off a name from outside.
func baseName(name string) string {
	base := path.Base(path.Clean("/" + strings.ReplaceAll(name, `\`, "/")))
	return strings.Trim(base, "/")
}

// importUpload takes what the storage has received.
func importUpload(run *Run) error {
	run.s.mu.Lock()
	b, name := run.t.form.blob, run.t.form.filename
	run.t.form.blob = nil
	run.s.mu.Unlock()
	if name = baseName(name); extension(name) == "" {
		run.s.blobs.release(b)
		return Fail(codeFilename, "The uploaded file has no usable name")
	}
	return run.add(name, b)
}

func decodeBase64(text string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(text); err == nil {
		return b, nil
	}
	return base64.RawStdEncoding.DecodeString(text)
}

func (s *Server) importURL(ctx context.Context, run *Run) error {
	address := run.Text("url")
	if local, ok := s.outbound.registered(address); ok {
		return importLocal(run, local, nameOf(run.Text("filename"), address, nil))
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return Fail(codeDownload, "The address cannot be used")
	}
	setHeaders(req.Header, run.Params["headers"])
	resp, err := s.outbound.do(req)
	if err != nil {
		return Fail(codeDownload, "Download failed: "+withoutURL(err))
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	if resp.StatusCode != http.StatusOK {
		return Fail(codeDownload, "Download failed: the server answered "+resp.Status)
	}
	body := &bodyReader{r: resp.Body}
	err = importFile(run, nameOf(run.Text("filename"), address, resp.Header), body)
	if body.err != nil {
		return Fail(codeDownload, "Download failed: "+body.err.Error())
	}
	return err
}

// bodyReader remembers why a download broke off.
type bodyReader struct {
	r   io.Reader
	err error
}

// Read reads on.
func (b *bodyReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// nameOf finds the name of a downloaded file: as asked for, as the answer says, or the end of the address, with an extension
// by its type if it has none.
func nameOf(asked, address string, answer http.Header) string {
	if asked != "" {
		return asked
	}
	_, params, err := mime.ParseMediaType(answer.Get("Content-Disposition"))
	if err == nil && params["filename"] != "" {
		return params["filename"]
	}
	name := "download"
	if u, err := url.Parse(address); err == nil && baseName(u.Path) != "" {
		name = baseName(u.Path)
	}
	if extension(name) != "" {
		return name
	}
	mediaType, _, err := mime.ParseMediaType(answer.Get("Content-Type"))
	if err != nil {
		return name
	}
	return name + usualExtension(mediaType)
}

// usualExtension is the extension most people use for a type.
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
		return Fail(codeDownload, "Download failed: the registered file cannot be read")
	}
	return errors.Join(importFile(run, name, f), f.Close())
}

func setHeaders(h http.Header, v any) {
	headers, _ := v.(map[string]any)
	for name, value := range headers {
		if s, ok := asText(value); ok {
			h.Set(name, s)
		}
	}
}

// HandleObject makes imports from a storage service find an object: those of
// the operation, "import/s3" for example, that ask for the key, blob or file of
// this name, or for a prefix of it, get the local file at path.
func (s *Server) HandleObject(operation, key, path string) {
	s.outbound.register(operation+" "+key, path)
}

// importObjects looks for objects of storage services among the registered ones.
func (s *Server) importObjects(run *Run) error {
	objects := s.outbound.objects(run.Operation + " ")
	var found []string
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		if run.wantsObject(key) {
			found = append(found, key)
		}
	}
	if len(found) == 0 {
		return Fail(codeDownload, "Download failed: there is no such object")
	}
	for _, key := range found {
		name := baseName(key)
		if len(found) == 1 && run.Text("filename") != "" {
			name = run.Text("filename")
		}
		if err := importLocal(run, objects[key], name); err != nil {
			return err
		}
	}
	return nil
}

func (r *Run) wantsObject(key string) bool {
	for _, exact := range []string{"key", "blob", "file"} {
		if r.Text(exact) != "" {
			return r.Text(exact) == key
		}
	}
	for _, prefix := range []string{"key_prefix", "blob_prefix", "file_prefix", "path"} {
		if r.Text(prefix) != "" {
			return strings.HasPrefix(key, r.Text(prefix))
		}
	}
	return false
}

// withoutURL is the text of an error without the address, which may hold a secret.
func withoutURL(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return fmt.Sprint(err)
}
