package transfer

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBufferHasRoomForTheFile(t *testing.T) {
	t.Parallel()
	for total, want := range map[int64]int{
		-1: maxBuffer, 0: minBuffer, minBuffer - 1: minBuffer, minBuffer: 2 * minBuffer, 100_000: 128 << 10,
		maxBuffer - 1: maxBuffer, maxBuffer: maxBuffer, 1 << 40: maxBuffer,
	} {
		assert.GreaterOrEqual(t, len(*newBuffer(total)), want, total)
	}
}

// The files of a batch share buffers.
func TestCopyReusesBuffers(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process.
	const size, files = 400 << 10, 100
	file := make([]byte, size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range files {
		n, err := copyTo(io.Discard, bytes.NewReader(file), size)
		require.NoError(t, err)
		require.EqualValues(t, size, n)
	}
	runtime.ReadMemStats(&after)
	assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(files*size/2))
}
