package cloudconvert

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// Open fetches a file and returns its content to read from. The caller must
// close it, which may be done at any time and more than once, and ends the
// connection. The content also ends, with an error, when the context does.
//
// The address of the file is requested as it is, without the API key. A
// connection that breaks or stalls is made again and goes on where it was, see
// [TransferPolicy]. If the address has expired, the task is read again for a new
// one. No more than a buffer of the content is held in memory.
//
// The content ends with [io.EOF] only if it is whole: as long as [File.Size]
// says or, where that is 0, as long as storage announced it to be. If neither is
// known, storage has to mark the end of its answer, and an answer that just ends
// with its connection is an error. With File.Size 0 there is no way to tell a
// page of a proxy, sent as a success, from the file.
//
// Bytes that were read cannot be taken back. A broken download goes on only if
// the response proves that it has the rest of the same file, by its range and by
// the same strong entity tag from the same place. Otherwise the error is one that
// [IsRetryable] reports, and [Client.Save] starts over.
//
// A file that storage refuses is an [*Error]: it matches [ErrNotFound] if the
// file is no longer there, and [ErrForbidden] if the address has expired and
// no other was found.
func (c *Client) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	d, err := c.newDownload(ctx, f, c.core.reporter.meter(PhaseDownload, "", f.Filename, f.Size))
	if err == nil {
		err = d.ready()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &openFile{download: d, cancel: cancel}, nil
}

// Download fetches a file, writes it to w and returns the number of bytes
// written. Everything else is as with [Client.Open]. After an error, w may have
// received a part of the file; [Client.Save] leaves whole files or none. Download
// waits for a Write that blocks, also when the context has ended.
func (c *Client) Download(ctx context.Context, f File, w io.Writer) (int64, error) {
	d, err := c.newDownload(ctx, f, c.core.reporter.meter(PhaseDownload, "", f.Filename, f.Size))
	if err != nil {
		return 0, err
	}
	defer d.close()
	return d.WriteTo(w)
}

// openFile is a download as its reader sees it.
type openFile struct {
	mu       sync.Mutex // held while the download is read, but not while a part of it is written
	download *download
	cancel   context.CancelFunc
	closed   atomic.Bool
}

// Read reads from the file.
func (o *openFile) Read(p []byte) (int, error) {
	defer o.releaseIfClosed()
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.download.Read(p)
}

// WriteTo lets [io.Copy] use a buffer of the right size.
func (o *openFile) WriteTo(w io.Writer) (int64, error) {
	o.mu.Lock()
	size := o.download.bufferSize()
	o.mu.Unlock()
	return copyFile(w, o, size)
}

// Close ends the connection and a Read that is under way. It waits for neither.
func (o *openFile) Close() error {
	o.closed.Store(true)
	o.cancel()
	o.releaseIfClosed()
	return nil
}

// releaseIfClosed ends a closed download, unless it is being read: then the Read does
// it at its end.
func (o *openFile) releaseIfClosed() {
	if o.closed.Load() && o.mu.TryLock() {
		defer o.mu.Unlock()
		o.download.close()
		o.download.end = fmt.Errorf("cloudconvert: download: %w", fs.ErrClosed)
	}
}
