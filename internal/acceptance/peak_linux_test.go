package acceptance_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// BenchmarkPeakMemory measures the peak memory of a process that makes one
// transfer, by plain net/http code and by this package. CLOUDCONVERT_BENCH_MIB
// sets the size of the file in MiB, by default 256.
func BenchmarkPeakMemory(b *testing.B) {
	size := benchSize(b, 256)
	dir := b.TempDir()
	program := filepath.Join(dir, "peak")
	build := exec.CommandContext(b.Context(), "go", "build", "-o", program, "../../.ci/peak")
	output, err := build.CombinedOutput()
	require.NoError(b, err, string(output))
	sink := testkit.NewSink(b).Result.Form.URL
	spring := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		_, _ = io.CopyN(w, testkit.Zeros{}, size)
	}))
	b.Cleanup(spring.Close)
	source := testkit.NewSparseFile(b, size)
	for _, transfer := range []struct{ name, url, path string }{
		{"upload", sink, source},
		{"download", spring.URL, filepath.Join(dir, "file")},
	} {
		for _, way := range []string{"raw", "sdk"} {
			b.Run(transfer.name+"/"+way, func(b *testing.B) {
				most := 0
				for b.Loop() {
					most = max(most, peak(b, program, transfer.name, way, transfer.url, transfer.path, strconv.FormatInt(size, 10)))
				}
				b.ReportMetric(float64(most)/1024, "peak-MiB")
			})
		}
	}
}

// peak runs the program and returns the KiB that it prints.
func peak(b *testing.B, program string, args ...string) int {
	b.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(b.Context(), program, args...)
	cmd.Stderr = &stderr
	output, err := cmd.Output()
	require.NoError(b, err, stderr.String())
	kib, err := strconv.Atoi(strings.TrimSpace(string(output)))
	require.NoError(b, err)
	return kib
}
