package cloudconvert_test

import (
	"io"
	"os"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// The test counts all allocations, not only what is in use, as that of downloads does.
func TestUploadTakesConstantMemory(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process.
	if testing.Short() {
		t.Skip("measures memory")
	}
	const size, most = 256 << 20, 4 << 20
	task := testkit.NewSink(t)
	path := testkit.NewSparseFile(t, size)
	file, err := os.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, file.Close()) })
	client, err := cloudconvert.NewClient("an-invented-key",
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: t.TempDir()}))
	require.NoError(t, err)
	sources := map[string]cloudconvert.Source{
		"path":           cloudconvert.FromFile(path),
		"open file":      cloudconvert.FromReader("video.mp4", file),
		"section":        cloudconvert.FromReader("video.mp4", io.NewSectionReader(file, 0, size)),
		"length unknown": cloudconvert.FromReader("video.mp4", io.LimitReader(testkit.Zeros{}, size)),
	}
	for name, source := range sources { //nolint:paralleltest // as above.
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			require.NoError(t, client.Tasks.Upload(t.Context(), task, source))
			runtime.ReadMemStats(&after)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(most))
		})
	}
}
