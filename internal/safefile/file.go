package safefile

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// File is a file that is written under a temporary name and gets its final name when it
// is committed. Temporary files that remain after a crash end in ".part". A File is not
// safe for concurrent use, and its root must stay open until commit or abort.
type File struct {
	root  *os.Root
	file  *os.File
	name  string
	temp  string
	size  int64
	kept  bool // all bytes are on disk, and the file is closed
	named bool // the file has its name, which may be true although commit failed
	done  bool // committed or aborted
}

// newFile creates the temporary file for a name. The name is a slash path below root, and
// its directory must exist: the temporary file is in the same directory. A name that is
// not a path below root, or that leaves root by a symbolic link, is an error. The
// permissions are those of the existing file with that name, or follow the umask. The
// caller must call commit or abort.
func newFile(root *os.Root, name string) (*File, error) {
	if name == "." || name != path.Clean(name) || !filepath.IsLocal(name) {
		return nil, &fs.PathError{Op: "create", Path: name, Err: fs.ErrInvalid}
	}
	dir, base := path.Split(name)
	temp := dir + temporary(base)
	file, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	f := &File{root: root, file: file, name: name, temp: temp}
	if err := f.keepPermissions(); err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", name, err), f.abort())
	}
	return f, nil
}

// keepPermissions gives the temporary file the permissions of the file that it replaces,
// if there is one.
func (f *File) keepPermissions() error {
	old, err := f.root.Lstat(f.name)
	if err != nil || !old.Mode().IsRegular() {
		return nil //nolint:nilerr // there are no permissions to keep.
	}
	temp, err := f.info()
	if err != nil || temp.Mode().Perm() == old.Mode().Perm() {
		return err
	}
	return f.root.Chmod(f.temp, old.Mode().Perm())
}

// temporary returns a unique name that begins with base and is valid wherever base is.
func temporary(base string) string {
	suffix := "." + rand.Text() + ".part"
	return shorten(base, maxBytes-len(suffix)) + suffix
}

// info describes the file before it is committed. With [os.SameFile], it also identifies
// the committed file.
func (f *File) info() (fs.FileInfo, error) {
	return f.root.Lstat(f.temp)
}

// Write appends p to the file.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

// Truncate cuts the file to its first size bytes, where the next Write continues.
func (f *File) Truncate(size int64) error {
	if size < 0 || size > f.size {
		return fmt.Errorf("truncate %s to %d bytes: it has only %d", f.name, size, f.size)
	}
	if err := f.file.Truncate(size); err != nil {
		return err
	}
	if _, err := f.file.Seek(size, io.SeekStart); err != nil {
		return err
	}
	f.size = size
	return nil
}

// commit writes the bytes to disk and gives the file its name. Without overwrite, a file
// that exists is kept, and the error matches [fs.ErrExist]. If several files commit to
// the same name concurrently, one succeeds. With overwrite, the file atomically replaces
// the file, or the symbolic link, that has the name. It keeps the permission bits of a
// file that it replaces, but not the owner, other attributes, or hard links.
//
// If the directory of root was moved or replaced, the file has its name there, and commit
// returns an error. After any other error the temporary file still exists, and the caller
// may call commit again, for instance with overwrite, or abort. If only the removal of
// the temporary name failed, the file has both names.
func (f *File) commit(overwrite bool) error {
	if f.done {
		return &fs.PathError{Op: "commit", Path: f.name, Err: fs.ErrClosed}
	}
	if err := f.closeFile(); err != nil {
		return err
	}
	if overwrite {
		if err := f.keepPermissions(); err != nil {
			return fmt.Errorf("save %s: %w", f.name, err)
		}
	}
	var err error
	if f.named, err = publish(f.root, f.temp, f.name, overwrite); err != nil {
		return fmt.Errorf("save %s: %w", f.name, err)
	}
	f.done = true
	if err := checkPath(f.root, f.name); err != nil {
		return fmt.Errorf("save %s: %w", f.name, err)
	}
	return nil
}

// closeFile writes the bytes to disk and closes the file, so that it needs no descriptor
// until commit or abort. The file keeps its temporary name and can no longer be written.
// After a failure, commit and further calls of closeFile fail as well, because the bytes
// on disk are uncertain. After a success, closeFile does nothing.
func (f *File) closeFile() error {
	if f.kept {
		return nil
	}
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return fmt.Errorf("save %s: %w", f.name, err)
	}
	f.kept = true
	return nil
}

// isIdentical reports whether a file that has the name has the same bytes.
func (f *File) isIdentical(ctx context.Context) (bool, error) {
	info, err := f.root.Lstat(f.name)
	if err != nil || !info.Mode().IsRegular() || info.Size() != f.size {
		return false, err
	}
	temp, err := f.root.Open(f.temp)
	if err != nil {
		return false, err
	}
	defer func() { _ = temp.Close() }() // it was only read
	existing, err := f.root.Open(f.name)
	if err != nil {
		return false, err
	}
	defer func() { _ = existing.Close() }() // as above
	return isEqual(ctx, temp, existing)
}

// isEqual reports whether two readers have the same bytes.
func isEqual(ctx context.Context, a, b io.Reader) (bool, error) {
	bufferA, bufferB := make([]byte, 64<<10), make([]byte, 64<<10)
	for {
		n, errA := io.ReadFull(a, bufferA)
		m, errB := io.ReadFull(b, bufferB)
		if err := errors.Join(withoutEnd(errA), withoutEnd(errB), ctx.Err()); err != nil {
			return false, err
		}
		isEqual := bytes.Equal(bufferA[:n], bufferB[:m])
		if !isEqual || n < len(bufferA) {
			return isEqual, nil
		}
	}
}

// withoutEnd returns an error of io.ReadFull, or nil if it says that a file is over.
func withoutEnd(err error) error { return except(except(err, io.EOF), io.ErrUnexpectedEOF) }

// abort closes and removes the temporary file, but never the file that has the name.
// After a successful commit or abort it does nothing, so it may be deferred.
func (f *File) abort() error {
	if f.done {
		return nil
	}
	err := errors.Join(
		except(f.file.Close(), fs.ErrClosed),
		except(f.root.Remove(f.temp), fs.ErrNotExist),
	)
	f.done = err == nil
	return err
}

// except returns err, or nil if err matches expected.
func except(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
