package cloudconvert

import (
	"bytes"
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
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/multipart"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// Source is a file to be converted or uploaded. [FromFile], [FromFS], [FromBytes],
// [FromReader] and [FromURL] return sources. The zero value is invalid.
//
// A source is a task: a job takes local files in the same way as URLs. It is sent as an
// import task: a URL as import/url, a small file as import/base64, and a larger file as
// import/upload, followed by the upload. Local sources, which are all except URLs, can
// only be tasks of jobs that this package runs: with [Client.Run], [Client.RunFile],
// [Client.Start] and [Client.RunAll].
type Source struct {
	id   secret                      // the path, name or URL
	name string                      // without directories
	stat func() (fs.FileInfo, error) // of FromFile and FromFS, nil for others
	path bool                        // id is a path, as in FromFile
	url  secret
	size int64 // of FromBytes or WithSize, or -1
	open func(ctx context.Context, o content.Options) (*content.Content, error)
}

// FromFile returns the file at a path as a source. The calls that use it open the file
// when they need it, and close it. The name and the size of the file must not change
// until they return.
//
// The file may be a named pipe, whose content is first copied to a temporary file. If
// the context ends while the pipe is read, Linux leaves no goroutine behind. On other
// systems, or if a network file system blocks, a goroutine stays until the system
// call returns.
func FromFile(path string) Source {
	return Source{
		id: newSecret(path), path: true, name: filepath.Base(path), size: -1,
		stat: func() (fs.FileInfo, error) { return os.Stat(path) },
		open: func(ctx context.Context, o content.Options) (*content.Content, error) {
			return content.File(ctx, path, o)
		},
	}
}

// FromFS returns a file of a file system, such as an [embed.FS], as a source. It is
// used in the same way as that of [FromFile].
func FromFS(fsys fs.FS, name string) Source {
	return Source{
		id: newSecret(name), name: path.Base(name), size: -1,
		stat: func() (fs.FileInfo, error) {
			if fsys == nil {
				return nil, fs.ErrInvalid
			}
			return fs.Stat(fsys, name)
		},
		open: func(ctx context.Context, o content.Options) (*content.Content, error) {
			if fsys == nil {
				return nil, invalid(errors.New("the file system of the source is nil"))
			}
			return content.FS(ctx, fsys, name, o)
		},
	}
}

// FromBytes returns b as a source. The extension of name determines the format. b must
// not change until the calls that use the source return.
func FromBytes(name string, b []byte) Source {
	return Source{
		id: newSecret(name), name: filename.Base(name), size: int64(len(b)),
		open: func(_ context.Context, o content.Options) (*content.Content, error) { return content.Bytes(b, o) },
	}
}

// FromReader returns the rest of a reader as a source. The extension of name determines
// the format. The caller closes the reader. If a Read blocks when the context ends, of
// [os.Stdin] for instance, the call returns, and a goroutine stays until the Read does.
//
// The length must be known before an upload. It is that of [Source.WithSize], the size
// of a file, or determined by Len or by seeking. The content of any other reader is
// kept in memory up to the inline limit, see [WithInlineLimit]. If there is more, it is
// written to a temporary file, see [TransferPolicy].
//
// Only files, a [bytes.Buffer] and readers that are both an [io.ReaderAt] and an
// [io.Seeker] can be used twice. A broken upload is retried if the content comes from
// one of these, from memory or from a temporary file.
func FromReader(name string, r io.Reader) Source {
	return Source{id: newSecret(name), name: filename.Base(name), size: -1, open: content.NewReader(r).Open}
}

// FromURL returns a source that the service fetches from a URL. Its name is that in the
// URL or in the response to it, unless [Source.WithName] sets it.
func FromURL(url string) Source { return Source{id: newSecret(url), url: newSecret(url), size: -1} }

// WithName returns the source with another name, whose extension determines the format.
// Use it for files whose own name has no extension, or a wrong one.
func (s Source) WithName(name string) Source {
	s.name = filename.Base(name)
	return s
}

// WithSize returns the source with a length in bytes. Use it if the reader does not
// know its length, but the caller does, such as from the Content-Length of a request.
// As there, -1 means unknown. If the content has another length, the upload fails. For a URL it has no effect.
func (s Source) WithSize(size int64) Source {
	s.size = size
	return s
}

// String returns the path, the name or the URL of the source. The query of a URL, which
// may be a secret, is replaced by a short hash.
func (s Source) String() string {
	id := s.id.value()
	path, query, found := id, "", false
	if !s.isLocal() {
		path, query, found = strings.Cut(id, "?")
	}
	shown := engine.HideQueries(path)
	switch {
	case shown != path:
		return shown + "?" + shortHash(id)
	case found:
		return shown + "?" + shortHash(query)
	default:
		return shown
	}
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// Operation returns import/url for a URL, and import/upload for a local source, even if
// it is small and sent within the job.
func (s Source) Operation() Operation {
	if s.isLocal() {
		return OperationImportUpload
	}
	return OperationImportURL
}

// MarshalJSON encodes a URL as an import/url task. For a local source it
// returns an error.
func (s Source) MarshalJSON() ([]byte, error) {
	if s.isLocal() {
		return nil, s.localOnly()
	}
	return s.urlTask().MarshalJSON()
}

// Format prints what [Source.String] returns, whatever the verb.
func (s Source) Format(state fmt.State, _ rune) { write(state, s.String()) }

// LogValue returns what [Source.String] returns.
func (s Source) LogValue() slog.Value { return slog.StringValue(s.String()) }

func (Source) isTask() {}

// isLocal reports whether the source is not a URL. The zero value is local.
func (s Source) isLocal() bool { return s.url == nil }

// localOnly returns the error of calls that do not send local sources.
func (s Source) localOnly() error {
	return invalid(fmt.Errorf("the source %q is a local file: use Client.Run, RunFile, Start or RunAll, which send it", s.String()))
}

func (s Source) urlTask() ImportURL { return ImportURL{URL: s.url.value(), Filename: s.name} }

// check returns an error if the service could not use the source.
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
		if s.isDirectory() {
			return fmt.Errorf("the source %q is a directory: name a file", s.String())
		}
		return fmt.Errorf("cannot tell the format of the source %q: its name has no extension: use Source.WithName", s.String())
	}
	if err := multipart.CheckName(s.name); err != nil {
		return fmt.Errorf("the name of the source %q %w: use Source.WithName", s.String(), err)
	}
	return nil
}

// content opens a local source. It keeps up to memory bytes of a stream in memory.
func (s Source) content(ctx context.Context, tempDir string, memory int64) (*content.Content, error) {
	if err := s.check(); err != nil {
		return nil, invalid(err)
	}
	opened, err := s.open(ctx, content.Options{TempDir: tempDir, Memory: memory, Stated: s.size})
	if misuse, ok := errors.AsType[*content.MisuseError](err); ok {
		return nil, invalid(misuse)
	}
	if err != nil && !errors.Is(err, ErrInvalid) {
		// The path may be a URL by mistake, and its query a secret.
		err = fmt.Errorf("cloudconvert: %w", withoutSecrets(err))
	}
	return opened, err
}

// stem returns the name of the source without its extension. The name of a URL is the
// last part of its path.
func (s Source) stem() string {
	name := s.name
	if target, err := url.Parse(s.url.value()); err == nil && name == "" {
		name = path.Base(target.Path)
	}
	return safefile.Name(filename.Stem(name))
}

// sourceOf returns a source for a URL or a path.
func sourceOf(src string) Source {
	scheme, _, isURL := strings.Cut(src, "://")
	if isURL && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")) {
		return FromURL(src)
	}
	return FromFile(src)
}

// identity returns what identifies the source in a journal, which holds only UTF-8 text.
// Unlike String, it does not depend on the working directory.
func (s Source) identity() string {
	if s.path {
		if path := canonicalPath(s.String()); utf8.ValidString(path) {
			return path
		}
	}
	return s.String()
}

// isAt reports whether the source is the file that has a path.
func (s Source) isAt(path string) bool {
	if !s.path {
		return false
	}
	source, sourceErr := s.stat()
	file, err := os.Stat(path)
	return sourceErr == nil && err == nil && os.SameFile(source, file)
}

// isDirectory reports whether the source is a directory.
func (s Source) isDirectory() bool {
	if s.stat == nil {
		return false
	}
	info, err := s.stat()
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
		return nil, fmt.Errorf("cloudconvert: %w", withoutSecrets(err))
	}
	return file.Bytes(), nil
}

// withoutSecrets returns the error of a reader, a writer or a file system of the caller
// without the secrets of URLs, which it may quote.
func withoutSecrets(err error) error { return engine.Outcome{Err: err}.Hiding().Err }
