package media

import (
	"bytes"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"regexp"
	"strconv"
)

const (
	maxPDF           = 64 << 20  // how much of a PDF is read
	maxObjectStreams = 256 << 20 // how much of its object streams, which are compressed
)

// pdfDetails returns the version in the first line of a PDF and its number of pages. A PDF
// whose object streams are encrypted may have no number of pages, nor one beyond maxPDF.
func pdfDetails(ctx context.Context, r io.Reader) (map[string]any, error) {
	data, err := io.ReadAll(io.LimitReader(contextReader{ctx, r}, maxPDF))
	if err != nil {
		return nil, fmt.Errorf("read the input: %w", err)
	}
	values := map[string]any{}
	if found := pdfVersion.FindSubmatch(data); found != nil {
		values["PDFVersion"], _ = strconv.ParseFloat(string(found[1]), 64) // it has digits only
	}
	if pages := countPages(data); pages > 0 {
		values["PageCount"] = pages
	}
	return values, nil
}

var (
	pdfVersion   = regexp.MustCompile(`^%PDF-(\d\.\d)`)
	pagesType    = regexp.MustCompile(`/Type\s*/Pages\b`)
	pagesParent  = regexp.MustCompile(`/Parent\b`)
	pagesCount   = regexp.MustCompile(`/Count\s+(\d{1,9})\s*[/>]`)
	objectStream = regexp.MustCompile(`/Type\s*/ObjStm\b`)
	firstObject  = regexp.MustCompile(`/First\s+(\d{1,9})\s*[/>]`)
)

// countPages returns the number of pages that the root of the page tree has, or 0. An
// update of a PDF appends a new root, so the last one counts.
func countPages(data []byte) int {
	pages, budget := 0, int64(maxObjectStreams)
	for object := range bytes.SplitSeq(data, []byte("endobj")) {
		dict, content, _ := bytes.Cut(object, []byte("stream"))
		for _, dict := range append(packedObjects(dict, content, &budget), dict) {
			count := pagesCount.FindSubmatch(dict)
			if count == nil || !pagesType.Match(dict) || pagesParent.Match(dict) {
				continue
			}
			pages, _ = strconv.Atoi(string(count[1])) // it has at most nine digits
		}
	}
	return pages
}

// packedObjects returns the objects in an object stream, or nil for any other stream. It
// takes the size of what it decompresses from the budget.
func packedObjects(dict, content []byte, budget *int64) [][]byte {
	first := firstObject.FindSubmatch(dict)
	if first == nil || !objectStream.Match(dict) {
		return nil
	}
	inflated, err := zlib.NewReader(bytes.NewReader(bytes.TrimLeft(content, "\r\n")))
	if err != nil {
		return nil
	}
	unpacked, _ := io.ReadAll(io.LimitReader(inflated, *budget)) // of a damaged one, what there is
	*budget -= int64(len(unpacked))
	start, _ := strconv.Atoi(string(first[1])) // it has at most nine digits
	if start > len(unpacked) {
		return nil
	}
	var objects [][]byte
	index, rest := bytes.Fields(unpacked[:start]), unpacked[start:] // pairs of a number and an offset
	end := len(rest)
	for i := len(index) - 1; i > 0; i -= 2 {
		offset, err := strconv.Atoi(string(index[i]))
		if err != nil || offset < 0 || offset > end {
			return nil
		}
		objects, end = append(objects, rest[offset:end]), offset
	}
	return objects
}
