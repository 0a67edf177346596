package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// offline runs an example in an empty directory with a photo.png and a
// report.docx, against a local sandbox that converts both.
func offline(example func(ctx context.Context, server *cloudconverttest.Server) error) {
	server := cloudconverttest.NewServer()
	defer server.Close()
	photo, err := filepath.Abs("testdata/photo.png")
	must(err)
	server.HandleURL("https://example.com/photo.png", photo)
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	leave := enterWorkspace()
	defer leave()
	must(example(context.Background(), server))
}

// must ends an example that cannot go on.
func must(err error) {
	if err != nil {
		panic(err) //nolint:forbidigo // an example has no test to fail.
	}
}

// enterWorkspace changes to a new directory until the function it returns is called.
func enterWorkspace() (leave func()) {
	photo, err := os.ReadFile("testdata/photo.png")
	home, homeErr := os.Getwd()
	dir, dirErr := os.MkdirTemp("", "cloudconvert-example-*")
	must(errors.Join(err, homeErr, dirErr, os.Chdir(dir),
		os.WriteFile("photo.png", photo, 0o600), os.WriteFile("report.docx", []byte("a report"), 0o600)))
	return func() { must(errors.Join(os.Chdir(home), os.RemoveAll(dir))) }
}

func Example() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		defer setenv(map[string]string{
			"CLOUDCONVERT_API_KEY":  server.Key(),
			"CLOUDCONVERT_API_URL":  server.URL,
			"CLOUDCONVERT_SYNC_URL": server.SyncURL,
			"CLOUDCONVERT_SANDBOX":  "",
			"CLOUDCONVERT_REGION":   "",
		})()
		convert := func() error {
			client, err := cloudconvert.NewClientFromEnv() // the key is in CLOUDCONVERT_API_KEY
			if err != nil {
				return err
			}
			_, err = client.ConvertFile(ctx, "report.docx", "report.pdf")
			return err
		}
		if err := convert(); err != nil {
			return err
		}
		content, err := os.ReadFile("report.pdf")
		fmt.Println(string(content))
		return err
	})
	// Output: %PDF-1.7
}

// setenv sets environment variables until the function it returns is called.
func setenv(variables map[string]string) (restore func()) {
	before := map[string]string{}
	for name, value := range variables {
		before[name] = os.Getenv(name)
		must(os.Setenv(name, value))
	}
	return func() {
		for name, value := range before {
			must(os.Setenv(name, value))
		}
	}
}

func ExampleClient_Convert() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		var upload io.Reader = strings.NewReader("a report")
		job, err := client.Convert(ctx, cloudconvert.FromReader("report.docx", upload), "pdf",
			cloudconvert.WithOption("pages", "1-2"))
		if err != nil {
			return err
		}
		paths, err := client.Save(ctx, "out", job.Files()...)
		fmt.Println(len(paths), "file,", filepath.Base(paths[0]))
		return err
	})
	// Output: 1 file, report.pdf
}

func ExampleNewClient() {
	key := "an API key"
	client, err := cloudconvert.NewClient(key,
		cloudconvert.WithRegion(cloudconvert.RegionEUCentral),
		cloudconvert.WithLogger(slog.Default()))
	fmt.Println(client, err)

	key = strings.ReplaceAll(key, " ", "-")
	client, err = cloudconvert.NewClient(key, cloudconvert.WithRegion(cloudconvert.RegionEUCentral))
	fmt.Println(client, err)
	// Output:
	// <nil> cloudconvert: the API key contains a blank, a line break or another character that no key has: was it read from a file with its last line break?
	// cloudconvert.Client(eu-central.api.cloudconvert.com) <nil>
}

func ExamplePipeline() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		job, err := client.Jobs.CreateAndWait(ctx, cloudconvert.Pipeline(
			cloudconvert.ImportURL{URL: "https://example.com/photo.png"},
			cloudconvert.Thumbnail{OutputFormat: "jpg", Width: 200},
			cloudconvert.ExportURL{},
		))
		if err != nil {
			return err
		}
		fmt.Println(job.Status, job.Files()[0].Filename)
		return nil
	})
	// Output: finished photo.jpg
}

func ExampleJobsService_CreateAndWait() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		request := &cloudconvert.JobRequest{Tag: "invoice-42", Tasks: cloudconvert.Tasks{
			"in":    cloudconvert.ImportURL{URL: "https://example.com/photo.png"},
			"photo": cloudconvert.Convert{Input: []string{"in"}, OutputFormat: "jpg"},
			"small": cloudconvert.Thumbnail{Input: []string{"in"}, OutputFormat: "png", Width: 200},
			"out":   cloudconvert.ExportURL{Input: []string{"photo", "small"}},
		}}
		job, err := client.Jobs.CreateAndWait(ctx, request)
		if err != nil {
			return err
		}
		for _, file := range job.Files() {
			fmt.Println(file.Filename)
		}
		return nil
	})
	// Output:
	// photo.jpg
	// photo.png
}

func ExampleTasksService_Upload() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		job, err := client.Jobs.Create(ctx, cloudconvert.Pipeline(
			cloudconvert.ImportUpload{},
			cloudconvert.Convert{OutputFormat: "jpg"},
			cloudconvert.ExportURL{},
		))
		if err != nil {
			return err
		}
		task, _ := job.Task("import-upload")
		if err := client.Tasks.Upload(ctx, task, cloudconvert.FromFile("photo.png")); err != nil {
			return err
		}
		job, err = client.Jobs.Wait(ctx, job.ID)
		if err != nil {
			return err
		}
		fmt.Println(job.Status)
		return nil
	})
	// Output: finished
}

func ExampleJobsService_Watch() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		job, err := client.Convert(ctx, cloudconvert.FromFile("photo.png"), "jpg")
		if err != nil {
			return err
		}
		id := job.ID
		for job, err := range client.Jobs.Watch(ctx, id) {
			if err != nil {
				return err
			}
			fmt.Println(job.Status)
		}
		return nil
	})
	// Output: finished
}

func ExampleClient_Save() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		job, err := client.Convert(ctx, cloudconvert.FromFile("photo.png"), "jpg")
		if err != nil {
			return err
		}
		paths, err := client.Save(ctx, "out", job.Files()...)
		fmt.Println(filepath.ToSlash(strings.Join(paths, " ")))
		return err
	})
	// Output: out/photo.jpg
}

func ExampleClient_Download() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		job, err := client.Convert(ctx, cloudconvert.FromFile("report.docx"), "pdf")
		if err != nil {
			return err
		}
		var content bytes.Buffer
		size, err := client.Download(ctx, job.Files()[0], &content)
		fmt.Println(size, content.String())
		return err
	})
	// Output: 8 %PDF-1.7
}

func ExampleJobError() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		_, err := client.ConvertFile(ctx, "photo.png", "photo.docx")
		switch {
		case err == nil:
			fmt.Println("converted")
		case errors.Is(err, cloudconvert.ErrOutcomeUnknown):
			fmt.Println("look for the job before you try again:", err)
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			fmt.Println("the job may still be running:", err)
		case errors.Is(err, cloudconvert.CodeInvalidConversionType):
			fmt.Println("there is no such conversion")
		case errors.Is(err, cloudconvert.ErrJobFailed):
			fmt.Println("the file could not be converted:", err)
		case errors.Is(err, cloudconvert.ErrCreditsExceeded):
			fmt.Println("out of credits")
		case cloudconvert.IsRetryable(err):
			fmt.Println("try again later")
		default:
			return err
		}
		return nil
	})
	// Output: there is no such conversion
}

func Example_testing() {
	leave := enterWorkspace()
	defer leave()
	ctx := context.Background()

	server := cloudconverttest.NewServer()
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})

	_, err := server.Client().ConvertFile(ctx, "report.docx", "report.pdf")
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_ConvertAll() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		client := server.Client()
		paths := []string{"report.docx"}
		items := func(yield func(cloudconvert.Conversion) bool) {
			for _, path := range paths {
				item := cloudconvert.Conversion{Source: cloudconvert.FromFile(path), OutputFormat: "pdf"}
				if !yield(item) {
					return
				}
			}
		}
		for result := range client.ConvertAll(ctx, items,
			cloudconvert.WithOutputDir("."), cloudconvert.WithJournal("journal")) {
			fmt.Println(result.Conversion.Source, result.Files, result.Err)
		}
		return nil
	})
	// Output: source "report.docx" [report.pdf] <nil>
}
