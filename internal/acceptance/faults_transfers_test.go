package acceptance_test

import (
	"context"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// preparation is what [faultCall] prepares with.
type preparation = func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error))

// transferFault is a row of the table of transfers. What makes no sense is nil.
type transferFault struct {
	name                   string
	upload, download, save preparation
}

const transferSize = 20_000

// transferText is a file that differs from place to place. It is text, to be put into a job.
var transferText = sync.OnceValue(func() string { return hex.EncodeToString([]byte(testkit.Content(transferSize / 2))) })

func transferFaults() []transferFault {
	return slices.Concat(cutTransfers(), wrongTransfers(), changedTransfers(), localTransfers())
}

// fetching is a fault of downloads, both to a writer and to a directory.
func fetching(name string, arrange func(t *testing.T, w *world, f *cloudconvert.File)) transferFault {
	arranged := func(t *testing.T, w *world) cloudconvert.File {
		t.Helper()
		file := w.result(t)
		arrange(t, w, &file)
		return file
	}
	return transferFault{
		name: name,
		download: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
			t.Helper()
			return w.download(arranged(t, w), -1)
		},
		save: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
			t.Helper()
			return w.save(arranged(t, w), t.TempDir())
		},
	}
}

// cutting cuts the response to the first request for a file after some bytes, and sets its entity tag.
func cutting(bytes int64, tag ...string) cloudconverttest.Fault {
	f := cloudconverttest.Fault{
		Path: "storage:download", Kind: cloudconverttest.Reset, Phase: cloudconverttest.During, Nth: 1, Bytes: bytes,
	}
	if tag != nil {
		f.Header = http.Header{"Etag": tag}
	}
	return f
}

// cutTransfers break in the middle of the file.
func cutTransfers() []transferFault {
	cut := func(name string, downloaded int64, uploaded func(whole int64) int64) transferFault {
		f := fetching(name, func(_ *testing.T, w *world, _ *cloudconvert.File) { w.server.Inject(cutting(downloaded)) })
		f.upload = func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
			t.Helper()
			whole := w.sizeOfUpload(t)
			w.network.breakRequests(1, uploaded(whole))
			return prepareUpload(t, w)
		}
		return f
	}
	often := fetching("cut after each tenth", func(_ *testing.T, w *world, _ *cloudconvert.File) {
		f := cutting(transferSize / 10)
		f.Times = 9
		w.server.Inject(f)
	})
	return []transferFault{
		cut("cut at the first byte", 1, func(int64) int64 { return 1 }),
		cut("cut in the middle", transferSize/2, func(whole int64) int64 { return whole / 2 }),
		cut("cut at the last byte", transferSize-1, func(whole int64) int64 { return whole - 1 }),
		often,
	}
}

// sizeOfUpload returns how many bytes an upload takes on a new connection.
func (w *world) sizeOfUpload(t *testing.T) int64 {
	t.Helper()
	w.network.watch(0, nil)
	call, _ := prepareUpload(t, w)
	require.NoError(t, call(t.Context()))
	written := w.network.seen().written
	w.network.hangUp()
	for _, job := range w.server.Jobs() {
		require.NoError(t, w.server.Client().Jobs.Delete(t.Context(), job.ID))
	}
	return written
}

// wrongTransfers have another length than was announced, or are something else.
func wrongTransfers() []transferFault {
	short := fetching("shorter than it should be", func(_ *testing.T, _ *world, f *cloudconvert.File) { f.Size++ })
	short.upload = misstated(1)
	long := fetching("longer than it should be", func(_ *testing.T, _ *world, f *cloudconvert.File) { f.Size-- })
	long.upload = misstated(-1)
	page := cloudconverttest.Fault{
		Kind: cloudconverttest.Garbage, Body: loginPage, Header: http.Header{"Content-Type": {"text/html"}}, Nth: 1,
	}
	login := fetching("200 with an HTML page", func(_ *testing.T, w *world, _ *cloudconvert.File) { w.server.Inject(page) })
	login.upload = func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
		t.Helper()
		call, check := prepareUpload(t, w)
		w.server.Inject(page)
		return call, check
	}
	return []transferFault{
		short, long, login,
		fetching("the same, file size unknown", func(_ *testing.T, w *world, f *cloudconvert.File) {
			f.Size, w.other = 0, loginPage
			w.server.Inject(page)
		}),
	}
}

// misstated uploads a source that says to be so much longer than it is.
func misstated(by int) preparation {
	return func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
		t.Helper()
		return w.upload(t, func() cloudconvert.Source {
			return cloudconvert.FromReader("a.txt", sizedReader{strings.NewReader(w.text), len(w.text) + by})
		})
	}
}

// changedTransfers break in the middle, and then storage has something else to say.
func changedTransfers() []transferFault {
	refused := func(status int, code string) func(t *testing.T, w *world, _ *cloudconvert.File) {
		return func(_ *testing.T, w *world, _ *cloudconvert.File) {
			w.server.Inject(cutting(0))
			w.server.Inject(cloudconverttest.Fault{Path: "storage:download", Nth: 2, Times: 100, Status: status, Code: code})
		}
	}
	forbidden := fetching("403 in the middle, and no new URL", refused(http.StatusForbidden, "AccessDenied"))
	forbidden.upload = func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
		t.Helper()
		w.server.Inject(cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden, Code: "AccessDenied"})
		return prepareUpload(t, w)
	}
	return []transferFault{
		fetching("different entity tag after a cut", func(_ *testing.T, w *world, _ *cloudconvert.File) {
			w.server.Inject(cutting(0, `"7d793037a0760186574b0282f2f435e7"`))
		}),
		fetching("no entity tag, and a cut", func(_ *testing.T, w *world, _ *cloudconvert.File) {
			w.server.Inject(cutting(0, ""))
		}),
		fetching("ranges ignored after a cut", func(_ *testing.T, w *world, _ *cloudconvert.File) {
			w.server.Inject(cutting(0))
			w.connect(func(req *http.Request) (*http.Response, error) {
				req.Header.Del("Range")
				return w.network.transport.RoundTrip(req)
			})
		}),
		fetching("403 in the middle: expired URL", func(_ *testing.T, w *world, _ *cloudconvert.File) {
			w.server.Inject(cutting(0))
			var expire sync.Once
			w.connect(func(req *http.Request) (*http.Response, error) {
				if req.Header.Get("Range") != "" {
					expire.Do(func() { w.server.Advance(time.Hour) })
				}
				return w.network.transport.RoundTrip(req)
			})
		}),
		forbidden,
		fetching("404 in the middle", refused(http.StatusNotFound, "NoSuchKey")),
	}
}

// localTransfers fail on the side of the caller.
func localTransfers() []transferFault {
	return []transferFault{
		{
			name: "disk full",
			upload: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
				t.Helper()
				return w.uploadCopied(t, smallDisk(t))
			},
			download: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
				t.Helper()
				return w.download(w.result(t), transferSize/2)
			},
			save: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
				t.Helper()
				return w.save(w.result(t), smallDisk(t))
			},
		},
		{
			name: "directory deleted",
			upload: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
				t.Helper()
				return w.uploadCopied(t, filepath.Join(t.TempDir(), "missing"))
			},
			save: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
				t.Helper()
				if runtime.GOOS == "windows" {
					t.Skip("a directory with an open file cannot disappear")
				}
				dir := t.TempDir()
				w.beforeAnswers(func() error { return os.RemoveAll(dir) })
				return w.save(w.result(t), dir)
			},
		},
		{
			name: "another process takes the name",
			save: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
				t.Helper()
				dir := t.TempDir()
				path := filepath.Join(dir, "a.txt")
				w.beforeAnswers(func() error { return os.WriteFile(path, []byte("theirs"), 0o600) })
				call, _ := w.save(w.result(t), dir)
				return call, func(t *testing.T, _ error) {
					t.Helper()
					for _, name := range testkit.Listed(t, dir) {
						assert.Equal(t, "a.txt", name)
						assert.Equal(t, "theirs", testkit.ReadFile(t, path))
					}
				}
			},
		},
	}
}

// uploadCopied uploads a source of unknown length that is too large to be kept in memory,
// and is copied to a directory first.
func (w *world) uploadCopied(t *testing.T, dir string) (func(context.Context) error, func(*testing.T, error)) {
	t.Helper()
	w.text = strings.Repeat(w.text, testkit.InlineDefault/len(w.text)+1)
	w.connect(nil, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{TempDir: dir}))
	return w.upload(t, func() cloudconvert.Source {
		return cloudconvert.FromReader("a.txt", struct{ io.Reader }{strings.NewReader(w.text)})
	})
}

// beforeAnswers does something between the dial and the response.
func (w *world) beforeAnswers(do func() error) {
	w.connect(func(req *http.Request) (*http.Response, error) {
		if err := do(); err != nil {
			return nil, err
		}
		return w.network.transport.RoundTrip(req)
	})
}

// TestFaultsOfTransfers compares uploads and downloads with docs/faults.md, and
// checks that they leave no partial or wrong file.
func TestFaultsOfTransfers(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, f := range transferFaults() {
		rows = append(rows, f.name)
	}
	g := readGrid(t, "transfers", faultProtocols, rows, []string{"`Tasks.Upload`", "`Download`", "`Save`"})
	for _, f := range transferFaults() {
		for i, prepare := range []preparation{f.upload, f.download, f.save} {
			if prepare == nil {
				for _, p := range faultProtocols {
					g.check(t, f.name, g.columns[i], p, "–")
				}
				continue
			}
			method, result := http.MethodGet, "the file"
			if i == 0 {
				method, result = http.MethodPost, "uploaded"
			}
			for _, p := range faultProtocols {
				t.Run(f.name+"/"+g.columns[i]+"/"+p.name, func(t *testing.T) {
					t.Parallel()
					c := faultCell{times: 1, protocol: p, fault: fault{strike: func(*world, int) {}}, call: faultCall{
						method: method, result: result,
						prepare: func(t *testing.T, w *world) (func(context.Context) error, func(*testing.T, error)) {
							t.Helper()
							w.text = transferText()
							return prepare(t, w)
						},
					}}
					undisturbed := c.run(t, noStop)
					g.check(t, f.name, g.columns[i], p, undisturbed.outcome)
					c.runStopped(t, undisturbed)
				})
			}
		}
	}
}
