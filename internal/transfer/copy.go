package transfer

import (
	"fmt"
	"io"
	"math/bits"
	"sync"
)

// minBuffer and maxBuffer bound the buffer of a download. On loopback, where its size
// matters most, 32 KiB reached 740 MB/s, 128 KiB 990, and 256 KiB and more between 1130
// and 1180. On a busy machine, larger buffers lost less.
const minBuffer, maxBuffer = 4 << 10, 512 << 10

// buffers holds the buffers of finished downloads. It stores pointers because storing a
// slice would allocate.
var buffers sync.Pool

// newBuffer returns a buffer that is larger than the file, up to maxBuffer. Sizes are
// powers of two, so that the files of a batch can share buffers.
func newBuffer(total int64) *[]byte {
	size := maxBuffer
	if 0 <= total && total < maxBuffer {
		size = max(minBuffer, 1<<bits.Len64(uint64(total)))
	}
	if buffer, ok := buffers.Get().(*[]byte); ok && len(*buffer) >= size {
		return buffer
	}
	buffer := make([]byte, size)
	return &buffer
}

// copyTo copies the rest of a download of total bytes. A total of -1 means that the size
// is unknown.
func copyTo(w io.Writer, download io.Reader, total int64) (int64, error) {
	buffer := newBuffer(total)
	defer buffers.Put(buffer)
	// ReadFrom and WriteTo could use buffers of other sizes.
	return io.CopyBuffer(copyWriter{w}, struct{ io.Reader }{download}, *buffer)
}

// copyWriter adds a prefix to the errors of a writer. Those of the download have one
// already.
type copyWriter struct{ io.Writer }

// Write implements [io.Writer].
func (c copyWriter) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		err = fmt.Errorf("cloudconvert: download: %w", err)
	}
	return n, err
}
