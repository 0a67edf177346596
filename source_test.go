package cloudconvert_test

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// part is a part of an upload as storage reads it.
type part struct{ name, filename, content string }

// partsOf reads the body of an upload.
func partsOf(t *testing.T, req *http.Request, body string) []part {
	t.Helper()
	_, params, err := mime.ParseMediaType(req.Header.Get("Content-Type"))
	require.NoError(t, err)
	reader := multipart.NewReader(strings.NewReader(body), params["boundary"])
	var parts []part
	for {
		next, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return parts
		}
		require.NoError(t, err)
		content, err := io.ReadAll(next)
		require.NoError(t, err)
		_, disposition, err := mime.ParseMediaType(next.Header.Get("Content-Disposition"))
		require.NoError(t, err)
		parts = append(parts, part{next.FormName(), disposition["filename"], string(content)})
	}
}

// waitingTask is a task that waits for a file.
func waitingTask(fields ...cloudconvert.FormField) cloudconvert.Task {
	return cloudconvert.Task{
		ID: "task", Name: "import", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: "https://storage.example.com/bucket", Fields: fields}},
	}
}

// Readers that can do less than they might.
type (
	readOnly struct{ io.Reader }
	seekOnly struct{ io.ReadSeeker }
	lenOnly  struct {
		io.Reader
		length int
	}
	// unseekable can be read again from the beginning, for all that it says.
	unseekable struct {
		io.Reader
		io.ReaderAt
	}
)

func (l lenOnly) Len() int { return l.length }

// openAt opens a file that has been read from before.
func openAt(t *testing.T, content string, offset int64) *os.File {
	t.Helper()
	file := mustOpen(t, writeFile(t, filepath.Join(t.TempDir(), "file.txt"), content))
	_, err := file.Seek(offset, io.SeekStart)
	require.NoError(t, err)
	return file
}

// newPipe returns a pipe that yields some text, which nobody knows the length of.
func newPipe(t *testing.T, content string) *os.File {
	t.Helper()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, reader.Close()) })
	_, err = writer.WriteString(content)
	require.NoError(t, errors.Join(err, writer.Close()))
	return reader
}

const sourceText = "what is in the file"

// sourceKind is a kind of source that yields sourceText.
type sourceKind struct {
	source func(t *testing.T) cloudconvert.Source
	twice  bool // may be used twice
	again  bool // may be sent again
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

// sourceKinds are all kinds of sources.
func sourceKinds() map[string]sourceKind {
	readBefore := func(r io.ReadSeeker) io.ReadSeeker {
		_, _ = r.Seek(int64(len("before ")), io.SeekStart) // of memory, it cannot fail
		return r
	}
	return map[string]sourceKind{
		"file": {func(t *testing.T) cloudconvert.Source {
			t.Helper()
			return cloudconvert.FromFile(writeFile(t, filepath.Join(t.TempDir(), "a.txt"), sourceText))
		}, true, true},
		"bytes": {func(*testing.T) cloudconvert.Source {
			return cloudconvert.FromBytes("a.txt", []byte(sourceText))
		}, true, true},
		"open file": readerKind(true, true, func(t *testing.T) io.Reader {
			t.Helper()
			return openAt(t, "before "+sourceText, int64(len("before ")))
		}),
		"pipe": readerKind(false, true, func(t *testing.T) io.Reader {
			t.Helper()
			return newPipe(t, sourceText)
		}),
		"buffer":       readerKind(true, true, func(*testing.T) io.Reader { return bytes.NewBufferString(sourceText) }),
		"bytes.Reader": readerKind(true, true, func(*testing.T) io.Reader { return readBefore(bytes.NewReader([]byte("before " + sourceText))) }),
		"string":       readerKind(true, true, func(*testing.T) io.Reader { return readBefore(strings.NewReader("before " + sourceText)) }),
		"section": readerKind(true, true, func(*testing.T) io.Reader {
			return io.NewSectionReader(strings.NewReader("a"+sourceText+"z"), 1, int64(len(sourceText)))
		}),
		"seeker": readerKind(false, false, func(*testing.T) io.Reader { return seekOnly{readBefore(strings.NewReader("before " + sourceText))} }),
		"length": readerKind(false, false, func(*testing.T) io.Reader { return lenOnly{strings.NewReader(sourceText), len(sourceText)} }),
		"reader": readerKind(false, true, func(*testing.T) io.Reader { return readOnly{strings.NewReader(sourceText)} }),
		"not a seeker": readerKind(false, true, func(*testing.T) io.Reader {
			return unseekable{strings.NewReader(sourceText), strings.NewReader(sourceText)}
		}),
		"limited": readerKind(false, true, func(*testing.T) io.Reader {
			return io.LimitReader(strings.NewReader(sourceText+"more"), int64(len(sourceText)))
		}),
		"one at a time": readerKind(false, true, func(*testing.T) io.Reader { return readOnly{&trickle{text: sourceText}} }),
	}
}

// trickle yields a byte at a time, and sometimes none.
type trickle struct {
	text string
	turn int
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, io.EOF
	}
	if r.turn++; r.turn%3 == 0 || len(p) == 0 {
		return 0, nil
	}
	n := copy(p[:1], r.text)
	r.text = r.text[n:]
	return n, nil
}

// uploader returns a client of a storage that gives the replies, and the
// directory where it may keep files.
func uploader(t *testing.T, replies ...reply) (*cloudconvert.Client, *scripted, string) {
	t.Helper()
	dir := t.TempDir()
	client, script := newScriptedWith(t, []cloudconvert.Option{
		cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: dir}),
	}, replies...)
	return client, script, dir
}

// assertUploaded checks all attempts to send a source.
func assertUploaded(t *testing.T, script *scripted, attempts int) {
	t.Helper()
	require.Len(t, script.requests, attempts)
	for i, req := range script.requests {
		assert.Equal(t, int64(len(script.bodies[i])), req.ContentLength)
		assert.Empty(t, req.TransferEncoding)
		assert.Equal(t, []part{{"file", "a.txt", sourceText}}, partsOf(t, req, script.bodies[i]))
	}
}

func TestEveryKindOfSource(t *testing.T) {
	t.Parallel()
	for name, kind := range sourceKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script, dir := uploader(t, says(http.StatusCreated, ""))
			source := kind.source(t)
			require.NoError(t, client.Tasks.Upload(t.Context(), waitingTask(), source))
			assertUploaded(t, script, 1)
			assert.Empty(t, listed(t, dir), "no temporary file is left")

			err := client.Tasks.Upload(t.Context(), waitingTask(), source)
			if kind.twice {
				require.NoError(t, err)
				assertUploaded(t, script, 2)
				return
			}
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			assert.Contains(t, err.Error(), "used already")
			assertUploaded(t, script, 1)
		})
	}
}

func TestEveryKindOfSourceIsSentAgain(t *testing.T) {
	t.Parallel()
	for name, kind := range sourceKinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client, script, dir := uploader(t, says(http.StatusServiceUnavailable, ""), says(http.StatusCreated, ""))
				err := client.Tasks.Upload(t.Context(), waitingTask(), kind.source(t))
				assert.Empty(t, listed(t, dir), "no temporary file is left")
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

func TestSourcesThatCannotBeRead(t *testing.T) {
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
		"zero":          {cloudconvert.Source{}, cloudconvert.ErrInvalid},
		"address":       {cloudconvert.FromURL("https://example.com/a.txt"), cloudconvert.ErrInvalid},
		"no reader":     {cloudconvert.FromReader("a.txt", nil), cloudconvert.ErrInvalid},
		"missing":       {cloudconvert.FromFile(missing), os.ErrNotExist},
		"directory":     {cloudconvert.FromFile(directory), nil},
		"closed":        {cloudconvert.FromReader("a.txt", closed), os.ErrClosed},
		"broken":        {cloudconvert.FromReader("a.txt", readOnly{&failingReader{broken}}), broken},
		"broken length": {cloudconvert.FromReader("a.txt", lenOnly{&failingReader{broken}, 5}), broken},
		"broken seek":   {cloudconvert.FromReader("a.txt", badSeeker{strings.NewReader(""), broken}), broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, _, dir := uploader(t, says(http.StatusCreated, ""))
			err := client.Tasks.Upload(t.Context(), waitingTask(), tt.source)
			require.Error(t, err)
			if tt.want != nil {
				require.ErrorIs(t, err, tt.want)
			}
			assert.False(t, cloudconvert.IsRetryable(err))
			assert.Empty(t, listed(t, dir))
		})
	}
}

type badSeeker struct {
	io.Reader
	err error
}

func (b badSeeker) Seek(int64, int) (int64, error) { return 0, b.err }

// A file that changes while it is sent is not taken for whole.
func TestSourceOfAnotherSize(t *testing.T) {
	t.Parallel()
	for name, announced := range map[string]int{"shrinks": len(sourceText) + 1, "grows": len(sourceText) - 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				client := server.Client()
				_, task := uploadJob(t, client)
				err := client.Tasks.Upload(t.Context(), task, cloudconvert.FromReader("a.txt", lenOnly{strings.NewReader(sourceText), announced}))
				require.Error(t, err)
				assert.Contains(t, err.Error(), "bytes")
				assert.False(t, cloudconvert.IsRetryable(err), "it would fail again")
				assert.Zero(t, server.BytesStored(), "storage has nothing")
				assert.LessOrEqual(t, countRequests(server, "POST storage"), 1)
			})
		})
	}
}

// One source of a reader that can be read again serves several uploads at a time.
func TestSourceOfSeveralUploads(t *testing.T) {
	t.Parallel()
	readers := map[string]io.Reader{
		"string": strings.NewReader(sourceText),
		"bytes":  bytes.NewReader([]byte(sourceText)),
		"buffer": bytes.NewBufferString(sourceText),
		"file":   openAt(t, sourceText, 0),
	}
	for name, reader := range readers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, script, _ := uploader(t, says(http.StatusNoContent, ""))
			source := cloudconvert.FromReader("a.txt", reader)
			var uploads sync.WaitGroup
			for range 8 {
				uploads.Go(func() {
					assert.NoError(t, client.Tasks.Upload(t.Context(), waitingTask(), source))
				})
			}
			uploads.Wait()
			assertUploaded(t, script, 8)
		})
	}
}
