package acceptance_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// canned is a service that responds at once with what does not change, so that only the
// work of the client is measured.
type canned struct{ created, ended, file []byte }

func newCanned() *canned {
	task := func(name, operation, status, rest string) string {
		return `{"id":"11111111-aaaa-4bbb-8ccc-00000000000` + strconv.Itoa(len(name)%10) + `","name":"` + name + `","job_id":"0f3a2c1e-5b6d-4c7e-8f90-1a2b3c4d5e6f",` +
			`"operation":"` + operation + `","status":"` + status + `","credits":0,"code":null,"message":null,"percent":100,` +
			`"created_at":"2026-09-14T08:15:30+00:00","started_at":"2026-09-14T08:15:31+00:00","ended_at":"2026-09-14T08:15:40+00:00",` +
			`"retry_of_task_id":null,"copy_of_task_id":null,"user_id":4711,"priority":10,"host_name":"karla","storage":"ceph-fra","region":"eu-central",` +
			`"depends_on_task_ids":[],"result":` + rest + `}`
	}
	job := func(status string, tasks ...string) []byte {
		return []byte(`{"data":{"id":"0f3a2c1e-5b6d-4c7e-8f90-1a2b3c4d5e6f","tag":"a","status":"` + status + `",` +
			`"created_at":"2026-09-14T08:15:30+00:00","started_at":null,"ended_at":null,"tasks":[` + strings.Join(tasks, ",") + `]}}`)
	}
	file := `{"files":[{"filename":"small.out","size":` + strconv.Itoa(smallFile) + `,"url":"https://storage.example/small.out?X-Amz-Signature=0123456789abcdef"}]}`
	form := `{"form":{"url":"https://upload.example/1","parameters":{"acl":"private","key":"a/b/${filename}","success_action_status":"201",` +
		`"X-Amz-Credential":"k/20260914/eu/s3/aws4_request","X-Amz-Algorithm":"AWS4-HMAC-SHA256","X-Amz-Date":"20260914T081530Z","Policy":"` + strings.Repeat("a", 400) + `","X-Amz-Signature":"` + strings.Repeat("0", 64) + `"}}}`
	return &canned{
		created: job("waiting", task("source", "import/upload", "waiting", form), task("convert", "convert", "waiting", "null"), task("export-convert", "export/url", "waiting", "null")),
		ended:   job("finished", task("source", "import/upload", "finished", file), task("convert", "convert", "finished", file), task("export-convert", "export/url", "finished", file)),
		file:    []byte(testkit.Content(smallFile)),
	}
}

func (c *canned) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, err := io.Copy(io.Discard, req.Body)
		if err := errors.Join(err, req.Body.Close()); err != nil {
			return nil, err
		}
	}
	status, body := http.StatusOK, c.ended
	switch {
	case req.URL.Host == "storage.example":
		body = c.file
	case req.URL.Host == "upload.example":
		status, body = http.StatusCreated, nil
	case req.Method == http.MethodPost && !strings.HasPrefix(req.URL.Host, "sync."):
		status, body = http.StatusCreated, c.created
	}
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Content-Type": {"application/json"}, "X-Ratelimit-Limit": {"600"}, "X-Ratelimit-Remaining": {"500"}},
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}, nil
}

// BenchmarkOverhead compares what the client does for a conversion of 10 kB, from disk to
// disk, with plain net/http code over the same transport.
func BenchmarkOverhead(b *testing.B) {
	service := newCanned()
	plain := &raw{client: &http.Client{Transport: service}, api: "https://api.example/v2", sync: "https://sync.api.example/v2", key: "an-invented-key"}
	client, err := cloudconvert.NewClient("an-invented-key", cloudconvert.WithHTTPClient(&http.Client{Transport: service}),
		cloudconvert.WithBaseURLs("https://api.example/v2", "https://sync.api.example/v2"))
	require.NoError(b, err)
	b.Run("two requests", func(b *testing.B) {
		b.Run("raw", func(b *testing.B) { benchConvert(b, plain.convert) })
		b.Run("sdk", func(b *testing.B) { benchConvert(b, sdkConvert(client)) })
	})
	b.Run("four requests", func(b *testing.B) {
		b.Run("raw", func(b *testing.B) { benchConvert(b, plain.convertUploaded) })
		b.Run("sdk", func(b *testing.B) { benchConvert(b, sdkConvert(client, cloudconvert.WithInlineLimit(0))) })
	})
}
