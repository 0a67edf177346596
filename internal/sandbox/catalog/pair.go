package catalog

import (
	"slices"
	"strings"
)

// Pair is an operation on a pair of formats.
type Pair struct {
	Operation string
	From      string // empty for any input, or none
	To        string // empty if the format is kept
	Engine    string // of a command, which names its engine
}

// PairOf returns the pair of a task on an input.
func PairOf(operation, from, to, engine string) Pair {
	p := Pair{Operation: operation}
	switch {
	case operation == Command:
		p.Engine = engine
	case operation == Convert, operation == Thumbnail:
		p.From, p.To = from, to
	case operation == Optimize, operation == Watermark, operation == WriteMetadata, strings.HasPrefix(operation, "pdf/"):
		p.From = from
	case operation == CaptureWebsite, operation == Merge, operation == Archive:
		p.To = to
	}
	return p
}

// Pairs returns the pairs that the documentation of the service promises. They are sorted
// by operation.
func Pairs() []Pair {
	var pairs []Pair
	for _, name := range names {
		pairs = append(pairs, pairsOf(name)...)
	}
	return pairs
}

// Promised reports whether a pair is one of [Pairs].
func Promised(p Pair) bool { return slices.Contains(pairsOf(p.Operation), p) }

func pairsOf(operation string) []Pair {
	switch operation {
	case Convert:
		return conversions
	case Thumbnail:
		return each(known, thumbnails, func(from, _ string) bool { return HasThumbnail(from) }, operation)
	case Watermark:
		return each(known, keep, func(from, _ string) bool { return watermarked(from) }, operation)
	case WriteMetadata:
		return each(known, keep, always, operation)
	case Optimize:
		return each(optimized, keep, always, operation)
	case CaptureWebsite:
		return each(keep, captures, always, operation)
	case Merge:
		return []Pair{{Operation: operation, To: "pdf"}}
	case Archive:
		return each(keep, archives, always, operation)
	case Command:
		return []Pair{
			{Operation: operation, Engine: "ffmpeg"},
			{Operation: operation, Engine: "graphicsmagick"},
			{Operation: operation, Engine: "imagemagick"},
		}
	}
	if strings.HasPrefix(operation, "pdf/") {
		return []Pair{{Operation: operation, From: "pdf"}}
	}
	if _, ok := Operations[operation]; !ok {
		return nil
	}
	return []Pair{{Operation: operation}}
}

// conversions are the pairs of convert.
var conversions = each(known, known, Converts, Convert)

func each(from, to []string, is func(from, to string) bool, operation string) []Pair {
	var pairs []Pair
	for _, a := range from {
		for _, b := range to {
			if is(a, b) {
				pairs = append(pairs, Pair{Operation: operation, From: a, To: b})
			}
		}
	}
	return pairs
}

var (
	keep      = []string{""}
	optimized = []string{"jpg", "pdf", "png"}
)

func always(string, string) bool { return true }

// watermarked reports whether the service puts watermarks on files of a format.
func watermarked(format string) bool {
	return format == "pdf" || groupOf[format] == "image" || groupOf[format] == "video"
}
