package media

import "bytes"

// magics are the first bytes of formats.
var magics = []struct{ format, prefix string }{
	{"png", "\x89PNG\r\n\x1a\n"},
	{"jpg", "\xff\xd8\xff"},
	{"gif", "GIF87a"},
	{"gif", "GIF89a"},
	{"bmp", "BM"},
	{"tiff", "II*\x00"},
	{"tiff", "MM\x00*"},
	{"pdf", "%PDF-"},
	{"zip", "PK\x03\x04"},
	{"zip", "PK\x05\x06"}, // an archive without files
	{"gz", "\x1f\x8b"},
}

// sniffLen is how many bytes [sniff] looks at.
const sniffLen = 512

// sniff returns the format of a file by its first bytes, or "".
func sniff(head []byte) string {
	switch { // first: a tar begins with the name of a file, which may look like another format
	case len(head) >= 262 && string(head[257:262]) == "ustar":
		return "tar"
	case len(head) >= 12 && string(head[:4]) == "RIFF" && string(head[8:12]) == "WEBP":
		return "webp"
	}
	for _, magic := range magics {
		if bytes.HasPrefix(head, []byte(magic.prefix)) {
			return magic.format
		}
	}
	return ""
}
