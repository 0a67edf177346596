package cloudconvert_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// clientOver returns a client that sends everything through a transport.
func clientOver(t *testing.T, transport http.RoundTripper, opts ...cloudconvert.Option) *cloudconvert.Client {
	t.Helper()
	opts = append([]cloudconvert.Option{cloudconvert.WithHTTPClient(&http.Client{Transport: transport})}, opts...)
	client, err := cloudconvert.NewClient(testKey, opts...)
	require.NoError(t, err)
	return client
}

// bare responds with no more than it is given.
func bare(resp http.Response) roundTripper {
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

// loud is a body with an error for each call.
type loud struct{ io.Reader }

func (loud) Close() error { return errors.New("cannot close") }

func TestUploadOverAnyTransport(t *testing.T) {
	t.Parallel()
	other, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://other.example.com/", http.NoBody)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		resp http.Response
		want string
	}{
		"status alone":           {http.Response{StatusCode: 201}, ""},
		"no length":              {http.Response{StatusCode: 200, ContentLength: -1, Body: io.NopCloser(strings.NewReader("ok"))}, ""},
		"length but no body":     {http.Response{StatusCode: 204, ContentLength: 5}, ""},
		"another request":        {http.Response{StatusCode: 201, Request: other}, ""},
		"a redirect before":      {http.Response{StatusCode: 201, Request: &http.Request{Response: &http.Response{StatusCode: 302}}}, ""},
		"body that fails":        {http.Response{StatusCode: 201, Body: loud{iotest.ErrReader(io.ErrUnexpectedEOF)}}, ""},
		"refused, status alone":  {http.Response{StatusCode: 403}, "403 Forbidden"},
		"processing":             {http.Response{StatusCode: 102}, "102 Processing"},
		"switching":              {http.Response{StatusCode: 101, Body: io.NopCloser(strings.NewReader("raw"))}, "101 Switching"},
		"redirect, status alone": {http.Response{StatusCode: 307}, "307"},
		"page":                   {http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/html"}}}, "a page of HTML"},
		"no status":              {http.Response{}, "status"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				err := clientOver(t, bare(tt.resp)).Tasks.Upload(t.Context(), waitingTask(), textSource())
				if tt.want == "" {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, tt.want)
			})
		})
	}
}

// Recorders and mocks need not read what they do not send.
func TestUploadThatNothingReads(t *testing.T) {
	t.Parallel()
	for _, status := range []int{200, 201, 204, 400, 503} {
		for name, read := range map[string]int64{"nothing": 0, "a part": 50} {
			t.Run(fmt.Sprint(status, " ", name), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					asked := 0
					err := clientOver(t, roundTripper(func(req *http.Request) (*http.Response, error) {
						asked++
						_, err := io.CopyN(io.Discard, req.Body, read)
						return &http.Response{StatusCode: status}, err
					})).Tasks.Upload(t.Context(), waitingTask(), textSource())
					switch {
					case status < 300 && read == 0:
						require.NoError(t, err)
						assert.Equal(t, 1, asked)
					case status < 300:
						require.ErrorContains(t, err, "after 50 of")
						assert.True(t, cloudconvert.IsRetryable(err))
						assert.Equal(t, 6, asked)
					default:
						require.ErrorContains(t, err, fmt.Sprint(status))
					}
				})
			})
		}
	}
}

// On a network, a response to the header alone is not one to the upload.
func TestUploadAnsweredTooEarly(t *testing.T) {
	t.Parallel()
	for name, wrap := range map[string]func(http.RoundTripper) http.RoundTripper{
		"transport": func(rt http.RoundTripper) http.RoundTripper { return rt },
		"wrapper":   func(rt http.RoundTripper) http.RoundTripper { return roundTripper(rt.RoundTrip) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var servers sync.WaitGroup
				transport := &http.Transport{DialTLSContext: func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					servers.Go(func() {
						_, err := http.ReadRequest(bufio.NewReaderSize(server, 16))
						assert.NoError(t, err)
						_, _ = io.WriteString(server, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
						_ = server.Close()
					})
					return client, nil
				}}
				client := clientOver(t, wrap(transport))
				err := client.Tasks.Upload(t.Context(), waitingTask(), cloudconvert.FromBytes("a.txt", make([]byte, 1<<20)))
				require.Error(t, err)
				assert.True(t, cloudconvert.IsRetryable(err), "%v", err)
				transport.CloseIdleConnections()
				servers.Wait()
			})
		})
	}
}

// A transport may read on when it has returned, and close later still. The caller
// may change the bytes once Upload has returned.
func TestUploadIsNotReadAfterwards(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 400, 0} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			var readers sync.WaitGroup
			begun := make(chan struct{})
			var last io.ReadCloser
			client := clientOver(t, roundTripper(func(req *http.Request) (*http.Response, error) {
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
			require.Error(t, client.Tasks.Upload(t.Context(), waitingTask(), cloudconvert.FromBytes("a.txt", content)))
			clear(content)
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
	body := func(reader io.Reader) io.ReadCloser { return io.NopCloser(reader) }
	other, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://other.example.com/", http.NoBody)
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		resp func() http.Response
		size int
		want string // of the error
	}{
		"status and body":   {func() http.Response { return http.Response{StatusCode: 200, Body: body(strings.NewReader(text))} }, 7, ""},
		"the same, no size": {func() http.Response { return http.Response{StatusCode: 200, Body: body(strings.NewReader(text))} }, 0, ""},
		"length unknown": {func() http.Response {
			return http.Response{StatusCode: 200, ContentLength: -1, Body: body(strings.NewReader(text))}
		}, 7, ""},
		"length unknown to all": {func() http.Response {
			return http.Response{StatusCode: 200, ContentLength: -1, Body: body(strings.NewReader(text))}
		}, 0, ""},
		"length in the header": {func() http.Response {
			return http.Response{StatusCode: 200, Header: http.Header{"Content-Length": {"7"}}, Body: body(strings.NewReader(text))}
		}, 7, ""},
		"HTTP/1.1, length 0": {func() http.Response {
			return http.Response{StatusCode: 200, ProtoMajor: 1, ProtoMinor: 1, Body: body(strings.NewReader(text))}
		}, 7, ""},
		"decoded": {func() http.Response {
			return http.Response{StatusCode: 200, ProtoMajor: 1, ContentLength: -1, Uncompressed: true, Body: body(strings.NewReader(text))}
		}, 0, ""},
		"another request": {func() http.Response {
			return http.Response{StatusCode: 200, Request: other, Body: body(strings.NewReader(text))}
		}, 7, ""},
		"EOF with the bytes": {func() http.Response {
			return http.Response{StatusCode: 200, Body: body(iotest.DataErrReader(strings.NewReader(text)))}
		}, 7, ""},
		"byte by byte": {func() http.Response {
			return http.Response{StatusCode: 200, Body: body(iotest.OneByteReader(strings.NewReader(text)))}
		}, 0, ""},
		"empty reads": {func() http.Response {
			return http.Response{StatusCode: 200, Body: body(&hesitant{reader: strings.NewReader(text)})}
		}, 7, ""},
		"loud close":         {func() http.Response { return http.Response{StatusCode: 200, Body: loud{strings.NewReader(text)}} }, 7, ""},
		"no body, empty":     {func() http.Response { return http.Response{StatusCode: 200} }, 0, "empty"},
		"no body":            {func() http.Response { return http.Response{StatusCode: 200, ContentLength: 7} }, 7, "ended after 0 bytes"},
		"nothing for ever":   {func() http.Response { return http.Response{StatusCode: 200, Body: body(idle{})} }, 7, io.ErrNoProgress.Error()},
		"refusal of nothing": {func() http.Response { return http.Response{StatusCode: 404, Body: body(idle{})} }, 7, "404"},
		"processing":         {func() http.Response { return http.Response{StatusCode: 102} }, 7, "102"},
		"switching":          {func() http.Response { return http.Response{StatusCode: 101, Body: body(strings.NewReader(text))} }, 7, "101"},
		"redirect":           {func() http.Response { return http.Response{StatusCode: 302} }, 7, "302"},
	} {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					client := clientOver(t, roundTripper(func(req *http.Request) (*http.Response, error) { return bare(tt.resp())(req) }))
					got, err := way.fetch(t, client, cloudconvert.File{Filename: "a.txt", Size: int64(tt.size), URL: "https://storage.example.com/a"})
					if tt.want != "" && tt.want != "empty" {
						require.ErrorContains(t, err, tt.want)
						return
					}
					require.NoError(t, err)
					assert.Equal(t, map[bool]string{true: "", false: text}[tt.want == "empty"], got)
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
