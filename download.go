package cloudconvert

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

// Open downloads a file and returns a reader of its content. The caller must
// close the reader. Close ends the connection, and may be called at any time and
// more than once. When the context ends, reads return an error.
//
// The URL of the file is requested as it is, without the API key. A download that
// breaks or stalls is resumed where it stopped, see [TransferPolicy]. If the URL
// has expired, a new one is read from the task. Only a buffer of the content is
// held in memory.
//
// The reader returns [io.EOF] only after the whole file: [File.Size] bytes or, if
// that is 0, the length that storage announced. If neither is known, storage has
// to mark the end of the response, and a response that ends with its connection
// is an error. If File.Size is 0, a page that a proxy sends with a success status
// cannot be told from the file.
//
// Bytes that were read cannot be taken back. So a broken download is resumed only
// if the response proves to be the rest of the same file, by its range and by the
// same strong entity tag from the same host and path. Otherwise the error is
// retryable, see [IsRetryable], and [Client.Save] starts over.
//
// If storage refuses the download, the error is an [*Error]. It matches
// [ErrNotFound] if the file no longer exists, and [ErrForbidden] if the URL has
// expired and no new one was found.
func (c *Client) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	file, err := c.storageFile(f, c.core.reporter.transfer(PhaseDownload, "", f.Filename))
	if err != nil {
		return nil, err
	}
	ctx, observed := c.core.begin(ctx, downloadOf(f))
	file.Attempted = observed.attempted
	err = errNotReturned // until storage.Open returns
	defer func() {
		if err != nil {
			c.core.end(observed, err)
		}
	}()
	r, err := c.core.storage.Open(ctx, file)
	if err != nil || c.core.config.observer == nil {
		return r, err
	}
	return &observedFile{ReadCloser: r, core: c.core, activity: observed}, nil
}

// downloadOf returns the activity of a download that begins.
func downloadOf(f File) Activity {
	return Activity{Kind: ActivityDownload, Name: f.Filename, TaskID: f.TaskID}
}

// Download downloads a file, writes it to w and returns the number of bytes
// written. It behaves like [Client.Open] otherwise. After an error, w may have
// part of the file; use [Client.Save] to get whole files or none. Download waits
// for a Write that blocks, even if the context has ended.
func (c *Client) Download(ctx context.Context, f File, w io.Writer) (int64, error) {
	file, err := c.storageFile(f, c.core.reporter.transfer(PhaseDownload, "", f.Filename))
	if err != nil {
		return 0, err
	}
	n, err := c.core.download(ctx, f, file, w)
	if err != nil {
		err = withoutSecrets(err)
	}
	return n, err
}

// download writes a file to w, as an activity.
func (c *core) download(ctx context.Context, f File, from transfer.File, w io.Writer) (int64, error) {
	var n int64
	err := c.observe(ctx, downloadOf(f), func(ctx context.Context, a *activity) (err error) {
		from.Attempted = a.attempted
		n, err = c.storage.Download(ctx, from, w)
		a.Bytes = n
		return err
	})
	return n, err
}

// storageFile returns the parameters of a download. It refuses URLs that are not
// allowed for downloads.
func (c *Client) storageFile(f File, report func(done, total int64)) (transfer.File, error) {
	location, err := c.fileURL(f)
	if err != nil {
		return transfer.File{}, err
	}
	file := transfer.File{URL: location, Size: f.Size, Report: report}
	if f.TaskID != "" {
		file.Renew = func(ctx context.Context) (*url.URL, error) { return c.renewURL(ctx, f, location) }
	}
	return file, nil
}

func (c *Client) fileURL(f File) (*url.URL, error) {
	if f.URL == "" {
		return nil, invalid(fmt.Errorf("file %q has no URL: only files of %s tasks have one, see Job.Files", f.Filename, OperationExportURL))
	}
	location, err := c.core.storage.ParseURL(f.URL)
	if err != nil {
		return nil, invalid(fmt.Errorf("file %q: %w", f.Filename, err))
	}
	return location, nil
}

// renewURL returns the current URL of a file, as read from its task.
func (c *Client) renewURL(ctx context.Context, f File, old *url.URL) (*url.URL, error) {
	task, err := c.Tasks.Get(ctx, f.TaskID)
	if err != nil {
		return nil, err
	}
	var found []*url.URL
	for _, file := range task.Result.Files {
		if file.Filename != f.Filename || file.Dir != f.Dir {
			continue
		}
		location, err := c.fileURL(file)
		if err != nil {
			return nil, err
		}
		// If several files have this name, the path of the URL decides.
		if location.EscapedPath() == old.EscapedPath() {
			found = []*url.URL{location}
			break
		}
		found = append(found, location)
	}
	switch {
	case len(found) != 1:
		return nil, fmt.Errorf("task %s has %d files with this name", f.TaskID, len(found))
	case found[0].String() == old.String():
		return nil, fmt.Errorf("task %s still has the same URL", f.TaskID)
	}
	return found[0], nil
}
