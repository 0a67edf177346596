package jobs

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/names"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/request"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// The operations whose file is in the request.
const (
	importBase64 = "import/base64"
	importRaw    = "import/raw"
)

// inline is the content of an import/base64 or import/raw. It is kept in the storage, so
// that a request does not stay in memory.
type inline struct {
	blob *storage.Blob // nil if the request is not valid base64
}

// share returns the content with one more user.
func (i *inline) share(s *storage.Storage) *inline {
	if i != nil && i.blob != nil {
		s.Retain(i.blob)
	}
	return i
}

func (i *inline) release(s *storage.Storage) {
	if i != nil && i.blob != nil {
		s.Release(i.blob)
	}
}

// storeInline stores the contents of imports and replaces them in the requests by their
// lengths. The results are nil for other tasks.
func (s *Jobs) storeInline(tasks ...request.Task) ([]*inline, error) {
	contents := make([]*inline, len(tasks))
	for n, t := range tasks {
		text, ok := request.Text(t.Params["file"])
		if !ok || t.Operation != importBase64 && t.Operation != importRaw {
			continue
		}
		contents[n] = &inline{}
		t.Params["file"] = fmt.Sprintf("(%d bytes)", len(text))
		if t.Operation == importBase64 {
			content, err := decodeBase64(text)
			if err != nil {
				continue
			}
			text = string(content)
		}
		filename, _ := request.Text(t.Params["filename"])
		b, err := s.cfg.Storage.Write(names.Extension(names.Base(filename)), strings.NewReader(text))
		if err != nil {
			s.releaseAll(contents)
			return nil, err
		}
		contents[n].blob = b
	}
	return contents, nil
}

func decodeBase64(text string) ([]byte, error) {
	if b, err := base64.StdEncoding.DecodeString(text); err == nil {
		return b, nil
	}
	return base64.RawStdEncoding.DecodeString(text)
}

func (s *Jobs) releaseAll(contents []*inline) {
	for _, c := range contents {
		c.release(s.cfg.Storage)
	}
}

// Inline returns the content of an import/base64 or import/raw. The caller releases it. It
// returns false if the request was not valid base64.
func (r *Run) Inline() (*storage.Blob, bool) {
	if r.inline == nil || r.inline.blob == nil {
		return nil, false
	}
	return r.jobs.cfg.Storage.Retain(r.inline.blob), true
}

// Params returns the parameters of the task as they were sent, with the content of an
// inline import.
func (r *Run) Params() (map[string]any, error) {
	params := maps.Clone(r.Request.Params)
	b, ok := r.Inline()
	if !ok {
		return params, nil
	}
	defer r.jobs.cfg.Storage.Release(b)
	content, err := os.ReadFile(b.Path)
	if err != nil {
		return nil, fmt.Errorf("read the file of the request: %w", err)
	}
	params["file"] = string(content)
	if r.Operation == importBase64 {
		params["file"] = base64.StdEncoding.EncodeToString(content)
	}
	return params, nil
}
