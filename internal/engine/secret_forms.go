package engine

import (
	"encoding/base64"
	"slices"
	"sort"
	"strings"
	"sync"
)

const (
	// minSecret is the minimum length of a secret. Shorter values are not hidden: they
	// could be guessed, and occur in many other places.
	minSecret = 4
	// longSecret is the number of consecutive bytes that cannot match by chance. Shorter
	// secrets are only found as whole words.
	longSecret = 16
	// maxSecret and maxSecrets bound the number of bytes to search for, of one secret and
	// of all. If there are more, no text is shown.
	maxSecret, maxSecrets = 64 << 10, 1 << 20
	// maxEscapes is the maximum number of levels of escapes in a text.
	maxEscapes = 4
)

// secretSet holds the secrets of an outcome.
type secretSet struct {
	texts []string
	once  sync.Once
	known forms
}

// forms returns the forms of the secrets.
func (s *secretSet) forms() *forms {
	if s == nil {
		return new(forms)
	}
	s.once.Do(func() { s.known = newForms(s.texts) })
	return &s.known
}

// forms are the ways in which secrets may appear in a text, in lower case and unescaped.
type forms struct {
	words   map[string]bool // match only whole words
	lengths []int           // of the words, the longest first
	pieces  []string        // words and pieces of longer forms, sorted
	tooMany bool            // too many bytes to search for
}

func newForms(secrets []string) forms {
	f := forms{words: map[string]bool{}}
	known := map[string]bool{}
	var size int
	for _, secret := range secrets {
		if known[secret] {
			continue
		}
		if size += len(secret); len(secret) > maxSecret || size > maxSecrets {
			return forms{tooMany: true}
		}
		known[secret] = true
		f.add(secret)
	}
	slices.Sort(f.pieces)
	f.pieces = slices.Compact(f.pieces)
	for word := range f.words {
		f.lengths = append(f.lengths, len(word))
	}
	slices.Sort(f.lengths)
	f.lengths = slices.Compact(f.lengths)
	slices.Reverse(f.lengths)
	return f
}

// add adds the forms of a secret: the secret itself and, because base64 encodes groups of
// three bytes, its three possible encodings within a longer text.
func (f *forms) add(secret string) {
	read := newReading(secret)
	f.addForm(string(read.text))
	for range maxEscapes {
		read = read.unescape(false)
	}
	f.addForm(string(read.text))
	if len(secret) < longSecret {
		return
	}
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("-", before) + secret))
		// The characters at the ends also encode bits of the text before and after.
		encoded = strings.ToLower(encoded[(before*8+5)/6 : (before+len(secret))*8/6])
		f.addForm(encoded)
		f.addForm(strings.NewReplacer("+", "-", "/", "_").Replace(encoded))
	}
}

// addForm adds a short form as a word, and a long one as overlapping pieces: the time to
// find a part of it then does not depend on its length.
func (f *forms) addForm(text string) {
	if minSecret <= len(text) && len(text) < longSecret {
		f.words[text] = true
		f.pieces = append(f.pieces, text)
	}
	for ; len(text) >= longSecret; text = text[longSecret:] {
		f.pieces = append(f.pieces, text[:min(len(text), 2*longSecret)])
	}
}

// longest returns the length of the longest common prefix of a text and a piece.
func (f *forms) longest(text []byte) int {
	text = text[:min(len(text), 2*longSecret)] // no piece is longer
	i := sort.Search(len(f.pieces), func(i int) bool { return f.pieces[i] >= string(text) })
	var longest int
	for _, piece := range f.pieces[max(i-1, 0):min(i+1, len(f.pieces))] {
		longest = max(longest, commonPrefix(text, piece))
	}
	return longest
}
