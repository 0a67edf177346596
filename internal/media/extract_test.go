package media

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tarOf returns a tar of entries that may be invalid.
func tarOf(tb testing.TB, headers ...tar.Header) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, header := range headers {
		header.Size = 0
		if header.Typeflag == tar.TypeReg {
			header.Size = 1
		}
		require.NoError(tb, w.WriteHeader(&header))
		if header.Size == 1 {
			_, err := w.Write([]byte("x"))
			require.NoError(tb, err)
		}
	}
	require.NoError(tb, w.Close())
	return b.Bytes()
}

// zipOf returns a zip of entries that may be invalid.
func zipOf(tb testing.TB, headers ...zip.FileHeader) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, header := range headers {
		entry, err := w.CreateHeader(&header)
		require.NoError(tb, err)
		if !strings.HasSuffix(header.Name, "/") {
			_, err = entry.Write([]byte("x"))
			require.NoError(tb, err)
		}
	}
	require.NoError(tb, w.Close())
	return b.Bytes()
}

func gzipped(tb testing.TB, data []byte) []byte {
	tb.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	require.NoError(tb, err)
	require.NoError(tb, w.Close())
	return b.Bytes()
}

func TestExtractFromFile(t *testing.T) {
	t.Parallel()
	file, err := os.Create(filepath.Join(t.TempDir(), "files.tgz"))
	require.NoError(t, err)
	_, err = file.Write(archived(t, "tgz", archiveFile("dir/sub/a.txt", "hello"), archiveFile("b.txt", "you")))
	require.NoError(t, err)
	var got []string
	err = Extract(t.Context(), file, "TGZ", func(dir, name string, r io.Reader) error {
		content, err := io.ReadAll(r)
		got = append(got, dir+"|"+name+"|"+string(content))
		return err
	})
	require.NoError(t, err)
	assert.Equal(t, []string{"dir/sub|a.txt|hello", "|b.txt|you"}, got)
	require.NoError(t, file.Close())
	assert.Error(t, Extract(t.Context(), file, "tgz", nil), "a closed file")
}

// hostileNames maps names of entries to the cleaned ones; those with an empty one are
// skipped.
var hostileNames = map[string]string{
	"plain.txt":             "plain.txt",
	"dir/plain.txt":         "dir/plain.txt",
	"../up.txt":             "",
	"dir/../../up.txt":      "",
	"dir/..":                "",
	`..\up.txt`:             "",
	`dir\..\..\up.txt`:      "",
	".. /up.txt":            "",
	".../up.txt":            "",
	"/etc/passwd":           "etc/passwd",
	"//host/share/x":        "host/share/x",
	`\\host\share\x`:        "host/share/x",
	`C:\Windows\x.dll`:      "C_/Windows/x.dll",
	"C:x":                   "C_x",
	"a/./b//c":              "a/b/c",
	"stream.txt:hidden":     "stream.txt_hidden",
	"line\nbreak\x7f":       "line_break_",
	"bad\xffutf":            "bad_utf",
	"..hidden":              "..hidden",
	"dots..in..the..middle": "dots..in..the..middle",
	".":                     "",
}

func TestExtractHostileNames(t *testing.T) {
	t.Parallel()
	for given, want := range hostileNames {
		t.Run(given, func(t *testing.T) {
			t.Parallel()
			tarred := tarOf(t, tar.Header{Typeflag: tar.TypeReg, Name: given})
			for format, data := range map[string][]byte{
				"tar": tarred, "tar.gz": gzipped(t, tarred), "zip": zipOf(t, zip.FileHeader{Name: given, NonUTF8: true}),
			} {
				got, err := extractAll(t.Context(), data, format, wide)
				require.NoError(t, err, format)
				if want == "" {
					assert.Empty(t, got, format)
				} else {
					assert.Equal(t, []extracted{{want, "x"}}, got, format)
				}
			}
		})
	}
}

func TestExtractRegularFilesOnly(t *testing.T) {
	t.Parallel()
	got, err := extractAll(t.Context(), tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "dir/"},
		tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "/etc/passwd"},
		tar.Header{Typeflag: tar.TypeLink, Name: "hard", Linkname: "/etc/passwd"},
		tar.Header{Typeflag: tar.TypeFifo, Name: "fifo"},
		tar.Header{Typeflag: tar.TypeChar, Name: "device"},
		tar.Header{Typeflag: tar.TypeReg, Name: "dir/file"},
	), "tar", wide)
	require.NoError(t, err)
	assert.Equal(t, []extracted{{"dir/file", "x"}}, got)

	link := zip.FileHeader{Name: "link"}
	link.SetMode(os.ModeSymlink | 0o777)
	got, err = extractAll(t.Context(), zipOf(t, zip.FileHeader{Name: "dir/"}, link, zip.FileHeader{Name: "file"}), "zip", wide)
	require.NoError(t, err)
	assert.Equal(t, []extracted{{"file", "x"}}, got)
}

func TestExtractLimits(t *testing.T) {
	t.Parallel()
	content := strings.Repeat("a", 1000)
	files := []ArchiveFile{archiveFile("a", content), archiveFile("b", content), archiveFile("c", content)}
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			data := archived(t, format, files...)
			got, err := extractAll(t.Context(), data, format, extractLimits{entries: 3, bytes: 3000})
			require.NoError(t, err)
			assert.Len(t, got, 3)

			got, err = extractAll(t.Context(), data, format, extractLimits{entries: 2, bytes: 3000})
			require.ErrorIs(t, err, ErrOpen)
			require.ErrorContains(t, err, "2 entries")
			assert.Len(t, got, 2)

			got, err = extractAll(t.Context(), data, format, extractLimits{entries: 3, bytes: 2999})
			require.ErrorIs(t, err, ErrOpen)
			require.ErrorContains(t, err, "2999 bytes")
			assert.Len(t, got, 2)
		})
	}
}

func TestExtractLimitsSkippedEntries(t *testing.T) {
	t.Parallel()
	links := make([]tar.Header, 20)
	for i := range links {
		links[i] = tar.Header{Typeflag: tar.TypeSymlink, Name: "link", Linkname: "x"}
	}
	_, err := extractAll(t.Context(), tarOf(t, links...), "tar", extractLimits{entries: 10, bytes: 1})
	require.ErrorIs(t, err, ErrOpen)

	bomb := gzipped(t, append(tarOf(t), make([]byte, 1<<20)...)) // zeros after the end
	_, err = extractAll(t.Context(), bomb, "tar.gz", extractLimits{entries: 10, bytes: 1000})
	require.ErrorIs(t, err, ErrOpen)

	unread := archived(t, "tar.gz", archiveFile("a", strings.Repeat("a", 1<<20)))
	limits := extractLimits{entries: 1, bytes: 1000}
	ignore := func(string, string, io.Reader) error { return nil }
	err = extract(t.Context(), bytes.NewReader(unread), int64(len(unread)), "tar.gz", limits, ignore)
	require.ErrorIs(t, err, ErrOpen)
}

func TestExtractRefusesOtherContent(t *testing.T) {
	t.Parallel()
	zipped, tarred := archived(t, "zip", archiveFile("a", "hello")), archived(t, "tar", archiveFile("a", "hello"))
	locked := bytes.Clone(zipped)
	directory := bytes.Index(locked, []byte("PK\x01\x02"))
	require.Positive(t, directory)
	locked[directory+8] |= 1
	for name, test := range map[string]struct {
		data         []byte
		format, want string
	}{
		"empty":         {nil, "zip", "empty"},
		"empty tar":     {nil, "tar", "empty"},
		"tar named zip": {tarred, "zip", "as zip: its content is tar"},
		"zip named tar": {zipped, "tar", "as tar: its content is zip"},
		"zip named tgz": {zipped, "tar.gz", "as tar.gz: its content is zip"},
		"tar named tgz": {tarred, "tar.gz", "as tar.gz: its content is tar"},
		"text as zip":   {[]byte("hello"), "zip", "as zip"},
		"text as tar":   {[]byte(strings.Repeat("hello", 200)), "tar", "as tar"},
		"text as tgz":   {[]byte("hello"), "tar.gz", "its content is not tar.gz"},
		"gzip of text":  {gzipped(t, []byte(strings.Repeat("hello", 200))), "tar.gz", "as tar.gz"},
		"encrypted zip": {locked, "zip", "encrypted"},
		"image":         {encoded(t, quarters(4, 4), "png"), "zip", "its content is png"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := extractAll(t.Context(), test.data, test.format, wide)
			require.ErrorIs(t, err, ErrOpen)
			require.ErrorContains(t, err, test.want)
			assert.Empty(t, got)
		})
	}
	_, err := extractAll(t.Context(), zipped, "7z", wide)
	require.ErrorIs(t, err, ErrUnsupported)
}

func TestExtractTruncated(t *testing.T) {
	t.Parallel()
	random := make([]byte, 20_000)
	for i := range random {
		random[i] = byte(i * i * 31 >> 3)
	}
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		data := archived(t, format, archiveFile("a", string(random)), archiveFile("b", "hello"))
		for _, part := range []int{10, len(data) / 3, len(data) / 2, len(data)*2/3 + 1} {
			_, err := extractAll(t.Context(), data[:part], format, wide)
			require.ErrorIs(t, err, ErrOpen, "%d of %d bytes of %s", part, len(data), format)
		}
	}
	tgz := archived(t, "tar.gz", archiveFile("a", "hello"))
	_, err := extractAll(t.Context(), tgz[:len(tgz)-3], "tar.gz", wide)
	require.ErrorIs(t, err, ErrOpen, "without its checksum")
}

func TestExtractDamagedContent(t *testing.T) {
	t.Parallel()
	data := archived(t, "zip", archiveFile("a", strings.Repeat("hello", 10)))
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	require.NoError(t, err)
	start, err := z.File[0].DataOffset()
	require.NoError(t, err)
	data[start+3] ^= 0xff
	_, err = extractAll(t.Context(), data, "zip", wide)
	require.ErrorIs(t, err, ErrOpen)
}

func TestExtractReturnsErrorOfCaller(t *testing.T) {
	t.Parallel()
	full := errors.New("the disk is full")
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		data := archived(t, format, archiveFile("a", "1"), archiveFile("b", "2"))
		calls := 0
		err := extract(t.Context(), bytes.NewReader(data), int64(len(data)), format, wide,
			func(string, string, io.Reader) error { calls++; return full })
		require.ErrorIs(t, err, full)
		require.NotErrorIs(t, err, ErrOpen)
		assert.Equal(t, 1, calls)
	}
}

func TestExtractStopsWithContext(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"zip", "tar", "tar.gz"} {
		ctx, cancel := context.WithCancel(t.Context())
		data := archived(t, format, archiveFile("a", "1"), archiveFile("b", "2"))
		calls := 0
		err := extract(ctx, bytes.NewReader(data), int64(len(data)), format, wide,
			func(string, string, io.Reader) error { calls++; cancel(); return nil })
		require.ErrorIs(t, err, context.Canceled, format)
		require.NotErrorIs(t, err, ErrOpen)
		assert.Equal(t, 1, calls)
	}
}

func FuzzExtractZip(f *testing.F) {
	f.Add(zipOf(f, zip.FileHeader{Name: "dir/a.txt"}, zip.FileHeader{Name: `..\b`, Method: zip.Deflate}))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, data []byte) { checkExtract(t, data, "zip") })
}

func FuzzExtractTar(f *testing.F) {
	tarred := tarOf(f, tar.Header{Typeflag: tar.TypeReg, Name: "dir/a.txt"}, tar.Header{Typeflag: tar.TypeReg, Name: "../b"})
	f.Add(tarred)
	f.Add(gzipped(f, tarred))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkExtract(t, data, "tar")
		checkExtract(t, data, "tar.gz")
	})
}

// checkExtract unpacks any bytes and checks what must hold for every archive.
func checkExtract(t *testing.T, data []byte, format string) {
	t.Helper()
	limits := extractLimits{entries: 20, bytes: 1 << 16}
	files, err := extractAll(t.Context(), data, format, limits)
	if err != nil && !errors.Is(err, ErrOpen) {
		t.Errorf("an error that does not blame the archive: %v", err)
	}
	var total int
	for _, file := range files {
		total += len(file.content)
		if !filepath.IsLocal(file.name) || strings.ContainsAny(file.name, "\\:\x00") || path.Clean(file.name) != file.name {
			t.Errorf("the name %q is not safe", file.name)
		}
	}
	if len(files) > limits.entries || total > int(limits.bytes) {
		t.Errorf("%d files with %d bytes are beyond the limits", len(files), total)
	}
}

func FuzzSafePath(f *testing.F) {
	for name := range hostileNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		dir, base, ok := safePath(name)
		if !ok {
			return
		}
		joined := path.Join(dir, base)
		if !filepath.IsLocal(joined) || strings.ContainsAny(joined, "\\:\x00") || strings.Contains(base, "/") {
			t.Errorf("%q became %q in %q", name, base, dir)
		}
		if again, _, _ := safePath(joined); again != dir {
			t.Errorf("%q is not stable", joined)
		}
	})
}
