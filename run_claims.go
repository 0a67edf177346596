package cloudconvert

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
)

// destination returns where the files of a work are written, or "" if they stay in the
// job.
func (b *batch) destination(w Work) (string, error) {
	switch {
	case b.config.outputDir == "" || filepath.IsAbs(w.Destination):
		return w.Destination, nil
	case w.Destination == "":
		return b.config.outputDir + string(filepath.Separator), nil
	case !filepath.IsLocal(w.Destination):
		return "", invalid(fmt.Errorf("the destination %q is outside of the output directory: use an absolute path", engine.HideQueries(w.Destination)))
	}
	path := filepath.Join(b.config.outputDir, w.Destination)
	switch last := w.Destination[len(w.Destination)-1]; {
	case last == '/' || os.IsPathSeparator(last):
		path += string(filepath.Separator)
	case filepath.Base(w.Destination) == ".":
		path += string(filepath.Separator) + "." // which is refused, and not taken for a file
	}
	return path, nil
}

// claim reserves the name and the key of a work and, if it is known already, the path of
// its file.
func (b *batch) claim(w *work) error {
	if !b.reserve("name", w.identity) {
		return invalid(fmt.Errorf("another work of the batch has the name %q: set Name", engine.HideQueries(w.identity)))
	}
	if key := w.config.create.key; key != "" && !b.reserve("key", key) {
		return fmt.Errorf("%w: another work of the batch has the key %q: give each its own", ErrKeyConflict, engine.HideQueries(key))
	}
	if w.dst == nil {
		return nil
	}
	w.claimPath = b.claimPath
	for _, path := range w.dst.knownFiles(w.plan.output) { // others are claimed when the service has named them
		w.known = append(w.known, canonicalPath(path))
		if err := b.claimPath(path); err != nil {
			return err
		}
	}
	return nil
}

// claimPath reserves a path. It ignores case on systems whose file systems usually do, and
// symbolic links to directories.
func (b *batch) claimPath(path string) error {
	path = canonicalPath(path)
	claimed := path
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" {
		claimed = strings.ToLower(path)
	}
	if !b.reserve("path", claimed) {
		return invalid(fmt.Errorf("another work of the batch writes %q: give each its own destination", engine.HideQueries(path)))
	}
	return nil
}

// canonicalPath returns an absolute path that depends neither on the working directory nor
// on symbolic links to directories.
func canonicalPath(path string) string {
	dir, name := filepath.Split(path)
	absolute, err := filepath.Abs(withoutLinks(cmp.Or(dir, "."))) // links first: Abs takes link/.. for the current directory
	if err != nil {
		return path
	}
	return filepath.Join(withoutLinks(absolute), name)
}

// withoutLinks follows the symbolic links in the part of a path that exists. The rest will
// be created as directories, so that the result stays the same.
func withoutLinks(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved
	}
	path = filepath.Clean(path) // Dir takes "a/" for a directory in "a"
	if parent := filepath.Dir(path); parent != path {
		return filepath.Join(withoutLinks(parent), filepath.Base(path))
	}
	return path
}

// reserve records a name, key or path. It reports false if it was recorded before.
func (b *batch) reserve(kind, value string) bool {
	sum := sha256.Sum256([]byte(kind + "\x00" + value))
	key := [16]byte(sum[:16])
	b.mu.Lock()
	defer b.mu.Unlock()
	_, taken := b.claimed[key]
	b.claimed[key] = struct{}{}
	return !taken
}

// claimFiles reserves the paths of the files that only the service could name.
func (w *work) claimFiles(paths []string) error {
	for _, path := range paths {
		if slices.Contains(w.known, canonicalPath(path)) {
			continue
		}
		if err := w.claimPath(path); err != nil {
			return err
		}
	}
	return nil
}
