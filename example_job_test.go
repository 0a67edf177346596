package cloudconvert_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func ExampleNewClient() {
	key := "an API key"
	client, err := cloudconvert.NewClient(key,
		cloudconvert.WithRegion(cloudconvert.RegionEUCentral),
		cloudconvert.WithLogger(slog.Default()))
	fmt.Println(client, err != nil)

	key = strings.ReplaceAll(key, " ", "-")
	client, err = cloudconvert.NewClient(key, cloudconvert.WithRegion(cloudconvert.RegionEUCentral))
	fmt.Println(client, err)
	// Output:
	// <nil> true
	// cloudconvert.Client(eu-central.api.cloudconvert.com) <nil>
}

// Work with the accounts of two customers. The clients share connections, and each waits
// only for the limits of its account.
func ExampleWithAPIKey() {
	keys := map[string]string{"Anna": "the-key-of-anna", "Ben": "the-key-of-ben"}
	server := cloudconverttest.NewServer( // stands in for the service
		cloudconverttest.WithKey(keys["Anna"]), cloudconverttest.WithKey(keys["Ben"]))
	defer server.Close()
	client := server.Client()
	ctx := context.Background()

	archiveForAll := func() error {
		clients := map[string]*cloudconvert.Client{} // one for each customer, kept
		for customer, key := range keys {
			c, err := client.With(cloudconvert.WithAPIKey(key))
			if err != nil {
				return err
			}
			clients[customer] = c
		}
		for customer, c := range clients {
			text := cloudconvert.FromBytes("a.txt", []byte("text of "+customer))
			job, err := c.Run(ctx, cloudconvert.Pipeline(text, cloudconvert.Archive{OutputFormat: "zip"}))
			if err != nil {
				return err
			}
			fmt.Println(customer, job.Status)
		}
		return nil
	}

	fmt.Println(archiveForAll())
	// Unordered output:
	// Anna finished
	// Ben finished
	// <nil>
}

// Convert the content of a reader and use the result in memory.
func ExampleClient_Convert() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	client := server.Client()
	ctx := context.Background()
	upload := strings.NewReader("a report")

	convert := func() error {
		job, err := client.Convert(ctx, cloudconvert.FromReader("report.docx", upload), "pdf")
		if err != nil {
			return err
		}
		var pdf bytes.Buffer
		_, err = client.Download(ctx, job.Files()[0], &pdf)
		fmt.Println(pdf.String())
		return err
	}

	fmt.Println(convert())
	// Output:
	// %PDF-1.7
	// <nil>
}

// Run a job of any shape: a map of tasks, each of which names its inputs.
func ExampleClient_Run() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	for _, operation := range []string{"import/url", "watermark", "thumbnail"} {
		server.Handle(operation, func(_ context.Context, run *cloudconverttest.Run) error {
			return run.Write(run.Name+".png", []byte(run.Operation))
		})
	}
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("invoice.pdf", []byte("%PDF-1.7"))
	})
	client := server.Client()
	ctx := context.Background()
	invoice := []byte("an invoice")

	job, err := client.Run(ctx, &cloudconvert.JobRequest{Tag: "invoice-42", Tasks: cloudconvert.Tasks{
		"invoice": cloudconvert.FromBytes("invoice.docx", invoice),
		"logo":    cloudconvert.FromURL("https://example.com/logo.png"),
		"pdf":     cloudconvert.Convert{Input: []string{"invoice"}, OutputFormat: "pdf"},
		"marked":  cloudconvert.Watermark{Input: []string{"pdf"}, Image: "logo"},
		"preview": cloudconvert.Thumbnail{Input: []string{"marked"}, OutputFormat: "png", Width: 400},
		"out":     cloudconvert.ExportURL{Input: []string{"marked", "preview"}},
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, file := range job.Files() {
		fmt.Println(file.Filename)
	}
	// Output:
	// marked.png
	// preview.png
}

// Run a pipeline: each task takes its input from the previous one.
func ExamplePipeline() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.Handle("import/url", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.docx", []byte("a report"))
	})
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	server.Handle("pdf/encrypt", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7, encrypted"))
	})
	client := server.Client()
	ctx := context.Background()

	job, err := client.Run(ctx, cloudconvert.Pipeline(
		cloudconvert.FromURL("https://example.com/report.docx"),
		cloudconvert.Convert{OutputFormat: "pdf"},
		cloudconvert.PDFEncrypt{SetPassword: "secret"},
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Status, job.Files()[0].Filename)
	// Output: finished report.pdf
}

// Report the progress of a job.
func ExampleWithProgress() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	text := cloudconvert.FromBytes("a.txt", []byte("text"))

	job, err := client.Run(ctx, cloudconvert.Pipeline(text, cloudconvert.Archive{OutputFormat: "zip"}),
		cloudconvert.WithProgress(func(p cloudconvert.Progress) {
			fmt.Println(p.Work, p.Phase, p.Percent)
		}))

	fmt.Println(job.Status, err)
	// Output:
	// a.txt process 0
	// a.txt process 100
	// finished <nil>
}

// The steps of Run one by one: create the job, upload a file to one of its tasks, wait.
func ExampleTasksService_Upload() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	text := []byte("text")

	archive := func() error {
		job, err := client.Jobs.Create(ctx, cloudconvert.Pipeline(
			cloudconvert.ImportUpload{},
			cloudconvert.Archive{OutputFormat: "zip"},
			cloudconvert.ExportURL{},
		))
		if err != nil {
			return err
		}
		task, _ := job.Task("import-upload")
		if err := client.Tasks.Upload(ctx, task, cloudconvert.FromBytes("a.txt", text)); err != nil {
			return err
		}
		job, err = client.Jobs.Wait(ctx, job.ID)
		if err != nil {
			return err
		}
		fmt.Println(job.Status, len(job.Files()), "file")
		return nil
	}

	fmt.Println(archive())
	// Output:
	// finished 1 file
	// <nil>
}

// Watch a job that was started earlier, possibly by another process.
func ExampleJobsService_Watch() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	text := cloudconvert.FromBytes("a.txt", []byte("text"))

	follow := func() error {
		job, err := client.Start(ctx, cloudconvert.Pipeline(text, cloudconvert.Archive{OutputFormat: "zip"}))
		if err != nil {
			return err
		}
		id := job.ID
		if err := server.WaitIdle(ctx); err != nil {
			return err
		}
		for job, err := range client.Jobs.Watch(ctx, id) {
			if err != nil {
				return err
			}
			fmt.Println(job.Status)
		}
		return nil
	}

	fmt.Println(follow())
	// Output:
	// finished
	// <nil>
}
