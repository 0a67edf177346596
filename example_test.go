package cloudconvert_test

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io/fs"
	"os"
	"os/signal"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// workspace creates a temporary directory with an image under each name and changes to
// it. leave changes back and removes it.
func workspace(names ...string) (leave func(), err error) {
	home, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		return nil, err
	}
	var content strings.Builder
	err = errors.Join(png.Encode(&content, image.NewGray(image.Rect(0, 0, 32, 24))), os.Chdir(dir))
	for _, name := range names {
		err = errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, []byte(content.String()), 0o600))
	}
	return func() { _ = errors.Join(os.Chdir(home), os.RemoveAll(dir)) }, err
}

// environment sets environment variables. restore resets them.
func environment(variables map[string]string) (restore func(), err error) {
	before := map[string]string{}
	for name, value := range variables {
		before[name] = os.Getenv(name)
		err = errors.Join(err, os.Setenv(name, value))
	}
	return func() {
		for name, value := range before {
			_ = os.Setenv(name, value)
		}
	}, err
}

// Convert a file. The extensions determine the formats.
func Example() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	restore, err := environment(map[string]string{
		"CLOUDCONVERT_API_KEY":  server.Key(),
		"CLOUDCONVERT_API_URL":  server.URL,
		"CLOUDCONVERT_SYNC_URL": server.SyncURL,
		"CLOUDCONVERT_SANDBOX":  "",
		"CLOUDCONVERT_REGION":   "",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer restore()
	leave, err := workspace("report.docx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	convert := func() error {
		client, err := cloudconvert.NewClientFromEnv() // reads CLOUDCONVERT_API_KEY
		if err != nil {
			return err
		}
		_, err = client.ConvertFile(ctx, "report.docx", "report.pdf")
		return err
	}

	fmt.Println(convert())
	content, err := os.ReadFile("report.pdf")
	fmt.Println(string(content), err)
	// Output:
	// <nil>
	// %PDF-1.7 <nil>
}

// Convert the pages of a document to images. The files are numbered like the pages.
func ExampleClient_ConvertFile() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.HandleConvert("pdf", "jpg", func(_ context.Context, run *cloudconverttest.Run) error {
		return errors.Join(
			run.Write("report-1.jpg", []byte("the first page")),
			run.Write("report-2.jpg", []byte("the second page")),
		)
	})
	client := server.Client()
	leave, err := workspace("report.pdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	paths, err := client.ConvertFile(ctx, "report.pdf", "page.jpg", cloudconvert.WithOption("pages", "1-2"))

	fmt.Println(paths, err)
	// Output: [page-1.jpg page-2.jpg] <nil>
}

// Merge two local files into a PDF.
func ExampleClient_RunFile() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.Handle("merge", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("merged.pdf", fmt.Appendf(nil, "%s and %s", run.Inputs[0].Name, run.Inputs[1].Name))
	})
	client := server.Client()
	leave, err := workspace("cover.docx", "body.pdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	paths, err := client.RunFile(ctx, cloudconvert.Pipeline(
		cloudconvert.FromFile("cover.docx"),
		cloudconvert.FromFile("body.pdf"),
		cloudconvert.Merge{OutputFormat: "pdf"},
	), "book.pdf")

	fmt.Println(paths, err)
	content, err := os.ReadFile("book.pdf")
	fmt.Println(string(content), err)
	// Output:
	// [book.pdf] <nil>
	// cover.docx and body.pdf <nil>
}

// Make a scanned PDF searchable.
func ExamplePDFOCR() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.Handle("pdf/ocr", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("scan.pdf", []byte("a searchable PDF"))
	})
	client := server.Client()
	leave, err := workspace("scan.pdf")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	paths, err := client.RunFile(ctx, cloudconvert.Pipeline(
		cloudconvert.FromFile("scan.pdf"),
		cloudconvert.PDFOCR{Language: []string{"eng"}},
	), "searchable.pdf")

	fmt.Println(paths, err)
	content, err := os.ReadFile("searchable.pdf")
	fmt.Println(string(content), err)
	// Output:
	// [searchable.pdf] <nil>
	// a searchable PDF <nil>
}

// Take a screenshot of a website.
func ExampleCaptureWebsite() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.Handle("capture-website", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("capture.png", []byte("a screenshot of "+run.Text("url")))
	})
	client := server.Client()
	leave, err := workspace()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	paths, err := client.RunFile(ctx, cloudconvert.Pipeline(
		cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: "png"},
	), "example.png")

	fmt.Println(paths, err)
	content, err := os.ReadFile("example.png")
	fmt.Println(string(content), err)
	// Output:
	// [example.png] <nil>
	// a screenshot of https://example.com <nil>
}

// Make a thumbnail of an image.
func ExampleThumbnail() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("photo.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	paths, err := client.RunFile(ctx, cloudconvert.Pipeline(
		cloudconvert.FromFile("photo.png"),
		cloudconvert.Thumbnail{OutputFormat: "jpg", Width: 200},
	), "photo-small.jpg")

	fmt.Println(len(paths), "file", err)
	// Output: 1 file <nil>
}

// Make thumbnails of five sizes in one job. The file is sent once.
func ExampleTasks() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("photo.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	tasks := cloudconvert.Tasks{"photo": cloudconvert.FromFile("photo.png")}
	for _, width := range []int{100, 200, 400, 800, 1600} {
		tasks[fmt.Sprintf("width-%d", width)] = cloudconvert.Thumbnail{
			Input: []string{"photo"}, OutputFormat: "jpg", Width: width,
			Filename: fmt.Sprintf("photo-%d.jpg", width),
		}
	}
	paths, err := client.RunFile(ctx, &cloudconvert.JobRequest{Tasks: tasks}, "sizes/")

	fmt.Println(len(paths), "files", err)
	names, err := fs.Glob(os.DirFS("sizes"), "*")
	fmt.Println(names, err)
	// Output:
	// 5 files <nil>
	// [photo-100.jpg photo-1600.jpg photo-200.jpg photo-400.jpg photo-800.jpg] <nil>
}

// Make thumbnails of all images in a directory.
func ExampleClient_RunAll() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("photos/beach.png", "photos/harbor.png", "photos/mountain.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	makeThumbnails := func() error {
		photos, err := filepath.Glob("photos/*.png")
		if err != nil {
			return err
		}
		var works []cloudconvert.Work
		for _, photo := range photos {
			works = append(works, cloudconvert.Work{Request: cloudconvert.Pipeline(
				cloudconvert.FromFile(photo),
				cloudconvert.Thumbnail{OutputFormat: "jpg", Width: 200},
			)})
		}
		for result := range client.RunAll(ctx, slices.Values(works), cloudconvert.WithOutputDir("thumbnails")) {
			if result.Err != nil {
				fmt.Println(result.Work.Name, result.Err)
			}
		}
		return nil
	}

	fmt.Println(makeThumbnails())
	names, err := fs.Glob(os.DirFS("thumbnails"), "*")
	fmt.Println(names, err)
	// Output:
	// <nil>
	// [beach.jpg harbor.jpg mountain.jpg] <nil>
}

// Convert a directory tree into a tree of the same structure. A second run converts only
// what the first one did not.
func ExampleClient_RunAll_tree() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("in/2025/beach.png", "in/2026/harbor.png", "in/cover.png", "in/.hidden.png", "in/notes.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	mirror := func() error {
		tree := os.DirFS("in")
		var works []cloudconvert.Work
		err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
			isPhoto, _ := path.Match("[^.]*.png", entry.Name()) // no hidden and no other files
			if err == nil && isPhoto && !entry.IsDir() {
				works = append(works, cloudconvert.Work{
					Request:     cloudconvert.Pipeline(cloudconvert.FromFS(tree, name), cloudconvert.Convert{OutputFormat: "jpg"}),
					Destination: strings.TrimSuffix(name, ".png") + ".jpg", // below the output directory
				})
			}
			return err
		})
		if err != nil {
			return err
		}
		for result := range client.RunAll(ctx, slices.Values(works),
			cloudconvert.WithOutputDir("out"),
			cloudconvert.WithJournal("journal"), // the next run skips what is done
			cloudconvert.WithBudget(100),        // credits
		) {
			switch {
			case errors.Is(result.Err, cloudconvert.ErrBudget):
				fmt.Println(result.Work.Name, "and the works after it are left for the next run")
			case result.Err != nil:
				fmt.Println(result.Work.Name, result.Err)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err() // works without a result are left for the next run
		}
		return nil
	}

	for range 2 {
		fmt.Println(mirror(), len(server.Jobs()), "jobs")
	}
	for _, pattern := range []string{"*.jpg", "*/*.jpg"} {
		names, err := fs.Glob(os.DirFS("out"), pattern)
		fmt.Println(names, err)
	}
	// Output:
	// <nil> 3 jobs
	// <nil> 3 jobs
	// [cover.jpg] <nil>
	// [2025/beach.jpg 2026/harbor.jpg] <nil>
}

// Run a job and save its files later.
func ExampleClient_SaveAs() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("photo.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	job, err := client.Convert(ctx, cloudconvert.FromFile("photo.png"), "jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	paths, err := client.SaveAs(ctx, job, "converted.jpg")

	fmt.Println(paths, err)
	// Output: [converted.jpg] <nil>
}

// Save the files of a job under the names that the service gave them.
func ExampleClient_Save() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("photo.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	job, err := client.Convert(ctx, cloudconvert.FromFile("photo.png"), "jpg")
	if err != nil {
		fmt.Println(err)
		return
	}
	paths, err := client.Save(ctx, "out", job.Files())

	fmt.Println(filepath.Base(paths[0]), err)
	// Output: photo.jpg <nil>
}

// Save the files of a finished job under another name, because another program has created
// the file meanwhile. The job is paid for, and no other is needed.
func ExampleUnsavedError() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return errors.Join(
			os.WriteFile("report.pdf", []byte("written by another program"), 0o600),
			run.Write("report.pdf", []byte("%PDF-1.7")),
		)
	})
	client := server.Client()
	leave, err := workspace("report.docx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	paths, err := client.ConvertFile(ctx, "report.docx", "report.pdf")
	if unsaved, ok := errors.AsType[*cloudconvert.UnsavedError](err); ok {
		paths, err = client.SaveAs(ctx, unsaved.Job, "report-new.pdf")
	}

	fmt.Println(paths, err)
	fmt.Println(len(server.Jobs()), "job")
	// Output:
	// [report-new.pdf] <nil>
	// 1 job
}

// Handle the errors of a conversion.
func ExampleJobError() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	leave, err := workspace("photo.png")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()

	convert := func(ctx context.Context) error {
		ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
		defer stop()
		_, err := client.ConvertFile(ctx, "photo.png", "photo.docx")
		if unsaved, ok := errors.AsType[*cloudconvert.UnsavedError](err); ok {
			// The job has finished and is paid for: save its files, do not run another job.
			_, err = client.SaveAs(ctx, unsaved.Job, "photo-new.docx")
		}
		switch {
		case err == nil:
			fmt.Println("converted")
		case errors.Is(err, cloudconvert.ErrOutcomeUnknown):
			fmt.Println("the job may exist: look for its tag before you try again:", err)
		case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
			fmt.Println("the job may still be running:", err)
		case errors.Is(err, cloudconvert.CodeInvalidConversionType):
			fmt.Println("there is no such conversion")
		case errors.Is(err, cloudconvert.ErrInvalid):
			fmt.Println("the request is wrong:", err)
		case errors.Is(err, cloudconvert.ErrJobFailed):
			fmt.Println("the file could not be converted:", err)
		case errors.Is(err, cloudconvert.ErrUnauthorized):
			fmt.Println("the API key is wrong or revoked")
		case errors.Is(err, cloudconvert.ErrCreditsExceeded):
			fmt.Println("out of credits")
		case errors.Is(err, cloudconvert.ErrRateLimited):
			fmt.Println("too many jobs in a short time: try again in a minute")
		case cloudconvert.IsRetryable(err):
			fmt.Println("try again later")
		default:
			return err
		}
		return nil
	}

	if err := convert(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output: there is no such conversion
}

// Test a program that converts a file.
func Example_testing() {
	leave, err := workspace("report.docx")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer leave()
	ctx := context.Background()

	test := func() error {
		server := cloudconverttest.NewServer()
		defer server.Close()
		server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
			return run.Write("report.pdf", []byte("%PDF-1.7"))
		})
		server.Inject(cloudconverttest.Fault{ // the response to a creation is lost
			Method: "POST", Path: "/v2/jobs", Times: 1, Phase: cloudconverttest.After, Kind: cloudconverttest.Reset,
		})

		_, err := server.Client().ConvertFile(ctx, "report.docx", "report.pdf")
		fmt.Println(len(server.Jobs()), "job")
		return err
	}

	fmt.Println(test())
	// Output:
	// 1 job
	// <nil>
}
