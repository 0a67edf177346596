package acceptance_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// BenchmarkUpload compares an upload with the least code of net/http that
// sends the same bytes with an exact length. CLOUDCONVERT_BENCH_MIB sets the
// size of the file in MiB, by default 256. .ci/compare takes medians of
// interleaved repeats.
func BenchmarkUpload(b *testing.B) {
	size := benchSize(b, 256)
	task := testkit.NewSink(b)
	path := testkit.NewSparseFile(b, size)
	b.Run("raw", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			uploadRaw(b, task.Result.Form.URL, path, size)
		}
	})
	b.Run("sdk", func(b *testing.B) {
		client, err := cloudconvert.NewClient("key")
		require.NoError(b, err)
		b.SetBytes(size)
		for b.Loop() {
			require.NoError(b, client.Tasks.Upload(b.Context(), task, cloudconvert.FromFile(path)))
		}
	})
}

func uploadRaw(b *testing.B, url, path string, size int64) {
	b.Helper()
	file, err := os.Open(path)
	require.NoError(b, err)
	defer func() { require.NoError(b, file.Close()) }()
	prefix := "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"video.mp4\"\r\n\r\n"
	suffix := "\r\n--boundary--\r\n"
	body := io.MultiReader(strings.NewReader(prefix), file, strings.NewReader(suffix))
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url, body)
	require.NoError(b, err)
	request.ContentLength = int64(len(prefix)) + size + int64(len(suffix))
	request.Header.Set("Content-Type", "multipart/form-data; boundary=boundary")
	resp, err := new(http.Client).Do(request)
	require.NoError(b, err)
	require.NoError(b, resp.Body.Close())
	require.Equal(b, http.StatusCreated, resp.StatusCode)
}
