package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// fakeS3 lists objects as S3 does. It is an http.Handler and an HTTP client.
type fakeS3 struct {
	mu       sync.Mutex
	pageSize int
	keys     map[string][]string // of each bucket, sorted
	objects  map[string]fakeObject
	listed   int // pages
	fail     func(*http.Request) error
	disorder bool
}

type fakeObject struct {
	content  string
	modified time.Time
	puts     int
}

func (o fakeObject) etag() string {
	return fmt.Sprintf("%q", strconv.Itoa(len(o.content))+"-"+o.content)
}

func newFakeS3() *fakeS3 {
	return &fakeS3{pageSize: 1000, keys: map[string][]string{}, objects: map[string]fakeObject{}}
}

func (f *fakeS3) put(bucket, key, content string, modified time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o := f.objects[bucket+"/"+key]
	f.objects[bucket+"/"+key] = fakeObject{content, modified, o.puts + 1}
	if at, found := slices.BinarySearch(f.keys[bucket], key); !found {
		f.keys[bucket] = slices.Insert(f.keys[bucket], at, key)
	}
}

func (f *fakeS3) remove(bucket, key string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.objects, bucket+"/"+key)
	f.keys[bucket] = slices.DeleteFunc(f.keys[bucket], func(k string) bool { return k == key })
}

func (f *fakeS3) get(bucket, key string) (fakeObject, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	o, ok := f.objects[bucket+"/"+key]
	return o, ok
}

func (f *fakeS3) list(bucket string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.keys[bucket])
}

// Do makes it the HTTP client of an S3 client, so that no socket is needed.
func (f *fakeS3) Do(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if f.fail != nil {
		if err := f.fail(r); err != nil {
			return nil, err
		}
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w.Result(), nil
}

type listPage struct {
	XMLName               xml.Name    `xml:"ListBucketResult"`
	Contents              []listEntry `xml:"Contents"`
	EncodingType          string      `xml:"EncodingType,omitempty"`
	IsTruncated           bool        `xml:"IsTruncated"`
	NextContinuationToken string      `xml:"NextContinuationToken,omitempty"`
}

type listEntry struct {
	Key          string `xml:"Key"`
	ETag         string `xml:"ETag"`
	LastModified string `xml:"LastModified"`
	Size         int    `xml:"Size"`
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Method != http.MethodGet || q.Get("list-type") != "2" || !strings.Contains(r.Header.Get("Authorization"), "Credential=LISTER/") {
		http.Error(w, "not a listing by the lister", http.StatusForbidden)
		return
	}
	body, err := xml.Marshal(f.page(strings.Trim(r.URL.Path, "/"), q))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(body)
}

func (f *fakeS3) page(bucket string, q url.Values) listPage {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.listed++
	limit := f.pageSize
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		limit = min(limit, n)
	}
	prefix, after := q.Get("prefix"), q.Get("continuation-token")
	page := listPage{EncodingType: q.Get("encoding-type")}
	keys := f.keys[bucket]
	at, _ := slices.BinarySearch(keys, max(prefix, after))
	for _, key := range keys[at:] {
		if key <= after && after != "" {
			continue
		}
		if !strings.HasPrefix(key, prefix) {
			break
		}
		if len(page.Contents) == limit {
			page.IsTruncated, page.NextContinuationToken = true, after
			break
		}
		after = key
		o := f.objects[bucket+"/"+key]
		if page.EncodingType == "url" {
			key = url.QueryEscape(key)
		}
		page.Contents = append(page.Contents, listEntry{key, o.etag(), o.modified.UTC().Format(time.RFC3339), len(o.content)})
	}
	if f.disorder {
		slices.Reverse(page.Contents)
	}
	return page
}

var errOffline = errors.New("offline")
