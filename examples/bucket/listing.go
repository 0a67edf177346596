package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// object is an object as a listing has it.
type object struct {
	name     string // the key without the prefix of the location
	size     int64
	etag     string
	modified time.Time
}

// list yields the objects of a location in the order of their names, and keeps one page
// of them. Names are compared by their bytes, as Go compares strings.
func list(ctx context.Context, client *s3.Client, at location) iter.Seq2[object, error] {
	return func(yield func(object, error) bool) {
		pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{
			Bucket: aws.String(at.bucket), Prefix: aws.String(at.prefix),
			EncodingType: types.EncodingTypeUrl, // XML cannot hold every key
		})
		last := ""
		for pages.HasMorePages() {
			objects, err := nextPage(ctx, pages, at, last)
			for _, o := range objects {
				if !yield(o, nil) {
					return
				}
				last = o.name
			}
			if err != nil {
				yield(object{}, fmt.Errorf("list %s: %w", at.url(""), err))
				return
			}
		}
	}
}

// nextPage returns the objects of a page, which must come after a name.
func nextPage(ctx context.Context, pages *s3.ListObjectsV2Paginator, at location, last string) ([]object, error) {
	page, err := pages.NextPage(ctx)
	if err != nil {
		return nil, err
	}
	objects := make([]object, 0, len(page.Contents))
	for _, entry := range page.Contents {
		key, err := keyOf(entry, page.EncodingType)
		name, ok := strings.CutPrefix(key, at.prefix)
		switch {
		case err != nil || !ok:
			return objects, fmt.Errorf("unexpected key %q", key)
		case name <= last && last != "":
			return objects, errors.New("it is not sorted by key, as that of a directory bucket: use a general purpose bucket")
		}
		objects = append(objects, object{name, aws.ToInt64(entry.Size), aws.ToString(entry.ETag), aws.ToTime(entry.LastModified)})
		last = name
	}
	return objects, nil
}

// keyOf decodes a key. Not every store that is compatible with S3 encodes it.
func keyOf(entry types.Object, encoding types.EncodingType) (string, error) {
	if encoding != types.EncodingTypeUrl {
		return aws.ToString(entry.Key), nil
	}
	return url.QueryUnescape(aws.ToString(entry.Key))
}

// exists reports whether a bucket has an object. Listing it takes no other permission than
// listing the others.
func exists(ctx context.Context, client *s3.Client, bucket, key string) (bool, error) {
	page, err := client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{
		Bucket: aws.String(bucket), Prefix: aws.String(key), MaxKeys: aws.Int32(1), EncodingType: types.EncodingTypeUrl,
	})
	if err != nil {
		return false, fmt.Errorf("look for s3://%s/%s: %w", bucket, key, err)
	}
	if len(page.Contents) == 0 {
		return false, nil
	}
	first, err := keyOf(page.Contents[0], page.EncodingType) // those with the prefix come after it
	return first == key, err
}
