package safefile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCommit(t *testing.T) {
	t.Parallel()
	for _, overwrite := range []bool{false, true} {
		t.Run("overwrite "+strconv.FormatBool(overwrite), func(t *testing.T) {
			t.Parallel()
			root := openRoot(t)
			require.NoError(t, root.Mkdir("sub", 0o777))
			file := create(t, root, "sub/a.pdf", "content")

			temporary := list(t, root, "sub")
			require.Len(t, temporary, 1, "nothing but the temporary file")
			assert.Regexp(t, `^a\.pdf\.\w+\.part$`, temporary[0])

			require.NoError(t, file.commit(overwrite))
			assert.Equal(t, []string{"a.pdf"}, list(t, root, "sub"))
			assert.Equal(t, "content", read(t, root, "sub/a.pdf"))

			require.NoError(t, file.abort(), "does nothing")
			assert.Equal(t, "content", read(t, root, "sub/a.pdf"))
			require.ErrorIs(t, file.commit(overwrite), fs.ErrClosed)
			_, err := file.Write([]byte("more"))
			assert.ErrorIs(t, err, fs.ErrClosed)
		})
	}
}

func TestCommitOverAnother(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	file := create(t, root, "a.pdf", "new")
	require.NoError(t, root.WriteFile("a.pdf", []byte("old"), 0o600)) // created after file

	err := file.commit(false)
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "save a.pdf")
	assert.Equal(t, "old", read(t, root, "a.pdf"))

	require.NoError(t, file.commit(true), "with overwrite")
	assert.Equal(t, "new", read(t, root, "a.pdf"))
	assert.Equal(t, []string{"a.pdf"}, list(t, root, "."))
}

func TestCommitOverDirectory(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	require.NoError(t, root.MkdirAll("a.pdf/b", 0o777))
	file := create(t, root, "a.pdf", "new")
	require.ErrorIs(t, file.commit(false), fs.ErrExist)
	require.Error(t, file.commit(true))
	require.NoError(t, file.abort())
	assert.Equal(t, []string{"a.pdf"}, list(t, root, "."))
	assert.Equal(t, []string{"b"}, list(t, root, "a.pdf"))
}

func TestConcurrentCommits(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	const many = 20
	errs := make([]error, many)
	start := make(chan struct{})
	var group sync.WaitGroup
	for n := range many {
		file := create(t, root, "a.pdf", strconv.Itoa(n))
		group.Go(func() {
			<-start
			errs[n] = errors.Join(file.commit(false), file.abort())
		})
	}
	close(start)
	group.Wait()

	var winners []string
	for n, err := range errs {
		if err == nil {
			winners = append(winners, strconv.Itoa(n))
			continue
		}
		require.ErrorIs(t, err, fs.ErrExist)
	}
	require.Len(t, winners, 1)
	assert.Equal(t, winners[0], read(t, root, "a.pdf"))
	assert.Equal(t, []string{"a.pdf"}, list(t, root, "."))
}

func TestAbort(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	file := create(t, root, "a.pdf", "content")
	require.NoError(t, file.abort())
	assert.Empty(t, list(t, root, "."))
	require.NoError(t, file.abort(), "again")
	require.ErrorIs(t, file.commit(true), fs.ErrClosed)
	_, err := file.Write([]byte("more"))
	require.ErrorIs(t, err, fs.ErrClosed)
	assert.Empty(t, list(t, root, "."))
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		size int64
		want string
	}{
		"start over": {0, "again"},
		"go back":    {4, "0123again"},
		"go on":      {10, "0123456789again"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := openRoot(t)
			file := create(t, root, "a.pdf", "0123456789")
			require.NoError(t, file.Truncate(test.size))
			_, err := file.Write([]byte("again"))
			require.NoError(t, err)
			require.NoError(t, file.commit(false))
			assert.Equal(t, test.want, read(t, root, "a.pdf"))
		})
	}
	for _, size := range []int64{-1, 11} {
		t.Run("refuse "+strconv.FormatInt(size, 10), func(t *testing.T) {
			t.Parallel()
			file := create(t, openRoot(t), "a.pdf", "0123456789")
			require.ErrorContains(t, file.Truncate(size), "it has only 10")
			require.NoError(t, file.Truncate(10))
		})
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	for _, name := range []string{"", ".", "..", "../a", "a/../b", "/a", "a/", "a//b", "./a", "a/.."} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := newFile(root, name)
			assert.ErrorIs(t, err, fs.ErrInvalid)
		})
	}
	t.Run("missing directory", func(t *testing.T) {
		t.Parallel()
		_, err := newFile(root, "missing/a")
		assert.ErrorIs(t, err, fs.ErrNotExist)
	})
}

func TestSymbolicLinks(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	target := filepath.Join(outside, "target")
	require.NoError(t, os.WriteFile(target, []byte("untouched"), 0o600))
	root := openRoot(t)
	for name, to := range map[string]string{"dir": outside, "up": "..", "a.pdf": target, "b.pdf": filepath.Join(outside, "new")} {
		if err := root.Symlink(to, name); err != nil {
			t.Skipf("this system makes no symbolic links: %v", err)
		}
	}

	for _, name := range []string{"dir/x", "up/x"} {
		_, err := newFile(root, name)
		require.Error(t, err, "a directory out of the root")
	}
	for _, name := range []string{"a.pdf", "b.pdf"} {
		file := create(t, root, name, "content")
		require.ErrorIs(t, file.commit(false), fs.ErrExist)
		require.NoError(t, file.commit(true))
		info, err := root.Lstat(name)
		require.NoError(t, err)
		assert.True(t, info.Mode().IsRegular(), "the link is replaced")
	}
	content, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "untouched", string(content))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

func TestDirectoryDisappears(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps a directory with an open file")
	}
	for _, overwrite := range []bool{false, true} {
		t.Run("overwrite "+strconv.FormatBool(overwrite), func(t *testing.T) {
			t.Parallel()
			root := openRoot(t)
			require.NoError(t, root.Mkdir("sub", 0o777))
			file := create(t, root, "sub/a.pdf", "content")
			require.NoError(t, root.RemoveAll("sub"))

			require.ErrorIs(t, file.commit(overwrite), fs.ErrNotExist)
			require.NoError(t, file.abort())
			assert.Empty(t, list(t, root, "."))
		})
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	require.NoError(t, root.WriteFile("plain", nil, 0o666))
	require.NoError(t, create(t, root, "a.pdf", "content").commit(false))
	want, err := root.Stat("plain")
	require.NoError(t, err)
	got, err := root.Stat("a.pdf")
	require.NoError(t, err)
	assert.Equal(t, want.Mode(), got.Mode())
}

func TestReplacedFileKeepsItsPermissions(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are none")
	}
	mode := func(root *os.Root, name string) fs.FileMode {
		info, err := root.Lstat(name)
		require.NoError(t, err)
		return info.Mode()
	}
	for _, want := range []fs.FileMode{0o600, 0o640, 0o755, 0o444, 0o666, 0} {
		root := openRoot(t)
		require.NoError(t, root.WriteFile("a.pdf", []byte("old"), 0o600))
		require.NoError(t, root.Chmod("a.pdf", want))
		file := create(t, root, "a.pdf", "new")
		for _, name := range list(t, root, ".") {
			assert.Equal(t, want, mode(root, name), "others may not read the new file before, either")
		}
		require.ErrorIs(t, file.commit(false), fs.ErrExist)
		require.NoError(t, file.commit(true))
		assert.Equal(t, want, mode(root, "a.pdf"))
	}

	root := openRoot(t)
	file := create(t, root, "late.pdf", "new")
	require.NoError(t, root.WriteFile("late.pdf", []byte("old"), 0o600)) // created after file
	require.NoError(t, file.commit(true))
	assert.Equal(t, fs.FileMode(0o600), mode(root, "late.pdf"))

	require.NoError(t, root.WriteFile("setuid", nil, 0o600))
	require.NoError(t, root.Chmod("setuid", 0o755|fs.ModeSetuid|fs.ModeSetgid))
	require.NoError(t, create(t, root, "setuid", "new").commit(true))
	assert.Equal(t, fs.FileMode(0o755), mode(root, "setuid"), "permissions only")

	require.NoError(t, root.WriteFile("plain", nil, 0o666))
	require.NoError(t, root.Symlink("late.pdf", "link"))
	require.NoError(t, create(t, root, "link", "new").commit(true))
	assert.Equal(t, mode(root, "plain"), mode(root, "link"), "not those of where a link led")
	assert.Equal(t, "new", read(t, root, "late.pdf"))
}

// A file published in a directory that was moved is an error.
func TestDirectoryIsSwapped(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps a directory with an open file")
	}
	for name, replace := range map[string]func(t *testing.T, dir string){
		"moved": func(*testing.T, string) {},
		"replaced by a directory": func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Mkdir(dir, 0o700))
		},
		"replaced by one with a file of that name": func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Mkdir(dir, 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "a.pdf"), []byte("theirs"), 0o600))
		},
		"replaced by a link": func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.Symlink(t.TempDir(), dir))
		},
		"replaced by a file": func(t *testing.T, dir string) {
			t.Helper()
			require.NoError(t, os.WriteFile(dir, nil, 0o600))
		},
	} {
		for _, overwrite := range []bool{false, true} {
			t.Run(name+", overwrite "+strconv.FormatBool(overwrite), func(t *testing.T) {
				t.Parallel()
				dir := filepath.Join(t.TempDir(), "dir")
				require.NoError(t, os.Mkdir(dir, 0o700))
				root, err := os.OpenRoot(dir)
				require.NoError(t, err)
				t.Cleanup(func() { assert.NoError(t, root.Close()) })
				file := create(t, root, "a.pdf", "content")
				require.NoError(t, os.Rename(dir, dir+"-moved"))
				replace(t, dir)

				err = file.commit(overwrite)
				require.ErrorContains(t, err, "moved or replaced")
				require.ErrorContains(t, err, dir)
				require.NotErrorIs(t, err, fs.ErrExist)
				assert.True(t, file.named)
				assert.Equal(t, []string{"a.pdf"}, list(t, root, "."))
			})
		}
	}
}

// A directory may be moved if a link leads to it, and a file may be replaced once more.
func TestPathStillLeadsToTheFile(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows keeps a directory with an open file")
	}
	dir := filepath.Join(t.TempDir(), "dir")
	require.NoError(t, os.Mkdir(dir, 0o700))
	root, err := os.OpenRoot(dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, root.Close()) })
	first, second := create(t, root, "a.pdf", "first"), create(t, root, "a.pdf", "second")
	require.NoError(t, os.Rename(dir, dir+"-moved"))
	require.NoError(t, os.Symlink(dir+"-moved", dir))
	require.NoError(t, first.commit(true))
	require.NoError(t, second.commit(true))
	assert.Equal(t, "second", read(t, root, "a.pdf"))
}

func TestReadOnlyDirectory(t *testing.T) {
	t.Parallel()
	if os.Geteuid() <= 0 {
		t.Skip("root writes where it likes, and Windows has no such directories")
	}
	root := openRoot(t)
	require.NoError(t, root.Mkdir("sub", 0o500))
	_, err := newFile(root, "sub/a.pdf")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, list(t, root, "sub"))
}

func TestEveryValidName(t *testing.T) {
	t.Parallel()
	root := openRoot(t)
	for _, name := range []string{strings.Repeat("a", 251) + ".pdf", strings.Repeat("語", 85), "latin\xe9.pdf"} {
		if err := root.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Logf("this system takes no %q: %v", name, err)
			continue
		}
		require.NoError(t, create(t, root, name, "content").commit(true))
		assert.Equal(t, "content", read(t, root, name))
	}
}

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, root.Close()) })
	return root
}

// create returns a file with content. It is aborted at the end of the test.
func create(t *testing.T, root *os.Root, name, content string) *File {
	t.Helper()
	file, err := newFile(root, name)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, file.abort()) })
	_, err = file.Write([]byte(content))
	require.NoError(t, err)
	return file
}

func read(t *testing.T, root *os.Root, name string) string {
	t.Helper()
	content, err := root.ReadFile(name)
	require.NoError(t, err)
	return string(content)
}

// list returns the names in a directory.
func list(t *testing.T, root *os.Root, dir string) []string {
	t.Helper()
	entries, err := fs.ReadDir(root.FS(), dir)
	require.NoError(t, err)
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names
}

func TestClose(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*File) error{
		"commit": func(f *File) error { return f.commit(false) }, "abort": (*File).abort,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := openRoot(t)
			file := create(t, root, "a.pdf", "content")
			require.NoError(t, file.closeFile())
			require.NoError(t, file.closeFile(), "again")
			_, err := file.Write([]byte("more"))
			require.ErrorIs(t, err, fs.ErrClosed)
			require.ErrorIs(t, file.Truncate(0), fs.ErrClosed)
			assert.False(t, file.named)

			require.NoError(t, end(file))
			assert.Equal(t, map[string][]string{"commit": {"a.pdf"}, "abort": {}}[name], list(t, root, "."))
		})
	}
}
