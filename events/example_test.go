package events_test

import (
	"context"
	"fmt"
	"runtime"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/events"
)

// atSandbox runs an example with a local sandbox in place of the service.
func atSandbox(example func(ctx context.Context, server *cloudconverttest.Server, client *cloudconvert.Client, listener *events.Client) error) {
	server := cloudconverttest.NewServer()
	defer server.Close()
	server.HandleConvert("txt", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("a.pdf", []byte("%PDF-1.7"))
	})
	client := server.Client()
	listener, err := events.New(client, events.WithURL(server.EventsURL))
	must(err)
	defer listener.Close()
	must(example(context.Background(), server, client, listener))
}

// must ends an example that cannot go on.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // an example has no test to fail.
	}
}

func ExampleNew() {
	client, err := cloudconvert.NewClient("key")
	must(err)
	listener, err := events.New(client)
	must(err)
	defer listener.Close()
	fmt.Println(listener)
	// Output: events.Client(socketio.cloudconvert.com)
}

func ExampleClient_Subscribe() {
	atSandbox(func(ctx context.Context, server *cloudconverttest.Server, client *cloudconvert.Client, listener *events.Client) error {
		job, err := client.Jobs.Create(ctx, cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
		if err != nil {
			return err
		}
		go func() {
			// This stands for the rest of a program. It ends the loop below.
			defer listener.Close()
			must(uploadWhenHeard(ctx, server, client, listener, job))
		}()

		tasks, err := listener.Subscribe(ctx, events.JobTasks(job.ID))
		if err != nil {
			return err
		}
		defer tasks.Close()
		for event, err := range tasks.Events(ctx) {
			if err != nil {
				return err
			}
			if task, err := event.Task(); err == nil {
				fmt.Println(event.Name, task.Name, task.Percent)
			}
		}
		return nil
	})
	// Output:
	// task.updated import-upload 100
	// task.finished import-upload 100
	// task.updated export-url 100
	// task.finished export-url 100
}

// uploadWhenHeard uploads the file of a job as soon as somebody listens to its tasks, and returns when that has heard of the end.
func uploadWhenHeard(
	ctx context.Context, server *cloudconverttest.Server, client *cloudconvert.Client, listener *events.Client, job *cloudconvert.Job,
) error {
	for !server.Events().Hears(events.JobTasks(job.ID).String()) {
		runtime.Gosched()
	}
	tasks, err := listener.Subscribe(ctx, events.JobTasks(job.ID))
	if err != nil {
		return err
	}
	upload, _ := job.Task("import-upload")
	if err := client.Tasks.Upload(ctx, upload, cloudconvert.FromBytes("a.txt", []byte("text"))); err != nil {
		return err
	}
	for event, err := range tasks.Events(ctx) {
		if err != nil {
			return err
		}
		if task, err := event.Task(); err == nil && task.Name == "export-url" && event.Name.Ended() {
			break
		}
	}
	return nil
}

func ExampleClient_Account() {
	atSandbox(func(ctx context.Context, _ *cloudconverttest.Server, client *cloudconvert.Client, listener *events.Client) error {
		items := func(yield func(cloudconvert.Conversion) bool) {
			for range 3 {
				if !yield(cloudconvert.Conversion{Source: cloudconvert.FromBytes("a.txt", []byte("text")), OutputFormat: "pdf"}) {
					return
				}
			}
		}

		account, err := listener.Account(ctx)
		if err != nil {
			return err
		}
		defer account.Close()
		for result := range client.ConvertAll(ctx, items, cloudconvert.WithJobSignal(account)) {
			fmt.Println(result.Conversion.Source, result.Err)
		}
		return nil
	})
	// Output:
	// source "a.txt" <nil>
	// source "a.txt" <nil>
	// source "a.txt" <nil>
}
