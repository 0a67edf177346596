package acceptance_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// BenchmarkDownload compares downloads to a file with a standard client and
// [io.Copy] with their default buffers. CLOUDCONVERT_BENCH_MIB sets the size of
// the file in MiB, by default 64. Save also syncs the file to disk, which the
// others leave to the system.
func BenchmarkDownload(b *testing.B) {
	size := benchSize(b, 64)
	storage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		w.Header().Set("ETag", `"5d41402abc4b2a76b9719d911017c592"`)
		_, _ = io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(testkit.Zeros{}, size), make([]byte, 1<<20))
	}))
	b.Cleanup(storage.Close)
	file := cloudconvert.File{Filename: "file", Size: size, URL: storage.URL}
	client, err := cloudconvert.NewClient(testkit.Key)
	require.NoError(b, err)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	b.Cleanup(transport.CloseIdleConnections)
	plain := &http.Client{Transport: transport}

	measure := func(name string, fetch func(b *testing.B, path string) error) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			b.ReportAllocs()
			path := filepath.Join(b.TempDir(), "file")
			for b.Loop() {
				require.NoError(b, fetch(b, path))
			}
		})
	}
	measure("raw", func(b *testing.B, path string) error {
		b.Helper()
		return toFile(path, func(f *os.File) error {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, storage.URL, http.NoBody)
			if err != nil {
				return err
			}
			resp, err := plain.Do(req)
			if err != nil {
				return err
			}
			defer resp.Body.Close()
			_, err = io.Copy(f, resp.Body)
			return err
		})
	})
	measure("sdk", func(b *testing.B, path string) error {
		b.Helper()
		return toFile(path, func(f *os.File) error {
			_, err := client.Download(b.Context(), file, f)
			return err
		})
	})
	measure("save", func(b *testing.B, path string) error {
		b.Helper()
		paths, err := client.Save(b.Context(), filepath.Dir(path), []cloudconvert.File{file})
		if err != nil {
			return err
		}
		return os.Remove(paths[0])
	})
}

// toFile creates a file, writes to it and removes it.
func toFile(path string, write func(*os.File) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(file); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Remove(path)
}

// benchSize is the size of the file of a benchmark in bytes.
func benchSize(b *testing.B, mib int64) int64 {
	b.Helper()
	if value := os.Getenv("CLOUDCONVERT_BENCH_MIB"); value != "" {
		var err error
		mib, err = strconv.ParseInt(value, 10, 32)
		require.NoError(b, err)
	}
	return mib << 20
}
