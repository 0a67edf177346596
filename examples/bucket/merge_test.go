package main

import (
	"errors"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listing yields objects as a listing does, sorted by name.
func listing(names []string, err error) iter.Seq2[object, error] {
	sorted := slices.Compact(slices.Sorted(slices.Values(names)))
	return func(yield func(object, error) bool) {
		for _, name := range sorted {
			if !yield(object{name: name, size: 1}, nil) {
				return
			}
		}
		if err != nil {
			yield(object{}, err)
		}
	}
}

// checkMerge compares merge with what maps make of the same names.
func checkMerge(t *testing.T, sources, results []string, suffix string) {
	t.Helper()
	want := map[string]bool{}
	has := map[string]bool{}
	longest := 0
	for _, name := range results {
		has[name] = true
	}
	for _, name := range sources {
		want[name] = has[name+suffix]
		longest = max(longest, len(name))
	}
	read := 0
	counted := func(yield func(object, error) bool) {
		for o, err := range listing(sources, nil) {
			read++
			if !yield(o, err) {
				return
			}
		}
	}
	got := map[string]bool{}
	last := ""
	for c, err := range merge(counted, listing(results, nil), suffix) {
		require.NoError(t, err)
		require.Equal(t, c.source.name+suffix, c.name)
		require.Greater(t, c.name, last, "not in the order of the results")
		require.NotContains(t, got, c.source.name)
		require.LessOrEqual(t, read-len(got), longest+1, "more is held than a key has bytes")
		got[c.source.name], last = c.result.name != "", c.name
		if c.result.name != "" {
			require.Equal(t, c.name, c.result.name)
		}
	}
	assert.Equal(t, want, got)
}

// hard are names whose order changes with a suffix.
var hard = []string{
	"a", "a ", "a-1", "a-1-1", "a.", "a.docx", "a-1.docx", "a.docx-1.docx", "a.docx.docx", "a.docx.pdf", "a.pdf", "a.pdf-1",
	"a.tar", "a.tar-x", "a.tar.gz", "a.tar.gz ", "a/x.docx", "a.gz", "a!", "a+b", "a%41", "\u00fc", "\u00fc-", "\x01", "\x01\x01", "a\x01",
	"e\u0301", "\U0001f600", "\U0001f600-", "\uffff", "a//", "//",
}

func TestMergeOfHardNames(t *testing.T) {
	t.Parallel()
	var results []string
	for i, name := range hard {
		if i%2 == 0 {
			results = append(results, name+".pdf", name+".tar.gz")
		}
	}
	for _, suffix := range []string{".pdf", ".tar.gz", ".jpg"} {
		checkMerge(t, hard, results, suffix)
	}
	checkMerge(t, nil, results, ".pdf")
	checkMerge(t, hard, nil, ".pdf")
}

func TestMergeOfRandomNames(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"a", "-", ".", "p", "d", ".pdf", ".tar", ".gz", "/", " ", "\x01", "\u00fc"}
	names := func() []string {
		var names []string
		for range random.IntN(30) {
			var name strings.Builder
			for range 1 + random.IntN(6) {
				name.WriteString(pieces[random.IntN(len(pieces))])
			}
			names = append(names, name.String())
		}
		return names
	}
	for range 5000 {
		sources, suffix := names(), []string{".pdf", ".tar.gz"}[random.IntN(2)]
		results := names()
		for _, name := range sources {
			if random.IntN(2) == 0 {
				results = append(results, name+suffix)
			}
		}
		checkMerge(t, sources, results, suffix)
	}
}

func FuzzMerge(f *testing.F) {
	f.Add(strings.Join(hard, "\n"), "a.pdf\na-1.pdf\na.docx.pdf", ".pdf")
	f.Add("a\na.tar\na.tar-x", "a.tar.gz\na.tar.tar.gz", ".tar.gz")
	f.Fuzz(func(t *testing.T, sources, results, suffix string) {
		names := func(text string) []string {
			return slices.DeleteFunc(strings.Split(text, "\n"), func(name string) bool { return name == "" })
		}
		if suffix != "" {
			checkMerge(t, names(sources), names(results), suffix)
		}
	})
}

func TestMergeEndsWithTheErrorOfAListing(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, failing := range []struct{ sources, results error }{{broken, nil}, {nil, broken}} {
		var failures []error
		for _, err := range merge(listing([]string{"a", "c"}, failing.sources), listing([]string{"a.pdf"}, failing.results), ".pdf") {
			failures = append(failures, err)
		}
		require.NotEmpty(t, failures)
		require.ErrorIs(t, failures[len(failures)-1], broken)
	}
	for range merge(listing([]string{"a", "c"}, nil), listing([]string{"a.pdf"}, nil), ".pdf") {
		break // nothing panics
	}
}
