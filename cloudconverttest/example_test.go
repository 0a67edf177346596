package cloudconverttest_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func Example() {
	server := cloudconverttest.NewServer()
	defer server.Close()
	server.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write(run.OutputName(run.Input()), []byte("%PDF-1.7"))
	})

	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	source, result := filepath.Join(dir, "report.docx"), filepath.Join(dir, "report.pdf")
	if err := os.WriteFile(source, []byte("a document"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	// The program under test.
	if _, err := server.Client().ConvertFile(context.Background(), source, result); err != nil {
		fmt.Println(err)
		return
	}

	content, err := os.ReadFile(result)
	fmt.Println(string(content), err)
	fmt.Println(len(server.Jobs()), "job")
	// Output:
	// %PDF-1.7 <nil>
	// 1 job
}

func ExampleWithHTTP2() {
	server := cloudconverttest.NewServer(cloudconverttest.WithHTTP2())
	defer server.Close()

	// The transport of the program under test. It trusts the certificate of the server.
	trusting, ok := server.HTTPClient().Transport.(*http.Transport)
	if !ok {
		return
	}
	transport := trusting.Clone()
	transport.IdleConnTimeout = time.Minute
	defer transport.CloseIdleConnections()

	client := server.Client(cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
	user, err := client.Users.Me(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.Credits, "credits")
	fmt.Println(strings.HasPrefix(server.URL, "https://"))
	// Output:
	// 1000 credits
	// true
}
