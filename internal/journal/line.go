package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// line is a line of the journal. The last line of a work counts. The JSON names differ
// from those of the fields because they are part of the file format: existing journals
// have them.
type line struct {
	Name string `json:"key"`
	Hash string `json:"work,omitzero"`
	Entry
}

// lineStart is the beginning of every line.
const lineStart = `{"key":`

// encode returns the line with its line break. Text that is not UTF-8 is an error,
// because encoding/json would change it.
func (l line) encode() ([]byte, error) {
	for _, text := range slices.Concat([]string{l.Name, l.Hash, l.Tag}, l.Files) {
		if !utf8.ValidString(text) {
			return nil, fmt.Errorf("%q is not UTF-8 text", text)
		}
	}
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(l)
	return buffer.Bytes(), err
}

// maxLine bounds the length of a line. A line lists the files of one job, whose response
// has at most 32 MiB.
const maxLine = 32 << 20

var errLineTooLong = fmt.Errorf("a line is longer than %d bytes", maxLine)

// readLine returns the next line with its line break, which the last line may lack. The
// line is valid until the next read.
func readLine(reader *bufio.Reader) ([]byte, error) {
	text, err := reader.ReadSlice('\n')
	if !errors.Is(err, bufio.ErrBufferFull) {
		return text, err
	}
	text = bytes.Clone(text)
	for errors.Is(err, bufio.ErrBufferFull) {
		if len(text) > maxLine {
			return nil, errLineTooLong
		}
		var part []byte
		part, err = reader.ReadSlice('\n')
		text = append(text, part...)
	}
	return text, err
}

// workID is a hash of the name and hash of a work.
type workID [16]byte

func newWorkID(name, hash []byte) workID {
	var buffer [256]byte
	sum := sha256.Sum256(append(append(append(buffer[:0], hash...), 0), name...))
	return workID(sum[:16])
}

// workOf returns the work of a line. It reports false if the line is not an entry.
func workOf(text []byte) (workID, bool) {
	if name, hash, ok := scan(text); ok {
		return newWorkID(name, hash), true
	}
	var l line
	if json.Unmarshal(text, &l) != nil || l.Name == "" {
		return workID{}, false
	}
	return newWorkID([]byte(l.Name), []byte(l.Hash)), true
}

// scan returns the name and hash in a line in the form that encode writes. It reports
// false for lines that only encoding/json can parse: those in another form, and those
// with escapes other than of backslashes and quotes. It exists for speed: a million works
// have three million lines, and it opens their journal in a fifth of the time.
func scan(text []byte) (name, hash []byte, ok bool) {
	s := scanner{rest: text, ok: utf8.Valid(text)}
	s.must(lineStart)
	name = unescape(s.text())
	if s.skip(`,"work":`) {
		hash = unescape(s.text())
	}
	if s.skip(`,"tag":`) {
		s.text()
	}
	if s.skip(`,"files":[`) {
		s.list(func() { s.text() })
	}
	if s.skip(`,"sizes":[`) {
		s.list(s.number)
	}
	s.skip(`,"done":true`)
	if s.skip(`,"begun":`) {
		s.text()
	}
	s.must("}\n")
	return name, hash, s.ok && len(s.rest) == 0 && len(name) > 0
}

// scanner scans JSON values from the beginning of a text.
type scanner struct {
	rest []byte
	ok   bool // no mismatch so far
}

func (s *scanner) skip(literal string) bool {
	rest, found := bytes.CutPrefix(s.rest, []byte(literal))
	s.rest = rest
	return found
}

func (s *scanner) must(literal string) {
	if !s.skip(literal) {
		s.ok = false
	}
}

// text scans a string and returns the text between its quotes. It accepts escaped
// backslashes, which are frequent in paths of Windows, and escaped quotes. Other escapes
// are left to encoding/json.
func (s *scanner) text() []byte {
	s.must(`"`)
	end := 0
	for end < len(s.rest) && s.rest[end] != '"' {
		switch c := s.rest[end]; {
		case c == '\\' && end+1 < len(s.rest) && (s.rest[end+1] == '\\' || s.rest[end+1] == '"'):
			end++
		case c == '\\', c < ' ':
			s.ok = false
		}
		end++
	}
	text := s.rest[:end]
	s.rest = s.rest[end:]
	s.must(`"`)
	return text
}

// unescape removes the backslashes from the result of text.
func unescape(text []byte) []byte {
	if !bytes.ContainsRune(text, '\\') {
		return text
	}
	var plain []byte
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
		}
		plain = append(plain, text[i])
	}
	return plain
}

// number scans a number without a sign.
func (s *scanner) number() {
	digits := s.rest[:len(s.rest)-len(bytes.TrimLeft(s.rest, "0123456789"))]
	s.rest = s.rest[len(digits):]
	if len(digits) == 0 || len(digits) > 18 || len(digits) > 1 && digits[0] == '0' {
		s.ok = false
	}
}

// list scans the elements of an array and its end.
func (s *scanner) list(element func()) {
	element()
	for s.skip(",") {
		element()
	}
	s.must("]")
}
