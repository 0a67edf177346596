package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// output is where a call writes files: a directory that is open, one below it, and a name
// in that. Without a name, the files keep those of the service.
type output struct {
	dir     *os.Root
	sub     string // created when there are files to write; "." if it is dir
	path    string // of sub
	name    string
	release func() // of the claim to the name
}

// output opens an output, and checks that files can be written there: after the job it
// would be too late. A path that ends in a separator, or that is a directory, is a
// directory.
func (s *server) output(w *workspace, name string) (*output, error) {
	root, rel, err := w.locate(name)
	if err != nil {
		return nil, err
	}
	o := &output{release: func() {}}
	info, err := root.dir.Stat(rel)
	isDir := err == nil && info.IsDir() || strings.HasSuffix(name, "/") || os.IsPathSeparator(name[len(name)-1])
	if !isDir {
		rel, o.name = filepath.Dir(rel), filepath.Base(rel)
	}
	if o.name != "" && filepath.Ext(o.name) == "" {
		return nil, fmt.Errorf("%q has no extension: add one, or end it in a slash if it is a directory", name)
	}
	o.path = filepath.Join(root.path, rel)
	existing, missing := splitExisting(root.dir, rel)
	if o.dir, err = openDirectory(root.dir, existing); err != nil {
		return nil, explainPath(name, err)
	}
	o.sub = missing
	if err := s.reserveOutput(o); err != nil {
		return nil, errors.Join(err, o.dir.Close())
	}
	return o, nil
}

// splitExisting splits a path after its last part that exists.
func splitExisting(dir *os.Root, path string) (existing, missing string) {
	existing, missing = path, "."
	for existing != "." {
		if _, err := dir.Lstat(existing); !errors.Is(err, fs.ErrNotExist) {
			break // other errors are those of opening it
		}
		existing, missing = filepath.Dir(existing), filepath.Join(filepath.Base(existing), missing)
	}
	return existing, missing
}

// reserveOutput checks that files can be written, and claims the name.
func (s *server) reserveOutput(o *output) error {
	temp := tempName()
	probe, err := create(o.dir, temp)
	if err != nil {
		return explainPath(o.path, err)
	}
	if err := errors.Join(probe.Close(), o.dir.Remove(temp)); err != nil {
		return explainPath(o.path, err)
	}
	path := filepath.Join(o.path, o.name)
	for part := range strings.SplitSeq(filepath.Join(o.sub, o.name), string(filepath.Separator)) {
		if _, err := o.dir.Lstat(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return explainPath(path, err) // it is too long, for instance
		}
	}
	if o.name == "" {
		return nil
	}
	if _, err := o.dir.Lstat(filepath.Join(o.sub, o.name)); err == nil {
		return fmt.Errorf("%q already exists, and files are never replaced: use another output, such as %q",
			path, filepath.Join(o.path, freeName(o.dir, o.name)))
	}
	o.release, err = s.claim(path)
	return err
}

func (o *output) close() {
	o.release()
	_ = o.dir.Close() // the files in it are closed
}

// save writes the files of a job and returns their paths. It downloads them to a temporary
// directory first, because Client.SaveAs takes a path, which may lead elsewhere by now.
func (o *output) save(ctx context.Context, client *cloudconvert.Client, job *cloudconvert.Job, p *progress) ([]string, error) {
	temp, err := os.MkdirTemp("", "cloudconvert-mcp-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(temp) }() // what is left is in the directory for temporary files
	downloads, err := client.SaveAs(ctx, job, temp+string(filepath.Separator)+o.name, cloudconvert.WithProgress(p.report))
	if err != nil {
		return nil, err
	}
	if err := o.dir.MkdirAll(o.sub, 0o755); err != nil {
		return nil, err
	}
	dir, err := openDirectory(o.dir, o.sub)
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }() // as in close
	paths := make([]string, 0, len(downloads))
	for _, from := range downloads {
		name, err := filepath.Rel(temp, from)
		if err == nil {
			name, err = place(dir, name, from)
		}
		if err != nil {
			return paths, err
		}
		paths = append(paths, filepath.Join(o.path, name))
	}
	return paths, nil
}

// place copies a file into a directory, under its name or, if another program has created
// that meanwhile, under the first one that is free. The file appears whole or not at all,
// unless the file system has no hard links.
func place(dir *os.Root, name, from string) (string, error) {
	if sub := filepath.Dir(name); sub != "." {
		if err := dir.MkdirAll(sub, 0o755); err != nil {
			return "", err
		}
	}
	temp := tempName()
	if err := copyTo(dir, temp, from); err != nil {
		return "", err
	}
	defer func() { _ = dir.Remove(temp) }() // the file has its own name, or is not wanted
	for n := 1; ; n++ {
		free := numbered(name, n)
		// Unlike a rename, neither a link nor copyTo replaces a file.
		err := dir.Link(temp, free)
		if err != nil && !errors.Is(err, fs.ErrExist) {
			err = copyTo(dir, free, from)
		}
		if !errors.Is(err, fs.ErrExist) {
			return free, err
		}
	}
}

// copyTo copies a file to a new file in a directory.
func copyTo(dir *os.Root, name, from string) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }() // it was only read
	file, err := create(dir, name)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, dir.Remove(name))
	}
	return nil
}

// create creates a file that does not exist.
func create(dir *os.Root, name string) (*os.File, error) {
	return dir.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

func tempName() string { return "cloudconvert-" + rand.Text() + ".part" }

// freeName returns the name, or the name with the first number that makes it free.
func freeName(dir *os.Root, name string) string {
	for n := 1; ; n++ {
		free := numbered(name, n)
		if _, err := dir.Lstat(free); err != nil {
			return free
		}
	}
}

// numbered returns a name with a number, but for 1 the name.
func numbered(name string, n int) string {
	if n == 1 {
		return name
	}
	extension := filepath.Ext(name)
	return strings.TrimSuffix(name, extension) + "-" + strconv.Itoa(n) + extension
}
