package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/events"
)

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

// buffer is an output that can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// world is a fake S3 and a fake CloudConvert that reads and writes its objects.
type world struct {
	s3             *fakeS3
	server         *cloudconverttest.Server
	stdout, stderr buffer
	token          string // of the credentials for the service
	gate           chan struct{}
}

// day is when objects are put, unless a test says otherwise.
var day = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

func newWorld(t *testing.T, opts ...cloudconverttest.Option) *world {
	t.Helper()
	w := &world{s3: newFakeS3(), server: cloudconverttest.NewServer(opts...), token: "first-token"}
	t.Cleanup(w.server.Close)
	w.serve(w.server)
	return w
}

// serve lets the server read and write the objects.
func (w *world) serve(server *cloudconverttest.Server) {
	server.Handle("import/s3", func(_ context.Context, run *cloudconverttest.Run) error {
		o, ok := w.s3.get(run.Text("bucket"), run.Text("key"))
		if !ok || run.Text("access_key_id") != "SERVICE" || run.Text("secret_access_key") != "service-secret" {
			return cloudconverttest.Fail("DOWNLOAD_FAILED", "access denied")
		}
		return run.Write(path.Base(run.Text("key")), []byte(o.content))
	})
	server.HandleConvert("docx", "pdf", func(ctx context.Context, run *cloudconverttest.Run) error {
		if w.gate != nil {
			select {
			case <-w.gate:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		content, err := os.ReadFile(run.Input().Path)
		if err != nil {
			return err
		}
		switch string(content) {
		case "broken":
			return cloudconverttest.Fail("OPEN_FAILED", "not a \x1b[2J document")
		case "two":
			if err := run.Write("second.pdf", content); err != nil {
				return err
			}
		}
		return run.Write(run.OutputName(run.Input()), append([]byte("%PDF of "), content...))
	})
	server.Handle("export/s3", func(_ context.Context, run *cloudconverttest.Run) error {
		content, err := os.ReadFile(run.Input().Path)
		if err != nil {
			return err
		}
		w.s3.put(run.Text("bucket"), run.Text("key"), string(content), time.Now())
		return nil
	})
}

// config is the AWS configuration of the lister.
func (w *world) config() aws.Config {
	return aws.Config{
		Region: "eu-central-1", HTTPClient: w.s3, BaseEndpoint: aws.String("http://s3.test"),
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "LISTER", SecretAccessKey: "lister-secret"}, nil
		}),
	}
}

// converter returns a converter with new outputs.
func (w *world) converter(t *testing.T, args ...string) *converter {
	t.Helper()
	s, err := parse(append(args, "-to=pdf", "-service-profile=service", "s3://in/docs", "s3://out/pdfs"))
	require.NoError(t, err)
	client := w.server.Client()
	listener, err := events.New(client, events.WithURL(w.server.EventsURL))
	require.NoError(t, err)
	w.stdout.b.Reset()
	w.stderr.b.Reset()
	c := &converter{
		settings: s, client: client, listener: listener, started: time.Now(), stdout: &w.stdout, stderr: &w.stderr,
		sources: newS3(w.config(), "eu-central-1"), results: newS3(w.config(), "us-east-1"),
		credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "SERVICE", SecretAccessKey: "service-secret", SessionToken: w.token}, nil
		}),
	}
	c.from.region, c.to.region = "eu-central-1", "us-east-1"
	return c
}

// run runs a converter. A run that is not the first of its world does not wait for
// requests of another one.
func (w *world) run(t *testing.T, args ...string) error {
	t.Helper()
	c := w.converter(t, append(args, "-fresh")...)
	defer c.close()
	return c.run(t.Context())
}

// puts counts how often each key of the destination was stored.
func (w *world) puts() map[string]int {
	counts := map[string]int{}
	for _, key := range w.s3.list("out") {
		o, _ := w.s3.get("out", key)
		counts[key] = o.puts
	}
	return counts
}

// creations counts the jobs that were created.
func (w *world) creations() int { return w.successes(http.MethodPost) }

// lookups counts the searches for jobs under a key.
func (w *world) lookups() int { return w.successes(http.MethodGet) }

// successes counts the requests to /v2/jobs.
func (w *world) successes(method string) int {
	n := 0
	for _, r := range w.server.Requests() {
		if r.Method == method && r.Path == "/v2/jobs" && r.Status/100 == 2 {
			n++
		}
	}
	return n
}

func (w *world) fill(n int) {
	for i := range n {
		w.s3.put("in", fmt.Sprintf("docs/%02d.docx", i), fmt.Sprint("document ", i), day)
	}
}
