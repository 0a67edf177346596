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
// [WithOverwrite] says so. Whether it can be written is checked before the job is created. A
// conversion with several output files (the pages of a document as pictures)
// numbers them: page.png becomes page-1.png, page-2.png and so on.
//
// Everything else is as with [Client.Convert].
func (c *Client) ConvertFile(ctx context.Context, src, dst string, opts ...ConvertOption) (*Job, error) {
	format := extensionOf(dst)
	if format == "" {
		return nil, invalid(fmt.Errorf("the destination %q has no extension, which tells the format to convert to", dst))
	}
	conversion, err := c.newConversion(format, opts)
	if err != nil {
		return nil, err
	}
	if err := conversion.checkDestination(dst); err != nil {
		return nil, err
	}
	job, err := conversion.run(ctx, sourceOf(src))
	if err == nil {
		_, err = conversion.save(ctx, job, dst)
	}
	return job, conversion.finish(ctx, job, err)
}

func sourceOf(src string) Source {
	if strings.HasPrefix(src, "https://") || strings.HasPrefix(src, "http://") {
		return FromURL(src)
	}
	return FromFile(src)
}

// checkDestination makes sure that a file can be written, before anything is
// paid for.
func (c *conversion) checkDestination(dst string) error {
	info, err := os.Stat(dst)
	switch {
	case err == nil && info.IsDir():
		return invalid(fmt.Errorf("the destination %q is a directory: name a file", dst))
	case err == nil && !c.overwrite:
		return fmt.Errorf("cloudconvert: the destination %q is there already: remove it, or use WithOverwrite: %w", dst, fs.ErrExist)
	}
	probe, err := os.CreateTemp(filepath.Dir(dst), ".cloudconvert-*")
	if err != nil {
		return fmt.Errorf("cloudconvert: the destination %q cannot be written: %w", dst, err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// save fetches the output of a job and returns where it is. Either all files
// are there afterwards, or none.
func (c *conversion) save(ctx context.Context, job *Job, dst string) ([]string, error) {
	files := job.Files()
	if len(files) == 0 {
		return nil, fmt.Errorf("cloudconvert: job %s finished without an output file", job.ID)
	}
	var saved []string
	for i, file := range files {
		path := dst
		if len(files) > 1 {
			path = numbered(dst, i+1)
		}
		if err := c.client.saveAs(ctx, file, path, c.overwrite); err != nil {
			for _, path := range saved {
				err = errors.Join(err, os.Remove(path))
			}
			return nil, err
		}
		saved = append(saved, path)
	}
	return saved, nil
}

// numbered puts a number before the extension of a path.
func numbered(path string, n int) string {
	extension := "." + extensionOf(path)
	return strings.TrimSuffix(path, extension) + "-" + strconv.Itoa(n) + extension
}
