package transfer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// Open fetches a file, from whose beginning the caller reads. It returns when storage has
// begun to send the file. Close may be called at any time, and more than once.
func (c *Client) Open(ctx context.Context, file File) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := c.newDownload(ctx, file)
	if err := d.ready(); err != nil {
		cancel()
		return nil, err
	}
	return &openFile{download: d, cancel: cancel}, nil
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
	total := o.download.total
	o.mu.Unlock()
	return copyTo(w, o, total)
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
