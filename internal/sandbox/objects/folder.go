package objects

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/random"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// folder keeps objects as files. Each folder in it is a bucket, a container or a host. The
// services share them. A key is a path of names that [safefile.Name] leaves as they are;
// files with other names are not objects.
type folder struct{ root *os.Root }

func openFolder(dir string) (*folder, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the folder of objects: %w", err)
	}
	return &folder{root}, nil
}

// isName reports whether a file can have a name on every system. Hidden files cannot.
func isName(name string) bool { return safefile.Name(name) == name }

// checkKey returns an error for a key that is not a path within a bucket.
func checkKey(parameter, key string) error {
	for name := range strings.SplitSeq(key, "/") {
		if !isName(name) {
			return fmt.Errorf("invalid %s %q: %q cannot be the name of a file or folder on every system", parameter, key, name)
		}
	}
	return nil
}

// checkBucket returns an error for a bucket that cannot be a folder.
func checkBucket(l Location) error {
	if !isName(l.bucket) {
		return fmt.Errorf("invalid %s %q: it cannot be the name of a folder on every system", l.names.bucket, l.bucket)
	}
	return nil
}

// openBucket opens the folder of a bucket.
func (f *folder) openBucket(l Location) (*os.Root, error) {
	if err := checkBucket(l); err != nil {
		return nil, err
	}
	bucket, err := f.root.OpenRoot(l.bucket)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, l.notFound()
	}
	if err != nil {
		return nil, fmt.Errorf("cannot open %s %q: %w", l.names.bucket, l.bucket, cause(err))
	}
	return bucket, nil
}

// open opens the file of an object.
func (f *folder) open(l Location) (*os.File, error) {
	if err := checkKey(l.names.key, l.key); err != nil {
		return nil, err
	}
	bucket, err := f.openBucket(l)
	if err != nil {
		return nil, err
	}
	defer func() { _ = bucket.Close() }() // the file stays open
	info, err := bucket.Stat(l.key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, l.notFound()
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s %q names a folder: use %s", l.names.key, l.key, l.names.prefix)
	case err == nil && !info.Mode().IsRegular(): // opening a named pipe would block
		return nil, fmt.Errorf("%s %q is not a file", l.names.key, l.key)
	case err != nil:
		return nil, fmt.Errorf("cannot read %s %q: %w", l.names.key, l.key, cause(err))
	}
	file, err := bucket.Open(l.key)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s %q: %w", l.names.key, l.key, cause(err))
	}
	return file, nil
}

// list returns the keys with a prefix.
func (f *folder) list(l Location) ([]string, error) {
	if err := checkKey(l.names.prefix, l.prefix+"x"); err != nil {
		return nil, err
	}
	bucket, err := f.openBucket(l)
	if err != nil {
		return nil, err
	}
	defer func() { _ = bucket.Close() }() // it was only read
	var keys []string
	start := path.Dir(l.prefix)
	err = fs.WalkDir(bucket.FS(), start, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // it was removed
		case err != nil:
			return err
		case name == start:
			return nil
		case entry.IsDir() && (!isName(entry.Name()) || !strings.HasPrefix(name+"/", l.prefix)):
			return fs.SkipDir
		case isName(entry.Name()) && strings.HasPrefix(name, l.prefix) && isFile(bucket, name, entry):
			keys = append(keys, name)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("cannot list %s %q: %w", l.names.bucket, l.bucket, cause(err))
	}
	return keys, nil
}

// isFile reports whether an entry is an object: a file, or a symbolic link that is not to a
// folder. A link that leads out of the bucket fails the import.
func isFile(bucket *os.Root, name string, entry fs.DirEntry) bool {
	if entry.Type() != fs.ModeSymlink {
		return entry.Type().IsRegular()
	}
	info, err := bucket.Stat(name)
	return err != nil || info.Mode().IsRegular()
}

// write writes the files of objects, and makes their folders.
func (f *folder) write(l Location, keys []string, files []storage.File) error {
	for _, key := range keys {
		if err := checkKey(l.names.key, key); err != nil {
			return err
		}
	}
	if err := checkBucket(l); err != nil {
		return err
	}
	if err := f.root.MkdirAll(l.bucket, 0o755); err != nil {
		return fmt.Errorf("cannot make %s %q: %w", l.names.bucket, l.bucket, cause(err))
	}
	bucket, err := f.openBucket(l)
	if err != nil {
		return err
	}
	for i, key := range keys {
		if err := writeObject(bucket, key, files[i].Blob.Path); err != nil {
			return errors.Join(fmt.Errorf("cannot write %s %q: %w", l.names.key, key, cause(err)), bucket.Close())
		}
	}
	return bucket.Close()
}

// writeObject copies a file into a bucket. It is complete when it appears.
func writeObject(bucket *os.Root, key, from string) error {
	info, err := bucket.Stat(key)
	switch {
	case err == nil && info.IsDir():
		return errors.New("it names a folder")
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	dir := path.Dir(key)
	if err := bucket.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temporary := path.Join(dir, ".cloudconvert-"+random.Hex(8)) // not an object
	if err := copyInto(bucket, temporary, from); err != nil {
		return err
	}
	if err := bucket.Rename(temporary, key); err != nil {
		return errors.Join(err, bucket.Remove(temporary))
	}
	return nil
}

func copyInto(bucket *os.Root, name, from string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = src.Close() }() // it was only read
	dst, err := bucket.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	if err := errors.Join(err, dst.Close()); err != nil {
		return errors.Join(err, bucket.Remove(name))
	}
	return nil
}

// cause returns an error without the operation and the path.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
