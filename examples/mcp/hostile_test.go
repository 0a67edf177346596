package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Agents write arguments of any shape. All of these are refused before a job is created.
func TestHostileArguments(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	const upload = `"in":{"operation":"import/upload"}`
	for tool, all := range map[string][]string{
		"run_pipeline": {
			`null`, `{}`, `{"tasks":null}`, `{"tasks":{"in":null}}`, `{"tasks":{"in":[]}}`, `{"tasks":{"in":{"operation":null}}}`,
			`{"tasks":{"in":{"operation":5}}}`, `{"tasks":{"in/../x":{"operation":"import/raw","file":"x"}},"output":"b.pdf"}`,
			`{"tasks":{` + upload + `},"files":{"in":null}}`, `{"tasks":{` + upload + `},"files":{"in":""},"output":"b.pdf"}`,
			`{"tasks":{` + upload + `,"c":{"operation":"convert","input":{"x":1},"output_format":"pdf"}},"files":{"in":"a.docx"},"output":"b.pdf"}`,
			`{"tasks":{` + upload + `,"c":{"operation":"convert","input":"c","output_format":"pdf"}},"files":{"in":"a.docx"},"output":"b.pdf"}`,
			`{"tasks":{` + upload + `,"c":{"operation":"EXPORT/S3","input":"in"}},"files":{"in":"a.docx"},"output":"b.pdf"}`,
			`{"tasks":{` + upload + `,"c":{"operation":" export/sftp","input":"in"}},"files":{"in":"a.docx"},"output":"b.pdf"}`,
		},
		"convert_file": {
			`{"input":null,"output":"b.pdf"}`, `{"input":"a.docx","output":["b.pdf"]}`, `{"input":"a.docx","output":"b.pdf","options":[]}`,
			`{"input":"a.docx","output":"b.pdf","options":{"input":"x"}}`, `{"input":"a.docx","output":"b.pdf","options":{"operation":"export/s3"}}`,
			`{"input":"a.docx","output":"b.pdf","input_format":"../../x"}`, `{"input":"a.docx","output":"out/","output_format":"../x"}`,
			`{"input":"a.docx","output":"` + strings.Repeat("x", 300) + `.pdf"}`, `{"input":"a.docx","output":""}`,
		},
		"save_job":     {`{"job_id":"../users/me","output":"b.pdf"}`, `{"job_id":"","output":"b.pdf"}`},
		"list_formats": {`{"operation":5}`, `{"input_format":"` + strings.Repeat("x", 300) + `"}`},
	} {
		for _, raw := range all {
			result, err := w.session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: json.RawMessage(raw)})
			require.NoError(t, err, raw)
			assert.True(t, result.IsError, "%s: %s", raw, textOf(result))
		}
	}
	assert.Empty(t, w.service.Jobs())
	call[accountOutput](t, w, "get_account", nil)
}
