package safefile

import (
	"fmt"
	"strings"
)

// Names keeps the names of one directory apart. The zero value knows no name yet. It is not safe for concurrent use:
// hand out the names first, in an order that stays the same, then write the files.
type Names struct {
	last map[string]int // the last number given to a name, by the name in one case
}

// Distinct returns name, or name with " (2)", " (3)" and so on before its extension, whichever is not taken yet, and
// records it. Names that differ only in case count as one, as they do on macOS and Windows. A slash path is fine too.
func (n *Names) Distinct(name string) string {
	if n.last == nil {
		n.last = make(map[string]int)
	}
	key := foldCase(name)
	number, taken := n.last[key]
	if !taken {
		n.last[key] = 1
		return name
	}
	stem, ext := split(name)
	for {
		number++
		candidate := fmt.Sprintf("%s (%d)%s", stem, number, ext)
		if _, taken := n.last[foldCase(candidate)]; !taken {
			n.last[key], n.last[foldCase(candidate)] = number, 1
			return candidate
		}
	}
}

// foldCase goes by upper case first, as the letters that share it count as one on Windows.
func foldCase(name string) string {
	return strings.ToLower(strings.ToUpper(name))
}

// Numbered puts a dash and a number before the extension of a name, which stays short enough for every file system.
func Numbered(name, number string) string {
	stem, ext := split(name)
	return shorten(stem, maxBytes-len(ext)-len(number)-1) + "-" + number + ext
}
