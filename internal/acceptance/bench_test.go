package acceptance_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// smallFile is the size of the files of the benchmarks.
const smallFile = 10 << 10

// benchServer converts anything at once, so that what is measured are the
// requests.
func benchServer(tb testing.TB) *cloudconverttest.Server {
	tb.Helper()
	server := cloudconverttest.NewServer()
	tb.Cleanup(server.Close)
	result := []byte(testkit.Content(smallFile))
	server.HandleConvert("*", "*", func(_ context.Context, run *cloudconverttest.Run) error {
		return run.Write(run.OutputName(run.Input()), result)
	})
	return server
}

// raw converts with package net/http and nothing else: what a program does
// that was written for the purpose and hopes that nothing goes wrong.
type raw struct {
	client         *http.Client
	api, sync, key string
}

func newRaw(b *testing.B, server *cloudconverttest.Server, over *testkit.Link) *raw {
	b.Helper()
	standard, ok := http.DefaultTransport.(*http.Transport)
	require.True(b, ok)
	transport := standard.Clone()
	transport.MaxIdleConnsPerHost = 32
	if over != nil {
		transport = over.Over(b, transport)
	}
	b.Cleanup(transport.CloseIdleConnections)
	return &raw{client: &http.Client{Transport: transport}, api: server.URL, sync: server.SyncURL, key: server.Key()}
}

// rawJob is as much of a job as raw needs to know.
type rawJob struct {
	Data struct {
		ID     string
		Status string
		Tasks  []struct {
			Name   string
			Result struct {
				Files []struct{ URL string }
				Form  struct {
					URL        string
					Parameters map[string]any
				}
			}
		}
	}
}

type object = map[string]any

// call makes one request of the API.
func (r *raw) call(ctx context.Context, method, address string, in object) (*rawJob, error) {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return nil, err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, address, &body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var job rawJob
	return &job, errors.Join(json.NewDecoder(resp.Body).Decode(&job), drained(resp)) //nolint:musttag // the names of the fields are those of the wire.
}

// drained reads a response to its end, so that the connection can be reused.
func drained(resp *http.Response) error {
	_, err := io.Copy(io.Discard, resp.Body)
	if resp.StatusCode >= http.StatusMultipleChoices {
		err = errors.Join(err, errors.New(resp.Status))
	}
	return err
}

// job is the same that the package makes.
func (*raw) job(source object) object {
	return object{"tag": "raw", "tasks": object{
		"source":         source,
		"convert":        object{"operation": "convert", "input": []string{"source"}, "output_format": "out"},
		"export-convert": object{"operation": "export/url", "input": []string{"convert"}},
	}}
}

// convert converts in two requests.
func (r *raw) convert(ctx context.Context, src, dst string) error {
	file, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	job, err := r.call(ctx, http.MethodPost, r.sync+"/jobs", r.job(object{
		"operation": "import/base64", "file": base64.StdEncoding.EncodeToString(file), "filename": filepath.Base(src),
	}))
	if err != nil {
		return err
	}
	return r.fetch(ctx, job, dst)
}

// convertUploaded converts in four.
func (r *raw) convertUploaded(ctx context.Context, src, dst string) error {
	file, err := os.ReadFile(src)
	if err != nil {
		return err
	}
	job, err := r.call(ctx, http.MethodPost, r.api+"/jobs", r.job(object{"operation": "import/upload"}))
	if err != nil {
		return err
	}
	if err := r.upload(ctx, job, filepath.Base(src), file); err != nil {
		return err
	}
	if job, err = r.call(ctx, http.MethodGet, r.sync+"/jobs/"+job.Data.ID, nil); err != nil {
		return err
	}
	return r.fetch(ctx, job, dst)
}

func (r *raw) upload(ctx context.Context, job *rawJob, name string, file []byte) error {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	var address string
	for _, task := range job.Data.Tasks {
		if task.Name != "source" {
			continue
		}
		address = task.Result.Form.URL
		for name, value := range task.Result.Form.Parameters {
			if err := form.WriteField(name, fmt.Sprint(value)); err != nil {
				return err
			}
		}
	}
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	_, err = part.Write(file)
	if err := errors.Join(err, form.Close()); err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, &body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", form.FormDataContentType())
	resp, err := r.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return drained(resp)
}

// fetch downloads the result.
func (r *raw) fetch(ctx context.Context, job *rawJob, dst string) error {
	var address string
	for _, task := range job.Data.Tasks {
		for _, file := range task.Result.Files {
			if file.URL != "" {
				address = file.URL
			}
		}
	}
	return saveRaw(ctx, r.client, address, dst)
}

// saveRaw downloads a file. Like the package it leaves a file that is on disk
// before it has its name: otherwise the disk is what would be measured.
func saveRaw(ctx context.Context, client *http.Client, address, dst string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	file, err := os.Create(dst + ".part")
	if err != nil {
		return err
	}
	_, err = io.Copy(file, resp.Body)
	if err := errors.Join(err, file.Sync(), file.Close(), os.Rename(dst+".part", dst)); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(dst))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// BenchmarkConvertSmall converts a file of 10 kB from disk to disk over open
// connections.
func BenchmarkConvertSmall(b *testing.B) {
	for _, network := range []struct {
		name string
		link func() *testkit.Link
	}{
		{"loopback", func() *testkit.Link { return nil }},
		{"link", testkit.NewLink},
	} {
		b.Run(network.name, func(b *testing.B) {
			b.Run("raw", func(b *testing.B) {
				server := benchServer(b)
				benchConvert(b, newRaw(b, server, network.link()).convert)
			})
			b.Run("sdk", func(b *testing.B) {
				server := benchServer(b)
				benchConvert(b, sdkConvert(benchClient(b, server, network.link())))
			})
			b.Run("raw-upload", func(b *testing.B) {
				server := benchServer(b)
				benchConvert(b, newRaw(b, server, network.link()).convertUploaded)
			})
			b.Run("sdk-upload", func(b *testing.B) {
				server := benchServer(b)
				benchConvert(b, sdkConvert(benchClient(b, server, network.link()), cloudconvert.WithInlineLimit(0)))
			})
		})
	}
}

func benchClient(b *testing.B, server *cloudconverttest.Server, over *testkit.Link) *cloudconvert.Client {
	b.Helper()
	if over == nil {
		return server.Client()
	}
	return server.Client(testkit.Linked(b, server)...)
}

func sdkConvert(client *cloudconvert.Client, opts ...cloudconvert.ConvertOption) func(ctx context.Context, src, dst string) error {
	return func(ctx context.Context, src, dst string) error {
		_, err := client.ConvertFile(ctx, src, dst, opts...)
		return err
	}
}

func benchConvert(b *testing.B, convert func(ctx context.Context, src, dst string) error) {
	b.Helper()
	dir := b.TempDir()
	src := filepath.Join(dir, "small.bin")
	require.NoError(b, os.WriteFile(src, []byte(testkit.Content(smallFile)), 0o600))
	require.NoError(b, convert(b.Context(), src, filepath.Join(dir, "first.out")))
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		if err := convert(b.Context(), src, filepath.Join(dir, strconv.Itoa(n)+".out")); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkRunAll converts 200 files, 16 concurrently.
func BenchmarkRunAll(b *testing.B) {
	const files, parallel = 200, 16
	b.Run("raw", func(b *testing.B) {
		server := benchServer(b)
		r := newRaw(b, server, nil)
		benchBatch(b, files, func(ctx context.Context, src, dst func(n int) string) error {
			return eachOf(files, parallel, func(n int) error { return r.convert(ctx, src(n), dst(n)) })
		})
	})
	b.Run("sdk", func(b *testing.B) {
		server := benchServer(b)
		client := server.Client()
		benchBatch(b, files, func(ctx context.Context, src, dst func(n int) string) error {
			var failures []error
			for result := range client.RunAll(ctx, numberedWorks(files, src, dst), cloudconvert.WithConcurrency(parallel)) {
				failures = append(failures, result.Err)
			}
			return errors.Join(failures...)
		})
	})
}

// numberedWorks are n works.
func numberedWorks(n int, src, dst func(n int) string) iter.Seq[cloudconvert.Work] {
	return func(yield func(cloudconvert.Work) bool) {
		for i := range n {
			if !yield(work(src(i), dst(i))) {
				return
			}
		}
	}
}

// work is the conversion of a file.
func work(src, dst string) cloudconvert.Work {
	return cloudconvert.Work{
		Request:     cloudconvert.Pipeline(cloudconvert.FromFile(src), cloudconvert.Convert{OutputFormat: "out"}),
		Destination: dst,
	}
}

// eachOf calls do for so many numbers, several at a time.
func eachOf(n, parallel int, do func(n int) error) error {
	var (
		workers  sync.WaitGroup
		mu       sync.Mutex
		failures []error
		numbers  = make(chan int)
	)
	for range parallel {
		workers.Go(func() {
			for n := range numbers {
				if err := do(n); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
				}
			}
		})
	}
	for i := range n {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	return errors.Join(failures...)
}

func benchBatch(b *testing.B, files int, convert func(ctx context.Context, src, dst func(n int) string) error) {
	b.Helper()
	dir := b.TempDir()
	src := func(n int) string { return filepath.Join(dir, fmt.Sprintf("%d.bin", n)) }
	for n := range files {
		require.NoError(b, os.WriteFile(src(n), []byte(testkit.Content(smallFile)), 0o600))
	}
	round := 0
	b.ReportAllocs()
	for b.Loop() {
		round++
		dst := func(n int) string { return filepath.Join(dir, fmt.Sprintf("%d-%d.out", round, n)) }
		if err := convert(b.Context(), src, dst); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(files*b.N)/b.Elapsed().Seconds(), "files/s")
}
