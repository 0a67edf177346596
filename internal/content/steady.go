package content

import (
	"fmt"
	"io"
)

// maxEmptyReads is how many times in a row a reader may return neither bytes nor an
// error.
const maxEmptyReads = 100

// Steady returns a reader that fails with [io.ErrNoProgress] if r keeps returning neither
// bytes nor an error, and with another error if it returns an invalid count.
func Steady(r io.Reader) io.Reader { return &steadyReader{reader: r} }

type steadyReader struct {
	reader io.Reader
	empty  int
}

func (s *steadyReader) Read(p []byte) (int, error) {
	n, err := s.reader.Read(p)
	if n < 0 || n > len(p) {
		return 0, fmt.Errorf("the reader returned an invalid count: %d bytes read of %d", n, len(p))
	}
	if s.empty++; n > 0 {
		s.empty = 0
	}
	if err == nil && s.empty >= maxEmptyReads {
		err = io.ErrNoProgress
	}
	return n, err
}
