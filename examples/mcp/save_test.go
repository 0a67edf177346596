package main

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
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

// copyTo is used where there are no hard links.
func TestCopyToReplacesNoFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	dir, err := os.OpenRoot(path)
	require.NoError(t, err)
	defer func() { assert.NoError(t, dir.Close()) }()
	from := filepath.Join(t.TempDir(), "from")
	require.NoError(t, os.WriteFile(from, []byte("x"), 0o600))
	require.NoError(t, copyTo(dir, "b.pdf", from))
	require.NoError(t, os.WriteFile(from, []byte("other"), 0o600))
	require.ErrorIs(t, copyTo(dir, "b.pdf", from), fs.ErrExist)
	content, err := os.ReadFile(filepath.Join(path, "b.pdf"))
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
