package media

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"time"
)

// ArchiveFile is one file for [Archive].
type ArchiveFile struct {
	// Name of the file in the archive; it may have slash-separated directories.
	Name string

	// Size of the content in bytes.
	Size int64

	// Open returns the content. Archive closes it.
	Open func() (io.ReadCloser, error)
}

// CanArchive reports whether [Archive] writes the format: zip, tar and tar.gz.
func CanArchive(format string) bool {
	switch Normalize(format) {
	case "zip", "tar", "tar.gz":
		return true
	}
	return false
}

// Archive writes the files to an archive in the given order. Duplicate names get a
// number, also if they differ only in case, and names that [Extract] would skip are
// replaced. The same files always make the same bytes. The error matches [ErrUnsupported]
// for a format it cannot write. A file with more or fewer bytes than its Size is an
// error.
func Archive(ctx context.Context, w io.Writer, format string, files []ArchiveFile) error {
	a, err := newArchive(w, Normalize(format))
	if err != nil {
		return err
	}
	names := uniqueNames{}
	for _, file := range files {
		if err := addFile(ctx, a, names.next(file.Name), file); err != nil {
			return fmt.Errorf("add %q to the %s: %w", file.Name, format, err)
		}
	}
	return a.close()
}

// archive is an archive that is being written.
type archive struct {
	create  func(name string, size int64) (io.Writer, error)
	closers []io.Closer // the innermost first
}

func newArchive(w io.Writer, format string) (archive, error) {
	switch format {
	case "zip":
		return zipArchive(w), nil
	case "tar":
		return tarArchive(w), nil
	case "tar.gz":
		compressed := gzip.NewWriter(w)
		a := tarArchive(compressed)
		a.closers = append(a.closers, compressed)
		return a, nil
	}
	return archive{}, fmt.Errorf("%w: writing %q archives", ErrUnsupported, format)
}

// archiveTime is the time of all files in an archive: the earliest that a zip can have.
func archiveTime() time.Time { return time.Date(1980, time.January, 1, 0, 0, 0, 0, time.UTC) }

func zipArchive(w io.Writer) archive {
	z := zip.NewWriter(w)
	create := func(name string, _ int64) (io.Writer, error) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: archiveTime()}
		header.SetMode(0o644)
		return z.CreateHeader(header)
	}
	return archive{create: create, closers: []io.Closer{z}}
}

func tarArchive(w io.Writer) archive {
	t := tar.NewWriter(w)
	create := func(name string, size int64) (io.Writer, error) {
		header := &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o644, ModTime: archiveTime()}
		err := t.WriteHeader(header)
		return t, err
	}
	return archive{create: create, closers: []io.Closer{t}}
}

func (a archive) close() error {
	for _, closer := range a.closers {
		if err := closer.Close(); err != nil {
			return fmt.Errorf("finish the archive: %w", err)
		}
	}
	return nil
}

func addFile(ctx context.Context, a archive, name string, file ArchiveFile) (err error) {
	content, err := file.Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, content.Close()) }()
	entry, err := a.create(name, file.Size)
	if err != nil {
		return err
	}
	n, err := io.Copy(entry, io.LimitReader(contextReader{ctx, content}, file.Size+1))
	switch {
	case n > file.Size || errors.Is(err, tar.ErrWriteTooLong):
		return fmt.Errorf("it has more than %d bytes", file.Size)
	case err != nil:
		return err
	case n < file.Size:
		return fmt.Errorf("want %d bytes, got %d", file.Size, n)
	}
	return nil
}

// uniqueNames are the names in an archive, in lower case.
type uniqueNames map[string]bool

// next returns a safe name that is not in the archive yet.
func (u uniqueNames) next(name string) string {
	dir, base, ok := safePath(name)
	if !ok {
		dir, base = "", "file"
	}
	extension := path.Ext(base)
	stem := strings.TrimSuffix(base, extension)
	for number := 2; u[strings.ToLower(path.Join(dir, base))]; number++ {
		base = stem + "-" + strconv.Itoa(number) + extension
	}
	full := path.Join(dir, base)
	u[strings.ToLower(full)] = true
	return full
}
