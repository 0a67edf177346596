package acceptance_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// roundTrip is the time that bytes take to a distant server and back.
const roundTrip = 30 * time.Millisecond

// BenchmarkDistance compares the package with plain code of net/http that speaks
// HTTP/1.1, over TLS, with a round trip of 30 ms, and servers that offer HTTP/2.
// The client of the package has its own transport, or one of the caller's that
// takes HTTP/2 where it can. Each iteration does the work once by each of the
// three, and what is reported are the medians. nginx must be installed.
//
//	go test -run '^$' -bench BenchmarkDistance -benchtime 11x ./internal/acceptance
func BenchmarkDistance(b *testing.B) {
	for _, server := range []struct {
		name  string
		start func(testing.TB) *distantServer
	}{{"go", newDistantGo}, {"nginx", newDistantNginx}} {
		b.Run(server.name, func(b *testing.B) {
			distant := server.start(b)
			large, medium := testkit.NewSparseFile(b, largeFile), testkit.NewSparseFile(b, mediumFile)
			small := filepath.Join(b.TempDir(), "small.bin")
			require.NoError(b, os.WriteFile(small, make([]byte, smallFile), 0o600))
			for _, work := range []struct {
				name string
				do   func(ctx context.Context, d distantClient) error
			}{
				{"upload 64 MiB", func(ctx context.Context, d distantClient) error { return d.upload(ctx, large) }},
				{"download 64 MiB", func(ctx context.Context, d distantClient) error { return d.download(ctx, largeFile) }},
				{"48 files of 4 MiB, 16 at once", func(ctx context.Context, d distantClient) error {
					return eachOf(48, 16, func(int) error { return d.upload(ctx, medium) })
				}},
				{"10 kB inline", func(ctx context.Context, d distantClient) error { return d.convert(ctx, true, small) }},
				{"10 kB uploaded", func(ctx context.Context, d distantClient) error { return d.convert(ctx, false, small) }},
			} {
				b.Run(work.name, func(b *testing.B) { compareDistant(b, distant, work.do) })
			}
		})
	}
}

const (
	largeFile  = 64 << 20
	mediumFile = 4 << 20
)

// compareDistant does the same by each client in turn and reports the medians.
func compareDistant(b *testing.B, server *distantServer, do func(context.Context, distantClient) error) {
	b.Helper()
	clients := map[string]distantClient{
		"plain":  newPlain(b, server),
		"sdk":    newDistantSDK(b, server, false),
		"caller": newDistantSDK(b, server, true),
	}
	order := []string{"plain", "sdk", "caller"}
	for _, name := range order { // connections are there, as in a service
		require.NoError(b, do(b.Context(), clients[name]), name)
	}
	times := map[string][]time.Duration{}
	for b.Loop() {
		for _, name := range order {
			begun := time.Now()
			require.NoError(b, do(b.Context(), clients[name]), name)
			times[name] = append(times[name], time.Since(begun))
		}
		// A client that always followed the same one would gain or lose by what that leaves.
		rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	}
	b.ReportMetric(0, "ns/op")
	for _, name := range order {
		slices.Sort(times[name])
		median := times[name][len(times[name])/2]
		b.ReportMetric(float64(median.Microseconds())/1000, name+"-ms")
	}
}

// distantClient does what is compared.
type distantClient interface {
	upload(ctx context.Context, path string) error
	download(ctx context.Context, size int64) error
	// convert converts a file within the job, or uploads it, and saves the result.
	convert(ctx context.Context, inline bool, path string) error
}

// distantServer is as much of the service as the clients need: jobs end at once,
// and a file is as long as its name says.
type distantServer struct {
	url  string
	cert *x509.Certificate
}

func (s *distantServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return
	}
	switch kind, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); kind {
	case "files":
		size, err := strconv.ParseInt(rest, 10, 64)
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		w.Header().Set("Content-Length", rest)
		w.Header().Set("ETag", `"`+rest+`"`)
		_, _ = io.CopyBuffer(struct{ io.Writer }{w}, io.LimitReader(testkit.Zeros{}, size), make([]byte, 256<<10))
	case "upload":
		w.WriteHeader(http.StatusCreated)
	default:
		status := "finished"
		if r.Method == http.MethodPost && kind == "v2" {
			status = "waiting"
		}
		_, _ = fmt.Fprintf(w, `{"data": {"id": "1", "status": %q, "tasks": [
			{"id": "1-1", "name": "source", "operation": "import/upload", "status": %q, "result": {"form": {"url": %q, "parameters": {"key": "1"}}}},
			{"id": "1-2", "name": "export-convert", "operation": "export/url", "status": %q, "result": {"files": [
				{"filename": "out.out", "size": %d, "url": %q}]}}]}}`,
			status, status, s.url+"/upload", status, smallFile, s.url+"/files/"+strconv.Itoa(smallFile))
	}
}

// newDistantGo is a server of Go's.
func newDistantGo(tb testing.TB) *distantServer {
	tb.Helper()
	s := &distantServer{}
	server := httptest.NewUnstartedServer(s)
	server.EnableHTTP2 = true
	server.StartTLS()
	tb.Cleanup(server.Close)
	s.cert = server.Certificate()
	s.url = "https://" + delayed(tb, server.Listener.Addr().String())
	return s
}

// newDistantNginx is the same behind nginx.
func newDistantNginx(tb testing.TB) *distantServer {
	tb.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		tb.Skip("nginx is not installed")
	}
	s := &distantServer{}
	behind := httptest.NewServer(s)
	tb.Cleanup(behind.Close)
	certified := httptest.NewTLSServer(http.NotFoundHandler())
	tb.Cleanup(certified.Close)
	s.cert = certified.Certificate()
	dir := tb.TempDir()
	writeKeyPair(tb, dir, certified.TLS.Certificates[0])
	address := freeAddress(tb)
	config := fmt.Sprintf(`daemon off; master_process off; pid %[1]s/pid; error_log %[1]s/error.log;
events { worker_connections 512; }
http {
	access_log off; client_body_temp_path %[1]s/b; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f;
	uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s; client_max_body_size 0;
	server {
		listen %[2]s ssl http2; ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
		location / { proxy_pass %[3]s; proxy_http_version 1.1; proxy_request_buffering off; proxy_buffering off; }
	}
}`, dir, address, behind.URL)
	require.NoError(tb, os.WriteFile(filepath.Join(dir, "nginx.conf"), []byte(config), 0o600))
	ctx, cancel := context.WithCancel(tb.Context())
	nginx := exec.CommandContext(ctx, program, "-c", filepath.Join(dir, "nginx.conf"), "-p", dir, "-e", filepath.Join(dir, "error.log"))
	require.NoError(tb, nginx.Start())
	tb.Cleanup(func() {
		cancel()
		_ = nginx.Wait() // it was killed
	})
	awaitAddress(tb, address)
	s.url = "https://" + delayed(tb, address)
	return s
}

func writeKeyPair(tb testing.TB, dir string, pair tls.Certificate) {
	tb.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	require.NoError(tb, err)
	for name, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: pair.Certificate[0]},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		require.NoError(tb, os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600))
	}
}

func freeAddress(tb testing.TB) string {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, listener.Close())
	return listener.Addr().String()
}

// awaitAddress waits until a server accepts connections.
func awaitAddress(tb testing.TB, address string) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		conn, err := new(net.Dialer).DialContext(tb.Context(), "tcp", address)
		return err == nil && conn.Close() == nil
	}, 10*time.Second, 20*time.Millisecond)
}

// delayed returns the address of a relay to another address. Bytes take half of the
// round trip each way, and a new connection takes one.
func delayed(tb testing.TB, target string) string {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				pauseFor(roundTrip)
				far, err := new(net.Dialer).DialContext(tb.Context(), "tcp", target)
				if err != nil {
					_ = near.Close()
					return
				}
				go carry(far, near)
				carry(near, far)
			}()
		}
	}()
	return listener.Addr().String()
}

func pauseFor(d time.Duration) { <-time.After(d) }

// carry hands bytes on after half of the round trip.
func carry(to, from net.Conn) {
	queue := make(chan testkit.Packet, 512)
	go func() {
		defer close(queue)
		for {
			buffer := make([]byte, 256<<10)
			n, err := from.Read(buffer)
			if n > 0 {
				queue <- testkit.Packet{Data: buffer[:n], Arrives: time.Now().Add(roundTrip / 2)}
			}
			if err != nil {
				return
			}
		}
	}()
	for p := range queue {
		pauseFor(time.Until(p.Arrives))
		if _, err := to.Write(p.Data); err != nil {
			break
		}
	}
	_ = from.Close()
	for range queue { // what was read and cannot be delivered any more
	}
	_ = to.Close()
}

// trusting returns a transport that trusts the server.
func (s *distantServer) trusting(tb testing.TB) *http.Transport {
	tb.Helper()
	pool := x509.NewCertPool()
	pool.AddCert(s.cert)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	transport.TLSClientConfig = &tls.Config{RootCAs: pool, ServerName: "example.com", MinVersion: tls.VersionTLS12}
	tb.Cleanup(transport.CloseIdleConnections)
	return transport
}

// distantSDK is this package.
type distantSDK struct {
	client *cloudconvert.Client
	server *distantServer
}

func newDistantSDK(b *testing.B, server *distantServer, callers bool) distantClient {
	b.Helper()
	opts := []cloudconvert.Option{cloudconvert.WithBaseURLs(server.url+"/v2", server.url+"/sync/v2")}
	transport := server.trusting(b)
	if callers {
		opts = append(opts, cloudconvert.WithHTTPClient(&http.Client{Transport: transport}))
	} else {
		standard := http.DefaultTransport
		http.DefaultTransport = transport // what the own transport is made of
		defer func() { http.DefaultTransport = standard }()
	}
	client, err := cloudconvert.NewClient(testkit.Key, opts...)
	require.NoError(b, err)
	b.Cleanup(client.CloseIdleConnections)
	return &distantSDK{client, server}
}

func (d *distantSDK) upload(ctx context.Context, path string) error {
	return d.client.Tasks.Upload(ctx, cloudconvert.Task{
		ID: "1-1", Operation: cloudconvert.OperationImportUpload, Status: cloudconvert.StatusWaiting,
		Result: cloudconvert.TaskResult{Form: &cloudconvert.UploadForm{URL: d.server.url + "/upload"}},
	}, cloudconvert.FromFile(path))
}

func (d *distantSDK) download(ctx context.Context, size int64) error {
	file := cloudconvert.File{Filename: "file", Size: size, URL: d.server.url + "/files/" + strconv.FormatInt(size, 10)}
	_, err := d.client.Download(ctx, file, io.Discard)
	return err
}

func (d *distantSDK) convert(ctx context.Context, inline bool, path string) error {
	opts := []cloudconvert.ConvertOption{cloudconvert.WithOverwrite()}
	if !inline {
		opts = append(opts, cloudconvert.WithInlineLimit(0))
	}
	_, err := d.client.ConvertFile(ctx, path, strings.TrimSuffix(path, ".bin")+".out", opts...)
	return err
}

// distantPlain is net/http and nothing else.
type distantPlain struct{ *raw }

func newPlain(b *testing.B, server *distantServer) distantClient {
	b.Helper()
	transport := server.trusting(b)
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	return &distantPlain{&raw{client: &http.Client{Transport: transport}, api: server.url + "/v2", sync: server.url + "/sync/v2"}}
}

func (p *distantPlain) origin() string { return strings.TrimSuffix(p.api, "/v2") }

func (p *distantPlain) upload(ctx context.Context, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	return p.post(ctx, filepath.Base(path), file, info.Size())
}

// post sends a form with a file in it and its exact length.
func (p *distantPlain) post(ctx context.Context, name string, file io.Reader, size int64) error {
	var form bytes.Buffer
	writer := multipart.NewWriter(&form)
	_, err := writer.CreateFormFile("file", name)
	if err != nil {
		return err
	}
	prefix := bytes.Clone(form.Bytes())
	if err := writer.Close(); err != nil {
		return err
	}
	suffix := form.Bytes()[len(prefix):]
	body := io.MultiReader(bytes.NewReader(prefix), file, bytes.NewReader(suffix))
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.origin()+"/upload", body)
	if err != nil {
		return err
	}
	request.ContentLength = int64(form.Len()) + size
	request.Header.Set("Content-Type", writer.FormDataContentType())
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return drained(response)
}

func (p *distantPlain) download(ctx context.Context, size int64) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.origin()+"/files/"+strconv.FormatInt(size, 10), http.NoBody)
	if err != nil {
		return err
	}
	response, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return drained(response)
}

func (p *distantPlain) convert(ctx context.Context, inline bool, path string) error {
	way := p.convertUploaded
	if inline {
		way = p.raw.convert
	}
	return way(ctx, path, strings.TrimSuffix(path, ".bin")+".plain")
}
