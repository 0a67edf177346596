package cloudconvert_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// wrappings are ways to pass on a transport: as it is, and in a wrapper.
var wrappings = map[string]func(http.RoundTripper) http.RoundTripper{
	"transport": func(rt http.RoundTripper) http.RoundTripper { return rt },
	"wrapper":   func(rt http.RoundTripper) http.RoundTripper { return testkit.Reply(rt.RoundTrip) },
}

// A transfer that waits for a connection of another one has not stalled.
func TestTransfersShareAConnection(t *testing.T) {
	t.Parallel()
	const size = 20
	transfers := map[string]func(t *testing.T, client *cloudconvert.Client) error{
		"save": func(t *testing.T, client *cloudconvert.Client) error {
			t.Helper()
			var files []cloudconvert.File
			for n := range 4 {
				files = append(files, cloudconvert.File{Filename: strconv.Itoa(n), Size: size, URL: "http://127.0.0.1/file"})
			}
			_, err := client.Save(t.Context(), t.TempDir(), files)
			return err
		},
		"uploads": func(t *testing.T, client *cloudconvert.Client) error {
			t.Helper()
			task := testkit.WaitingTask()
			task.Result.Form.URL = "http://127.0.0.1/upload"
			errs := make([]error, 4)
			var group sync.WaitGroup
			for n := range errs {
				group.Go(func() {
					source := cloudconvert.FromReader("a.txt", lenOnly{&slowReader{strings.NewReader(testkit.Content(size)), time.Second}, size})
					errs[n] = client.Tasks.Upload(t.Context(), task, source)
				})
			}
			group.Wait()
			for _, err := range errs {
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	for transferred, transfer := range transfers {
		for wrapped, wrap := range wrappings {
			t.Run(transferred+"/"+wrapped, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					listener := newPipeListener()
					server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						_, _ = io.Copy(io.Discard, r.Body)
						w.Header().Set("Content-Length", strconv.Itoa(size))
						for range size {
							testkit.Advance(time.Second)
							_, _ = io.WriteString(w, "x")
							_ = http.NewResponseController(w).Flush()
						}
					})}
					go func() { _ = server.Serve(listener) }()
					transport := &http.Transport{MaxConnsPerHost: 1, DialContext: func(context.Context, string, string) (net.Conn, error) {
						return listener.connect(), nil
					}}
					client := clientOver(t, wrap(transport), cloudconvert.WithTransfers(cloudconvert.TransferPolicy{StallTimeout: 5 * time.Second, Resumptions: -1}))
					require.NoError(t, transfer(t, client))
					transport.CloseIdleConnections()
					require.NoError(t, server.Close())
				})
			})
		}
	}
}

// A connection that is never made is a stall, with and without a limit of connections.
func TestTransfersLeaveDialsThatHang(t *testing.T) {
	t.Parallel()
	transfers := map[string]func(ctx context.Context, client *cloudconvert.Client) error{
		"download": func(ctx context.Context, client *cloudconvert.Client) error {
			_, err := client.Download(ctx, cloudconvert.File{Filename: "a", Size: 4, URL: "https://storage.example.com/a"}, io.Discard)
			return err
		},
		"upload": func(ctx context.Context, client *cloudconvert.Client) error {
			return client.Tasks.Upload(ctx, testkit.WaitingTask(), textSource())
		},
	}
	for transferred, transfer := range transfers {
		for name, limit := range map[string]int{"reported": 1, "silent": 0} {
			t.Run(transferred+"/"+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					transport := &http.Transport{MaxConnsPerHost: limit, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
						if trace := httptrace.ContextClientTrace(ctx); limit > 0 && trace != nil && trace.ConnectStart != nil {
							trace.ConnectStart(network, address) // as a net.Dialer does
						}
						<-ctx.Done()
						return nil, ctx.Err()
					}}
					client := clientOver(t, transport, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 1}))
					start := time.Now()
					err := transfer(t.Context(), client)
					require.ErrorContains(t, err, "no byte moved in time (30s)")
					assert.InDelta(t, time.Minute, time.Since(start), float64(time.Second))
					transport.CloseIdleConnections()
				})
			})
		}
	}
}

// A dial that goes on while the content is read counts for nothing.
func TestDownloadWithALateDial(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storage := &memoryStorage{file: "0123456789", chunk: 4}
		client := newDownloader(t, cloudconvert.WithHTTPClient(&http.Client{Transport: testkit.Reply(func(req *http.Request) (*http.Response, error) {
			trace := httptrace.ContextClientTrace(req.Context())
			trace.GetConn("storage.example:443")
			time.AfterFunc(time.Minute, func() { trace.ConnectStart("tcp", "storage.example:443") })
			return storage.RoundTrip(req)
		})}))
		body, err := client.Open(t.Context(), storage.asFile())
		require.NoError(t, err)
		testkit.Advance(time.Hour)
		var got bytes.Buffer
		_, err = io.Copy(&got, body)
		require.NoError(t, err)
		assert.Equal(t, storage.file, got.String())
		assert.Len(t, storage.ranges, 1)
		require.NoError(t, body.Close())
	})
}
