package engines

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/standin"
)

// tarGZ makes a tar.gz whose header names the tar.
func tarGZ(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	compressed.Name = "other.tar"
	archive := tar.NewWriter(compressed)
	for _, header := range headers {
		header.Mode = 0o600
		require.NoError(t, archive.WriteHeader(&header))
		_, err := archive.Write(make([]byte, header.Size))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, compressed.Close())
	return out.Bytes()
}

func TestRealUnusualArchives(t *testing.T) {
	t.Parallel()
	b := installed(t, "archivetool")
	convert := func(to string) cloudconvert.Convert {
		return cloudconvert.Convert{Input: []string{"a"}, OutputFormat: to}
	}
	file := tar.Header{Name: "a.txt", Size: 3}
	link := tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/hostname"}
	for name, headers := range map[string][]tar.Header{"a named tar": {file}, "a link": {file, link}, "empty": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			via := b.one(t, convert("7z"), upload{"a.tar.gz", tarGZ(t, headers...)})
			via = b.one(t, convert("tar.bz2"), via)
			packed := b.one(t, convert("zip"), via)
			files, err := zip.NewReader(bytes.NewReader(packed.content), int64(len(packed.content)))
			require.NoError(t, err)
			names := []string{}
			for _, f := range files.File {
				names = append(names, f.Name)
			}
			want := []string{"a.txt"}
			if headers == nil {
				want = []string{}
			}
			assert.Equal(t, want, names)
		})
	}
	for _, format := range []string{"tar.gz", "tar.bz2", "7z"} {
		t.Run("damaged "+format, func(t *testing.T) {
			t.Parallel()
			good, ok := standin.File(format, "")
			require.True(t, ok)
			to := map[bool]string{true: "tar.bz2", false: "zip"}[format == "tar.gz"]
			for _, content := range [][]byte{[]byte("x"), []byte("text"), good[:len(good)/2]} {
				task, _ := b.do(t, convert(to), upload{"a." + format, content})
				assert.Equal(t, "OPEN_FAILED", task.Code, task.Message)
				assert.NotContains(t, task.Message, "/tmp")
			}
		})
	}
}

func TestDecompressionIsBounded(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "a.tar.gz")
	require.NoError(t, os.WriteFile(path, tarGZ(t, tar.Header{Name: "a", Size: 64 << 20}), 0o600))
	a := &archiver{program: &program{kit: libraryOnly()}}
	in := cloudconverttest.Input{Name: "a.tar.gz", Format: "tar.gz", Path: path}
	err := a.decompress(t.Context(), in, filepath.Join(dir, "a.tar"), 8<<20)
	require.ErrorContains(t, err, "too large")
	assert.LessOrEqual(t, sizeOf(filepath.Join(dir, "a.tar")), int64(10<<20))
}
