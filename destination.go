package cloudconvert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// destination is where the files of a job are written: a file or a directory.
type destination struct {
	path  string // as the caller gave it
	isDir bool
}

// newDestination parses a path. A path that ends in a separator is a directory.
func newDestination(dst string) (*destination, error) {
	switch info, err := os.Stat(dst); {
	case dst == "":
		return nil, invalid(errors.New("the destination is empty: name a file, or a directory that ends in a separator"))
	case os.IsPathSeparator(dst[len(dst)-1]) || strings.HasSuffix(dst, "/"):
		return &destination{path: dst, isDir: true}, nil
	case err == nil && info.IsDir(), filepath.Base(dst) == ".", filepath.Base(dst) == "..":
		return nil, invalid(fmt.Errorf("the destination %q is a directory: name a file, or write %q", engine.HideQueries(dst), engine.HideQueries(dst)+string(filepath.Separator)))
	default:
		return &destination{path: dst}, nil
	}
}

// makeAbsolute makes the destination independent of the working directory, unless the name
// of that is not UTF-8 text, which a journal cannot hold.
func (d *destination) makeAbsolute() error {
	path, err := filepath.Abs(d.path)
	if err != nil {
		return fmt.Errorf("cloudconvert: find the working directory: %w", err)
	}
	if d.isDir {
		path += string(filepath.Separator)
	}
	if utf8.ValidString(path) {
		d.path = path
	}
	return nil
}

// dir returns the directory that the files are written to.
func (d *destination) dir() string {
	if d.isDir {
		return filepath.Clean(d.path)
	}
	return filepath.Dir(d.path)
}

// knownFiles returns the paths of files that are known before the job is created.
func (d *destination) knownFiles(output plannedOutput) []string {
	if !d.isDir {
		return []string{filepath.Clean(d.path)}
	}
	var names, paths []string
	for _, name := range output.names() {
		names = append(names, safefile.Name(name))
	}
	for _, name := range safefile.Distinct(names) {
		paths = append(paths, filepath.Join(d.dir(), name))
	}
	return paths
}

// prepare creates the directory and checks that files can be written there, before the
// job is paid for.
func (d *destination) prepare(output plannedOutput, isReplaceable func(path string) bool) error {
	if err := d.checkKnown(output, isReplaceable); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir(), safefile.NewDirMode); err != nil {
		return d.unwritable(err)
	}
	if err := safefile.CheckDir(d.dir()); err != nil {
		return d.unwritable(err)
	}
	return d.checkKnown(output, isReplaceable) // a new directory may refuse a name that is too long
}

func (d *destination) checkKnown(output plannedOutput, isReplaceable func(path string) bool) error {
	for _, path := range d.knownFiles(output) {
		if err := checkFree(path, isReplaceable(path)); err != nil {
			return err
		}
	}
	return nil
}

func (d *destination) unwritable(err error) error { return unwritable(d.path, err) }

func unwritable(dst string, err error) error {
	return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", engine.HideQueries(dst), err)
}

// checkFree returns an error if a file cannot be written to a path because of
// what is there.
func checkFree(path string, overwrite bool) error {
	_, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return unwritable(path, err)
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return invalid(fmt.Errorf("the destination %q is a directory: name a file", engine.HideQueries(path)))
	case err == nil && info.Mode()&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket) != 0:
		return invalid(fmt.Errorf("the destination %q is not a file but a device, a pipe or a socket: name a file", engine.HideQueries(path)))
	case !overwrite:
		return fmt.Errorf("cloudconvert: the destination %q already exists: remove it, or use WithOverwrite: %w", engine.HideQueries(path), fs.ErrExist)
	}
	if err := safefile.CheckReplaceable(path); err != nil {
		return unwritable(path, err)
	}
	return nil
}

// names returns the names of the files relative to the directory, with slashes.
func (d *destination) names(files []File, output plannedOutput) []string {
	switch {
	case !d.isDir:
		base := filename.Base(d.path)
		isAlike := func(name string) bool { return sameExtension(name, base) }
		return safefile.Distinct(safefile.Around(base, ownNames(files), isAlike))
	case len(files) == 1 && (output.filename != "" || output.stem != ""):
		return []string{safefile.Name(nameInDir(files[0], output))}
	default:
		return safefile.Distinct(ownNames(files))
	}
}

// paths returns the paths that the files will have.
func (d *destination) paths(files []File, output plannedOutput) []string {
	var paths []string
	for _, name := range d.names(files, output) {
		paths = append(paths, safefile.Path(d.dir(), name))
	}
	return paths
}

// nameInDir returns the name of a single file in a directory: the Filename of its task,
// or else the name of the first source with the extension of the file.
func nameInDir(file File, output plannedOutput) string {
	if output.filename != "" && sameExtension(output.filename, file.Filename) {
		return output.filename
	}
	if extension := filename.Extension(file.Filename); output.stem != "" && extension != "" {
		return output.stem + "." + extension
	}
	return file.Filename
}

func sameExtension(a, b string) bool {
	formatA, knownA := filename.Format(a)
	formatB, knownB := filename.Format(b)
	return knownA == knownB && filename.Same(formatA, formatB)
}

// ownNames returns the names that the service gave the files, with slashes, made safe
// on all systems.
func ownNames(files []File) []string {
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, path.Join(safefile.Dir(file.Dir), safefile.Name(file.Filename)))
	}
	return names
}
