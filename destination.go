package cloudconvert

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// destination is where the files of a job go: a file or a directory.
type destination struct {
	path  string // as the caller gave it
	isDir bool
}

// newDestination reads a path. One that ends in a separator is a directory.
func newDestination(dst string) (*destination, error) {
	switch info, err := os.Stat(dst); {
	case dst == "":
		return nil, invalid(errors.New("the destination is empty: name a file, or a directory with a separator at its end"))
	case os.IsPathSeparator(dst[len(dst)-1]) || strings.HasSuffix(dst, "/"):
		return &destination{path: dst, isDir: true}, nil
	case err == nil && info.IsDir(), filepath.Base(dst) == ".", filepath.Base(dst) == "..":
		return nil, invalid(fmt.Errorf("the destination %q is a directory: name a file, or write %q", engine.HideQueries(dst), engine.HideQueries(dst)+string(filepath.Separator)))
	default:
		return &destination{path: dst}, nil
	}
}

// dir returns the directory that the files go to.
func (d *destination) dir() string {
	if d.isDir {
		return filepath.Clean(d.path)
	}
	return filepath.Dir(d.path)
}

// file returns the path of the file if there is one, or "" if that is not known.
func (d *destination) file(output plannedOutput) string {
	switch {
	case !d.isDir:
		return filepath.Clean(d.path)
	case output.name() == "":
		return ""
	default:
		return filepath.Join(d.dir(), safefile.Name(output.name()))
	}
}

// newDirMode is what new directories get, but for what the umask takes away.
const newDirMode = 0o777

// prepare makes the directory and makes sure that files can be written there, before
// anything is paid for.
func (d *destination) prepare(output plannedOutput, overwrite bool) error {
	if file := d.file(output); file != "" {
		if err := checkFree(file, overwrite); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(d.dir(), newDirMode); err != nil {
		return d.unwritable(err)
	}
	probe, err := os.CreateTemp(d.dir(), ".cloudconvert-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return d.unwritable(err)
	}
	return nil
}

func (d *destination) unwritable(err error) error { return unwritable(d.path, err) }

func unwritable(dst string, err error) error {
	return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", engine.HideQueries(dst), err)
}

// checkFree makes sure that nothing is in the way of a file.
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
	if err := mayReplace(path); err != nil {
		return unwritable(path, err)
	}
	return nil
}

// names returns what the files are called below the directory, with slashes.
func (d *destination) names(files []File, output plannedOutput) []string {
	switch {
	case !d.isDir:
		return distinct(namesAround(baseOf(d.path), files))
	case len(files) == 1 && (output.filename != "" || output.stem != ""):
		return []string{safefile.Name(nameInDir(files[0], output))}
	default:
		return safeNames(files)
	}
}

// paths returns where the files are going to be.
func (d *destination) paths(files []File, output plannedOutput) []string {
	var paths []string
	for _, name := range d.names(files, output) {
		paths = append(paths, pathBelow(d.dir(), name))
	}
	return paths
}

// nameInDir returns the name of a single file in a directory: the one that was asked for,
// or else that of the first source with the extension of what came.
func nameInDir(file File, output plannedOutput) string {
	if output.filename != "" && sameExtension(output.filename, file.Filename) {
		return output.filename
	}
	if extension := extensionOf(file.Filename); output.stem != "" && extension != "" {
		return output.stem + "." + extension
	}
	return file.Filename
}

// namesAround returns the names of files of which one is to be called base. Of several,
// that is the one with its extension. If there are more, they get a number, and files with
// other extensions keep their own names: an image keeps the name that a page links to.
func namesAround(base string, files []File) []string {
	if len(files) == 1 {
		return []string{base}
	}
	names := ownNames(files)
	var alike []int
	for i, file := range files {
		if sameExtension(file.Filename, base) {
			alike = append(alike, i)
		}
	}
	if len(alike) == 1 {
		names[alike[0]] = base
		return names
	}
	if len(alike) == 0 {
		return names
	}
	own := make([]string, 0, len(alike))
	for _, i := range alike {
		own = append(own, files[i].Filename)
	}
	for n, number := range numbersOf(own) {
		names[alike[n]] = safefile.Numbered(base, number)
	}
	return names
}

func sameExtension(a, b string) bool {
	formatA, knownA := formatOf(a)
	formatB, knownB := formatOf(b)
	return knownA == knownB && sameFormat(formatA) == sameFormat(formatB)
}

var digits = regexp.MustCompile(`[0-9]+`)

// numbersOf returns the number of each name: the only one in which they differ, so that
// p-2.jpg is page 2, or else its place.
func numbersOf(names []string) []string {
	if numbers, found := differingNumbers(names); found {
		return numbers
	}
	var places []string
	for n := range names {
		places = append(places, strconv.Itoa(n+1))
	}
	return places
}

// differingNumbers returns the only number in which names differ.
func differingNumbers(names []string) ([]string, bool) {
	var rows [][]string // the numbers of each name
	for _, name := range names {
		if digits.ReplaceAllString(name, "0") != digits.ReplaceAllString(names[0], "0") {
			return nil, false
		}
		rows = append(rows, digits.FindAllString(name, -1))
	}
	var differing [][]string // the numbers at each place in which the names differ
	for k := range rows[0] {
		var column []string
		for _, row := range rows {
			column = append(column, row[k])
		}
		if slices.ContainsFunc(column, func(number string) bool { return number != column[0] }) {
			differing = append(differing, column)
		}
	}
	if len(differing) != 1 || len(slices.Compact(slices.Sorted(slices.Values(differing[0])))) < len(names) {
		return nil, false
	}
	return differing[0], true
}

// safeNames returns a distinct path below a directory for each file, with slashes. No path
// is a directory above another one.
func safeNames(files []File) []string { return distinct(ownNames(files)) }

// ownNames returns the service's names, made safe on all systems.
func ownNames(files []File) []string {
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, path.Join(safefile.Dir(file.Dir), safefile.Name(file.Filename)))
	}
	return names
}

// distinct changes names that occur twice.
func distinct(names []string) []string {
	var taken safefile.Names
	known := map[string]bool{}
	for _, name := range names {
		for _, dir := range parents(name) {
			if !known[dir] {
				known[dir] = true
				taken.Distinct(dir)
			}
		}
	}
	unique := make([]string, 0, len(names))
	for _, name := range names {
		unique = append(unique, taken.Distinct(name))
	}
	return unique
}

// parents returns the directories above a slash path, the outer ones first.
func parents(name string) []string {
	var dirs []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}
