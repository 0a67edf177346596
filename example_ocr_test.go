package cloudconvert_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// maxScan is the maximum size of a scan in bytes.
const maxScan = 50 << 20

// recognizeText returns a handler that takes a scanned PDF and responds with a searchable
// one. Neither is written to disk.
func recognizeText(client *cloudconvert.Client) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		body := http.MaxBytesReader(w, r.Body, maxScan)
		job, err := client.Run(ctx, cloudconvert.Pipeline(
			cloudconvert.FromReader("scan.pdf", body).WithSize(r.ContentLength),
			cloudconvert.PDFOCR{Language: []string{"eng"}},
		))
		if err != nil {
			log.Print(err)
			http.Error(w, "the text could not be recognized", http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "application/pdf")
		if _, err := client.Download(ctx, job.Files()[0], w); err != nil {
			log.Print(err)
		}
	}
}

// Make scans searchable in a web server.
func ExampleSource_WithSize() {
	server := cloudconverttest.NewServer() // stands in for the service
	defer server.Close()
	server.Handle("pdf/ocr", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write("scan.pdf", []byte("a searchable PDF"))
	})
	handler := recognizeText(server.Client())

	request := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/ocr", strings.NewReader("a scan"))
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)

	fmt.Println(response.Code, response.Body)
	// Output: 200 a searchable PDF
}
