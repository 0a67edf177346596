package cloudconvert_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// A webhook handler, and how to test it: sign what you send to it.
func ExampleWebhookHandler() {
	secret := "the SigningSecret of the webhook"
	handle := func(_ context.Context, event *cloudconvert.WebhookEvent) error {
		switch event.Event {
		case cloudconvert.EventJobFinished:
			fmt.Println(event.Job.Tag, "has finished")
		case cloudconvert.EventJobFailed:
			fmt.Println(event.Job.Tag, "has failed")
		default: // not asked for
		}
		return nil // an error would have it delivered again
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
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		fmt.Println(answer.Code)
	}
	// Output:
	// invoice-42 has finished
	// 204
	// 400
}

// A handler for the WebhookURL of jobs, and a secret in its path instead of signatures.
func ExampleWebhooksService_UnsignedHandler() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		mux := http.NewServeMux()
		public := httptest.NewServer(mux)
		defer public.Close()

		client := server.Client()
		secret := rand.Text() // the same for all jobs: keep it with the API key
		ended := make(chan struct{})
		handler, err := client.Webhooks.UnsignedHandler(func(_ context.Context, event *cloudconvert.WebhookEvent) error {
			if event.Job.Tag != "invoice-42" {
				return nil // a job of the account, but not one of these
			}
			fmt.Println(event.Event, event.Job.Files()[0].Filename)
			close(ended)
			return nil
		})
		if err != nil {
			return err
		}
		mux.Handle("/hook/"+secret, handler)

		request := cloudconvert.Pipeline(
			cloudconvert.ImportURL{URL: "https://example.com/photo.png"},
			cloudconvert.Convert{OutputFormat: "jpg"},
			cloudconvert.ExportURL{},
		)
		request.Tag, request.WebhookURL = "invoice-42", public.URL+"/hook/"+secret
		if _, err := client.Jobs.Create(ctx, request); err != nil {
			return err
		}
		<-ended
		return nil
	})
	// Output:
	// job.finished photo.jpg
}

// Waiting for jobs by webhook, in a program that runs a server.
func ExampleWebhookWaiter() {
	offline(func(ctx context.Context, server *cloudconverttest.Server) error {
		mux := http.NewServeMux()
		public := httptest.NewServer(mux)
		defer public.Close()

		client := server.Client()
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
		mux.Handle("/hook", handler)

		job, err := client.Jobs.Create(ctx, cloudconvert.Pipeline(
			cloudconvert.ImportURL{URL: "https://example.com/photo.png"},
			cloudconvert.Convert{OutputFormat: "jpg"},
			cloudconvert.ExportURL{},
		))
		if err != nil {
			return err
		}
		job, err = waiter.Await(ctx, job.ID)
		if err != nil {
			return err
		}
		fmt.Println(job.Status, job.Files()[0].Filename)
		return nil
	})
	// Output:
	// finished photo.jpg
}

// An address that converts a file when a browser visits it.
func ExampleSignedURL() {
	offline(func(_ context.Context, server *cloudconverttest.Server) error {
		base, secret := server.SignedURLBase() // with the service: from the dashboard
		address, err := cloudconvert.SignedURL(base, secret, cloudconvert.Pipeline(
			cloudconvert.ImportURL{URL: "https://example.com/photo.png"},
			cloudconvert.Convert{OutputFormat: "jpg"},
			cloudconvert.ExportURL{Inline: true},
		), "photo")
		if err != nil {
			return err
		}
		fmt.Println(strings.HasPrefix(address, base))
		return nil
	})
	// Output:
	// true
}
