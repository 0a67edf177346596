package cloudconvert_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// taskAPI is an API with one task, whose files the function returns.
func taskAPI(t *testing.T, files func() []cloudconvert.File) (opt cloudconvert.Option, reads *atomic.Int32) {
	t.Helper()
	reads = new(atomic.Int32)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		reads.Add(1)
		if r.Method != http.MethodGet || r.URL.Path != "/v2/tasks/task-1" || r.Header.Get("Authorization") != "Bearer "+downloadKey {
			http.NotFound(w, r)
			return
		}
		assert.NoError(t, json.NewEncoder(w).Encode(map[string]any{"data": map[string]any{
			"id": "task-1", "operation": "export/url", "status": "finished", "result": map[string]any{"files": files()},
		}}))
	}))
	t.Cleanup(server.Close)
	return cloudconvert.WithBaseURLs(server.URL+"/v2", server.URL+"/v2"), reads
}

// expire refuses all URLs but renewed ones.
func expire(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("fresh") == "" {
			plain(http.StatusForbidden, nil, refusedByS3)(w, r)
			return
		}
		next(w, r)
	}
}

func TestDownloadRenewsURL(t *testing.T) {
	t.Parallel()
	file := testkit.Content(1000)
	tests := map[string][]http.HandlerFunc{
		"at once":       {expire(serve(file, storageTag))},
		"in the middle": {cut(serve(file, storageTag), 500), expire(serve(file, storageTag))},
		"cut afterwards": {
			expire(serve(file, storageTag)), cut(expire(serve(file, storageTag)), 500), expire(serve(file, storageTag)),
		},
	}
	for name, script := range tests {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				storage := newStorage(t, script...)
				old := storage.file(len(file))
				old.TaskID = "task-1"
				api, reads := taskAPI(t, func() []cloudconvert.File {
					other, another, fresh := old, old, old
					other.Filename = "report-2.pdf"
					another.Dir = "sub"
					fresh.URL += "&fresh=1"
					return []cloudconvert.File{other, another, fresh}
				})
				got, err := way.fetch(t, newDownloader(t, api), old)
				require.NoError(t, err)
				testkit.Same(t, file, got)
				assert.Equal(t, int32(1), reads.Load())
				for _, r := range storage.seen() {
					assert.Empty(t, r.Header.Get("Authorization"))
				}
			})
		}
	}
}

// If several files have the same name, the path of the URL decides.
func TestDownloadRenewsRightURL(t *testing.T) {
	t.Parallel()
	storage := newStorage(t, expire(func(w http.ResponseWriter, r *http.Request) { serve(r.URL.Path, storageTag)(w, r) }))
	var files []cloudconvert.File
	for _, path := range []string{"/1/a.pdf", "/2/a.pdf", "/3/a.pdf"} {
		files = append(files, cloudconvert.File{Filename: "a.pdf", TaskID: "task-1", URL: storage.URL + path + signedQuery})
	}
	api, _ := taskAPI(t, func() []cloudconvert.File {
		var fresh []cloudconvert.File
		for _, file := range files {
			file.URL += "&fresh=1"
			fresh = append(fresh, file)
		}
		return fresh
	})
	got, err := ways[0].fetch(t, newDownloader(t, api), files[1])
	require.NoError(t, err)
	assert.Equal(t, "/2/a.pdf", got)
}

func TestDownloadCannotRenewURL(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		taskID  string
		change  func(f *cloudconvert.File) int // returns how many there are
		message string
		reads   int32
		tries   int
	}{
		"no task":           {"", nil, "403 AccessDenied: Request has expired", 0, 1},
		"unknown task":      {"task-2", nil, "404 Not Found", 1, 1},
		"no id":             {"..", nil, "invalid id", 0, 1},
		"another name":      {"task-1", func(f *cloudconvert.File) int { f.Filename = "b.pdf"; return 1 }, "has 0 files with this name", 1, 1},
		"no file":           {"task-1", func(*cloudconvert.File) int { return 0 }, "has 0 files with this name", 1, 1},
		"ambiguous":         {"task-1", func(f *cloudconvert.File) int { f.URL = strings.Replace(f.URL, "/1/", "/2/", 1); return 2 }, "has 2 files with this name", 1, 1},
		"the same URL":      {"task-1", func(*cloudconvert.File) int { return 1 }, "still has the same URL", 1, 1},
		"no URL":            {"task-1", func(f *cloudconvert.File) int { f.URL = ""; return 1 }, "has no URL", 1, 1},
		"a worse URL":       {"task-1", func(f *cloudconvert.File) int { f.URL = "http://storage.invalid/"; return 1 }, "is not https", 1, 1},
		"still not allowed": {"task-1", func(f *cloudconvert.File) int { f.URL += "&other=1"; return 1 }, "403 AccessDenied: Request has expired", 1, 2},
	}
	for name, test := range tests {
		for _, way := range ways {
			t.Run(fmt.Sprintf("%s/%s", name, way.name), func(t *testing.T) {
				t.Parallel()
				storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
					plain(http.StatusForbidden, nil, `{"code": "AccessDenied", "message": "Request has expired: `+r.URL.RawQuery+`"}`)(w, r)
				})
				old := storage.file(7)
				old.TaskID = test.taskID
				api, reads := taskAPI(t, func() []cloudconvert.File {
					now := old
					files := make([]cloudconvert.File, test.change(&now))
					for i := range files {
						files[i] = now
					}
					return files
				})
				_, err := way.fetch(t, newDownloader(t, api), old)
				require.ErrorIs(t, err, cloudconvert.ErrForbidden)
				require.ErrorContains(t, err, test.message)
				noSecrets(t, err)
				assert.Equal(t, test.reads, reads.Load())
				assert.Len(t, storage.seen(), test.tries)
			})
		}
	}
}

// A file that was stored as JSON can be downloaded after its URL has expired.
func TestDownloadRenewsURLOfStoredFile(t *testing.T) {
	t.Parallel()
	storage := newStorage(t, expire(serve("text", storageTag)))
	old := storage.file(4)
	old.TaskID = "task-1"
	api, _ := taskAPI(t, func() []cloudconvert.File {
		fresh := old
		fresh.URL += "&fresh=1"
		return []cloudconvert.File{fresh}
	})
	var stored cloudconvert.File
	reread(t, old, &stored)
	got, err := ways[0].fetch(t, newDownloader(t, api), stored)
	require.NoError(t, err)
	testkit.Same(t, "text", got)
}
