package cloudconverttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"image/jpeg"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// conversion returns the tasks of a usual job.
func conversion(from string, to dict) dict {
	return dict{
		"in":  dict{"operation": "import/upload"},
		"it":  to,
		"out": dict{"operation": "export/url", "input": from},
	}
}

func TestConversion(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		job := x.job(conversion("it", dict{"operation": "convert", "input": "in", "output_format": "jpg"}), dict{"tag": "whole"})
		assert.Equal(t, "waiting", job["status"])
		assert.Equal(t, "whole", job["tag"])
		in := taskOf(t, job, "in")
		assert.Equal(t, "waiting", in["status"])
		assert.Equal(t, "Waiting for file upload", in["message"])
		assert.InDelta(t, 100, in["percent"], 0)

		stored := x.upload(in, "an image.png", pngImage(t, 40, 30)).expect(http.StatusCreated)
		assert.Contains(t, string(stored.body), "<PostResponse>")

		job = x.ended(job)
		require.Equal(t, "finished", job["status"], "%v", job)
		files := filesOf(taskOf(t, job, "out"))
		require.Len(t, files, 1)
		assert.Equal(t, "an image.jpg", files[0]["filename"])

		got := x.get(str(files[0]["url"])).expect(http.StatusOK)
		assert.InDelta(t, len(got.body), files[0]["size"], 0)
		assert.Equal(t, `attachment; filename="an image.jpg"`, got.header.Get("Content-Disposition"))
		m, err := jpeg.Decode(bytes.NewReader(got.body))
		require.NoError(t, err)
		assert.Equal(t, 40, m.Bounds().Dx())

		require.NoError(t, x.s.WaitIdle(t.Context()))
		require.Len(t, x.s.Jobs(), 1)
		assert.Positive(t, x.s.BytesStored())
		x.call(http.MethodDelete, "/jobs/"+str(job["id"]), nil).expect(http.StatusNoContent)
		x.call(http.MethodGet, "/jobs/"+str(job["id"]), nil).expect(http.StatusNotFound)
		x.get(str(files[0]["url"])).expect(http.StatusNotFound)
		assert.Zero(t, x.s.BytesStored())
	})
}

func TestSyncCreate(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	body := dict{"tasks": dict{
		"in": dict{
			"operation": "import/base64", "filename": "a.png", "file": base64.StdEncoding.EncodeToString(pngImage(t, 20, 20)),
		},
		"small": dict{"operation": "thumbnail", "input": []string{"in"}, "output_format": "png", "width": 10},
		"out":   dict{"operation": "export/url", "input": "small", "inline": true},
	}}
	job := x.call(http.MethodPost, x.s.SyncURL+"/jobs", body).expect(http.StatusCreated).data()
	assert.Equal(t, "finished", job["status"])
	files := filesOf(taskOf(t, job, "out"))
	require.Len(t, files, 1)
	got := x.get(str(files[0]["url"])).expect(http.StatusOK)
	assert.Equal(t, `inline; filename="a.png"`, got.header.Get("Content-Disposition"))
	assert.Equal(t, "image/png", got.header.Get("Content-Type"))

	body["redirect"] = true
	to := x.call(http.MethodPost, x.s.SyncURL+"/jobs", body).expect(http.StatusFound).header.Get("Location")
	x.get(to).expect(http.StatusOK)
	id := str(job["id"])
	x.call(http.MethodGet, "/jobs/"+id+"?redirect=true", nil).expect(http.StatusFound)
	x.call(http.MethodGet, x.s.SyncURL+"/jobs/"+id+"?redirect=true", nil).expect(http.StatusFound)
}

func TestCloseRemovesFiles(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	job := x.run(dict{"in": dict{"operation": "import/raw", "file": "hello", "filename": "a.txt"}})
	require.Equal(t, "finished", job["status"])
	path := x.s.Jobs()[0].Tasks[0].Files[0].Path
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(content))
	x.s.Close()
	x.s.Close()
	_, err = os.Stat(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = os.Stat(x.s.dir)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCloseStopsEverything(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, opts ...Option) {
		t.Helper()
		x := newTester(t, opts...)
		started := make(chan struct{})
		x.s.Handle("merge", func(ctx context.Context, _ *Run) error {
			close(started)
			<-ctx.Done()
			return ctx.Err()
		})
		job := x.job(dict{
			"in": dict{"operation": "import/raw", "file": "x", "filename": "a.txt"},
			"it": dict{"operation": "merge", "input": "in", "output_format": "pdf"},
		})
		<-started
		waiting := make(chan error)
		go func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, x.s.SyncURL+"/jobs/"+str(job["id"]), http.NoBody)
			if err == nil {
				req.Header.Set("Authorization", "Bearer "+x.key)
				_, err = x.try(req)
			}
			waiting <- err
		}()
		for len(x.s.Requests()) < 2 {
			runtime.Gosched()
		}
		x.s.Close()
		require.Error(t, <-waiting)
	})
}

// net/http keeps a connection for half a second after a request that it has not read to
// its end. Close must wait for that: a bubble panics if a goroutine outlives its test.
func TestCloseWaitsForConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := NewServer(WithInProcess())
		defer s.Close()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/jobs", http.NoBody)
		require.NoError(t, err)
		req.Header.Set("X-Long", strings.Repeat("x", 2*http.DefaultMaxHeaderBytes))
		resp, err := s.HTTPClient().Do(req)
		require.NoError(t, err)
		assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
		assert.NoError(t, resp.Body.Close())
	})
}

func TestURLs(t *testing.T) {
	t.Parallel()
	x := newTester(t)
	assert.True(t, strings.HasSuffix(x.s.URL, "/v2"))
	assert.True(t, strings.HasSuffix(x.s.SyncURL, "/v2"))
	assert.NotEqual(t, x.s.URL, x.s.SyncURL)
	assert.Positive(t, x.s.ConnectionsAccepted()+1)

	fixed := NewServer(WithAddr("127.0.0.1:0", ":0"))
	defer fixed.Close()
	assert.True(t, strings.HasPrefix(fixed.SyncURL, "http://127.0.0.1:"), fixed.SyncURL)
}

// TestStorageURLs checks that the storage has another host name than the API only without a
// public URL.
func TestStorageURLs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		opts []Option
		want string
	}{
		{nil, `^http://localhost:\d+/`},
		{[]Option{WithPublicURL("http://127.0.0.1.example:8080")}, `^http://127\.0\.0\.1\.example:8080/`},
		{[]Option{WithPublicURL("http://127.0.0.1:8080")}, `^http://127\.0\.0\.1:8080/`},
	} {
		x := newTester(t, c.opts...)
		rawURL, _ := formOf(t, taskOf(t, x.job(dict{"in": dict{"operation": "import/upload"}}), "in"))
		assert.Regexp(t, c.want, rawURL)
	}
}
