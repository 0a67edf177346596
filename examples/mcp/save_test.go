package main

import (
	"context"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestExistingFileIsNotReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.write(t, "b.pdf", "mine")
	w.write(t, "b-2.pdf", "mine too")
	text := w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": "b.pdf"})
	assert.Contains(t, text, "already exists")
	assert.Contains(t, text, `such as "`+filepath.Join(w.dir, "b-3.pdf")+`"`)
	assert.Equal(t, "mine", w.read(t, "b.pdf"))
	call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "b-3.pdf"})
}

// The file is there only when the job has been paid for.
func TestFileCreatedMeanwhileIsNotReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.service.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		if err := os.WriteFile(filepath.Join(w.dir, "b.pdf"), []byte("mine"), 0o600); err != nil {
			return err
		}
		return run.Write("x.pdf", []byte("result"))
	})
	out := call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "b.pdf"})
	assert.Equal(t, []string{filepath.Join(w.dir, "b-2.pdf")}, out.Paths)
	assert.Equal(t, "mine", w.read(t, "b.pdf"))
	assert.Equal(t, "result", w.read(t, "b-2.pdf"))
	assert.Equal(t, []string{"a.docx", "b-2.pdf", "b.pdf"}, w.files(t), "no temporary file is left")
}

func TestPlaceConcurrently(t *testing.T) {
	t.Parallel()
	dir, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	defer func() { assert.NoError(t, dir.Close()) }()
	from := filepath.Join(t.TempDir(), "from")
	require.NoError(t, os.WriteFile(from, []byte("x"), 0o600))
	const n = 40
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			_, err := place(dir, "b.pdf", from)
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	entries, err := fs.ReadDir(dir.FS(), ".")
	require.NoError(t, err)
	assert.Len(t, entries, n, "each has its name, and no temporary file is left")
}

func TestFailedCallsCreateNoDirectories(t *testing.T) {
	t.Parallel()
	noRetries := cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1})
	for name, fault := range map[string]cloudconverttest.Fault{
		"creation": {Method: http.MethodPost, Path: "/v2/jobs", Status: http.StatusUnprocessableEntity},
		"upload":   {Path: "storage:upload", Status: http.StatusForbidden},
		"download": {Path: "storage:download", Status: http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{options: []cloudconvert.Option{noRetries}})
			w.write(t, "a.docx", strings.Repeat("x", 1<<20)) // large enough for an upload
			w.service.Inject(fault)
			for _, output := range []string{"new/b.pdf", "new/sub/"} {
				w.fails(t, "convert_file", arguments{"input": "a.docx", "output": output, "output_format": "pdf"})
			}
			assert.Equal(t, []string{"a.docx"}, w.files(t))
		})
	}
	w := newWorld(t, setup{budget: 1})
	call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "made/sub/b.pdf"})
	assert.Equal(t, "%PDF of letter", w.read(t, "made/sub/b.pdf"))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(w.dir, "dangling")))
	long := strings.Repeat("x", 300)
	for output, want := range map[string]string{
		"new/b.pdf":               "budget",
		"made/new/":               "budget",
		"made/sub/b.pdf":          "already exists",
		"new/" + long + ".pdf":    "cannot be used",
		"new/" + long + "/b.pdf":  "cannot be used",
		"a.docx/new/b.pdf":        "cannot be used",
		"dangling/b.pdf":          "does not exist",
		"made/sub/b.pdf/new/b.7z": "cannot be used",
	} {
		in := arguments{"input": "a.docx", "output": output}
		if strings.HasSuffix(output, "/") {
			in["output_format"] = "pdf"
		}
		assert.Contains(t, w.refuses(t, "convert_file", in), want, output)
	}
	assert.Equal(t, []string{"a.docx", "dangling", "made"}, w.files(t))
}

// The missing directory is created by another program while the job runs, as a link.
func TestDirectoryThatIsCreatedMeanwhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	outside := t.TempDir()
	w.service.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		if err := os.Symlink(outside, filepath.Join(w.dir, "new")); err != nil {
			return err
		}
		return run.Write("x.pdf", []byte("x"))
	})
	assert.Contains(t, w.fails(t, "convert_file", arguments{"input": "a.docx", "output": "new/b.pdf"}), "use save_job")
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Empty(t, entries)
	id := w.service.Jobs()[0].ID
	call[jobOutput](t, w, "save_job", arguments{"job_id": id, "output": "other/b.pdf"})
	assert.Equal(t, "x", w.read(t, "other/b.pdf"))
}

// openDirectoryWithSource opens an empty directory, and writes a file elsewhere.
func openDirectoryWithSource(t *testing.T) (dir *os.Root, from string) {
	t.Helper()
	dir, err := os.OpenRoot(t.TempDir())
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, dir.Close()) })
	from = filepath.Join(t.TempDir(), "from")
	require.NoError(t, os.WriteFile(from, []byte("x"), 0o600))
	return dir, from
}

// copyTo is used where there are no hard links.
func TestCopyToReplacesNoFile(t *testing.T) {
	t.Parallel()
	dir, from := openDirectoryWithSource(t)
	require.NoError(t, copyTo(dir, "b.pdf", from))
	require.NoError(t, os.WriteFile(from, []byte("other"), 0o600))
	require.ErrorIs(t, copyTo(dir, "b.pdf", from), fs.ErrExist)
	content, err := dir.ReadFile("b.pdf")
	require.NoError(t, err)
	assert.Equal(t, "x", string(content))
}

func TestSaveJob(t *testing.T) {
	t.Parallel()
	noRetries := cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1})
	w := newWorld(t, setup{options: []cloudconvert.Option{noRetries}})
	w.service.Inject(cloudconverttest.Fault{Path: "storage:download", Times: 1, Kind: cloudconverttest.Status, Status: 503})
	text := w.fails(t, "convert_file", arguments{"input": "a.docx", "output": "b.pdf"})
	id := w.service.Jobs()[0].ID
	assert.Contains(t, text, "job "+id+" has finished (credits: 1), but")
	assert.Contains(t, text, "use save_job")
	assert.NotContains(t, text, "cloudconvert-mcp-", "nothing about temporary files")
	assert.Equal(t, []string{"a.docx"}, w.files(t))

	assert.Contains(t, w.refuses(t, "save_job", arguments{"job_id": "other", "output": "b.pdf"}), "not a job of this session")
	assert.Contains(t, w.refuses(t, "save_job", arguments{"job_id": id, "output": "../b.pdf"}), "outside")
	assert.Contains(t, w.refuses(t, "save_job", arguments{"job_id": id, "output": "a.docx"}), "already exists")
	out := call[jobOutput](t, w, "save_job", arguments{"job_id": id, "output": "b.pdf"})
	assert.Equal(t, []string{filepath.Join(w.dir, "b.pdf")}, out.Paths)
	assert.Equal(t, "%PDF of letter", w.read(t, "b.pdf"))
	assert.Equal(t, 19, out.Left, "it is charged once")
	require.Len(t, w.service.Jobs(), 1)

	w.service.Advance(25 * time.Hour)
	assert.Contains(t, w.refuses(t, "save_job", arguments{"job_id": id, "output": "c.pdf"}), "keeps jobs for 24 hours")
}
