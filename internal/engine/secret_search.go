package engine

import (
	"regexp"
	"slices"
	"strings"
)

type span struct{ start, end int }

// blank replaces parts of a text by dots.
func blank(text string, parts []span) string {
	if len(parts) == 0 {
		return text
	}
	slices.SortFunc(parts, func(a, b span) int { return a.start - b.start })
	var b strings.Builder
	done := 0
	for _, part := range parts {
		if part.end <= done {
			continue
		}
		if part.start > done || b.Len() == 0 {
			b.WriteString(text[done:max(part.start, done)])
			b.WriteString(dots)
		}
		done = part.end
	}
	b.WriteString(text[done:])
	return b.String()
}

// find returns the positions of secrets and of long parts of them. If the text was cut
// off, short beginnings of secrets also match at its end.
func (r reading) find(f *forms, isCut bool) []span {
	var found []span
	for i := range r.text {
		length := f.longest(r.text[i:])
		if isRest := isCut && length >= minSecret && i+length == len(r.text); length < longSecret && !isRest {
			length = r.word(f, i)
		}
		start, end := r.at[i], r.at[i+length]
		switch last := len(found) - 1; {
		case length == 0:
		case last >= 0 && found[last].end >= start:
			found[last].end = max(found[last].end, end)
		default:
			found = append(found, span{start, end})
		}
	}
	return found
}

// word returns the length of the secret word that begins at start, or 0.
func (r reading) word(f *forms, start int) int {
	for _, length := range f.lengths {
		if end := start + length; end <= len(r.text) && f.words[string(r.text[start:end])] && r.isWord(start, end) {
			return length
		}
	}
	return 0
}

func commonPrefix(text []byte, prefix string) int {
	n := 0
	for n < min(len(text), len(prefix)) && text[n] == prefix[n] {
		n++
	}
	return n
}

// isWord reports whether a part of the text has no letters or digits next to it.
func (r reading) isWord(start, end int) bool {
	return (start == 0 || isDelimiter(rune(r.text[start-1]))) && (end == len(r.text) || isDelimiter(rune(r.text[end])))
}

func isDelimiter(r rune) bool {
	return r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

var (
	// anyURL captures the user of a URL, and everything after its path.
	anyURL = regexp.MustCompile(`//(?:([^?#\s"<>]*)@)?[^?#\s"<>]*(?:[?#]([^\s"<>]+))?`)
	// anyQuery captures the query of a URL without a host, as in a request line.
	anyQuery = regexp.MustCompile(`\?([^\s"<>?=&]+=[^\s"<>]*)`)
	// anyCredential captures the value of a parameter or header whose name says that it
	// is secret. After a colon that does not follow a quoted name, a short value is taken
	// for a word of a sentence.
	anyCredential = regexp.MustCompile(`(?:secret|token|password|signature|credential|authorization|api_?key|access_?key)[\w-]*` +
		`(?:=[\\"]*(?:bearer |basic )?([^\s"<>&]+)|\\*":\s*[\\"]*(?:bearer |basic )?([^\s"<>&[{][^\s"<>&]*)|:\s*(?:bearer |basic )?([^\s"<>&]{16,}))`)
)

// queries returns the positions of users, queries and fragments of URLs, and of the
// values of parameters whose names say that they are secret.
func (r reading) queries() []span {
	var found []span
	for _, pattern := range []*regexp.Regexp{anyURL, anyQuery, anyCredential} {
		for _, match := range pattern.FindAllSubmatchIndex(r.text, -1) {
			for group := 2; group < len(match); group += 2 {
				found = r.add(found, match[group], match[group+1])
			}
		}
	}
	return found
}

// add appends a part of the reading, unless it is empty or already hidden. A backslash at
// its end belongs to the quote that follows.
func (r reading) add(found []span, start, end int) []span {
	for end > start && r.text[end-1] == '\\' {
		end--
	}
	if start < 0 || start == end || string(r.text[start:end]) == dots {
		return found
	}
	return append(found, span{r.at[start], r.at[end]})
}
