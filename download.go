package cloudconvert

import (
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/cloudconvert/cloudconvert-go/internal/transfer"
)

// Open fetches a file and returns its content to read from. The caller must
// close it, which may be done at any time and more than once, and ends the
// connection. The content also ends, with an error, when the context does.
//
// The URL of the file is requested as it is, without the API key. A download that
// breaks or stalls is resumed where it was, see [TransferPolicy]. If the URL has
// expired, the task is read for a new one. No more than a buffer of the content is
// held in memory.
//
// The content ends with [io.EOF] only if it is whole: as long as [File.Size]
// says or, where that is 0, as long as storage announced it to be. If neither is
// known, storage has to mark the end of its response, and a response that just ends
// with its connection is an error. With File.Size 0, a page of a proxy that is sent
// as a success cannot be told from the file.
//
// Bytes that were read cannot be taken back. A broken download is resumed only if
// the response proves that it has the rest of the same file, by its range and by
// the same strong entity tag from the same place. Otherwise the error is one that
// [IsRetryable] reports, and [Client.Save] starts over.
//
// A file that storage refuses is an [*Error]: it matches [ErrNotFound] if the
// file is no longer there, and [ErrForbidden] if the URL has expired and
// no other was found.
func (c *Client) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	file, err := c.storageFile(f, c.core.reporter.transfer(PhaseDownload, "", f.Filename))
	if err != nil {
		return nil, err
	}
	return c.core.storage.Open(ctx, file)
}

// Download fetches a file, writes it to w and returns the number of bytes
// written. Everything else is as with [Client.Open]. After an error, w may have
// received a part of the file; [Client.Save] leaves whole files or none. Download
// waits for a Write that blocks, also when the context has ended.
func (c *Client) Download(ctx context.Context, f File, w io.Writer) (int64, error) {
	file, err := c.storageFile(f, c.core.reporter.transfer(PhaseDownload, "", f.Filename))
	if err != nil {
		return 0, err
	}
	return c.core.storage.Download(ctx, file, w)
}

// storageFile returns how a file is fetched. It refuses URLs that files must not be
// fetched from.
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
		return nil, invalid(fmt.Errorf("the file %q has no URL: only the files of %s tasks have one, see Job.Files", f.Filename, OperationExportURL))
	}
	location, err := c.core.storage.ParseURL(f.URL)
	if err != nil {
		return nil, invalid(fmt.Errorf("the file %q: %w", f.Filename, err))
	}
	return location, nil
}

// renewURL reads the task of a file for the URL that the file has now.
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
		// Of several files with one name, the one with the same path is it.
		if location.EscapedPath() == old.EscapedPath() {
			found = []*url.URL{location}
			break
		}
		found = append(found, location)
	}
	switch {
	case len(found) != 1:
		return nil, fmt.Errorf("task %s has %d files of this name", f.TaskID, len(found))
	case found[0].String() == old.String():
		return nil, fmt.Errorf("task %s still gives the same URL", f.TaskID)
	}
	return found[0], nil
}
