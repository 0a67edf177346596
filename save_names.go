package cloudconvert

import (
	"path"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// safeNames returns a distinct path below a directory for each file, with
// slashes. No path is a directory above another one.
func safeNames(files []File) []string {
	names := make([]string, 0, len(files))
	for _, file := range files {
		names = append(names, path.Join(safefile.Dir(file.Dir), safefile.Name(file.Filename)))
	}
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
	for i, name := range names {
		names[i] = taken.Distinct(name)
	}
	return names
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
