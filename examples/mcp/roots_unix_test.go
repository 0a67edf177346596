//go:build unix

package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// Opening a pipe waits for its writer, and no call may hang.
func TestPipes(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	pipe := filepath.Join(w.dir, "pipe.docx")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": "pipe.docx", "output": "b.pdf"}), "is not a regular file: name one that is")
	assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": "pipe.docx/b.pdf"}), "cannot be used")
	assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": "pipe.docx/sub/b.pdf"}), "cannot be used")

	w.removeRoot(w.dir)
	w.addRoot(uriOf(pipe))
	assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": pipe, "output": "b.pdf"}), "not a directory")
}

// Another program replaces what was checked by a pipe before it is opened.
func TestFileThatIsReplacedByPipe(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	space := &workspace{}
	require.NoError(t, space.add(w.dir))
	t.Cleanup(space.close)
	source, err := space.source("a.docx")
	require.NoError(t, err)
	path := filepath.Join(w.dir, "a.docx")
	require.NoError(t, os.Remove(path))
	require.NoError(t, syscall.Mkfifo(path, 0o600))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, err = w.service.Client().Start(ctx, cloudconvert.Pipeline(source, cloudconvert.Convert{OutputFormat: "pdf"}))
	require.ErrorIs(t, err, errNotRegular)
	assert.Empty(t, w.service.Jobs())

	_, err = openDirectory(space.roots[0].dir, "a.docx")
	require.ErrorIs(t, err, syscall.ENOTDIR)
}
