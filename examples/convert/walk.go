package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
)

// file is one source and where its result goes.
type file struct {
	name        string // of the source, as messages show it
	source      cloudconvert.Source
	destination string
}

// plan is what the sources of the command line come to.
type plan struct {
	files    []file
	failures []failure // of sources that were named and cannot be converted
	skipped  skips
}

// failure is a file that was not converted.
type failure struct{ name, reason string }

// walker makes a plan.
type walker struct {
	*settings
	plan

	seen    map[string]bool   // names that are in the plan
	writers map[string]string // names, by destination
	own     map[string]bool   // absolute paths of what the command writes
}

// makePlan finds the files that the sources stand for. No two have the same
// destination.
func (s *settings) makePlan(ctx context.Context) (*plan, error) {
	w := &walker{settings: s, seen: map[string]bool{}, writers: map[string]string{}, own: map[string]bool{}}
	for _, path := range []string{s.dir, s.journal} {
		if absolute, err := filepath.Abs(path); err == nil && path != "" {
			w.own[absolute], w.own[absolute+".lock"] = true, true
		}
	}
	for _, source := range s.sources {
		w.expand(ctx, source)
	}
	return &w.plan, ctx.Err()
}

// expand adds the files that an argument stands for.
func (w *walker) expand(ctx context.Context, argument string) {
	if isURL(argument) {
		source := cloudconvert.FromURL(argument)
		w.add(file{source.String(), source, w.destinationOf(nameOfURL(argument), "")})
		return
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && info.IsDir():
		w.walk(ctx, tree{root: argument, real: realPath(argument)}, "")
	case err == nil:
		w.addPath(argument)
	case strings.ContainsAny(argument, "*?["):
		w.glob(ctx, argument)
	case strings.HasPrefix(argument, "-"):
		w.fail(argument, "there is no such file: flags go before --")
	case formatOf(argument) == w.to:
		w.fail(argument, reasonOf(err)+": to name it as the destination of one file, leave out -to")
	default:
		w.fail(argument, reasonOf(err))
	}
}

// glob adds what a pattern matches, for users who quoted it and for shells that
// leave it to the command.
func (w *walker) glob(ctx context.Context, pattern string) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		w.fail(pattern, "the pattern is malformed")
		return
	}
	if len(paths) == 0 {
		w.fail(pattern, "no file matches")
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			w.skip(brokenLink, path)
		case info.IsDir():
			w.walk(ctx, tree{root: path, real: realPath(path)}, "")
		case w.isRegular(path, info):
			w.addFound(path, "")
		}
	}
}

// addPath adds a file that was named.
func (w *walker) addPath(path string) {
	path = filepath.Clean(path)
	if w.from == "" && formatOf(path) == "" {
		w.fail(path, "its name does not show its format: add -from FORMAT")
		return
	}
	w.addFile(path, "")
}

// addFound adds a file that was found, if it is meant to be converted.
func (w *walker) addFound(path, below string) {
	format := cmp.Or(w.from, formatOf(path))
	switch {
	case format == "":
		w.skip(unknownFormat, path)
	case format == "part":
		w.skip(leftover, path)
	case formatOf(path) == w.to:
		w.skip(sameFormat, path)
	default:
		w.addFile(path, below)
	}
}

// addFile adds a local file. Below is its directory below that of the tree.
func (w *walker) addFile(path, below string) {
	destination := w.destinationOf(filepath.Base(path), below)
	if w.dir == "" {
		destination = filepath.Join(filepath.Dir(path), filepath.Base(destination))
	}
	if destination == path {
		w.fail(path, "it is "+w.to+" already: name another directory with -o")
		return
	}
	w.add(file{path, w.sourceOf(path), destination})
}

// sourceOf returns a local file as a source whose name shows its format.
func (s *settings) sourceOf(path string) cloudconvert.Source {
	source := cloudconvert.FromFile(path)
	if s.from != "" && formatOf(path) == "" {
		source = source.WithName(filepath.Base(path) + "." + s.from)
	}
	return source
}

func (w *walker) add(f file) {
	if w.seen[f.name] {
		return
	}
	w.seen[f.name] = true
	if other, taken := w.writers[f.destination]; taken {
		w.fail(f.name, fmt.Sprintf("it would become %s, as does %s: convert it separately, to another destination", f.destination, other))
		return
	}
	w.writers[f.destination] = f.name
	w.files = append(w.files, f)
}

func (w *walker) fail(name, reason string) {
	w.failures = append(w.failures, failure{name, reason})
}

func (w *walker) skip(reason, path string) { w.skipped.add(reason, path) }

// tree is a directory that is walked.
type tree struct {
	root string // as it was named
	real string // without symbolic links
}

// walk adds the files in a directory of a tree, and below it.
func (w *walker) walk(ctx context.Context, t tree, below string) {
	dir := filepath.Join(t.root, below)
	entries, err := os.ReadDir(dir)
	if err != nil && below == "" {
		w.fail(dir, "the directory cannot be read: "+reasonOf(err))
	} else if err != nil {
		w.skip(unreadable, dir)
	}
	for _, entry := range entries {
		if ctx.Err() != nil {
			return
		}
		path := filepath.Join(dir, entry.Name())
		absolute, err := filepath.Abs(path)
		switch {
		case err == nil && w.own[absolute]:
		case strings.HasPrefix(entry.Name(), "."):
			w.skip(hidden, path)
		case entry.IsDir():
			w.walk(ctx, t, filepath.Join(below, entry.Name()))
		case w.isInside(t, path, entry):
			w.addFound(path, below)
		}
	}
}

// isInside reports whether an entry of a tree is a regular file of the tree, and
// skips it otherwise. A directory behind a link has a separate place in the
// tree, where its files are found.
func (w *walker) isInside(t tree, path string, entry os.DirEntry) bool {
	if entry.Type()&os.ModeSymlink != 0 {
		target, err := filepath.EvalSymlinks(path)
		if err != nil {
			w.skip(brokenLink, path)
			return false
		}
		if inside, err := filepath.Rel(t.real, absolutePath(target)); err != nil || !filepath.IsLocal(inside) {
			w.skip(outside, path)
			return false
		}
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		w.skip(brokenLink, path)
		return false
	case info.IsDir():
		w.skip(linkedDirectory, path)
		return false
	default:
		return w.isRegular(path, info)
	}
}

func (w *walker) isRegular(path string, info os.FileInfo) bool {
	if !info.Mode().IsRegular() {
		w.skip(special, path)
	}
	return info.Mode().IsRegular()
}

// realPath returns the absolute path of a directory without symbolic links.
func realPath(dir string) string {
	if target, err := filepath.EvalSymlinks(dir); err == nil {
		dir = target
	}
	return absolutePath(dir)
}

func absolutePath(path string) string {
	if absolute, err := filepath.Abs(path); err == nil {
		return absolute
	}
	return path
}

// reasonOf returns what the system says about a path, without the path.
func reasonOf(err error) string {
	if failure, ok := errors.AsType[*os.PathError](err); ok {
		err = failure.Err
	}
	return err.Error()
}
