package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
	"sync"
)

const (
	// minSecret is how long a secret is at least. Nothing is hidden for the sake
	// of a shorter one: it could be guessed, and stands for many other things.
	minSecret = 4
	// longSecret is how many bytes in a row cannot be there by chance. A shorter
	// secret is only recognized where it stands as a word of its own.
	longSecret = 16
	// maxSecret and maxSecrets are how many bytes are looked for, of one secret and
	// of all. A text that may repeat more is not shown.
	maxSecret, maxSecrets = 64 << 10, 1 << 20
	// maxEscapes is how many times over a text may be escaped.
	maxEscapes = 4
	// MaxText is how much of a text is shown. A longer one is cut to it.
	MaxText = 256 << 10
	// dots stand for what was hidden.
	dots = "..."
)

// Without takes secrets out of an answer that repeats what it was sent: out of
// its header and, unless it is a success, its body, besides what [Outcome.Hiding] does.
func (a Outcome) Without(secrets ...string) Outcome {
	a = a.Hiding(secrets...)
	for _, secret := range secrets {
		if len(secret) >= longSecret {
			a = a.withoutLiteral(secret)
		}
	}
	return a
}

// Hiding takes secrets out of the error of an answer. [Outcome.Hide] takes them out
// of what is quoted of the answer.
func (a Outcome) Hiding(secrets ...string) Outcome {
	if a.secrets != nil {
		secrets = slices.Concat(a.secrets.texts, secrets)
	}
	a.secrets = &secretSet{texts: secrets}
	if a.Err != nil {
		if text := a.Hide(a.Err.Error()); text != a.Err.Error() {
			err := a.Err
			a.Err = silenced{text: text, err: func() error { return err }}
		}
	}
	return a
}

func (a Outcome) withoutLiteral(secret string) Outcome {
	for name, values := range a.Header {
		if !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, secret) }) {
			continue
		}
		a.Header = a.Header.Clone()
		for i, value := range values {
			a.Header[name][i] = strings.ReplaceAll(value, secret, dots)
		}
	}
	if !isSuccess(a.Status) {
		a.Body = bytes.ReplaceAll(a.Body, []byte(secret), []byte(dots))
	}
	return a
}

// silenced is an error whose text had a secret in it. The error is behind a
// function because fmt prints unexported fields without asking them.
type silenced struct {
	text string
	err  func() error
}

// Error is the text without the secret.
func (s silenced) Error() string { return s.text }

// Is matches what the error matched.
func (s silenced) Is(target error) bool { return errors.Is(s.err(), target) }

// As finds what is in the error.
func (s silenced) As(target any) bool { return errors.As(s.err(), target) }

// Hide replaces the secrets of the answer in a text by dots, and what
// [HideQueries] does. It finds them in any case, escaped for URLs, JSON, HTML and
// several of these over each other, as base64, and cut short.
func (a Outcome) Hide(text string) string { return hide(text, a.secrets, false) }

// Excerpt returns the beginning of a text as [Outcome.Hide] does. The end of the
// text may be within a secret.
func (a Outcome) Excerpt(text string, limit int) string {
	text = hide(text[:min(len(text), limit)], a.secrets, true)
	return text[:min(len(text), limit)]
}

// HideQueries replaces users, queries and fragments of URLs in a text by dots:
// that is where they have their secrets. It does the same with the values of
// parameters and headers whose names say that they are secret.
func HideQueries(text string) string { return hide(text, nil, false) }

func hide(text string, secrets *secretSet, isCut bool) string {
	known := secrets.forms()
	if known.tooMany && text != "" {
		return dots
	}
	if len(text) > MaxText {
		text, isCut = text[:MaxText], true
	}
	var found []span
	read := verbatim(text)
	for range maxEscapes + 1 {
		found = slices.Concat(found, read.queries(), read.find(known, isCut))
		plain := read.unescape(isCut)
		if len(plain.text) == len(read.text) {
			break
		}
		read = plain
	}
	return blank(text, found)
}

// span is a part of a text.
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

// secretSet is the secrets of an answer.
type secretSet struct {
	texts []string
	once  sync.Once
	known forms
}

// forms returns what the secrets look like.
func (s *secretSet) forms() *forms {
	if s == nil {
		return new(forms)
	}
	s.once.Do(func() { s.known = newForms(s.texts) })
	return &s.known
}

// forms are what secrets look like in lower case and without escapes.
type forms struct {
	words   map[string]bool // count only as words of their own
	lengths []int           // of the words, the longest first
	pieces  []string        // sorted: words and pieces of what is longer
	tooMany bool            // more than is looked for
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

// add adds what a secret is known by: itself and, as base64 encodes three bytes at a
// time, what it looks like at each place within a longer text.
func (f *forms) add(secret string) {
	read := verbatim(secret)
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
		// Bits of what stands before and behind are in the characters at the ends.
		encoded = strings.ToLower(encoded[(before*8+5)/6 : (before+len(secret))*8/6])
		f.addForm(encoded)
		f.addForm(strings.NewReplacer("+", "-", "/", "_").Replace(encoded))
	}
}

// addForm adds a word, or pieces of a long text that overlap: each part of the text is
// then found within a number of steps that does not depend on its length.
func (f *forms) addForm(text string) {
	if minSecret <= len(text) && len(text) < longSecret {
		f.words[text] = true
		f.pieces = append(f.pieces, text)
	}
	for ; len(text) >= longSecret; text = text[longSecret:] {
		f.pieces = append(f.pieces, text[:min(len(text), 2*longSecret)])
	}
}

// longest returns how much of the beginning of a text is that of a piece.
func (f *forms) longest(text []byte) int {
	text = text[:min(len(text), 2*longSecret)] // no piece is longer
	i := sort.Search(len(f.pieces), func(i int) bool { return f.pieces[i] >= string(text) })
	var longest int
	for _, piece := range f.pieces[max(i-1, 0):min(i+1, len(f.pieces))] {
		longest = max(longest, commonPrefix(text, piece))
	}
	return longest
}

// find returns where a secret is, or a part of it that says much. Where the text is
// cut, shorter beginnings count.
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

// word returns how long the word at a place is that is a secret, or 0.
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

// isWord reports whether no letter or digit stands beside a part of the text.
func (r reading) isWord(start, end int) bool {
	return (start == 0 || isNoWord(rune(r.text[start-1]))) && (end == len(r.text) || isNoWord(rune(r.text[end])))
}

func isNoWord(r rune) bool {
	return r < 0x80 && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

var (
	// anyURL has the user in its first group and everything behind the path in its
	// second one.
	anyURL = regexp.MustCompile(`//(?:([^?#\s"<>]*)@)?[^?#\s"<>]*(?:[?#]([^\s"<>]+))?`)
	// anyQuery is that of a URL without a host, as in the first line of a request.
	anyQuery = regexp.MustCompile(`\?([^\s"<>?=&]+=[^\s"<>]*)`)
	// anyCredential has the value of a parameter or a header whose name says that it is
	// secret in its last group. After a colon that does not follow a quoted name, a
	// short value is a word of a sentence.
	anyCredential = regexp.MustCompile(`(?:secret|token|password|signature|credential|authorization|api_?key|access_?key)[\w-]*` +
		`(?:=[\\"]*(?:bearer |basic )?([^\s"<>&]+)|\\*":\s*[\\"]*(?:bearer |basic )?([^\s"<>&[{][^\s"<>&]*)|:\s*(?:bearer |basic )?([^\s"<>&]{16,}))`)
)

// queries returns where URLs have their users, queries and fragments, and parameters
// values whose names say that they are secret.
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

// add adds a part of the reading that is not empty or hidden already. A backslash at
// its end belongs to the quote behind it.
func (r reading) add(found []span, start, end int) []span {
	for end > start && r.text[end-1] == '\\' {
		end--
	}
	if start < 0 || start == end || string(r.text[start:end]) == dots {
		return found
	}
	return append(found, span{r.at[start], r.at[end]})
}

// QuerySecrets returns the values of a query, as they stand there and as they are
// meant. A query that is too long to look for is one secret.
func QuerySecrets(query string) []string {
	if len(query) > maxSecret {
		return []string{query}
	}
	var secrets []string
	for pair := range strings.SplitSeq(query, "&") {
		_, value, found := strings.Cut(pair, "=")
		if !found {
			value = pair
		}
		secrets = append(secrets, value)
		if plain, err := url.QueryUnescape(value); err == nil && plain != value {
			secrets = append(secrets, plain)
		}
	}
	return secrets
}

// URLSecrets returns the parts of a URL that give access.
func URLSecrets(u *url.URL) []string {
	secrets := append(QuerySecrets(u.RawQuery), QuerySecrets(u.EscapedFragment())...)
	if u.User != nil {
		password, _ := u.User.Password()
		user := u.User.Username() + ":" + password
		secrets = append(secrets, u.User.String(), user, password, base64.StdEncoding.EncodeToString([]byte(user)))
	}
	return secrets
}
