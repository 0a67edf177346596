package cloudconverttest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSnapshotsPrintOutlines(t *testing.T) {
	t.Parallel()
	task := Task{
		ID: "t", Name: "out", Operation: "convert", Status: "error", Code: "OPEN_FAILED", Message: "bad file",
		Params: map[string]any{"file": strings.Repeat("A", 10_000)},
	}
	for want, value := range map[string]any{
		`task out (convert) error OPEN_FAILED "bad file"`:                                    task,
		`task t (import/url) finished "a.png"`:                                               Task{ID: "t", Operation: "import/url", Status: "finished", Files: []File{{Name: "a.png", URL: "https://x"}}},
		`job j error [task out (convert) error OPEN_FAILED "bad file"] with the tag "order"`: Job{ID: "j", Status: "error", Tag: "order", Tasks: []Task{task}},
		`[job j waiting []]`: []Job{{ID: "j", Status: "waiting"}},
		`delivery 1 of job.finished of job j to http://x/hook (4000 bytes): status 200`: Delivery{Event: "job.finished", URL: "http://x/hook", JobID: "j", Attempt: 1, Body: make([]byte, 4000), Status: 200},
		`delivery 2 of job.failed of job j to http://x/hook (0 bytes): refused`:         &Delivery{Event: "job.failed", URL: "http://x/hook", JobID: "j", Attempt: 2, Err: errors.New("refused")},
	} {
		for _, format := range []string{"%v", "%+v", "%#v"} {
			got := fmt.Sprintf(format, value)
			if !strings.HasPrefix(want, "[") || format != "%#v" {
				assert.Equal(t, want, got, format)
			}
		}
	}
}
