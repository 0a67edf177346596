package cloudconvert_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// Readers with fewer methods.
type (
	readOnly struct{ io.Reader }
	seekOnly struct{ io.ReadSeeker }
	lenOnly  struct {
		io.Reader
		length int
	}
	// unseekable can be read at any offset, but not seeked.
	unseekable struct {
		io.Reader
		io.ReaderAt
	}
)

func (l lenOnly) Len() int { return l.length }

// openAt opens a file that has been read from before.
func openAt(t *testing.T, content string, offset int64) *os.File {
	t.Helper()
	file := mustOpen(t, testkit.WriteFile(t, filepath.Join(t.TempDir(), "file.txt"), content))
	_, err := file.Seek(offset, io.SeekStart)
	require.NoError(t, err)
	return file
}

// newPipe returns a pipe that yields a text of unknown length.
func newPipe(t *testing.T, content string) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, reader.Close()) })
	_, err = writer.WriteString(content)
	require.NoError(t, errors.Join(err, writer.Close()))
	return reader
}

// sourceKind is a source that yields sourceText.
type sourceKind struct {
	source func(t *testing.T) cloudconvert.Source
	twice  bool // may be used twice
	again  bool // may be retried
}

func readerKind(twice, again bool, reader func(t *testing.T) io.Reader) sourceKind {
	return sourceKind{
		source: func(t *testing.T) cloudconvert.Source {
			t.Helper()
			return cloudconvert.FromReader("a.txt", reader(t))
		},
		twice: twice, again: again,
	}
}

// sourceKinds returns a source of each kind.
func sourceKinds() map[string]sourceKind {
	readBefore := func(r io.ReadSeeker) io.ReadSeeker {
		_, _ = r.Seek(int64(len("before ")), io.SeekStart) // of memory, it cannot fail
		return r
	}
	return map[string]sourceKind{
		"file": {func(t *testing.T) cloudconvert.Source {
			t.Helper()
			return cloudconvert.FromFile(testkit.WriteFile(t, filepath.Join(t.TempDir(), "a.txt"), testkit.SourceText))
		}, true, true},
		"file system": {func(*testing.T) cloudconvert.Source {
			return cloudconvert.FromFS(fstest.MapFS{"dir/a.txt": {Data: []byte(testkit.SourceText)}}, "dir/a.txt")
		}, true, true},
		"pipe of a file system": {func(*testing.T) cloudconvert.Source {
			return cloudconvert.FromFS(fstest.MapFS{"a.txt": {Data: []byte(testkit.SourceText), Mode: fs.ModeNamedPipe}}, "a.txt")
		}, true, true},
		"named": {func(*testing.T) cloudconvert.Source {
			return cloudconvert.FromBytes("README", []byte(testkit.SourceText)).WithName("dir/a.txt")
		}, true, true},
		"bytes": {func(*testing.T) cloudconvert.Source {
			return cloudconvert.FromBytes("a.txt", []byte(testkit.SourceText))
		}, true, true},
		"open file": readerKind(true, true, func(t *testing.T) io.Reader {
			t.Helper()
			return openAt(t, "before "+testkit.SourceText, int64(len("before ")))
		}),
		"pipe": readerKind(false, true, func(t *testing.T) io.Reader {
			t.Helper()
			return newPipe(t, testkit.SourceText)
		}),
		"buffer":       readerKind(true, true, func(*testing.T) io.Reader { return bytes.NewBufferString(testkit.SourceText) }),
		"bytes.Reader": readerKind(true, true, func(*testing.T) io.Reader { return readBefore(bytes.NewReader([]byte("before " + testkit.SourceText))) }),
		"string":       readerKind(true, true, func(*testing.T) io.Reader { return readBefore(strings.NewReader("before " + testkit.SourceText)) }),
		"section": readerKind(true, true, func(*testing.T) io.Reader {
			return io.NewSectionReader(strings.NewReader("a"+testkit.SourceText+"z"), 1, int64(len(testkit.SourceText)))
		}),
		"seeker": readerKind(false, false, func(*testing.T) io.Reader {
			return seekOnly{readBefore(strings.NewReader("before " + testkit.SourceText))}
		}),
		"length": readerKind(false, false, func(*testing.T) io.Reader {
			return lenOnly{strings.NewReader(testkit.SourceText), len(testkit.SourceText)}
		}),
		"reader": readerKind(false, true, func(*testing.T) io.Reader { return readOnly{strings.NewReader(testkit.SourceText)} }),
		"not a seeker": readerKind(false, true, func(*testing.T) io.Reader {
			return unseekable{strings.NewReader(testkit.SourceText), strings.NewReader(testkit.SourceText)}
		}),
		"stated length": {func(*testing.T) cloudconvert.Source {
			return cloudconvert.FromReader("a.txt", readOnly{strings.NewReader(testkit.SourceText)}).WithSize(int64(len(testkit.SourceText)))
		}, false, false},
		"limited": readerKind(false, true, func(*testing.T) io.Reader {
			return io.LimitReader(strings.NewReader(testkit.SourceText+"more"), int64(len(testkit.SourceText)))
		}),
		"one at a time": readerKind(false, true, func(*testing.T) io.Reader { return readOnly{&trickle{text: testkit.SourceText}} }),
	}
}

func TestSourcesAreUploaded(t *testing.T) {
	t.Parallel()
	for name, kind := range sourceKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script, dir := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
			source := kind.source(t)
			require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source))
			assertUploaded(t, script, 1)
			assert.Empty(t, testkit.Listed(t, dir), "no temporary file is left")

			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source)
			if kind.twice {
				require.NoError(t, err)
				assertUploaded(t, script, 2)
				return
			}
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Contains(t, err.Error(), "already used")
			assertUploaded(t, script, 1)
		})
	}
}

func TestSourcesAreUploadedOnRetry(t *testing.T) {
	t.Parallel()
	for name, kind := range sourceKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, script, dir := testkit.NewUploader(t, testkit.Says(http.StatusServiceUnavailable, ""), testkit.Says(http.StatusCreated, ""))
				err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), kind.source(t))
				assert.Empty(t, testkit.Listed(t, dir), "no temporary file is left")
				if kind.again {
					require.NoError(t, err)
					assertUploaded(t, script, 2)
					return
				}
				require.ErrorIs(t, err, cloudconvert.ErrServer)
				assertUploaded(t, script, 1)
			})
		})
	}
}

func TestUnreadableSourcesAreReported(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "missing.txt")
	closed := openAt(t, "", 0)
	require.NoError(t, closed.Close())
	directory := filepath.Join(t.TempDir(), "dir.txt")
	require.NoError(t, os.Mkdir(directory, 0o700))
	broken := errors.New("it is broken")
	for name, tt := range map[string]struct {
		source cloudconvert.Source
		want   error
	}{
		"zero":            {cloudconvert.Source{}, cloudconvert.ErrInvalid},
		"address":         {cloudconvert.FromURL("https://example.com/a.txt"), cloudconvert.ErrInvalid},
		"no file system":  {cloudconvert.FromFS(nil, "a.txt"), cloudconvert.ErrInvalid},
		"not in it":       {cloudconvert.FromFS(fstest.MapFS{}, "a.txt"), fs.ErrNotExist},
		"directory of it": {cloudconvert.FromFS(fstest.MapFS{"a.txt/b": {}}, "a.txt"), cloudconvert.ErrInvalid},
		"outside of it":   {cloudconvert.FromFS(fstest.MapFS{}, "../a.txt"), fs.ErrNotExist},
		"no extension":    {cloudconvert.FromBytes("README", nil), cloudconvert.ErrInvalid},
		"wrong length":    {cloudconvert.FromBytes("a.txt", nil).WithSize(1), cloudconvert.ErrInvalid},
		"no reader":       {cloudconvert.FromReader("a.txt", nil), cloudconvert.ErrInvalid},
		"missing":         {cloudconvert.FromFile(missing), os.ErrNotExist},
		"directory":       {cloudconvert.FromFile(directory), nil},
		"closed":          {cloudconvert.FromReader("a.txt", closed), os.ErrClosed},
		"broken":          {cloudconvert.FromReader("a.txt", readOnly{iotest.ErrReader(broken)}), broken},
		"broken length":   {cloudconvert.FromReader("a.txt", lenOnly{iotest.ErrReader(broken), 5}), broken},
		"broken seek":     {cloudconvert.FromReader("a.txt", badSeeker{strings.NewReader(""), broken}), broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _, dir := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), tt.source)
			require.Error(t, err)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			assert.False(t, cloudconvert.IsRetryable(err))
			assert.Empty(t, testkit.Listed(t, dir))
		})
	}
}

type badSeeker struct {
	io.Reader
	err error
}

func (b badSeeker) Seek(int64, int) (int64, error) { return 0, b.err }

// The file changes while it is sent.
func TestSourceOfWrongSizeIsRefused(t *testing.T) {
	t.Parallel()
	for name, announced := range map[string]int{"shrinks": len(testkit.SourceText) + 1, "grows": len(testkit.SourceText) - 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				_, task := testkit.UploadJob(t, client)
				err := client.Tasks.Upload(t.Context(), task, cloudconvert.FromReader("a.txt", lenOnly{strings.NewReader(testkit.SourceText), announced}))
				require.Error(t, err)
				assert.Contains(t, err.Error(), "bytes")
				assert.False(t, cloudconvert.IsRetryable(err), "it would fail again")
				assert.Zero(t, server.BytesStored(), "storage has nothing")
				assert.LessOrEqual(t, testkit.CountRequests(server, "POST storage"), 1)
			})
		})
	}
}

// The reader of the source can be read at any offset.
func TestSourceServesConcurrentUploads(t *testing.T) {
	t.Parallel()
	readers := map[string]io.Reader{
		"string": strings.NewReader(testkit.SourceText),
		"bytes":  bytes.NewReader([]byte(testkit.SourceText)),
		"buffer": bytes.NewBufferString(testkit.SourceText),
		"file":   openAt(t, testkit.SourceText, 0),
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusNoContent, ""))
			source := cloudconvert.FromReader("a.txt", reader)
			var uploads sync.WaitGroup
			for range 8 {
				uploads.Go(func() {
					assert.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), source))
				})
			}
			uploads.Wait()
			assertUploaded(t, script, 8)
		})
	}
}

// A stream that is too large for memory is copied to disk, and the copy is removed.
func TestLargeStreamIsCopiedForRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		text := testkit.Content(testkit.InlineDefault + 1)
		client, script, dir := testkit.NewUploader(t, testkit.Says(http.StatusServiceUnavailable, ""), testkit.Says(http.StatusCreated, ""))
		stored := -1
		reader := io.MultiReader(strings.NewReader(text), readerFunc(func([]byte) (int, error) {
			stored = len(testkit.Listed(t, dir))
			return 0, io.EOF
		}))
		require.NoError(t, client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromReader("a.txt", reader)))
		assert.Equal(t, 1, stored)
		require.Len(t, script.Bodies, 2)
		for i, body := range script.Bodies {
			parts := partsOf(t, script.Requests[i], body)
			require.Len(t, parts, 1)
			testkit.Same(t, text, parts[0].content)
		}
		assert.Empty(t, testkit.Listed(t, dir), "no temporary file is left")
	})
}

// The query of a URL may be a secret, and is replaced by its hash.
func TestSourceString(t *testing.T) {
	t.Parallel()
	const address = "https://example.com/dir/a.txt?token=secret"
	for want, source := range map[string]cloudconvert.Source{
		"dir/a.txt":  cloudconvert.FromFile("dir/a.txt"),
		"dir/b.txt":  cloudconvert.FromFS(fstest.MapFS{}, "dir/b.txt"),
		"c.txt":      cloudconvert.FromBytes("c.txt", []byte("secret")),
		"d.txt":      cloudconvert.FromReader("d.txt", strings.NewReader("secret")),
		"e":          cloudconvert.FromFile("e").WithName("e.txt"),
		"https://x/": cloudconvert.FromURL("https://x/"),
	} {
		assert.Equal(t, want, source.String())
	}
	source := cloudconvert.FromURL(address)
	assert.Regexp(t, `^https://example\.com/dir/a\.txt\?[0-9a-f]{12}$`, source.String())
	assert.Equal(t, source.String(), cloudconvert.FromURL(address).String())
	assert.NotEqual(t, source.String(), cloudconvert.FromURL(address+"2").String(), "another query is another file")
	for _, value := range []any{source, &source, []cloudconvert.Source{source}, cloudconvert.Tasks{"in": source}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			printed := fmt.Sprintf(verb, value)
			assert.NotContains(t, printed, "secret")
			assert.NotContains(t, printed, fmt.Sprintf("%x", "secret"))
		}
	}
	var log strings.Builder
	slog.New(slog.NewJSONHandler(&log, nil)).Info("a", "from", source, "tasks", cloudconvert.Tasks{"in": source})
	assert.NotContains(t, log.String(), "secret")
	assert.Contains(t, log.String(), source.String())
}

// What a source prints, and a work is known by, hides secrets and still tells sources
// apart.
func TestSourcesOfDifferentSecretsDiffer(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]cloudconvert.Source{
		{cloudconvert.FromFile("/d/token=one1/a.txt"), cloudconvert.FromFile("/d/token=two2/a.txt")},
		{cloudconvert.FromURL("https://me:one1@a.example/b"), cloudconvert.FromURL("https://me:two2@a.example/b")},
		{cloudconvert.FromURL("https://a.example/b?s=one1"), cloudconvert.FromURL("https://a.example/b?s=two2")},
	} {
		assert.NotEqual(t, pair[0].String(), pair[1].String())
		assert.NotContains(t, pair[0].String()+pair[1].String(), "one1")
		assert.NotContains(t, pair[0].String()+pair[1].String(), "two2")
	}
	assert.Equal(t, "/d/a.txt", cloudconvert.FromFile("/d/a.txt").String())
}

// A file system may quote the signed URL that it reads from.
func TestSourceErrorsHideSecrets(t *testing.T) {
	t.Parallel()
	secret := &url.Error{Op: "Get", URL: "https://a.example/b?X-Amz-Signature=s3cr3ts3cr3t", Err: errors.New("boom")}
	client, _ := testkit.NewScript(t)
	source := cloudconvert.FromReader("a.txt", iotest.ErrReader(secret)).WithSize(3)
	_, err := client.Run(t.Context(), cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf"}))
	require.ErrorContains(t, err, "boom")
	assert.NotContains(t, fmt.Sprintf("%v %+v", err, err), "s3cr3t")
}
