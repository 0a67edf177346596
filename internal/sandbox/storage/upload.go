package storage

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
)

const (
	maxFormField = 64 << 10 // size of the largest form field but the file
	maxDrain     = 64 << 20 // how much is read of what follows the file
)

// received is a form up to its file.
type received struct {
	fields   map[string]string
	filename string
	file     io.Reader // valid until the next part is read
}

// upload handles a form with a file, which it writes to disk.
func (s *Storage) upload(w http.ResponseWriter, r *http.Request) *storageError {
	if r.ContentLength < 0 {
		return &storageError{
			http.StatusLengthRequired, "MissingContentLength", "You must provide the Content-Length HTTP header.",
		}
	}
	form, fail := readForm(r)
	if fail != nil {
		return fail
	}
	return s.accept(w, r, form)
}

// accept checks a form and stores its file.
func (s *Storage) accept(w http.ResponseWriter, r *http.Request, form received) *storageError {
	taskID, grant, fail := s.check(r, form)
	if fail != nil {
		return fail
	}
	content := &io.LimitedReader{R: form.file, N: s.cfg.MaxUpload + 1}
	b, err := s.Write(names.Extension(form.filename), content)
	switch {
	case err != nil:
		return &storageError{http.StatusBadRequest, "IncompleteBody", "The request body ended too early."}
	case content.N <= 0:
		s.Release(b)
		return &storageError{
			http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size",
		}
	}
	drain(r.Body) // fields after the file are ignored
	etag := `"` + b.MD5 + `"`
	s.uploaded(taskID, form.filename, b)
	grant.write(w, s.origin, etag)
	return nil
}

// drain reads on for a while, so that a client that is still sending gets the response.
func drain(body io.Reader) {
	_, _ = io.CopyN(io.Discard, body, maxDrain) // an error means that the client has disconnected
}

// readForm reads the fields up to the file. Like the storage it ignores fields after it.
func readForm(r *http.Request) (received, *storageError) {
	mediaType, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || mediaType != "multipart/form-data" || params["boundary"] == "" {
		return received{}, &storageError{
			http.StatusPreconditionFailed, "PreconditionFailed", "Bucket POST must be of the enclosure-type multipart/form-data",
		}
	}
	form := received{fields: map[string]string{}}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextRawPart()
		switch {
		case errors.Is(err, io.EOF):
			return form, invalidArgument("POST requires exactly one file upload per request.")
		case err != nil:
			return form, malformed()
		}
		name, filename := disposition(part.Header.Get("Content-Disposition"))
		if strings.EqualFold(name, "file") {
			form.file, form.filename = part, filename
			return form, nil
		}
		value, err := io.ReadAll(io.LimitReader(part, maxFormField+1))
		if err != nil || len(value) > maxFormField {
			return form, malformed()
		}
		form.fields[strings.ToLower(name)] = string(value)
	}
}

func malformed() *storageError {
	return &storageError{
		http.StatusBadRequest, "MalformedPOSTRequest", "The body of your POST request is not well-formed multipart/form-data.",
	}
}

// disposition parses the names of a form field and its file. It accepts unquoted names
// with spaces and any letters, as some clients send them.
func disposition(header string) (name, filename string) {
	kind, rest, _ := strings.Cut(header, ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "form-data") {
		return "", ""
	}
	for rest != "" {
		var key, value string
		key, value, rest = nextParameter(rest)
		switch strings.ToLower(key) {
		case "name":
			name = value
		case "filename":
			filename = value
		}
	}
	return name, filename
}

// nextParameter cuts the first parameter off a list such as `name="a"; filename=b c.txt`.
func nextParameter(list string) (key, value, rest string) {
	key, value, _ = strings.Cut(strings.TrimLeft(list, "; \t"), "=")
	key = strings.TrimSpace(key)
	if !strings.HasPrefix(value, `"`) {
		value, rest, _ = strings.Cut(value, ";")
		return key, strings.TrimSpace(value), rest
	}
	var plain strings.Builder
	for i := 1; i < len(value); i++ {
		switch value[i] {
		case '"':
			return key, plain.String(), value[i+1:]
		case '\\':
			if i+1 < len(value) && (value[i+1] == '"' || value[i+1] == '\\') {
				i++
			}
		}
		plain.WriteByte(value[i])
	}
	return key, plain.String(), ""
}
