package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestConvertFile(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{oldProtocol, ""} {
		t.Run("protocol "+protocol, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{protocol: protocol})
			out := call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "new/b.pdf"})

			assert.Equal(t, []string{filepath.Join(w.dir, "new", "b.pdf")}, out.Paths)
			assert.Equal(t, "%PDF of letter", w.read(t, "new/b.pdf"))
			require.Len(t, w.service.Jobs(), 1)
			assert.Equal(t, w.service.Jobs()[0].ID, out.JobID)
			assert.Equal(t, 1, out.Credits)
			assert.Equal(t, 19, out.Left)
		})
	}
}

func TestConvertFileToDirectory(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	require.NoError(t, os.Mkdir(filepath.Join(w.dir, "existing"), 0o750))
	for _, dir := range []string{"new/", "existing"} {
		out := call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": dir, "output_format": "pdf"})
		assert.Equal(t, []string{filepath.Join(w.dir, dir, "a.pdf")}, out.Paths)
	}
}

func TestConvertFileFromURL(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.service.HandleURL("https://example.com/r.docx?sig=SECRET", w.write(t, "source", "remote"))
	call[jobOutput](t, w, "convert_file", arguments{"input": "https://example.com/r.docx?sig=SECRET", "output": "r.pdf"})
	assert.Equal(t, "%PDF of remote", w.read(t, "r.pdf"))
}

func TestConvertFileNumbersSeveralResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	w.service.HandleConvert("docx", "png", func(_ context.Context, run *cloudconverttest.Run) error {
		if err := run.Write("a-1.png", []byte("one")); err != nil {
			return err
		}
		return run.Write("a-2.png", []byte("two"))
	})
	w.write(t, "p-2.png", "mine")
	out := call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "p.png"})
	assert.Equal(t, []string{filepath.Join(w.dir, "p-1.png"), filepath.Join(w.dir, "p-2-2.png")}, out.Paths)
	assert.Equal(t, "mine", w.read(t, "p-2.png"))
	assert.Equal(t, "two", w.read(t, "p-2-2.png"))
}

func TestConvertFilePassesOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	var pages, name string
	w.service.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		pages, name = run.Text("pages"), run.Input().Name
		return run.Write("x.pdf", []byte("x"))
	})
	w.write(t, "README", "text")
	text := w.refuses(t, "convert_file", arguments{"input": "README", "output": "b.pdf"})
	assert.Contains(t, text, "set input_format")
	call[jobOutput](t, w, "convert_file", arguments{
		"input": "README", "output": "b.pdf", "input_format": "txt", "options": arguments{"pages": "1-2"},
	})
	assert.Equal(t, "1-2", pages)
	assert.Equal(t, "README.txt", name)
}

func TestConvertFileRefusesArguments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for want, in := range map[string]arguments{
		"missing":                 {"input": "a.docx"},
		"unexpected":              {"input": "a.docx", "output": "b.pdf", "overwrite": true},
		"set output_format":       {"input": "a.docx", "output": "b"},
		"no extension":            {"input": "a.docx", "output": "b", "output_format": "pdf"},
		"leave out output_format": {"input": "a.docx", "output": "b.pdf", "output_format": "png"},
		"set twice":               {"input": "a.docx", "output": "b.pdf", "options": arguments{"output_format": "png"}},
		"not a path":              {"input": "", "output": "b.pdf"},
	} {
		assert.Contains(t, w.refuses(t, "convert_file", in), want, "%v", in)
	}
	assert.Equal(t, []string{"a.docx"}, w.files(t))
}

func TestConvertFileExplainsFailures(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	text := w.fails(t, "convert_file", arguments{"input": "a.docx", "output": "b.mp3"})
	assert.Contains(t, text, "INVALID_CONVERSION_TYPE")
	assert.Contains(t, text, "use list_formats")
	w.service.HandleConvert("docx", "pdf", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("OPEN_FAILED", "cannot be opened")
	})
	text = w.fails(t, "convert_file", arguments{"input": "a.docx", "output": "b.pdf"})
	assert.Contains(t, text, "cannot be opened")
	assert.Contains(t, text, "set input_format")
	assert.Equal(t, []string{"a.docx"}, w.files(t))
	assert.Zero(t, call[accountOutput](t, w, "get_account", nil).Spent, "failed tasks cost nothing")
}

func TestCancelDeletesJob(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{"inline": "letter", "uploaded": strings.Repeat("x", 1<<20)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{service: []cloudconverttest.Option{
					cloudconverttest.WithInProcess(), cloudconverttest.WithTaskDuration(time.Hour),
				}})
				w.write(t, "a.docx", content)
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				_, err := w.session.CallTool(ctx, &mcp.CallToolParams{
					Name: "convert_file", Arguments: arguments{"input": "a.docx", "output": "b.pdf"},
				})
				require.ErrorIs(t, err, context.DeadlineExceeded)
				time.Sleep(2 * time.Second) //nolint:forbidigo // in a bubble
				assert.Empty(t, w.service.Jobs())
				assert.Equal(t, []string{"a.docx"}, w.files(t))
				account := call[accountOutput](t, w, "get_account", nil)
				assert.Equal(t, 1, account.Spent, "what it has cost is unknown")
				assert.Equal(t, 19, account.Left)
			})
		})
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var notes []*mcp.ProgressNotificationParams
		w := newWorld(t, setup{
			service: []cloudconverttest.Option{cloudconverttest.WithInProcess(), cloudconverttest.WithTaskDuration(time.Minute)},
			progress: func(note *mcp.ProgressNotificationParams) {
				mu.Lock()
				defer mu.Unlock()
				notes = append(notes, note)
			},
		})
		w.write(t, "a.docx", strings.Repeat("x", 1<<20))
		params := &mcp.CallToolParams{Name: "convert_file", Arguments: arguments{"input": "a.docx", "output": "b.pdf"}}
		params.SetProgressToken("token")
		result, err := w.session.CallTool(t.Context(), params)
		require.NoError(t, err)
		require.False(t, result.IsError, textOf(result))
		synctest.Wait()

		mu.Lock()
		defer mu.Unlock()
		require.NotEmpty(t, notes)
		last, messages := -1.0, ""
		for _, note := range notes {
			assert.Equal(t, "token", note.ProgressToken)
			assert.InDelta(t, 100, note.Total, 0)
			assert.Greater(t, note.Progress, last)
			last, messages = note.Progress, messages+note.Message+"\n"
		}
		assert.InDelta(t, 100, last, 1)
		assert.Contains(t, messages, "uploading")
		assert.Contains(t, messages, "converting: 33 %")
		assert.Contains(t, messages, "downloading")

		count := len(notes)
		mu.Unlock()
		call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "c.pdf"})
		synctest.Wait()
		mu.Lock()
		assert.Len(t, notes, count, "nothing without a token")
	})
}

func TestTwoCallsAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	begun, gate := make(chan struct{}), make(chan struct{})
	w.service.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		begun <- struct{}{}
		<-gate
		return run.Write("x.pdf", []byte(run.Input().Name))
	})
	w.write(t, "b.docx", "other")
	var calls sync.WaitGroup
	for _, name := range []string{"a", "b"} {
		calls.Go(func() {
			out := call[jobOutput](t, w, "convert_file", arguments{"input": name + ".docx", "output": name + ".pdf"})
			assert.Equal(t, []string{filepath.Join(w.dir, name+".pdf")}, out.Paths)
		})
	}
	<-begun
	<-begun
	text := w.refuses(t, "convert_file", arguments{"input": "b.docx", "output": "a.pdf"})
	assert.Contains(t, text, "another call is going to write")
	assert.Equal(t, 18, call[accountOutput](t, w, "get_account", nil).Left, "two credits are reserved")
	close(gate)
	calls.Wait()
	assert.Equal(t, "a.docx", w.read(t, "a.pdf"))
	assert.Equal(t, "b.docx", w.read(t, "b.pdf"))
}
