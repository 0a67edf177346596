package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// message is a message of a durable queue. Its id stays the same when it is delivered to
// another process, because the first one has died or has handed it back.
type message struct {
	id       string
	attempt  int
	src, dst string
}

// handle converts the file of a message. It returns an error if the queue is to deliver
// it later, to any process.
func handle(ctx context.Context, client *cloudconvert.Client, m message) error {
	opts := []cloudconvert.ConvertOption{cloudconvert.WithKey("reports-" + m.id)}
	if m.attempt > 1 {
		opts = append(opts, cloudconvert.WithTakeover(time.Now())) // a process may just have died
	}
	_, err := client.ConvertFile(ctx, m.src, m.dst, opts...)
	if err == nil || cloudconvert.IsRetryable(err) || cloudconvert.IsAccountError(err) {
		return err
	}
	fmt.Println("no attempt will succeed:", err)
	return nil
}

// Continue the job of a process that was interrupted, in another process.
func ExampleWithKey() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		interrupt() // the first process ends while the job runs
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	m := message{id: "42", attempt: 1, src: filepath.Join(dir, "report.docx"), dst: filepath.Join(dir, "report.pdf")}
	if err := os.WriteFile(m.src, []byte("a report"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	err = handle(ctx, server.Client(), m)
	fmt.Println("interrupted:", errors.Is(err, context.Canceled))

	m.attempt++
	err = handle(context.Background(), server.Client(), m) // in another process
	fmt.Println("error:", err)
	fmt.Println("jobs:", len(server.Jobs()))
	// Output:
	// interrupted: true
	// error: <nil>
	// jobs: 1
}
