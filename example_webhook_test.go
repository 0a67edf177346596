package cloudconvert_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// Handle webhooks. A test of the handler signs the requests that it sends.
func ExampleWebhookHandler() {
	secret := "the SigningSecret of the webhook" // see Webhooks.Create
	handle := func(_ context.Context, event *cloudconvert.WebhookEvent) error {
		switch event.Event {
		case cloudconvert.EventJobFinished:
			fmt.Println(event.Job.Tag, "has finished")
		case cloudconvert.EventJobFailed:
			fmt.Println(event.Job.Tag, "has failed:", event.Job.Err())
		default: // the webhook has no other events
		}
		return nil // after an error the event is delivered again
	}
	handler, err := cloudconvert.WebhookHandler(cloudconvert.OncePerEvent(handle, 1000), secret)
	if err != nil {
		fmt.Println(err)
		return
	}

	body := `{"event":"job.finished","job":{"id":"4b6ee8e2-e293-4805-b48e-a03876d1ec66","tag":"invoice-42"}}`
	for _, signature := range []string{cloudconvert.SignWebhook([]byte(body), secret), cloudconvert.SignWebhook([]byte(body), "a guess")} {
		request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/hook", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("CloudConvert-Signature", signature)
		response := httptest.NewRecorder()
		handler.ServeHTTP(response, request)
		fmt.Println(response.Code)
	}
	// Output:
	// invoice-42 has finished
	// 204
	// 400
}

// Handle deliveries to the WebhookURL of a job. They have no documented signature, so the
// path of the URL contains a secret.
func ExampleWebhooksService_UnsignedHandler() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	mux := http.NewServeMux()
	public := httptest.NewServer(mux)
	defer public.Close()

	start := func() error {
		secret := rand.Text() // the same for all jobs: keep it with the API key
		handler, err := client.Webhooks.UnsignedHandler(func(_ context.Context, event *cloudconvert.WebhookEvent) error {
			if event.Job.Tag != "invoice-42" {
				return nil // another job of the account
			}
			fmt.Println(event.Event, len(event.Job.Files()), "file")
			return nil
		})
		if err != nil {
			return err
		}
		mux.Handle("POST /hook/"+secret, handler)

		text := cloudconvert.FromBytes("a.txt", []byte("text"))
		request := cloudconvert.Pipeline(text, cloudconvert.Archive{OutputFormat: "zip"})
		request.Tag, request.WebhookURL = "invoice-42", public.URL+"/hook/"+secret
		_, err = client.Start(ctx, request)
		return err
	}

	err := start()
	fmt.Println(errors.Join(err, server.WaitIdle(ctx))) // the webhook has been delivered
	// Output:
	// job.finished 1 file
	// <nil>
}

// Wait for a job by a webhook, in a program that runs a server.
func ExampleWebhookWaiter() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	client := server.Client()
	ctx := context.Background()
	mux := http.NewServeMux()
	public := httptest.NewServer(mux)
	defer public.Close()

	await := func() error {
		webhook, err := client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{
			URL:    public.URL + "/hook",
			Events: []cloudconvert.Event{cloudconvert.EventJobFinished, cloudconvert.EventJobFailed},
		})
		if err != nil {
			return err
		}
		waiter := client.Webhooks.NewWaiter()
		handler, err := cloudconvert.WebhookHandler(waiter.Deliver, webhook.SigningSecret)
		if err != nil {
			return err
		}
		mux.Handle("POST /hook", handler)

		text := cloudconvert.FromBytes("a.txt", []byte("text"))
		job, err := client.Start(ctx, cloudconvert.Pipeline(text, cloudconvert.Archive{OutputFormat: "zip"}))
		if err != nil {
			return err
		}
		job, err = client.Jobs.Wait(ctx, job.ID, cloudconvert.WithSignal(waiter))
		if err != nil {
			return err
		}
		fmt.Println(job.Status, len(job.Files()), "file")
		return nil
	}

	fmt.Println(await())
	// Output:
	// finished 1 file
	// <nil>
}

// Make a URL that converts a file when a browser opens it.
func ExampleSignedURL() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	base, secret := server.SignedURLBase() // with the service: from the dashboard

	url, err := cloudconvert.SignedURL(base, secret, cloudconvert.Pipeline(
		cloudconvert.FromURL("https://example.com/photo.png"),
		cloudconvert.Convert{OutputFormat: "jpg"},
		cloudconvert.ExportURL{Inline: true},
	), "photo")

	fmt.Println(strings.HasPrefix(url, base), err)
	// Output: true <nil>
}
