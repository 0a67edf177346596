package safefile

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// nameSet makes the names of files in a directory distinct. The zero value is ready to
// use. A nameSet is not safe for concurrent use.
type nameSet struct {
	last map[string]int // last number used, by case-folded name
}

// distinct returns name, or name with " (2)", " (3)" and so on before its extension,
// whichever is not taken yet, and records it. Names that differ only in case count as
// equal, as they do on macOS and Windows. A name may be a slash path.
func (n *nameSet) distinct(name string) string {
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

// foldCase returns a name in one case. It converts to upper case first, because Windows
// compares names in upper case.
func foldCase(name string) string {
	return strings.ToLower(strings.ToUpper(name))
}

// numbered adds a dash and a number before the extension of a name. The result is short
// enough for every file system.
func numbered(name, number string) string {
	stem, ext := split(name)
	return shorten(stem, maxBytes-len(ext)-len(number)-1) + "-" + number + ext
}

// Around returns the names under which a set of files is saved if the user chose the name
// base for their main file. The files for which isAlike reports true are the main files:
// a single one is called base, and several are called base with a number. The other files
// keep their names, so that the images of a page keep the names that it links to. If
// there is only one file, it is called base.
func Around(base string, names []string, isAlike func(name string) bool) []string {
	if len(names) == 1 {
		return []string{base}
	}
	around := slices.Clone(names)
	var alike []int
	var own []string
	for i, name := range names {
		if isAlike(name) {
			alike = append(alike, i)
			own = append(own, path.Base(name))
		}
	}
	if len(alike) == 1 {
		around[alike[0]] = base
		return around
	}
	for n, number := range numbersOf(own) {
		around[alike[n]] = numbered(base, number)
	}
	return around
}

var digits = regexp.MustCompile(`[0-9]+`)

// numbersOf returns a number for each name. It is the only number in which the names
// differ, so that p-2.jpg is page 2, or else the position of the name.
func numbersOf(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	if numbers, found := differingNumbers(names); found {
		return numbers
	}
	var places []string
	for n := range names {
		places = append(places, strconv.Itoa(n+1))
	}
	return places
}

// differingNumbers returns the only number in which the names differ.
func differingNumbers(names []string) ([]string, bool) {
	var rows [][]string // the numbers in each name
	for _, name := range names {
		if digits.ReplaceAllString(name, "0") != digits.ReplaceAllString(names[0], "0") {
			return nil, false
		}
		rows = append(rows, digits.FindAllString(name, -1))
	}
	var differing [][]string // the columns in which the names differ
	for k := range rows[0] {
		var column []string
		for _, row := range rows {
			column = append(column, row[k])
		}
		if slices.ContainsFunc(column, func(number string) bool { return number != column[0] }) {
			differing = append(differing, column)
		}
	}
	if len(differing) != 1 || len(slices.Compact(slices.Sorted(slices.Values(differing[0])))) < len(names) {
		return nil, false
	}
	return differing[0], true
}

// Distinct returns a distinct slash path for each name, in the same order. No path is a
// directory above another.
func Distinct(names []string) []string {
	var taken nameSet
	known := map[string]bool{}
	for _, name := range names {
		for _, dir := range parents(name) {
			if !known[dir] {
				known[dir] = true
				taken.distinct(dir)
			}
		}
	}
	unique := make([]string, 0, len(names))
	for _, name := range names {
		unique = append(unique, taken.distinct(name))
	}
	return unique
}

// parents returns the directories above a slash path, outer ones first.
func parents(name string) []string {
	var dirs []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		dirs = append(dirs, dir)
	}
	slices.Reverse(dirs)
	return dirs
}
