package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// ConvertFile converts the file src to the file dst. The formats are those of
// the extensions. src may also be an address that begins with https:// or http://,
// which the service fetches.
//
// dst appears whole or not at all, and does not replace a file unless
// [WithOverwrite] says so. Whether it can be written is checked before the job
// is created. A conversion with several output files (the pages of a document as
// pictures) numbers them: page.png becomes page-1.png, page-2.png and so on.
//
// Everything else is as with [Client.Convert].
func (c *Client) ConvertFile(ctx context.Context, src, dst string, opts ...ConvertOption) (*Job, error) {
	conversion, err := c.newConversion().with(opts)
	if err != nil {
		return nil, err
	}
	if err := conversion.refuse("ConvertFile", batchOptions); err != nil {
		return nil, err
	}
	if err := conversion.formatFrom(dst); err != nil {
		return nil, err
	}
	if err := conversion.checkDestination(dst); err != nil {
		return nil, err
	}
	job, err := conversion.run(ctx, sourceOf(src))
	if err != nil {
		return job, errors.Join(err, conversion.discard(ctx, job))
	}
	if _, err := conversion.save(ctx, job, dst); err != nil {
		return job, err
	}
	return job, conversion.discard(ctx, job)
}

// sourceOf tells addresses from paths.
func sourceOf(src string) Source {
	scheme, _, isAddress := strings.Cut(src, "://")
	if isAddress && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")) {
		return FromURL(src)
	}
	return FromFile(src)
}

// formatFrom takes the output format from the name of the destination.
func (c *conversion) formatFrom(dst string) error {
	format, known := formatOf(dst)
	if !known {
		return invalid(fmt.Errorf("the format of the destination %q is unknown, for its name has no extension that tells it, such as .pdf", dst))
	}
	c.task.OutputFormat = format
	return nil
}

// checkDestination makes sure that a file can be written, before anything is
// paid for.
func (c *conversion) checkDestination(dst string) error {
	candidates := []string{dst}
	if c.archive {
		candidates = append(candidates, withExtension(dst, archiveFormat))
	}
	for _, path := range candidates {
		if err := c.checkFree(path); err != nil {
			return err
		}
	}
	probe, err := os.CreateTemp(filepath.Dir(dst), ".cloudconvert-*")
	if err != nil {
		return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", dst, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// checkFree makes sure that nothing is in the way of a file.
func (c *conversion) checkFree(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return invalid(fmt.Errorf("the destination %q is a directory: name a file", path))
	}
	switch _, err := os.Lstat(path); {
	case err == nil && !c.overwrite:
		return fmt.Errorf("cloudconvert: the destination %q is there already: remove it, or use WithOverwrite: %w", path, fs.ErrExist)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", path, err)
	default:
		return nil
	}
}

// archiveFormat is what several files are packed into.
const archiveFormat = "zip"

// save fetches the output of a job and returns where it is. Either all files
// are there afterwards, or none.
func (c *conversion) save(ctx context.Context, job *Job, dst string) ([]string, error) {
	files := job.Files()
	if len(files) == 0 {
		return nil, fmt.Errorf("cloudconvert: job %s finished without an output file", job.ID)
	}
	paths := c.outputPaths(files, dst)
	root, err := os.OpenRoot(filepath.Dir(dst))
	if err != nil {
		return nil, fmt.Errorf("cloudconvert: save: %w", err)
	}
	s := &saving{
		client: c.client, root: root, overwrite: c.overwrite,
		parallel: c.client.core.config.transfers.withDefaults().Parallel,
	}
	for i, file := range files {
		s.files = append(s.files, &savedFile{File: file, name: filepath.Base(paths[i])})
	}
	if err := errors.Join(s.run(ctx), root.Close()); err != nil {
		return nil, err
	}
	return paths, nil
}

// outputPaths returns where the files of a job are going to be.
func (c *conversion) outputPaths(files []File, dst string) []string {
	paths := make([]string, 0, len(files))
	for i, file := range files {
		path := c.outputPath(file, dst)
		if len(files) > 1 {
			path = numbered(path, i+1)
		}
		paths = append(paths, path)
	}
	return paths
}

// outputPath gives a file the extension that it should have. Whether it is an
// archive depends on how many files the conversion has made.
func (c *conversion) outputPath(file File, dst string) string {
	format, _ := formatOf(file.Filename)
	if expected, _ := formatOf(dst); !c.archive || format != archiveFormat || expected == archiveFormat {
		return dst
	}
	return withExtension(dst, archiveFormat)
}

// withExtension replaces the extension of a path.
func withExtension(path, extension string) string {
	return filepath.Join(filepath.Dir(path), stemOf(filepath.Base(path))+"."+extension)
}

// numbered puts a number before the extension of a path.
func numbered(path string, n int) string {
	extension := extensionOf(path)
	if extension != "" {
		extension = "." + extension
	}
	return strings.TrimSuffix(path, extension) + "-" + strconv.Itoa(n) + extension
}
