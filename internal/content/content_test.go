package content_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/content"
)

// unstated returns options without a stated length.
func unstated(t *testing.T, memory int64) content.Options {
	t.Helper()
	return content.Options{TempDir: t.TempDir(), Memory: memory, Stated: -1}
}

// readAll reads content from its beginning.
func readAll(t *testing.T, c *content.Content) string {
	t.Helper()
	text, err := io.ReadAll(c.Reader(t.Context()))
	require.NoError(t, err)
	return string(text)
}

// stream hides all methods of a reader except Read.
type stream struct{ io.Reader }

// files returns the number of files in a directory.
func files(t *testing.T, dir string) int {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	return len(entries)
}

func TestStreamsAboveTheMemoryLimitAreStored(t *testing.T) {
	t.Parallel()
	for text, stored := range map[string]int{"": 0, "1234": 0, "12345": 0, "123456": 1, strings.Repeat("x", 1<<20): 1} {
		o := unstated(t, 5)
		c, err := content.NewReader(stream{strings.NewReader(text)}).Open(t.Context(), o)
		require.NoError(t, err)
		assert.EqualValues(t, len(text), c.Size)
		assert.True(t, c.Replayable)
		assert.False(t, c.Reopenable, "it was read")
		assert.Equal(t, stored, files(t, o.TempDir))
		for range 2 {
			assert.Equal(t, text, readAll(t, c))
		}
		require.NoError(t, c.Close())
		require.NoError(t, c.Close())
		assert.Zero(t, files(t, o.TempDir))
	}
}

// If the length differs from the stated one, no copy remains.
func TestStatedLengths(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a.txt")
	require.NoError(t, os.WriteFile(path, []byte("12345"), 0o600))
	fsys := fstest.MapFS{"a": {Data: []byte("12345")}, "pipe": {Data: []byte("12345"), Mode: fs.ModeNamedPipe}}
	for name, open := range map[string]func(content.Options) (*content.Content, error){
		"bytes": func(o content.Options) (*content.Content, error) { return content.Bytes([]byte("12345"), o) },
		"file":  func(o content.Options) (*content.Content, error) { return content.File(t.Context(), path, o) },
		"FS":    func(o content.Options) (*content.Content, error) { return content.FS(t.Context(), fsys, "a", o) },
		"pipe":  func(o content.Options) (*content.Content, error) { return content.FS(t.Context(), fsys, "pipe", o) },
		"buffer": func(o content.Options) (*content.Content, error) {
			return content.NewReader(bytes.NewBufferString("12345")).Open(t.Context(), o)
		},
	} {
		for _, memory := range []int64{0, 100} {
			o := unstated(t, memory)
			o.Stated = 5
			c, err := open(o)
			require.NoError(t, err, name)
			assert.Equal(t, "12345", readAll(t, c), name)
			require.NoError(t, c.Close())
			for _, o.Stated = range []int64{0, 4, 6} {
				_, err = open(o)
				var misuse *content.MisuseError
				require.ErrorAs(t, err, &misuse, name)
				assert.Contains(t, err.Error(), "5 bytes")
			}
			assert.Zero(t, files(t, o.TempDir), name)
		}
	}
}

// blockingFS is a file system that blocks until it is released.
type blockingFS struct {
	mode  fs.FileMode
	open  bool // Open blocks, and not Read
	freed chan struct{}

	mu             sync.Mutex
	opened, closed int
}

func (f *blockingFS) Stat(string) (fs.FileInfo, error) {
	return fstest.MapFS{"a": {Data: make([]byte, 10), Mode: f.mode}}.Stat("a")
}

func (f *blockingFS) Open(string) (fs.File, error) {
	if f.open {
		<-f.freed
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	return &blockingFile{f}, nil
}

type blockingFile struct{ fs *blockingFS }

func (f *blockingFile) Stat() (fs.FileInfo, error) { return f.fs.Stat("a") }

func (f *blockingFile) Read([]byte) (int, error) {
	<-f.fs.freed
	return 0, errors.New("too late")
}

func (f *blockingFile) Close() error {
	f.fs.mu.Lock()
	defer f.fs.mu.Unlock()
	f.fs.closed++
	return nil
}

// A file system that blocks does not delay a call whose context has ended. The file is
// closed once the file system returns.
func TestBlockingFileSystems(t *testing.T) {
	t.Parallel()
	for name, fsys := range map[string]*blockingFS{
		"open": {open: true}, "read": {}, "open a pipe": {open: true, mode: fs.ModeNamedPipe}, "read a pipe": {mode: fs.ModeNamedPipe},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				fsys.freed = make(chan struct{})
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				start := time.Now()
				c, err := content.FS(ctx, fsys, "a", unstated(t, 100))
				if fsys.mode == 0 {
					require.NoError(t, err)
					_, err = io.ReadAll(c.Reader(ctx))
					require.ErrorIs(t, err, context.DeadlineExceeded)
					_ = c.Reader(ctx) // another attempt
					err = errors.Join(err, c.Close())
				}
				require.ErrorIs(t, err, context.DeadlineExceeded)
				assert.Equal(t, time.Second, time.Since(start))
				close(fsys.freed)
				synctest.Wait()
				assert.Equal(t, fsys.opened, fsys.closed)
			})
		})
	}
}

// brokenFS is a file system whose files fail to close.
type brokenFS struct{ fstest.MapFS }

func (f brokenFS) Open(name string) (fs.File, error) {
	file, err := f.MapFS.Open(name)
	return brokenFile{file}, err
}

type brokenFile struct{ fs.File }

func (f brokenFile) Close() error { return errors.Join(f.File.Close(), errors.New("cannot be closed")) }

func TestPipeThatCannotBeClosedLeavesNoCopy(t *testing.T) {
	t.Parallel()
	o := unstated(t, 0)
	fsys := brokenFS{fstest.MapFS{"a": {Data: []byte("text"), Mode: fs.ModeNamedPipe}}}
	_, err := content.FS(t.Context(), fsys, "a", o)
	require.ErrorContains(t, err, "cannot be closed")
	assert.Zero(t, files(t, o.TempDir))
}
