package cloudconvert_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// reportServer is a web service that converts reports. It does not wait for its jobs: a
// webhook reports their end.
type reportServer struct {
	client *cloudconvert.Client
}

// start starts a job and responds with its id.
func (s *reportServer) start(w http.ResponseWriter, r *http.Request) {
	request := cloudconvert.Pipeline(
		cloudconvert.FromReader("report.docx", r.Body).WithSize(r.ContentLength),
		cloudconvert.Convert{OutputFormat: "pdf"},
	)
	job, err := s.client.Start(r.Context(), request, cloudconvert.WithKey("order-"+r.PathValue("order")))
	if err != nil {
		log.Print(err)
		http.Error(w, "the report was not accepted", http.StatusBadGateway)
		return
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintln(w, job.ID)
}

// handle handles the end of a job. If it returns an error, the event is delivered again.
func (s *reportServer) handle(ctx context.Context, event *cloudconvert.WebhookEvent) error {
	order, ok := strings.CutPrefix(event.Job.Tag, "order-")
	if !ok {
		return nil // another job of the account
	}
	if event.Event != cloudconvert.EventJobFinished {
		fmt.Println(order, "has failed:", event.Job.Err())
		return nil
	}
	var pdf bytes.Buffer
	if _, err := s.client.Download(ctx, event.Job.Files()[0], &pdf); err != nil {
		return err
	}
	fmt.Println(order, "has finished:", pdf.String())
	return nil
}

// register adds the handlers of the service. The secret is the signing secret of the webhook.
func (s *reportServer) register(mux *http.ServeMux, secret string) error {
	webhook, err := cloudconvert.WebhookHandler(cloudconvert.OncePerEvent(s.handle, 1000), secret)
	if err != nil {
		return err
	}
	mux.HandleFunc("POST /orders/{order}/report", s.start)
	mux.Handle("POST /hook", webhook)
	return nil
}

// Start jobs in a web service and handle their end in a webhook.
func ExampleClient_Start() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("report.pdf", []byte("%PDF-1.7"))
	})
	client := server.Client()
	ctx := context.Background()

	mux := http.NewServeMux()
	public := httptest.NewServer(mux)
	defer public.Close()
	webhook, err := client.Webhooks.Create(ctx, cloudconvert.WebhookRequest{ // once, not at each start
		URL:    public.URL + "/hook",
		Events: []cloudconvert.Event{cloudconvert.EventJobFinished, cloudconvert.EventJobFailed},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	service := &reportServer{client: client}
	if err := service.register(mux, webhook.SigningSecret); err != nil {
		fmt.Println(err)
		return
	}

	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/orders/42/report", strings.NewReader("a report"))
	response := httptest.NewRecorder()
	mux.ServeHTTP(response, request)
	if err := server.WaitIdle(ctx); err != nil { // the webhook has been delivered
		fmt.Println(err)
	}
	fmt.Println(response.Code)
	// Output:
	// 42 has finished: %PDF-1.7
	// 202
}
