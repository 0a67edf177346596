package main

import (
	"context"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{budget: 2})
	call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "1.pdf"})

	convert := arguments{"operation": "convert", "input": "in", "output_format": "pdf"}
	text := w.refuses(t, "run_pipeline", arguments{
		"tasks": arguments{"in": arguments{"operation": "import/upload"}, "x": convert, "y": convert},
		"files": arguments{"in": "a.docx"}, "output": "out/",
	})
	assert.Contains(t, text, "at least 2 needed, 1 of 2 left")

	out := call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "2.pdf"})
	assert.Zero(t, out.Left)
	text = w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": "3.pdf"})
	assert.Contains(t, text, "0 of 2 left, 2 spent, 0 reserved for running jobs")
	assert.Contains(t, text, "larger -budget")

	account := call[accountOutput](t, w, "get_account", nil)
	assert.Equal(t, accountOutput{Username: account.Username, Credits: account.Credits, Budget: 2, Spent: 2}, account)
}

// A call that runs reserves its credits, so that many calls at once do not exceed the budget.
func TestBudgetOfRunningCalls(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{budget: 1})
	begun, gate := make(chan struct{}), make(chan struct{})
	w.service.HandleConvert("docx", "pdf", func(context.Context, *cloudconverttest.Run) error {
		close(begun)
		<-gate
		return cloudconverttest.Fail("OPEN_FAILED", "damaged")
	})
	done := make(chan error)
	go func() {
		_, err := w.session.CallTool(t.Context(), &mcp.CallToolParams{
			Name: "convert_file", Arguments: arguments{"input": "a.docx", "output": "1.pdf"},
		})
		done <- err
	}()
	<-begun
	text := w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": "2.pdf"})
	assert.Contains(t, text, "0 spent, 1 reserved")
	close(gate)
	require.NoError(t, <-done)
	assert.Equal(t, 1, call[accountOutput](t, w, "get_account", nil).Left, "the failed job has cost nothing")
}
