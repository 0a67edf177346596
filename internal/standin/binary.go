package standin

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
)

// packed returns values of fixed sizes one after the other.
func packed(order binary.ByteOrder, values ...any) []byte {
	var out bytes.Buffer
	for _, value := range values {
		_ = binary.Write(&out, order, value) // a Buffer has no errors
	}
	return out.Bytes()
}

func checksum(content []byte) uint32 { return crc32.ChecksumIEEE(content) }

// length returns a length for a header. The files are small.
func length(n int) uint32 { return uint32(n) } //nolint:gosec // see above
