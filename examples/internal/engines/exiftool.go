package engines

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// exifTool reads and writes metadata.
type exifTool struct{ *program }

// findExifTool returns nil if ExifTool is not installed.
func (k *kit) findExifTool() *exifTool {
	p := k.tool("-ver", "exiftool")
	if p == nil {
		return nil
	}
	return &exifTool{p}
}

func (e *exifTool) engine() Engine {
	return Engine{
		Name: "exiftool", Path: e.path, version: e.readVersion,
		operations: map[string]operation{
			"metadata":       {file: e.read},
			"metadata/write": {from: writableFormats, file: e.write, installed: e.writable},
		},
	}
}

// input copies the input to the directory of the run. The name of the copy is plain.
func (e *exifTool) input(w work) (dir, name string, err error) {
	dir, err = w.run.Dir()
	if err != nil {
		return "", "", err
	}
	name = "in"
	if regexp.MustCompile(`^[a-z0-9.]+$`).MatchString(w.in.Format) {
		name += "." + w.in.Format
	}
	return dir, name, copyFile(w.in.Path, filepath.Join(dir, name))
}

// writableFormats are formats whose metadata ExifTool can write.
var writableFormats = []string{
	"3gp", "ai", "avif", "cr2", "dng", "eps", "gif", "heic", "jpg", "m4a", "m4v", "mov", "mp4", "nef", "orf", "pdf", "png", "ppm", "ps",
	"psd", "raf", "rw2", "tiff", "webp",
}

// writable returns the formats that the installed version writes: older ones list webp as
// writable, too, but refuse it.
func (e *exifTool) writable(ctx context.Context) []string {
	sample, _ := standin.File("webp", "")
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return nil
	}
	defer func() { _ = os.RemoveAll(dir) }() // it is temporary
	err = os.WriteFile(filepath.Join(dir, "in.webp"), sample, 0o600)
	if err == nil {
		err = e.run(ctx, execution{dir: dir, args: []string{"-config", "", "-Title=x", "-o", "out.webp", "in.webp"}})
	}
	if err == nil {
		return writableFormats
	}
	return slices.DeleteFunc(slices.Clone(writableFormats), func(format string) bool { return format == "webp" })
}

// ofCopy are values that describe the copy and not the file.
var ofCopy = []string{
	"SourceFile", "Directory", "FileModifyDate", "FileAccessDate", "FileInodeChangeDate", "FilePermissions", "ExifToolVersion",
}

// read sets the metadata of the task.
func (e *exifTool) read(ctx context.Context, w work) error {
	dir, name, err := e.input(w)
	if err != nil {
		return err
	}
	out := &bounded{limit: 8 << 20}
	err = e.run(ctx, execution{dir: dir, stdout: out, args: []string{"-config", "", "-json", name}})
	if err != nil && !errors.Is(err, errExit) {
		return err
	}
	var found []map[string]any
	if json.Unmarshal(out.buffer, &found) != nil || len(found) != 1 {
		return openFailed(w.in, "it has no metadata")
	}
	values := found[0]
	maps.DeleteFunc(values, func(name string, _ any) bool { return slices.Contains(ofCopy, name) })
	if why, ok := values["Error"].(string); ok {
		return openFailed(w.in, why)
	}
	values["FileName"] = w.in.Name
	w.run.SetMetadata(values)
	return nil
}

// tagName matches the names of tags, with a group or without.
var tagName = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9_]*:)?([A-Za-z][A-Za-z0-9_]*)$`)

// ofSystem are tags that ExifTool takes as requests to move, link or read files.
var ofSystem = []string{"directory", "filename", "geosync", "geotag", "hardlink", "symlink", "testname"}

// write adds the file with the metadata of the task. It ignores tags that the format does
// not have.
func (e *exifTool) write(ctx context.Context, w work) error {
	dir, name, err := e.input(w)
	if err != nil {
		return err
	}
	tags, err := tagsOf(w, name)
	if err != nil {
		return err
	}
	// In a file, a name cannot be taken as an option.
	if err := os.WriteFile(filepath.Join(dir, "tags.json"), tags, 0o600); err != nil {
		return err
	}
	args := []string{"-config", "", "-m", "-json=tags.json"}
	output := "out." + w.in.Format
	log := &tail{limit: 4 << 10}
	err = e.run(ctx, execution{dir: dir, stderr: log, args: append(args, "-o", output, name)})
	switch {
	case err != nil && !errors.Is(err, errExit):
		return err
	case sizeOf(filepath.Join(dir, output)) > 0:
		return w.run.AddFile(w.name(), filepath.Join(dir, output))
	case strings.Contains(string(log.buffer), "Nothing to do"):
		return passOn(w)
	case strings.Contains(string(log.buffer), "not yet supported"), strings.Contains(string(log.buffer), "Can't write"),
		strings.Contains(string(log.buffer), "Can't currently write"):
		return cloudconverttest.ErrUnsupported
	}
	return openFailed(w.in, clip(log.lastLine()))
}

// tagsOf returns the parameter metadata as ExifTool reads it.
func tagsOf(w work, name string) ([]byte, error) {
	tags := map[string]any{}
	metadata, _ := w.run.Params["metadata"].(map[string]any)
	for tag, value := range metadata {
		found := tagName.FindStringSubmatch(tag)
		if len(found) != 3 || slices.Contains(ofSystem, strings.ToLower(found[2])) {
			return nil, invalid("metadata has the tag %q, which cannot be written: use one such as Title", clip(tag))
		}
		switch value.(type) {
		case string, json.Number:
			tags[tag] = value
		default:
			return nil, invalid("metadata needs a string or a number for %q", clip(tag))
		}
	}
	tags["SourceFile"] = name
	return json.Marshal([]any{tags})
}
