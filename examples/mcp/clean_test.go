package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// Whatever the service says, an agent reads one line, in its order.
func TestTextsOfServiceAreClean(t *testing.T) {
	t.Parallel()
	const hostile = "a\r\n\t\x00\x07\x1b[2J\x7f\u0085\u009b\u2028\u2029\u202e\u2066\u2069\u200fb"
	w := newWorld(t, setup{})
	check := func(tool string, in arguments) {
		t.Helper()
		result, err := w.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: in})
		require.NoError(t, err)
		texts := []string{textOf(result)}
		var value any
		if json.Unmarshal([]byte(texts[0]), &value) == nil {
			texts = stringsIn(value)
		}
		assert.Contains(t, strings.Join(texts, ""), "[2J", "the text of the service is missing: %q", texts)
		for _, text := range texts {
			assert.False(t, strings.ContainsFunc(text, func(r rune) bool {
				return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
			}), "%s: %q", tool, text)
		}
	}
	convert := arguments{"input": "a.docx", "output": "b.pdf"}
	w.service.HandleConvert("docx", "pdf", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("OPEN_FAILED", hostile)
	})
	check("convert_file", convert)
	w.service.Handle("metadata", func(_ context.Context, run *cloudconverttest.Run) error {
		run.SetMetadata(map[string]any{hostile: []any{hostile, map[string]any{hostile: hostile}, 1.5, nil}})
		return nil
	})
	check("run_pipeline", arguments{
		"tasks": arguments{"in": arguments{"operation": "import/upload"}, "info": arguments{"operation": "metadata", "input": "in"}},
		"files": arguments{"in": "a.docx"},
	})

	quoted, err := json.Marshal(hostile)
	require.NoError(t, err)
	respond := func(path string, status int, body string) {
		w.service.ClearFaults()
		w.service.Inject(cloudconverttest.Fault{Path: path, Status: status, Body: strings.ReplaceAll(body, "TEXT", string(quoted))})
	}
	respond("/v2/jobs", http.StatusUnprocessableEntity, `{"message":TEXT,"code":TEXT,"errors":{"tasks":[TEXT]}}`)
	check("convert_file", convert)
	respond("/v2/users/me", http.StatusOK, `{"data":{"id":1,"username":TEXT,"credits":1}}`)
	check("get_account", nil)
	respond("/v2/operations", http.StatusOK, `{"data":[{"operation":"convert","input_format":TEXT,"output_format":TEXT,"engine":TEXT,`+
		`"options":[{"name":TEXT,"type":TEXT,"default":TEXT,"possible_values":[TEXT,1],"description":TEXT}]}]}`)
	check("list_formats", arguments{"input_format": "png", "output_format": "jpg", "include_options": true})
}

// stringsIn returns the strings in a JSON value.
func stringsIn(value any) []string {
	var all []string
	switch value := value.(type) {
	case string:
		all = append(all, value)
	case []any:
		for _, element := range value {
			all = append(all, stringsIn(element)...)
		}
	case map[string]any:
		for key, element := range value {
			all = append(append(all, key), stringsIn(element)...)
		}
	}
	return all
}
