package testkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// TextTask is a small task without a job.
var TextTask = cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}

// RunTask creates [TextTask].
func RunTask(t *testing.T, client *cloudconvert.Client) *cloudconvert.Task {
	t.Helper()
	task, err := client.Tasks.Create(t.Context(), TextTask)
	require.NoError(t, err)
	return task
}

// StoredText returns the content of the file that was uploaded, or "".
func StoredText(t *testing.T, server *cloudconverttest.Server) string {
	t.Helper()
	require.NoError(t, server.WaitIdle(t.Context()))
	for _, task := range server.Tasks() {
		if task.Operation == "import/upload" && len(task.Files) == 1 {
			content, err := os.ReadFile(task.Files[0].Path)
			require.NoError(t, err)
			return string(content)
		}
	}
	return ""
}

// RunJob creates [TextJob].
func RunJob(t *testing.T, client *cloudconvert.Client) *cloudconvert.Job {
	t.Helper()
	job, err := client.Jobs.Create(t.Context(), TextJob())
	require.NoError(t, err)
	return job
}

// UploadJob creates a job that waits for a file.
func UploadJob(t *testing.T, client *cloudconvert.Client) (*cloudconvert.Job, cloudconvert.Task) {
	t.Helper()
	job, err := client.Jobs.Create(t.Context(), cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
	require.NoError(t, err)
	task, found := job.Task("import-upload")
	require.True(t, found)
	return job, task
}

// How long a task takes in tests with a slow service, and a job of two tasks.
const (
	TaskTime = 100 * time.Second
	JobTime  = 2 * TaskTime
)

// Refusals returns when the server responded with a status.
func Refusals(server *cloudconverttest.Server, status int) []time.Time {
	var times []time.Time
	for _, request := range server.Requests() {
		if request.Status == status {
			times = append(times, request.Time)
		}
	}
	return times
}

// InlineDefault is the default of WithInlineLimit.
const InlineDefault = 448 << 10

// NewSandbox returns a server that converts txt: to pdf, which is "pdf: " and
// the text, to page, which is a file for each line, and to bad, which fails.
func NewSandbox(tb testing.TB, opts ...cloudconverttest.Option) *cloudconverttest.Server {
	tb.Helper()
	server := cloudconverttest.NewServer(opts...)
	tb.Cleanup(server.Close)
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		file, err := os.Open(run.Input().Path)
		if err != nil {
			return err
		}
		return errors.Join(run.ReadFrom(run.OutputName(run.Input()), io.MultiReader(strings.NewReader("pdf: "), file)), file.Close())
	})
	server.HandleConvert("txt", "page", func(_ context.Context, run *cloudconverttest.Run) error {
		text, err := os.ReadFile(run.Input().Path)
		for i, line := range strings.Split(string(text), "\n") {
			err = errors.Join(err, run.Write(fmt.Sprintf("page-%d.page", i+1), []byte(line)))
		}
		return err
	})
	server.HandleConvert("txt", "bad", func(context.Context, *cloudconverttest.Run) error {
		return cloudconverttest.Fail("OPEN_FAILED", "The document is protected")
	})
	return server
}

// InBubble runs a test with a new server in a synctest bubble.
func InBubble(t *testing.T, test func(t *testing.T, server *cloudconverttest.Server), opts ...cloudconverttest.Option) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		test(t, NewSandbox(t, append(opts, cloudconverttest.WithInProcess())...))
	})
}

// Outline returns the requests that a server has seen, as "METHOD host".
func Outline(server *cloudconverttest.Server) []string {
	var requests []string
	for _, r := range server.Requests() {
		requests = append(requests, r.Method+" "+string(r.Role))
	}
	return requests
}

// JobCount returns how many jobs a server has. The jobs are too long for the message of a failed test.
func JobCount(server *cloudconverttest.Server) int { return len(server.Jobs()) }

// Advance lets time pass in a bubble.
func Advance(d time.Duration) {
	time.Sleep(d) //nolint:forbidigo // in a bubble it takes no time.
}

// TextJob returns a small job.
func TextJob() *cloudconvert.JobRequest {
	return cloudconvert.Pipeline(cloudconvert.ImportRaw{File: "text", Filename: "a.txt"}, cloudconvert.ExportURL{})
}

// CountRequests returns how many requests of [Outline] are the given one.
func CountRequests(server *cloudconverttest.Server, request string) int {
	count := 0
	for _, seen := range Outline(server) {
		if seen == request {
			count++
		}
	}
	return count
}

// TextWork returns a work that converts a text to pdf.
func TextWork(name, text, dst string, opts ...cloudconvert.RunOption) cloudconvert.Work {
	return cloudconvert.Work{
		Request:     cloudconvert.Pipeline(cloudconvert.FromBytes(name, []byte(text)), cloudconvert.Convert{OutputFormat: "pdf"}),
		Destination: dst, Options: opts,
	}
}

// TextWorks yields n works named 0, 1 and so on. They write 0.pdf, 1.pdf and so on to dir.
func TextWorks(n int, dir string) iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		for i := range n {
			work := TextWork("a.txt", fmt.Sprint("text ", i), filepath.Join(dir, fmt.Sprint(i, ".pdf")))
			if work.Name = strconv.Itoa(i); !yield(work) {
				return
			}
		}
	}
}
