package cloudconvert_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// clientOver returns a client that sends everything through a transport.
func clientOver(t *testing.T, transport http.RoundTripper, opts ...cloudconvert.Option) *cloudconvert.Client {
	t.Helper()
	opts = append([]cloudconvert.Option{cloudconvert.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	client, err := cloudconvert.NewClient(testkit.Key, opts...)
	require.NoError(t, err)
	return client
}

// bare responds with no more than it is given.
func bare(resp http.Response) testkit.Reply {
	return func(req *http.Request) (*http.Response, error) {
		if req.Body != nil {
			if _, err := io.Copy(io.Discard, req.Body); err != nil {
				return nil, err
			}
		}
		bare := resp
		return &bare, nil
	}
}

// loud is a body that cannot be closed.
type loud struct{ io.Reader }

func (loud) Close() error { return errors.New("cannot close") }

// A change is made to a response before it is returned.
type change func(*http.Response)

// response is one with no more than is given.
func response(status int, body io.Reader, changes ...change) http.Response {
	r := http.Response{StatusCode: status}
	if body != nil {
		r.Body = loud{body}
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func unknown(r *http.Response) { r.ContentLength = -1 }

func TestUploadOverAnyTransport(t *testing.T) {
	t.Parallel()
	other, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://other.example.com/", http.NoBody)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		resp http.Response
		want string
	}{
		"status alone":           {response(201, nil), ""},
		"no length":              {response(200, strings.NewReader("ok"), unknown), ""},
		"length but no body":     {response(204, nil, func(r *http.Response) { r.ContentLength = 5 }), ""},
		"another request":        {response(201, nil, func(r *http.Response) { r.Request = other }), ""},
		"a redirect before":      {response(201, nil, func(r *http.Response) { r.Request = &http.Request{Response: new(response(302, nil))} }), ""},
		"body that fails":        {response(201, iotest.ErrReader(io.ErrUnexpectedEOF)), ""},
		"refused, status alone":  {response(403, nil), "403 Forbidden"},
		"processing":             {response(102, nil), "102 Processing"},
		"switching":              {response(101, strings.NewReader("raw")), "101 Switching"},
		"redirect, status alone": {response(307, nil), "307"},
		"page":                   {response(200, nil, func(r *http.Response) { r.Header = http.Header{"Content-Type": {"text/html"}} }), "an HTML page"},
		"no status":              {response(0, nil), "status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := clientOver(t, bare(tt.resp)).Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource())
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
}

// Recorders and mocks may not read the body.
func TestUploadNeedNotBeRead(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204, 400, 503} {
		for name, read := range map[string]int64{"nothing": 0, "a part": 50} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					asked := 0
					err := clientOver(t, testkit.Reply(func(req *http.Request) (*http.Response, error) {
						asked++
						_, err := io.CopyN(io.Discard, req.Body, read)
						return &http.Response{StatusCode: status}, err
					})).Tasks.Upload(t.Context(), testkit.WaitingTask(), textSource())
					switch {
					case status < 300 && read == 0:
						require.NoError(t, err)
						assert.Equal(t, 1, asked)
					case status < 300:
						require.ErrorContains(t, err, "after 50 of")
						assert.True(t, cloudconvert.IsRetryable(err))
						assert.Equal(t, 6, asked)
					default:
						require.ErrorContains(t, err, http.StatusText(status))
					}
				})
			})
		}
	}
}

// On a network, a response to the header alone is not one to the upload.
func TestUploadIgnoresEarlyResponses(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"transport": func(rt http.RoundTripper) http.RoundTripper { return rt },
		"wrapper":   func(rt http.RoundTripper) http.RoundTripper { return testkit.Reply(rt.RoundTrip) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var servers sync.WaitGroup
				transport := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					servers.Go(func() {
						_, _ = http.ReadRequest(bufio.NewReaderSize(server, 16))
						_, _ = io.WriteString(server, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
						_ = server.Close()
					})
					return client, nil
				}}
				client := clientOver(t, wrap(transport))
				err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromBytes("a.txt", make([]byte, 1<<20)))
				require.Error(t, err)
				assert.True(t, cloudconvert.IsRetryable(err), "%v", err)
				transport.CloseIdleConnections()
				servers.Wait()
			})
		})
	}
}

// A transport may read on after it has returned, and close even later. The caller may
// change the bytes once Upload has returned.
func TestUploadIsNotReadAfterwards(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 400, 0} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			t.Parallel()
			var readers sync.WaitGroup
			begun := make(chan struct{})
			var last io.ReadCloser
			client := clientOver(t, testkit.Reply(func(req *http.Request) (*http.Response, error) {
				last = req.Body
				readers.Go(func() {
					for first := true; ; first = false {
						if _, err := req.Body.Read(make([]byte, 10)); err != nil {
							return
						}
						if first {
							begun <- struct{}{}
						}
					}
				})
				<-begun
				if status == 0 {
					return nil, &net.OpError{Op: "read", Err: errors.New("reset")}
				}
				return &http.Response{StatusCode: status}, nil
			}), cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: -1}))
			content := bytes.Repeat([]byte("a"), 1<<20)
			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromBytes("a.txt", content))
			clear(content)
			if status != 201 { // which counts if all was read by then
				require.Error(t, err)
			}
			n, err := last.Read(make([]byte, 10))
			assert.Zero(t, n)
			require.Error(t, err)
			require.NoError(t, last.Close())
			readers.Wait()
		})
	}
}

func TestDownloadOverAnyTransport(t *testing.T) {
	t.Parallel()
	const text = "content"
	whole := func() io.Reader { return strings.NewReader(text) }
	http1 := func(r *http.Response) { r.ProtoMajor, r.ProtoMinor = 1, 1 }
	other, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://other.example.com/", http.NoBody)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		body    func() io.Reader
		status  int
		changes []change
		size    int
		want    string // of the error
	}{
		"status and body":       {body: whole, size: 7},
		"the same, no size":     {body: whole},
		"length unknown":        {body: whole, changes: []change{unknown}, size: 7},
		"length unknown to all": {body: whole, changes: []change{unknown}},
		"length in the header": {body: whole, size: 7, changes: []change{func(r *http.Response) {
			r.Header = http.Header{"Content-Length": {"7"}}
		}}},
		"HTTP/1.1, length 0": {body: whole, changes: []change{http1}, size: 7},
		"decoded":            {body: whole, changes: []change{http1, unknown, func(r *http.Response) { r.Uncompressed = true }}},
		"another request":    {body: whole, size: 7, changes: []change{func(r *http.Response) { r.Request = other }}},
		"EOF with the bytes": {body: func() io.Reader { return iotest.DataErrReader(whole()) }, size: 7},
		"byte by byte":       {body: func() io.Reader { return iotest.OneByteReader(whole()) }},
		"empty reads":        {body: func() io.Reader { return &hesitant{reader: whole()} }, size: 7},
		"no body":            {size: 7, changes: []change{func(r *http.Response) { r.ContentLength = 7 }}, want: "ended after 0 bytes"},
		"HTTP/1.1, no end":   {body: whole, changes: []change{http1, unknown}, want: "unknown file size"},
		"nothing for ever":   {body: func() io.Reader { return idle{} }, size: 7, want: io.ErrNoProgress.Error()},
		"refusal of nothing": {body: func() io.Reader { return idle{} }, status: 404, size: 7, want: "404"},
		"processing":         {status: 102, size: 7, want: "102"},
		"switching":          {body: whole, status: 101, size: 7, want: "101"},
		"redirect":           {status: 302, size: 7, want: "302"},
	} {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client := clientOver(t, testkit.Reply(func(req *http.Request) (*http.Response, error) {
						var body io.Reader
						if tt.body != nil {
							body = tt.body()
						}
						return bare(response(cmp.Or(tt.status, http.StatusOK), body, tt.changes...))(req)
					}))
					got, err := way.fetch(t, client, cloudconvert.File{Filename: "a.txt", Size: int64(tt.size), URL: "https://storage.example.com/a"})
					if tt.want != "" {
						require.ErrorContains(t, err, tt.want)
						return
					}
					require.NoError(t, err)
					assert.Equal(t, text, got)
				})
			})
		}
	}
}

// hesitant returns nothing from every other read.
type hesitant struct {
	reader io.Reader
	reads  int
}

func (h *hesitant) Read(p []byte) (int, error) {
	if h.reads++; h.reads%2 == 1 {
		return 0, nil
	}
	return h.reader.Read(p[:min(len(p), 2)])
}

// idle returns nothing from any read.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }
