package transfer

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// Open returns a reader of a file. It returns once storage has begun to send the file.
// The caller must close the reader. Close may be called at any time, and more than once.
func (c *Client) Open(ctx context.Context, file File) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	d := c.newDownload(ctx, file)
	if err := d.ready(); err != nil {
		cancel()
		return nil, err
	}
	return &openFile{download: d, cancel: cancel}, nil
}

// openFile is the reader that [Client.Open] returns.
type openFile struct {
	mu       sync.Mutex // held during reads of the download, but not while WriteTo writes
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

// WriteTo implements [io.WriterTo], with a buffer of the right size.
func (o *openFile) WriteTo(w io.Writer) (int64, error) {
	o.mu.Lock()
	total := o.download.total
	o.mu.Unlock()
	return copyTo(w, o, total)
}

// Close closes the connection and interrupts a concurrent Read, without waiting for
// either.
func (o *openFile) Close() error {
	o.closed.Store(true)
	o.cancel()
	o.releaseIfClosed()
	return nil
}

// releaseIfClosed closes the download of a closed file, unless it is being read: the Read
// then does so when it ends.
func (o *openFile) releaseIfClosed() {
	if o.closed.Load() && o.mu.TryLock() {
		defer o.mu.Unlock()
		o.download.close()
		o.download.end = fmt.Errorf("cloudconvert: download: %w", fs.ErrClosed)
	}
}
