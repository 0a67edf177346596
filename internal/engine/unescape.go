package engine

import (
	"bytes"
	"html"
	"strconv"
	"strings"
	"unicode/utf8"
)

// reading is a text in lower case with some levels of escapes decoded, and the position
// of each of its bytes in the original text.
type reading struct {
	text []byte
	at   []int // has one more element than text, for the end
}

// newReading returns a reading of a text with no escapes decoded.
func newReading(text string) reading {
	r := reading{text: make([]byte, len(text)), at: make([]int, len(text)+1)}
	for i := range len(text) {
		r.text[i], r.at[i] = lower(text[i]), i
	}
	r.at[len(text)] = len(text)
	return r
}

func lower(b byte) byte {
	if 'A' <= b && b <= 'Z' {
		return b + 'a' - 'A'
	}
	return b
}

// unescape decodes one level of escapes. If the text was cut off, it drops an incomplete
// escape at the end.
func (r reading) unescape(isCut bool) reading {
	plain := reading{text: make([]byte, 0, len(r.text)), at: make([]int, 0, len(r.at))}
	for i := 0; i < len(r.text); {
		decoded, n := unescapeOne(r.text[i:])
		if n > len(r.text)-i { // the escape is incomplete
			if isCut {
				break
			}
			decoded, n = r.text[i:i+1], 1
		}
		for _, b := range decoded {
			plain.text, plain.at = append(plain.text, lower(b)), append(plain.at, r.at[i])
		}
		i += n
	}
	plain.at = append(plain.at, r.at[len(r.text)])
	return plain
}

// unescapeOne decodes the beginning of a text, and returns how many bytes of the text it
// has decoded. If the text ends within an escape, n exceeds its length.
func unescapeOne(text []byte) (decoded []byte, n int) {
	hexEscape := func(prefix, digits int) ([]byte, int) {
		if len(text) < prefix+digits {
			return nil, prefix + digits
		}
		code, err := strconv.ParseUint(string(text[prefix:prefix+digits]), 16, 16)
		switch {
		case err != nil:
			return text[:1], 1
		case digits == 2:
			return []byte{byte(code & 0xff)}, prefix + digits
		default:
			return utf8.AppendRune(nil, rune(code)), prefix + digits
		}
	}
	switch text[0] {
	case '%':
		return hexEscape(1, 2)
	case '&':
		return unescapeHTML(text)
	case '\\':
		switch {
		case len(text) == 1:
			return nil, 2
		case text[1] == 'u':
			return hexEscape(2, 4)
		case text[1] == 'x':
			return hexEscape(2, 2)
		case strings.IndexByte("nrt", text[1]) >= 0:
			return []byte{' '}, 2
		case strings.IndexByte("/\\\"'", text[1]) >= 0:
			return text[1:2], 2
		}
	}
	return text[:1], 1
}

// maxEntity is the maximum length of the HTML entities that matter.
const maxEntity = 10

func unescapeHTML(text []byte) (decoded []byte, n int) {
	end := bytes.IndexByte(text[:min(len(text), maxEntity)], ';')
	if end < 0 {
		if len(text) < maxEntity && bytes.IndexFunc(bytes.TrimPrefix(text[1:], []byte{'#'}), isDelimiter) < 0 {
			return nil, maxEntity
		}
		return text[:1], 1
	}
	entity := string(text[:end+1])
	if plain := html.UnescapeString(entity); plain != entity {
		return []byte(plain), end + 1
	}
	return text[:1], 1
}
