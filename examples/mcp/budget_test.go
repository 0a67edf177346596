package main

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

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

func TestBudgetOfTasksThatCostNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{budget: 1})
	w.service.Handle("metadata", func(_ context.Context, run *cloudconverttest.Run) error {
		run.SetMetadata(map[string]any{"PageCount": 3})
		return nil
	})
	call[jobOutput](t, w, "run_pipeline", arguments{
		"tasks": arguments{
			"in":   arguments{"operation": "import/upload"},
			"info": arguments{"operation": "metadata", "input": "in"},
			"pdf":  arguments{"operation": "convert", "input": "in", "output_format": "pdf"},
			"out":  arguments{"operation": "export/url", "input": "pdf"},
		},
		"files": arguments{"in": "a.docx"}, "output": "b.pdf",
	})
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

// A job that began has a cost, even if a file could not be sent to it or the call was
// cancelled before the id of the job came.
func TestBudgetOfJobsThatWereNotSeenToEnd(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault   cloudconverttest.Fault
		size    int // of the file: large ones are uploaded
		cancels bool
		spent   int
	}{
		"upload fails":          {cloudconverttest.Fault{Path: "storage:upload", Status: http.StatusForbidden}, 1 << 20, false, 1},
		"upload is cancelled":   {cloudconverttest.Fault{Path: "storage:upload", Kind: cloudconverttest.Stall}, 1 << 20, true, 1},
		"creation is cancelled": {cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Kind: cloudconverttest.Stall, Phase: cloudconverttest.After}, 1 << 20, true, 1},
		"creation of a job without uploads is cancelled": {
			cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Kind: cloudconverttest.Stall, Phase: cloudconverttest.After}, 1, true, 1,
		},
		"creation is refused": {cloudconverttest.Fault{Method: http.MethodPost, Path: "/v2/jobs", Status: http.StatusUnprocessableEntity}, 1, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, setup{budget: 1, service: []cloudconverttest.Option{cloudconverttest.WithInProcess()}})
				w.service.Handle("capture-website", func(_ context.Context, run *cloudconverttest.Run) error {
					return run.Write("x.pdf", []byte("x"))
				})
				w.write(t, "a.docx", strings.Repeat("x", test.size))
				w.service.Inject(test.fault)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if test.cancels {
					time.AfterFunc(5*time.Second, cancel)
				}
				in := arguments{
					"tasks": arguments{
						"page": arguments{"operation": "capture-website", "url": "https://example.com", "output_format": "pdf"},
						"file": arguments{"operation": "import/upload"},
						"out":  arguments{"operation": "export/url", "input": []string{"page", "file"}},
					},
					"files": arguments{"file": "a.docx"}, "output": "out/",
				}
				result, err := w.session.CallTool(ctx, &mcp.CallToolParams{Name: "run_pipeline", Arguments: in})
				if test.cancels {
					require.ErrorIs(t, err, context.Canceled)
					time.Sleep(10 * time.Second) //nolint:forbidigo // in a bubble
				} else {
					require.NoError(t, err)
					require.True(t, result.IsError)
				}
				assert.Empty(t, w.service.Jobs())
				account := call[accountOutput](t, w, "get_account", nil)
				assert.Equal(t, test.spent, account.Spent)
				assert.Equal(t, 1-test.spent, account.Left)
				w.service.ClearFaults()
				if test.spent > 0 {
					assert.Contains(t, w.refuses(t, "run_pipeline", in), "0 of 1 left")
				}
			})
		})
	}
}
