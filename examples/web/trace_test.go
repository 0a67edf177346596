package main

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestTraceIsTree(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	var trace bytes.Buffer
	client := server.Client(traceTo(&trace))
	_, err := client.ConvertFile(t.Context(), "../../testdata/photo.png", filepath.Join(t.TempDir(), "photo.jpg"), cloudconvert.WithInlineLimit(0))
	require.NoError(t, err)
	names := regexp.MustCompile(`(?m)^( *)cloudconvert\.(\w+).*\n`).ReplaceAllString(trace.String(), "$1$2\n")
	assert.Equal(t, "run\n  create\n    request\n  upload\n  wait\n    request\n  download\n", names)
	assert.Contains(t, trace.String(), " status=finished credits=1\n")
	assert.NotContains(t, trace.String(), "X-Amz-")
}
