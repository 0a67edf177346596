package cloudconvert

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/engine"
	"github.com/cloudconvert/cloudconvert-go/internal/safefile"
)

// ConvertFile converts the file src to the file dst. Their extensions tell the
// formats. src may also be an address that begins with https:// or http://, which
// the service fetches.
//
// dst appears whole or not at all. Its directory must exist. If dst exists, the error
// matches [fs.ErrExist]; [WithOverwrite] replaces it. Whether dst can be written is
// checked before the job is created. A process that is killed meanwhile may leave a
// file whose name ends in ".part", or one named ".cloudconvert-*", which may be deleted.
//
// If a conversion has several output files, such as the pages of a document as
// pictures, they are numbered: page.png becomes page-1.png, page-2.png and so on. A
// name that would be too long with its number is cut.
// Whether one of these exists already is known only afterwards.
//
// If the output of a finished job cannot be fetched or written, the job is returned
// with the error, and [Client.Save] can still fetch its files. Another ConvertFile
// would create, and charge, a second job.
//
// Everything else is as with [Client.Convert].
func (c *Client) ConvertFile(ctx context.Context, src, dst string, opts ...ConvertOption) (*Job, error) {
	conversion, err := c.newConversion().with(opts)
	if err != nil {
		return nil, err
	}
	if err := conversion.refuse("ConvertFile", "ConvertAll", dirOptions, batchOptions); err != nil {
		return nil, err
	}
	if err := conversion.formatFrom(dst); err != nil {
		return nil, err
	}
	ctx, release := withLasting(ctx)
	defer release()
	return conversion.runInto(ctx, sourceOf(src), dst)
}

// inOutputDir returns where in the output directory the file of a source goes, and
// makes the directory.
func (c *conversion) inOutputDir(src Source) (string, error) {
	if err := os.MkdirAll(c.outputDir, newDirMode); err != nil {
		return "", fmt.Errorf("cloudconvert: output directory: %w", err)
	}
	return filepath.Join(c.outputDir, src.stem()+"."+c.task.OutputFormat), nil
}

// runInto converts into a file.
func (c *conversion) runInto(ctx context.Context, src Source, dst string) (*Job, error) {
	if err := c.checkDestination(dst); err != nil {
		return nil, err
	}
	job, err := c.run(ctx, src)
	if err != nil {
		return job, errors.Join(err, c.discard(ctx, job, err))
	}
	if _, err = c.save(ctx, job, dst); err == nil {
		err = c.discard(ctx, job, nil)
	}
	return job, afterwards(job, err)
}

// convertedError is a failure after a conversion that is paid for. Whatever it is,
// another conversion is no way to mend it.
type convertedError struct {
	job string // its id
	err error
}

// afterwards turns a failure into one that happened after the job had finished.
func afterwards(job *Job, err error) error {
	if err == nil {
		return nil
	}
	return &convertedError{job: job.ID, err: err}
}

// Error tells that the job has finished, and what failed after it.
func (e *convertedError) Error() string {
	return fmt.Sprintf("%v (job %s has finished and need not be made again)", e.err, e.job)
}

// Unwrap returns what failed.
func (e *convertedError) Unwrap() error { return e.err }

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
		return invalid(fmt.Errorf("the format of the destination %q is unknown, for its name has no extension that tells it, such as .pdf", engine.HideQueries(dst)))
	}
	c.task.OutputFormat = format
	return nil
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
		client: c.client, root: root, remedy: "use WithOverwrite",
		parallel: c.client.core.config.transfers.withDefaults().Parallel,
	}
	for i, file := range files {
		s.files = append(s.files, &savedFile{File: file, name: filepath.Base(paths[i]), overwrite: c.mayOverwrite(paths[i])})
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

// numbered puts a number before the extension of a path, whose name is cut where it
// would be too long.
func numbered(path string, n int) string {
	dir, name := filepath.Split(path)
	number := "-" + strconv.Itoa(n)
	extension := extensionOf(name)
	if extension != "" {
		extension = "." + extension
	}
	stem := strings.TrimSuffix(safefile.Shorten(name, len(number)), extension)
	return dir + stem + number + extension
}
