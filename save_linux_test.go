package cloudconvert_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestSaveToFullDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(dir, 0)) })
	write(t, "mine", dir, "kept")
	file := testkit.Content(1 << 20)
	storage := newStorage(t, serve(file, storageTag))
	_, err := newDownloader(t).Save(t.Context(), dir, []cloudconvert.File{storage.file(len(file))})
	require.ErrorIs(t, err, syscall.ENOSPC)
	assert.Equal(t, []string{"kept"}, testkit.Listed(t, dir))
	assert.Len(t, storage.seen(), 1, "another attempt would not help")
}

// openBelow returns the open files of this process below a directory.
func openBelow(t *testing.T, dir string) (paths []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	for _, entry := range entries {
		if path, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && strings.HasPrefix(path, dir+"/") {
			paths = append(paths, path)
		}
	}
	return paths
}

func TestSaveOpensFewFiles(t *testing.T) {
	t.Parallel()
	const files, parallel = 100, 4
	dir := t.TempDir()
	var mu sync.Mutex
	most := 0
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		most = max(most, len(openBelow(t, dir)))
		mu.Unlock()
		serve(r.URL.Path, storageTag)(w, r)
	})
	var many []cloudconvert.File
	for n := range files {
		many = append(many, storage.echoed("", strconv.Itoa(n), "/"+strconv.Itoa(n)))
	}
	client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Parallel: parallel}))
	paths, err := client.Save(t.Context(), dir, many)
	require.NoError(t, err)
	for n, path := range paths {
		assert.Equal(t, "/"+strconv.Itoa(n), read(t, path))
	}
	assert.LessOrEqual(t, most, 2*parallel, "the files are not counted at one moment, and others may be opened meanwhile")
}

// The job may run for hours after that.
func TestConvertClosesTheSourceWhenItIsSent(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]int64{"inline": 1 << 20, "uploaded": 0} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			server := cloudconverttest.NewServer()
			t.Cleanup(server.Close)
			server.HandleConvert("*", "*", func(_ context.Context, run *cloudconverttest.Run) error {
				closed := func() bool { return len(openBelow(t, dir)) == 0 }
				assert.Eventually(t, closed, 5*time.Second, time.Millisecond) // the response to the upload is still under way
				return run.Write(run.OutputName(run.Input()), []byte("b"))
			})
			write(t, "a", dir, "a.txt")
			_, err := server.Client().Convert(t.Context(), cloudconvert.FromFile(filepath.Join(dir, "a.txt")), "pdf", cloudconvert.WithInlineLimit(limit))
			require.NoError(t, err)
		})
	}
}
