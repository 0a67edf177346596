package safefile

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// File is written under a temporary name and appears under its own name by [File.Commit]. What is left of it after a
// crash ends in ".part". It is not safe for concurrent use, and its root has to stay open until [File.Commit] or
// [File.Abort].
type File struct {
	root  *os.Root
	file  *os.File
	name  string
	temp  string
	size  int64
	kept  bool // all bytes are on disk and the file is closed
	named bool // it has its own name
	done  bool // committed or aborted
}

// Create starts a file that will be called name, a slash path below root whose directory exists. The temporary file
// is in the same directory. Its permissions are those of the file that has the name, or follow the umask. A name that is not a path below root, be it by a
// symbolic link, is an error. The caller ends the file by [File.Commit] or [File.Abort].
func Create(root *os.Root, name string) (*File, error) {
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
		return nil, errors.Join(fmt.Errorf("create %s: %w", name, err), f.Abort())
	}
	return f, nil
}

// keepPermissions gives the temporary file the permissions of the file that it replaces, if there is one.
func (f *File) keepPermissions() error {
	old, err := f.root.Lstat(f.name)
	if err != nil || !old.Mode().IsRegular() {
		return nil //nolint:nilerr // there is nothing to keep.
	}
	temp, err := f.Info()
	if err != nil || temp.Mode().Perm() == old.Mode().Perm() {
		return err
	}
	return f.root.Chmod(f.temp, old.Mode().Perm())
}

// temporary returns a name that nobody else has, which tells whose it is and fits wherever base does.
func temporary(base string) string {
	suffix := "." + rand.Text() + ".part"
	return shorten(base, maxBytes-len(suffix)) + suffix
}

// Name returns the name that [Create] was given.
func (f *File) Name() string {
	return f.name
}

// Size returns the number of bytes written so far, which is where a broken download goes on.
func (f *File) Size() int64 {
	return f.size
}

// Info tells of the file, until it is committed, by what [os.SameFile] knows it again under its own name.
func (f *File) Info() (fs.FileInfo, error) {
	return f.root.Lstat(f.temp)
}

// Write appends p to the file.
func (f *File) Write(p []byte) (int, error) {
	n, err := f.file.Write(p)
	f.size += int64(n)
	return n, err
}

// Truncate cuts the file to its first size bytes; the next Write goes on there. Zero starts over.
func (f *File) Truncate(size int64) error {
	if size < 0 || size > f.size {
		return fmt.Errorf("truncate %s: it has %d bytes, not %d", f.name, f.size, size)
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

// Commit brings the bytes to disk and gives the file its name. Without overwrite an existing file stays as it is, and
// the error matches [fs.ErrExist]; of several that commit the same name at once, one wins. With overwrite the file
// takes the place of the other at once, or of a symbolic link, which is not followed. It keeps the permission bits of
// a file that it replaces, but not the owner, other attributes or hard links.
//
// If the root's own name no longer leads to its directory, which was moved or replaced, the file is there and the
// error says so. After any other error the temporary file is still there: Commit again, for instance with overwrite, or
// [File.Abort]. That it could not be removed is such an error too, after which the file has both names.
func (f *File) Commit(overwrite bool) error {
	if f.done {
		return &fs.PathError{Op: "commit", Path: f.name, Err: fs.ErrClosed}
	}
	if err := f.Close(); err != nil {
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

// Named reports whether the file has got its own name. That it has does not say that [File.Commit] succeeded: the name
// may be there and not be safe on disk.
func (f *File) Named() bool {
	return f.named
}

// Close brings the bytes to disk and closes the file, which keeps its temporary name and takes no descriptor until
// [File.Commit] or [File.Abort]. Nothing can be written any more. When it fails it fails for ever, and so does Commit: the
// file is closed and its bytes are in doubt. After a success a second Close does nothing.
func (f *File) Close() error {
	if f.kept {
		return nil
	}
	if err := errors.Join(f.file.Sync(), f.file.Close()); err != nil {
		return fmt.Errorf("save %s: %w", f.name, err)
	}
	f.kept = true
	return nil
}

// Abort closes and removes the temporary file, but never the file under its own name. After a successful [File.Commit] or Abort it does nothing, so that it
// may be deferred.
func (f *File) Abort() error {
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

// except returns err unless it is the one that is expected.
func except(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
