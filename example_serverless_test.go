package cloudconvert_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// function is a program whose process lives only while it handles an event.
type function struct {
	client *cloudconvert.Client
	hook   string // the URL at which the platform calls ended
}

// uploaded starts the conversion of a new file and returns while the job runs. The id is
// that of the upload: a new version of the file has another one. If the platform calls it
// again, the calls share one job.
func (f *function) uploaded(ctx context.Context, id, url string) error {
	request := cloudconvert.Pipeline(cloudconvert.FromURL(url), cloudconvert.Convert{OutputFormat: "pdf"})
	request.WebhookURL = f.hook
	_, err := f.client.Start(ctx, request, cloudconvert.WithKey(id))
	return err
}

// ended stores the result. The key is the tag of the job.
func (f *function) ended(ctx context.Context, event *cloudconvert.WebhookEvent) error {
	if event.Event != cloudconvert.EventJobFinished {
		fmt.Println(event.Job.Tag, "has failed")
		return nil
	}
	var pdf bytes.Buffer
	if _, err := f.client.Download(ctx, event.Job.Files()[0], &pdf); err != nil {
		return err // delivered again later
	}
	fmt.Println(event.Job.Tag, "is converted:", pdf.String())
	return nil
}

// Start a job in one process, and handle its end in another.
func ExampleClient_Start_shortLived() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	ctx := context.Background()

	f := &function{client: server.Client()}
	handler, err := f.client.Webhooks.UnsignedHandler(f.ended)
	if err != nil {
		fmt.Println(err)
		return
	}
	mux := http.NewServeMux()
	mux.Handle("POST /hook", handler)
	mux.HandleFunc("GET /report.docx", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "a report") })
	public := httptest.NewServer(mux)
	defer public.Close()
	f.hook = public.URL + "/hook"

	for range 2 { // the platform calls it twice
		if err := f.uploaded(ctx, "upload-42", public.URL+"/report.docx"); err != nil {
			fmt.Println(err)
		}
	}
	if err := server.WaitIdle(ctx); err != nil { // the webhook has been delivered
		fmt.Println(err)
	}
	fmt.Println("jobs:", len(server.Jobs()))
	// Output:
	// upload-42 is converted: %PDF-1.7
	// jobs: 1
}
