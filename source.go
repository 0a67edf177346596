package cloudconvert

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// Source is a file to be converted or uploaded: made by [FromFile], [FromFS],
// [FromBytes], [FromReader] or [FromURL]. The zero value is not a source.
//
// A source is a task, so that a job names local files like it names URLs. It is sent as
// an import task: a URL as import/url, a small file as import/base64, and a larger one
// as import/upload, followed by the upload. Local sources, which are all but URLs, stand
// only where this package runs the job: in [Client.Run], [Client.RunFile],
// [Client.Start] and [Client.RunAll].
type Source struct {
	id   secret // the path, name or URL that it was made of
	name string // without directories
	path string // of FromFile
	url  secret
	size int64 // stated by WithSize, or -1
	open func(ctx context.Context, o content.Options) (*content.Content, error)
}

// FromFile is the file at a path. It is opened when it is needed and closed again. Its
// name and size must not change meanwhile.
//
// It may be a named pipe, whose content is copied to a temporary file first. On Linux
// nothing is left of one when the context ends. On other systems, or where a network
// file system blocks, a goroutine stays until the system lets it go.
func FromFile(path string) Source {
	return Source{
		id: newSecret(path), name: filepath.Base(path), path: path, size: -1,
		open: func(ctx context.Context, o content.Options) (*content.Content, error) {
			return content.File(ctx, path, o)
		},
	}
}

// FromFS is a file of a file system, such as an [embed.FS]. Everything else is as with
// [FromFile].
func FromFS(fsys fs.FS, name string) Source {
	return Source{
		id: newSecret(name), name: path.Base(name), size: -1,
		open: func(ctx context.Context, o content.Options) (*content.Content, error) {
			if fsys == nil {
				return nil, invalid(errors.New("the file system of the source is nil"))
			}
			return content.FS(ctx, fsys, name, o)
		},
	}
}

// FromBytes is a file in memory, under a name whose extension is its format. The bytes
// must not change until the call that uses them returns.
func FromBytes(name string, b []byte) Source {
	return Source{
		id: newSecret(name), name: filename.Base(name), size: -1,
		open: func(_ context.Context, o content.Options) (*content.Content, error) { return content.Bytes(b, o) },
	}
}

// FromReader is what a reader yields from where it stands, under a name whose extension
// is its format. The caller still owns the reader, and closes it. A Read that blocks
// when the context ends, of [os.Stdin] for instance, is left to itself: its goroutine
// stays until it returns.
//
// An upload needs the length beforehand. It is what [Source.WithSize] states, the size of
// a file, or comes from Len or from seeking. The content of any other reader is kept in
// memory up to the inline limit, see [WithInlineLimit], and written to a temporary file
// if there is more, see [TransferPolicy].
//
// Only files, a [bytes.Buffer] and readers that are both [io.ReaderAt] and [io.Seeker]
// can be used twice. From these, from memory and from a temporary file, a broken upload
// is retried.
func FromReader(name string, r io.Reader) Source {
	return Source{id: newSecret(name), name: filename.Base(name), size: -1, open: content.NewReader(r).Open}
}

// FromURL is a file that the service fetches by itself. The name is taken from the URL
// or from the response to it, unless [Source.WithName] sets it.
func FromURL(url string) Source { return Source{id: newSecret(url), url: newSecret(url), size: -1} }

// WithName returns the source under another name, whose extension is the format of the
// file. It is for files whose own name has no extension, or the wrong one.
func (s Source) WithName(name string) Source {
	s.name = filename.Base(name)
	return s
}

// WithSize returns the source with a length in bytes that its reader cannot tell, as the
// Content-Length of a request does. If the source turns out to have another length, the
// upload fails. A URL has no use for it.
func (s Source) WithSize(size int64) Source {
	s.size = size
	return s
}

// String returns what the source was made of: the path, the name, or the URL. In place of
// the query of a URL, which may be a secret, there is a short hash of it.
func (s Source) String() string {
	id := s.id.value()
	before, query, found := strings.Cut(id, "?")
	if s.url.value() == "" || !found {
		return engine.HideQueries(id)
	}
	sum := sha256.Sum256([]byte(query))
	return engine.HideQueries(before) + "?" + hex.EncodeToString(sum[:6])
}

// Operation returns the operation that the source is sent as: import/url for a URL, and
// import/upload for what is uploaded or, if it is small, sent within the job.
func (s Source) Operation() Operation {
	if s.isLocal() {
		return OperationImportUpload
	}
	return OperationImportURL
}

// MarshalJSON encodes a URL as the task that imports it. A local source has no JSON.
func (s Source) MarshalJSON() ([]byte, error) {
	if s.isLocal() {
		return nil, s.localOnly()
	}
	return s.urlTask().MarshalJSON()
}

// Format prints what [Source.String] returns, whatever the verb.
func (s Source) Format(state fmt.State, _ rune) { write(state, s.String()) }

// LogValue is what [Source.String] returns.
func (s Source) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (Source) isTask() {}

// isLocal reports whether the content is here and not at a URL.
func (s Source) isLocal() bool { return s.url == nil }

// localOnly is the error where the package does not run the job.
func (s Source) localOnly() error {
	return invalid(fmt.Errorf("the source %q is a local file: use Client.Run, RunFile, Start or RunAll, which send it", s.String()))
}

// urlTask returns the task that imports a URL.
func (s Source) urlTask() ImportURL { return ImportURL{URL: s.url.value(), Filename: s.name} }

// check returns why the service could not take the source.
func (s Source) check() error {
	switch {
	case s.url == nil && s.open == nil:
		return errors.New("the source is empty: make one by FromFile, FromFS, FromBytes, FromReader or FromURL")
	case !s.isLocal():
		return nil
	case s.size < -1:
		return fmt.Errorf("the size of the source %q is negative", s.String())
	}
	if _, known := filename.Format(s.name); !known {
		return fmt.Errorf("cannot tell the format of the source %q: its name has no extension: use WithName", s.String())
	}
	if err := multipart.CheckName(s.name); err != nil {
		return fmt.Errorf("the name of the source %q %w: use WithName", s.String(), err)
	}
	return nil
}

// content opens a local source.
func (s Source) content(ctx context.Context, tempDir string, memory int64) (*content.Content, error) {
	if err := s.check(); err != nil {
		return nil, invalid(err)
	}
	opened, err := s.open(ctx, content.Options{TempDir: tempDir, Memory: memory, Stated: s.size})
	if misuse, ok := errors.AsType[*content.MisuseError](err); ok {
		return nil, invalid(misuse)
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		// The path may be a URL by mistake.
		err = fmt.Errorf("cloudconvert: %w", engine.Outcome{Err: err}.Hiding().Err)
	}
	return opened, err
}

// stem returns the source's name without its extension. That of a URL is the last part
// of its path.
func (s Source) stem() string {
	name := s.name
	if target, err := url.Parse(s.url.value()); err == nil && name == "" {
		name = path.Base(target.Path)
	}
	return safefile.Name(filename.Stem(name))
}

// sourceOf tells URLs from paths.
func sourceOf(src string) Source {
	scheme, _, isURL := strings.Cut(src, "://")
	if isURL && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")) {
		return FromURL(src)
	}
	return FromFile(src)
}

// isDirectory reports whether the source is a path that leads to a directory, which a
// caller can be told before anything is sent.
func (s Source) isDirectory() bool {
	info, err := os.Stat(cmp.Or(s.path, "\x00"))
	return err == nil && info.IsDir()
}

// readAll reads content of a known size into memory.
func readAll(ctx context.Context, c *content.Content) ([]byte, error) {
	var file bytes.Buffer
	file.Grow(int(c.Size) + bytes.MinRead)
	n, err := io.Copy(&file, io.LimitReader(c.Reader(ctx), c.Size+1))
	if err == nil && n != c.Size {
		err = fmt.Errorf("source size changed: want %d bytes, got %d", c.Size, n)
		if n > c.Size {
			err = fmt.Errorf("source size changed: want %d bytes, got more", c.Size)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: %w", err)
	}
	return file.Bytes(), nil
}
