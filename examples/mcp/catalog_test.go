package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestListFormats(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	out := call[formatsOutput](t, w, "list_formats", arguments{"input_format": ".PNG"})
	var formats []string
	for _, f := range out.Formats {
		assert.Equal(t, "png", f.InputFormat)
		assert.Empty(t, f.Options)
		formats = append(formats, f.OutputFormat)
	}
	assert.Contains(t, formats, "jpg")

	out = call[formatsOutput](t, w, "list_formats", arguments{"input_format": "png", "output_format": "jpg", "include_options": true})
	require.Len(t, out.Formats, 1)
	assert.Equal(t, 1, out.Formats[0].Credits)
	var names []string
	for _, o := range out.Formats[0].Options {
		names = append(names, o.Name)
	}
	assert.Contains(t, names, "quality")

	out = call[formatsOutput](t, w, "list_formats", arguments{"operation": "thumbnail", "input_format": "png"})
	assert.NotEmpty(t, out.Formats)

	for want, in := range map[string]arguments{
		"set input_format or output_format":  {},
		"set input_format and output_format": {"input_format": "png", "include_options": true},
		"leave out a format":                 {"input_format": "png", "output_format": "mp3"},
	} {
		assert.Contains(t, w.refuses(t, "list_formats", in), want)
	}
}

func TestListFormatsIsBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	for n, more := range map[int]bool{maxFormats: false, maxFormats + 1: true} {
		var entries []string
		for i := range n {
			entries = append(entries, fmt.Sprintf(`{"operation":"convert","output_format":"f%d"}`, i))
		}
		w.service.ClearFaults()
		w.service.Inject(cloudconverttest.Fault{
			Path: "/v2/operations", Status: http.StatusOK, Body: `{"data":[` + strings.Join(entries, ",") + `]}`,
		})
		out := call[formatsOutput](t, w, "list_formats", arguments{"input_format": "png"})
		assert.Len(t, out.Formats, maxFormats)
		assert.Equal(t, more, out.More)
	}
}

// Agents know the tools only by their descriptions.
func TestToolsAreDescribed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	list, err := w.session.ListTools(t.Context(), nil)
	require.NoError(t, err)
	var names []string
	for _, tool := range list.Tools {
		names = append(names, tool.Name)
		assert.NotEmpty(t, tool.Title)
		assert.NotEmpty(t, tool.Description)
		assert.NotNil(t, tool.OutputSchema)
		require.NotNil(t, tool.Annotations)
		schema, ok := tool.InputSchema.(map[string]any)
		require.True(t, ok)
		properties, _ := schema["properties"].(map[string]any)
		for name, property := range properties {
			assert.NotEmpty(t, property.(map[string]any)["description"], "%s: %s", tool.Name, name)
		}
	}
	assert.ElementsMatch(t, []string{"convert_file", "run_pipeline", "save_job", "list_formats", "get_account"}, names)
	assert.NotEmpty(t, w.session.InitializeResult().Instructions)
}
