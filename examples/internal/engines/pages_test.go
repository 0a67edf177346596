package engines

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParsePages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		pages []int
	}{
		{"1", []int{1}},
		{"1,2,5-7", []int{1, 2, 5, 6, 7}},
		{"3,1", []int{3, 1}},
		{" 2 , 4 - 5 ", []int{2, 4, 5}},
		{"6-", []int{6, 7, 8}},
		{"8-8", []int{8}},
		{"2,2", []int{2, 2}},
	} {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			pages, err := parsePages(c.text, 8)
			require.NoError(t, err)
			assert.Equal(t, c.pages, pages)
		})
	}
}

func TestParsePagesRefuses(t *testing.T) {
	t.Parallel()
	for text, message := range map[string]string{
		"":                            `not ""`,
		"1,":                          `not ""`,
		"a":                           `not "a"`,
		"1-x":                         `not "x"`,
		"-3":                          `not ""`,
		"0":                           "page 0 of a document with 8",
		"9":                           "page 9 of a document with 8",
		"5-9":                         "page 9",
		"5-4":                         `"5-4", which begins after its end`,
		"1.5":                         `not "1.5"`,
		"99999999999999999999":        "needs numbers",
		strings.Repeat("1-8,", 2_000): "more than 10000 pages",
	} {
		t.Run(clip(text), func(t *testing.T) {
			t.Parallel()
			_, err := parsePages(text, 8)
			require.Error(t, err)
			assert.Contains(t, err.Error(), message)
		})
	}
}

func FuzzParsePages(f *testing.F) {
	f.Add("1,2,5-7", 8)
	f.Add("3-", 4)
	f.Add("2-1", 2)
	f.Fuzz(func(t *testing.T, text string, count int) {
		pages, err := parsePages(text, count)
		if err != nil {
			return
		}
		assert.NotEmpty(t, pages)
		assert.LessOrEqual(t, len(pages), maxPages)
		for _, page := range pages {
			assert.Positive(t, page)
			assert.LessOrEqual(t, page, count)
		}
	})
}

func TestReadablePath(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	separator := string(filepath.ListSeparator)
	assert.Equal(t, dir, readablePath(filepath.Join(dir, "missing")+separator+dir+separator))
}
