package cloudconvert_test

import (
	"context"
	"fmt"
	"html/template"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// Make a page whose form sends a file directly to storage. After the upload, storage
// redirects the browser.
func ExampleTasksService_UploadForm() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	page := template.Must(template.New("upload").Parse(`<!doctype html>
<html lang="en">
<title>Upload</title>
<form method="post" action="{{.URL}}" enctype="multipart/form-data">
	{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
	{{end}}<label>File <input type="file" name="file" required></label>
	<button>Upload</button>
</form>
`))

	job, err := client.Start(ctx, cloudconvert.Pipeline(
		cloudconvert.ImportUpload{Redirect: "https://example.com/uploaded"},
		cloudconvert.Convert{OutputFormat: "jpg"},
		cloudconvert.ExportURL{},
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	task, _ := job.Task("import-upload")
	form, err := client.Tasks.UploadForm(ctx, task.ID)
	if err != nil {
		fmt.Println(err)
		return
	}
	var html strings.Builder
	if err := page.Execute(&html, form); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(strings.Count(html.String(), `type="hidden"`), "hidden fields")
	// Wait for the job, here or in another process:
	//
	//	job, err = client.Jobs.Wait(ctx, job.ID, cloudconvert.WithPendingUpload())

	// Output:
	// 8 hidden fields
}
