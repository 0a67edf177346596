package media

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func archiveFile(name, content string) ArchiveFile {
	return ArchiveFile{
		Name: name,
		Size: int64(len(content)),
		Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
	}
}

func archived(t *testing.T, format string, files ...ArchiveFile) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, Archive(t.Context(), &b, format, files))
	return b.Bytes()
}

// extracted is a file of an archive.
type extracted struct{ name, content string }

// extractAll returns the files of an archive.
func extractAll(ctx context.Context, data []byte, format string, limits extractLimits) ([]extracted, error) {
	var files []extracted
	err := extract(ctx, bytes.NewReader(data), int64(len(data)), format, limits, func(dir, name string, r io.Reader) error {
		content, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		files = append(files, extracted{path.Join(dir, name), string(content)})
		return nil
	})
	return files, err
}

// wide are limits that no test reaches by accident.
var wide = extractLimits{entries: 1000, bytes: 1 << 20}

func TestArchiveRoundTrip(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("0123456789", 10_000)
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			require.True(t, CanArchive(format))
			require.True(t, CanExtract(format))
			files := []ArchiveFile{
				archiveFile("b.txt", "second"),
				archiveFile("a.txt", ""),
				archiveFile("deep/er/größe.bin", "\x00\xff\x80"),
				archiveFile("large.txt", large),
				archiveFile(strings.Repeat("long", 50)+".txt", "long name"),
			}
			data := archived(t, format, files...)
			assert.Equal(t, data, archived(t, format, files...), "the same files give the same bytes")
			got, err := extractAll(t.Context(), data, format, wide)
			require.NoError(t, err)
			assert.Equal(t, []extracted{
				{"b.txt", "second"},
				{"a.txt", ""},
				{"deep/er/größe.bin", "\x00\xff\x80"},
				{"large.txt", large},
				{strings.Repeat("long", 50) + ".txt", "long name"},
			}, got)
		})
	}
}

func TestArchiveWithoutFiles(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"zip", "tar", "tgz"} {
		got, err := extractAll(t.Context(), archived(t, format), Normalize(format), wide)
		require.NoError(t, err)
		assert.Empty(t, got)
	}
}

func TestArchiveNames(t *testing.T) {
	t.Parallel()
	names := uniqueNames{}
	for _, test := range [][2]string{
		{"a.txt", "a.txt"},
		{"a.txt", "a-2.txt"},
		{"A.TXT", "A-3.TXT"},
		{"a-2.txt", "a-2-2.txt"},
		{"dir/a.txt", "dir/a.txt"},
		{"dir/a.txt", "dir/a-2.txt"},
		{"none", "none"},
		{"none", "none-2"},
		{"", "file"},
		{"../../etc/passwd", "file-2"},
		{"/etc/passwd", "etc/passwd"},
		{`..\x`, "file-3"},
		{`C:\x`, "C_/x"},
	} {
		assert.Equal(t, test[1], names.next(test[0]), test[0])
	}
}

func TestArchiveOpensInOtherPrograms(t *testing.T) {
	t.Parallel()
	data := archived(t, "zip", archiveFile("a.txt", "hello"))
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	require.Len(t, z.File, 1)
	assert.Equal(t, "-rw-r--r--", z.File[0].Mode().String())
	assert.Equal(t, 1980, z.File[0].Modified.Year())
}

func TestArchiveChecksSizes(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		for _, size := range []int64{3, 8} {
			file := archiveFile("hello.txt", "hello")
			file.Size = size
			err := Archive(t.Context(), &bytes.Buffer{}, format, []ArchiveFile{file})
			require.Error(t, err, "%s of %d bytes", format, size)
			require.ErrorContains(t, err, "hello.txt")
			assert.ErrorContains(t, err, " bytes")
		}
	}
}

// closeRecorder records that it was closed.
type closeRecorder struct {
	io.Reader
	closed bool
	err    error
}

func (c *closeRecorder) Close() error {
	c.closed = true
	return c.err
}

func TestArchiveClosesFiles(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for name, content := range map[string]*closeRecorder{
		"good":          {Reader: strings.NewReader("hello")},
		"too short":     {Reader: strings.NewReader("hel")},
		"close failing": {Reader: strings.NewReader("hello"), err: broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := ArchiveFile{Name: "a", Size: 5, Open: func() (io.ReadCloser, error) { return content, nil }}
			err := Archive(t.Context(), &bytes.Buffer{}, "zip", []ArchiveFile{file})
			assert.True(t, content.closed)
			if name == "good" {
				assert.NoError(t, err)
			} else {
				assert.Error(t, err)
			}
		})
	}
	file := ArchiveFile{Name: "a", Open: func() (io.ReadCloser, error) { return nil, broken }}
	require.ErrorIs(t, Archive(t.Context(), &bytes.Buffer{}, "tar", []ArchiveFile{file}), broken)
}

func TestArchiveRefuses(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"7z", "rar", "tar.bz2", ""} {
		assert.False(t, CanArchive(format))
		require.ErrorIs(t, Archive(t.Context(), &bytes.Buffer{}, format, nil), ErrUnsupported)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Archive(ctx, &bytes.Buffer{}, "zip", []ArchiveFile{archiveFile("a", "hello")})
	require.ErrorIs(t, err, context.Canceled)
}
