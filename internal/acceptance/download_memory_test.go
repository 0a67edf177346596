package acceptance_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// The test counts all allocations, which no garbage collection takes away.
func TestDownloadTakesConstantMemory(t *testing.T) { //nolint:paralleltest // it counts the allocations of the process.
	if testing.Short() {
		t.Skip("measures memory")
	}
	const size, most = 256 << 20, 4 << 20
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(size))
		_, _ = io.CopyN(w, testkit.Zeros{}, size)
	}))
	t.Cleanup(storage.Close)
	file := cloudconvert.File{Filename: "video.mp4", Size: size, URL: storage.URL}
	client, err := cloudconvert.NewClient(testkit.Key)
	require.NoError(t, err)
	dir := t.TempDir()
	fetches := map[string]func() (int64, error){
		"download": func() (int64, error) { return client.Download(t.Context(), file, io.Discard) },
		"open": func() (int64, error) {
			body, err := client.Open(t.Context(), file)
			if err != nil {
				return 0, err
			}
			defer body.Close()
			return io.Copy(io.Discard, body)
		},
		"save": func() (int64, error) {
			paths, err := client.Save(t.Context(), dir, []cloudconvert.File{file})
			if err != nil {
				return 0, err
			}
			info, err := os.Stat(paths[0])
			if err != nil {
				return 0, err
			}
			return info.Size(), os.Remove(paths[0])
		},
	}
	for name, fetch := range fetches { //nolint:paralleltest // as above.
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			n, err := fetch()
			runtime.ReadMemStats(&after)
			require.NoError(t, err)
			assert.Equal(t, int64(size), n)
			assert.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(most))
		})
	}
}
