package cloudconvert_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
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

// memoryStorage responds without sockets, which would stop the clock of a bubble.
// It returns chunk bytes at a time. The first stalls responses stall after a chunk.
type memoryStorage struct {
	file   string
	chunk  int
	pause  time.Duration // before each chunk
	stalls int
	silent bool // stalls before the response instead of in its body

	mu     sync.Mutex
	ranges []string
	bodies []*memoryBody
}

func (s *memoryStorage) RoundTrip(req *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ranges = append(s.ranges, req.Header.Get("Range"))
	stalls := s.stalls > 0
	s.stalls--
	if stalls && s.silent {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	from, _ := strconv.Atoi(strings.Trim(req.Header.Get("Range"), "bytes=-"))
	body := &memoryBody{ctx: req.Context(), rest: s.file[from:], storage: s, stalls: stalls}
	s.bodies = append(s.bodies, body)
	resp := &http.Response{
		StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: req,
		Header:        http.Header{"Etag": {storageTag}},
		ContentLength: int64(len(s.file) - from),
		Body:          body,
	}
	if from > 0 {
		resp.StatusCode = http.StatusPartialContent
		size := strconv.Itoa(len(s.file))
		resp.Header.Set("Content-Range", "bytes "+strconv.Itoa(from)+"-"+strconv.Itoa(len(s.file)-1)+"/"+size)
	}
	return resp, nil
}

type memoryBody struct {
	ctx     context.Context
	storage *memoryStorage
	rest    string
	given   bool
	stalls  bool
	closed  bool
}

func (b *memoryBody) Read(p []byte) (int, error) {
	if b.closed {
		return 0, errors.New("read after close")
	}
	if b.stalls && b.given {
		<-b.ctx.Done()
		return 0, b.ctx.Err()
	}
	if b.rest == "" {
		return 0, io.EOF
	}
	select {
	case <-time.After(b.storage.pause):
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
	n := copy(p, b.rest[:min(len(b.rest), b.storage.chunk)])
	b.rest, b.given = b.rest[n:], true
	return n, nil
}

func (b *memoryBody) Close() error {
	b.closed = true
	return nil
}

func (s *memoryStorage) client(t *testing.T, policy cloudconvert.TransferPolicy) *cloudconvert.Client {
	t.Helper()
	return newDownloader(t, cloudconvert.WithHTTPClient(&http.Client{Transport: s}), cloudconvert.WithTransfers(policy))
}

func (s *memoryStorage) asFile() cloudconvert.File {
	return cloudconvert.File{Filename: "a.pdf", Size: int64(len(s.file)), URL: "https://storage.example/a.pdf" + signedQuery}
}

func TestDownloadResumesWhenStalled(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		silent bool
		want   []string
	}{
		"before the response": {true, []string{"", "", ""}},
		"in the body":         {false, []string{"", "bytes=4-", "bytes=8-"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				storage := &memoryStorage{file: "0123456789", chunk: 4, stalls: 2, silent: test.silent}
				start := time.Now()
				var got bytes.Buffer
				_, err := storage.client(t, cloudconvert.TransferPolicy{StallTimeout: time.Minute}).Download(t.Context(), storage.asFile(), &got)
				require.NoError(t, err)
				assert.Equal(t, storage.file, got.String())
				assert.Equal(t, test.want, storage.ranges)
				for _, body := range storage.bodies {
					assert.True(t, body.closed)
				}
				assert.InDelta(t, 2*time.Minute, time.Since(start), float64(time.Second))
			})
		})
	}
}

func TestDownloadThatAlwaysStallsFails(t *testing.T) {
	t.Parallel()
	for name, silent := range map[string]bool{"before the response": true, "in the body": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				storage := &memoryStorage{file: "0123", chunk: 0, stalls: 1000, silent: silent}
				start := time.Now()
				_, err := storage.client(t, cloudconvert.TransferPolicy{Resumptions: 2}).Download(t.Context(), storage.asFile(), io.Discard)
				require.ErrorContains(t, err, "no byte moved in time (30s)")
				require.NotErrorIs(t, err, context.Canceled, "the context was not cancelled")
				require.NotErrorIs(t, err, context.DeadlineExceeded)
				noSecrets(t, err)
				assert.True(t, cloudconvert.IsRetryable(err))
				assert.InDelta(t, 90*time.Second, time.Since(start), float64(time.Second))
			})
		})
	}
}

// A slow storage or a slow reader is not a stall.
func TestSlowDownloadIsNotAStall(t *testing.T) {
	t.Parallel()
	t.Run("storage", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			storage := &memoryStorage{file: strings.Repeat("0123456789", 100), chunk: 1, pause: 29 * time.Second}
			var got bytes.Buffer
			_, err := storage.client(t, cloudconvert.TransferPolicy{}).Download(t.Context(), storage.asFile(), &got)
			require.NoError(t, err)
			assert.Equal(t, storage.file, got.String())
			assert.Len(t, storage.ranges, 1)
		})
	})
	t.Run("the reader", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			storage := &memoryStorage{file: "0123456789", chunk: 1}
			body, err := storage.client(t, cloudconvert.TransferPolicy{}).Open(t.Context(), storage.asFile())
			require.NoError(t, err)
			defer body.Close()
			for _, want := range []byte(storage.file) {
				<-time.After(time.Hour)
				var got [1]byte
				_, err := body.Read(got[:])
				require.NoError(t, err)
				assert.Equal(t, want, got[0])
			}
			assert.Len(t, storage.ranges, 1)
		})
	})
}

// Progress is reported a few times a second, however many buffers there are.
func TestDownloadLimitsProgressRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls []time.Time
		storage := &memoryStorage{file: testkit.Content(10_000), chunk: 10, pause: 10 * time.Millisecond}
		client := storage.client(t, cloudconvert.TransferPolicy{
			Progress: func(cloudconvert.Progress) { calls = append(calls, time.Now()) },
		})
		_, err := client.Download(t.Context(), storage.asFile(), io.Discard)
		require.NoError(t, err)
		assert.Len(t, calls, 101, "ten each second, and the end")
		for i := range calls[2:] {
			assert.GreaterOrEqual(t, calls[i+1].Sub(calls[i]), 100*time.Millisecond)
		}
	})
}

// Pauses grow, and a response may request a longer one.
func TestDownloadPausesBetweenAttempts(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		retryAfter       string
		atLeast, atMost  time.Duration
		resumptions, try int
	}{
		"no Retry-After": {"", 0, (1 + 2 + 4 + 8 + 16) * time.Second / 2, 0, 6},
		"Retry-After":    {"60", time.Minute, time.Minute + time.Second/2, 1, 2},
		"capped":         {"86400", 2 * time.Minute, 2*time.Minute + time.Second/2, 1, 2},
		"malformed":      {"soon", 0, time.Second / 2, 1, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				busy := testkit.Reply(func(req *http.Request) (*http.Response, error) {
					tries++
					return &http.Response{
						StatusCode: http.StatusServiceUnavailable, Request: req, Body: http.NoBody,
						Header: http.Header{"Retry-After": {test.retryAfter}},
					}, nil
				})
				client, err := cloudconvert.NewClient(downloadKey, cloudconvert.WithHTTPClient(&http.Client{Transport: busy}),
					cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: test.resumptions}))
				require.NoError(t, err)
				start := time.Now()
				_, err = client.Open(t.Context(), cloudconvert.File{URL: "https://storage.example/a"})
				require.ErrorIs(t, err, cloudconvert.ErrServer)
				assert.Equal(t, test.try, tries)
				took := time.Since(start)
				assert.GreaterOrEqual(t, took, test.atLeast)
				assert.LessOrEqual(t, took, test.atMost)
			})
		})
	}
}

// A pause ends with the context.
func TestDownloadPauseEndsWithContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		busy := testkit.Reply(func(req *http.Request) (*http.Response, error) {
			time.AfterFunc(time.Second, cancel)
			return &http.Response{
				StatusCode: http.StatusServiceUnavailable, Request: req, Body: http.NoBody, Header: http.Header{"Retry-After": {"60"}},
			}, nil
		})
		client, err := cloudconvert.NewClient(downloadKey, cloudconvert.WithHTTPClient(&http.Client{Transport: busy}))
		require.NoError(t, err)
		start := time.Now()
		_, err = client.Open(ctx, cloudconvert.File{URL: "https://storage.example/a"})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// A deadline of the transport is not that of the caller.
func TestDownloadTransportTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		impatient := testkit.Reply(func(*http.Request) (*http.Response, error) { return nil, context.DeadlineExceeded })
		client := newDownloader(t, cloudconvert.WithHTTPClient(&http.Client{Transport: impatient}))
		_, err := client.Open(t.Context(), cloudconvert.File{URL: "https://storage.example/a"})
		require.Error(t, err)
		require.NotErrorIs(t, err, context.DeadlineExceeded)
		failure := new(cloudconvert.Error)
		require.ErrorAs(t, err, &failure)
		assert.Equal(t, 6, failure.Attempts)
	})
}

// Close ends a running Read.
func TestDownloadCloseEndsRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storage := &memoryStorage{file: "0123456789", chunk: 4, stalls: 1}
		body, err := storage.client(t, cloudconvert.TransferPolicy{}).Open(t.Context(), storage.asFile())
		require.NoError(t, err)
		_, err = io.ReadFull(body, make([]byte, 4))
		require.NoError(t, err)
		ended := make(chan error, 1)
		go func() {
			_, err := body.Read(make([]byte, 1))
			ended <- err
		}()
		synctest.Wait() // until the read blocks
		start := time.Now()
		require.NoError(t, body.Close())
		require.Error(t, <-ended)
		assert.Zero(t, time.Since(start))
		assert.True(t, storage.bodies[0].closed)
	})
}

// Close does not wait for the writer of the copy.
func TestDownloadCloseDoesNotWaitForWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storage := &memoryStorage{file: "0123456789", chunk: 4}
		body, err := storage.client(t, cloudconvert.TransferPolicy{}).Open(t.Context(), storage.asFile())
		require.NoError(t, err)
		reader, writer := io.Pipe()
		copied := make(chan error, 1)
		go func() {
			_, err := io.Copy(writer, body)
			copied <- err
		}()
		synctest.Wait() // until the write blocks
		require.NoError(t, body.Close())
		assert.True(t, storage.bodies[0].closed)
		_, err = io.ReadFull(reader, make([]byte, 4))
		require.NoError(t, err)
		require.ErrorIs(t, <-copied, fs.ErrClosed)
	})
}

// Close does not wait for the progress callback, which may call it.
func TestDownloadCloseInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		storage := &memoryStorage{file: "0123456789", chunk: 4}
		var body io.ReadCloser
		client := storage.client(t, cloudconvert.TransferPolicy{Progress: func(cloudconvert.Progress) {
			assert.NoError(t, body.Close())
		}})
		var err error
		body, err = client.Open(t.Context(), storage.asFile())
		require.NoError(t, err)
		_, err = io.Copy(io.Discard, body)
		require.ErrorIs(t, err, fs.ErrClosed)
		assert.True(t, storage.bodies[0].closed)
	})
}

// A body may return its error only once, together with its last bytes.
func TestDownloadKeepsErrorWithLastBytes(t *testing.T) {
	t.Parallel()
	var ranges []string
	breaks := testkit.Reply(func(req *http.Request) (*http.Response, error) {
		ranges = append(ranges, req.Header.Get("Range"))
		resp := &http.Response{
			StatusCode: http.StatusOK, Request: req, Header: http.Header{"Etag": {storageTag}}, ContentLength: -1,
			Body: io.NopCloser(&breakingOnce{text: "0123"}),
		}
		if len(ranges) > 1 {
			resp.StatusCode = http.StatusPartialContent
			resp.Header.Set("Content-Range", "bytes 4-9/10")
			resp.Body = io.NopCloser(strings.NewReader("456789"))
		}
		return resp, nil
	})
	var got bytes.Buffer
	client := newDownloader(t, cloudconvert.WithHTTPClient(&http.Client{Transport: breaks}))
	_, err := client.Download(t.Context(), cloudconvert.File{URL: "https://storage.example/a"}, &got)
	require.NoError(t, err)
	assert.Equal(t, "0123456789", got.String())
	assert.Equal(t, []string{"", "bytes=4-"}, ranges)
}

type breakingOnce struct{ text string }

func (b *breakingOnce) Read(p []byte) (int, error) {
	if b.text == "" {
		return 0, io.EOF
	}
	n := copy(p, b.text)
	b.text = ""
	return n, io.ErrUnexpectedEOF
}
