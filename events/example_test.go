package events_test

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/events"
)

func ExampleNew() {
	client, err := cloudconvert.NewClient("key")
	if err != nil {
		fmt.Println(err)
		return
	}
	listener, err := events.New(client)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	fmt.Println(listener)
	// Output: events.Client(socketio.cloudconvert.com)
}

// Receive the events of the tasks of a job.
func ExampleClient_Subscribe() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	listener, err := events.New(client, events.WithURL(server.EventsURL))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()

	follow := func() error {
		job, err := client.Jobs.Create(ctx, cloudconvert.Pipeline(cloudconvert.ImportUpload{}, cloudconvert.ExportURL{}))
		if err != nil {
			return err
		}
		uploaded := make(chan error, 1)
		go func() { // stands in for a browser
			for !server.Events().Hears(events.JobTasks(job.ID).String()) { // or the first events might be missed
				runtime.Gosched()
			}
			upload, _ := job.Task("import-upload")
			uploaded <- client.Tasks.Upload(ctx, upload, cloudconvert.FromBytes("a.txt", []byte("text")))
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
			if event.Name == events.Resync {
				continue // earlier events may be missing: Jobs.Get returns the job as it is now
			}
			task, err := event.Task()
			if err != nil {
				return err
			}
			fmt.Println(event.Name, task.Name, task.Percent)
			if strings.HasPrefix(task.Name, "export-") && event.Name.Ended() {
				break
			}
		}
		return <-uploaded
	}

	fmt.Println(follow())
	// Output:
	// task.updated import-upload 100
	// task.finished import-upload 100
	// task.updated export-url 100
	// task.finished export-url 100
	// <nil>
}

// Run many jobs with one subscription that reports the end of each, instead of one waiting
// request for each job.
func ExampleClient_Account() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	listener, err := events.New(client, events.WithURL(server.EventsURL))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	works := func(yield func(cloudconvert.Work) bool) {
		for n := range 3 {
			text := cloudconvert.FromBytes(strconv.Itoa(n)+".txt", []byte("text"))
			if !yield(cloudconvert.Work{Request: cloudconvert.Pipeline(text, cloudconvert.Archive{OutputFormat: "zip"})}) {
				return
			}
		}
	}

	runAll := func() error {
		account, err := listener.Account(ctx)
		if err != nil {
			return err
		}
		defer account.Close()
		for result := range client.RunAll(ctx, works, cloudconvert.WithSignal(account)) {
			fmt.Println(result.Work.Name, result.Err)
		}
		return nil
	}

	fmt.Println(runAll())
	// Unordered output:
	// 0.txt <nil>
	// 1.txt <nil>
	// 2.txt <nil>
	// <nil>
}
