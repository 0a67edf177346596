package cloudconvert_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// A resumption is a response to the request for the rest of a file of 1000 bytes
// after the first 400.
type resumption struct {
	respond http.HandlerFunc
	sized   bool // wrong only if the size is known
}

const resumedSize, resumedAt = 1000, 400

// resumptions are responses that do not prove to be the rest of the file with
// [storageTag]. They have the bytes of another file.
func resumptions(first, second string) map[string]resumption {
	span := func(from, to, total int) http.Header {
		return http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, to, total)}}
	}
	respond := func(status int, header http.Header, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			maps.Copy(w.Header(), header)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	tagged := func(header http.Header) http.Header {
		all := http.Header{"Etag": {storageTag}}
		maps.Copy(all, header)
		return all
	}
	part := func(header http.Header, body string) resumption {
		all := span(resumedAt, resumedSize-1, resumedSize)
		maps.Copy(all, tagged(header))
		return resumption{respond: respond(http.StatusPartialContent, all, body)}
	}
	whole := func(header http.Header) resumption {
		return resumption{respond: respond(http.StatusOK, header, second)}
	}
	none := func(header http.Header) resumption {
		return resumption{respond: respond(http.StatusRequestedRangeNotSatisfiable, header, "")}
	}
	ofKnownSize := func(r resumption) resumption {
		r.sized = true
		return r
	}
	rest := second[resumedAt:]
	return map[string]resumption{
		"no tag":             part(http.Header{"Etag": nil}, rest),
		"weak tag":           part(http.Header{"Etag": {"W/" + storageTag}}, rest),
		"another tag":        part(http.Header{"Etag": {otherTag}}, rest),
		"tag without quotes": part(http.Header{"Etag": {strings.Trim(storageTag, `"`)}}, rest),
		"two tags":           part(http.Header{"Etag": {storageTag, otherTag}}, rest),
		"list of tags":       part(http.Header{"Etag": {storageTag + ", " + otherTag}}, rest),

		"no range":               part(http.Header{"Content-Range": nil}, rest),
		"two ranges":             part(http.Header{"Content-Range": {"bytes 400-999/1000", "bytes 0-599/1000"}}, rest),
		"range of another unit":  part(http.Header{"Content-Range": {"items 400-999/1000"}}, rest),
		"range of no bytes":      part(http.Header{"Content-Range": {"bytes */1000"}}, rest),
		"range at the beginning": part(span(0, 999, 1000), second),
		"range begins before":    part(span(399, 999, 1000), second[399:]),
		"range begins behind":    part(span(401, 999, 1000), second[401:]),
		"range ends before":      part(span(400, 399, 1000), ""),
		"range beyond the total": part(span(400, 1000, 1000), rest+"x"),
		"larger total":           ofKnownSize(part(span(400, 1000, 1001), rest+"x")),
		"smaller total":          ofKnownSize(part(span(400, 998, 999), rest[1:])),

		"body longer than range":  part(span(400, 998, 1000), rest),
		"body shorter than range": part(nil, rest[1:]),
		"chunked, longer than range": {respond: func(w http.ResponseWriter, r *http.Request) {
			part(span(400, 400, 1000), "").respond(w, r)
			w.(http.Flusher).Flush()
			_, _ = io.WriteString(w, first[400:401]+rest[1:])
		}},
		"several parts":       part(http.Header{"Content-Type": {"multipart/byteranges; boundary=x"}}, rest),
		"parts without range": part(http.Header{"Content-Type": {"Multipart/ByteRanges; boundary=x"}, "Content-Range": nil}, rest),
		"encoded":             part(http.Header{"Content-Encoding": {"br"}}, rest),

		"whole, another tag": whole(http.Header{"Etag": {otherTag}}),
		"whole, no tag":      whole(nil),
		"whole, weak tag":    whole(http.Header{"Etag": {"W/" + storageTag}}),
		"whole, encoded":     ofKnownSize(whole(tagged(http.Header{"Content-Encoding": {"br"}}))),
		"whole, shorter": {respond: func(w http.ResponseWriter, r *http.Request) {
			chunked(second[:resumedAt-1], storageTag)(w, r)
		}},
		"nothing left":          none(http.Header{"Content-Range": {"bytes */400"}}),
		"nothing left, 2nd tag": none(http.Header{"Content-Range": {"bytes */400"}, "Etag": {otherTag}}),
		"smaller by now":        none(tagged(http.Header{"Content-Range": {"bytes */5"}})),
		"precondition failed":   {respond: respond(http.StatusPreconditionFailed, nil, "")},
	}
}

// Save returns one of the two files. The others never return bytes of both.
func TestDownloadNeverMixesFiles(t *testing.T) {
	t.Parallel()
	first, second := testkit.Content(resumedSize), testkit.Content(resumedSize + 1)[1:]
	for name, resumption := range resumptions(first, second) {
		for _, way := range ways {
			for _, size := range []int{resumedSize, unknownLength} {
				if resumption.sized && size == unknownLength {
					continue
				}
				t.Run(fmt.Sprintf("%s/%s/%d", name, way.name, size), func(t *testing.T) {
					t.Parallel()
					begin := cut(serve(first, storageTag), resumedAt)
					if size == unknownLength {
						begin = cut(chunked(first, storageTag), resumedAt)
					}
					storage := newStorage(t, begin, resumption.respond, serve(second, otherTag))
					got, err := way.fetch(t, newDownloader(t), storage.file(size))
					if way.restarts {
						require.NoError(t, err)
						testkit.Same(t, second, got)
						return
					}
					require.Error(t, err)
					noSecrets(t, err)
					assert.True(t, cloudconvert.IsRetryable(err), "%v", err)
					assert.True(t, strings.HasPrefix(first, got), "%d bytes, not all of the first file", len(got))
				})
			}
		}
	}
}

// The error is retryable, wherever the change was noticed.
func TestDownloadOfChangingFileIsRetryable(t *testing.T) {
	t.Parallel()
	first, second := testkit.Content(resumedSize), testkit.Content(resumedSize + 1)[1:]
	for name, resumption := range resumptions(first, second) {
		if strings.HasPrefix(name, "whole") {
			continue // has the file
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") == "" {
					cut(serve(first, storageTag), resumedAt)(w, r)
					return
				}
				resumption.respond(w, r)
			})
			client := newDownloader(t, cloudconvert.WithTransfers(cloudconvert.TransferPolicy{Resumptions: 3}))
			_, err := client.Save(t.Context(), t.TempDir(), []cloudconvert.File{storage.file(resumedSize)})
			require.Error(t, err)
			assert.True(t, cloudconvert.IsRetryable(err), "%v", err)
			assert.Less(t, len(storage.seen()), 10)
		})
	}
}

// An entity tag is valid for one host and path. If a redirect or a renewed URL
// leads elsewhere, it proves nothing.
func TestDownloadIsNotResumedElsewhere(t *testing.T) {
	t.Parallel()
	first, second := testkit.Content(resumedSize), testkit.Content(resumedSize + 1)[1:]
	for name, tt := range map[string]struct {
		targets [2]string
		same    bool
	}{
		"the same":        {[2]string{"https://one.example.com/a?sig=1", "https://one.example.com/a?sig=2"}, true},
		"another path":    {[2]string{"https://one.example.com/a", "https://one.example.com/b"}, false},
		"another host":    {[2]string{"https://one.example.com/a", "https://two.example.com/a"}, false},
		"first redirect":  {[2]string{"", "https://two.example.com/a"}, false},
		"no redirect now": {[2]string{"https://one.example.com/a", ""}, false},
	} {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					asked := 0
					deliver := func(req *http.Request) (*http.Response, error) {
						if asked++; asked == 1 {
							resp, err := testkit.BreaksOff(200, first[:resumedAt])(req)
							resp.Header = http.Header{"Etag": {storageTag}}
							resp.ContentLength = resumedSize
							return resp, err
						}
						from := second
						if tt.same {
							from = first
						}
						if req.Header.Get("Range") == "" {
							return testkit.Says(200, from, "ETag", storageTag)(req)
						}
						return testkit.Says(206, from[resumedAt:], "ETag", storageTag, "Content-Range", "bytes 400-999/1000")(req)
					}
					client, _ := testkit.NewScript(t, func(req *http.Request) (*http.Response, error) {
						target := tt.targets[min(asked, 1)]
						if req.URL.Host == "storage.example.com" && target != "" {
							return redirects(302, target)(req)
						}
						return deliver(req)
					})
					got, err := way.fetch(t, client, cloudconvert.File{Filename: "a", Size: resumedSize, URL: "https://storage.example.com/a"})
					switch {
					case tt.same:
						require.NoError(t, err)
						testkit.Same(t, first, got)
					case way.restarts:
						require.NoError(t, err)
						testkit.Same(t, second, got)
					default:
						require.Error(t, err)
						assert.True(t, cloudconvert.IsRetryable(err), "%v", err)
						assert.True(t, strings.HasPrefix(first, got))
					}
				})
			})
		}
	}
}

// A response that proves to be the rest of the file is accepted.
func TestDownloadResumes(t *testing.T) {
	t.Parallel()
	file := testkit.Content(resumedSize)
	part := func(from, to int, total string) http.HandlerFunc {
		return plain(http.StatusPartialContent, map[string]string{
			"ETag": storageTag, "Content-Range": fmt.Sprintf("bytes %d-%d/%s", from, to-1, total),
		}, file[from:to])
	}
	for name, script := range map[string][]http.HandlerFunc{
		"at once":                {part(400, 1000, "1000")},
		"total unknown":          {part(400, 1000, "*"), plain(416, map[string]string{"ETag": storageTag, "Content-Range": "bytes */1000"}, "")},
		"shorter than requested": {part(400, 500, "1000"), part(500, 1000, "1000")},
		"shorter, total unknown": {part(400, 500, "*"), part(500, 1000, "1000")},
		"identity encoding": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "Identity")
			part(400, 1000, "1000")(w, r)
		}},
		"whole, with the same tag": {plain(200, map[string]string{"ETag": storageTag}, file)},
	} {
		for _, way := range ways {
			t.Run(name+"/"+way.name, func(t *testing.T) {
				t.Parallel()
				storage := newStorage(t, append([]http.HandlerFunc{cut(chunked(file, storageTag), resumedAt)}, script...)...)
				got, err := way.fetch(t, newDownloader(t), storage.file(unknownLength))
				require.NoError(t, err)
				testkit.Same(t, file, got)
				assert.Len(t, storage.seen(), 1+len(script))
			})
		}
	}
}

// Offsets in a body that the transport has decoded are not offsets in the stored file.
func TestDecodedDownloadIsNotResumed(t *testing.T) {
	t.Parallel()
	file := strings.Repeat("some text\n", 100)
	storage := newStorage(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", storageTag)
		w.Header().Set("Content-Encoding", "gzip")
		if r.Header.Get("Range") != "" {
			plain(http.StatusPartialContent, map[string]string{"Content-Range": "bytes 1-999/1000"}, file[1:])(w, r)
			return
		}
		packed := gzip.NewWriter(w)
		_, _ = io.WriteString(packed, file[:500])
		_ = packed.Flush()
		_, _ = io.WriteString(packed, file[500:])
		_ = packed.Close()
	})
	asked := 0
	client := newDownloader(t, cloudconvert.WithHTTPClient(&http.Client{Transport: testkit.Reply(func(req *http.Request) (*http.Response, error) {
		req = req.Clone(req.Context())
		req.Header.Del("Accept-Encoding") // makes net/http request gzip and decode it
		resp, err := http.DefaultTransport.RoundTrip(req)
		if asked++; err == nil && asked == 1 {
			resp.Body = struct {
				io.Reader
				io.Closer
			}{io.MultiReader(io.LimitReader(resp.Body, 300), iotest.ErrReader(io.ErrUnexpectedEOF)), resp.Body}
		}
		return resp, err
	})}))
	for _, way := range ways {
		asked = 0
		got, err := way.fetch(t, client, storage.file(unknownLength))
		if !way.restarts {
			require.ErrorContains(t, err, "without a strong entity tag")
			continue
		}
		require.NoError(t, err)
		assert.Equal(t, file, got)
	}
	for _, asked := range storage.ranges() {
		assert.Empty(t, asked)
	}
}
