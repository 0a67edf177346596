package safefile

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDistinct(t *testing.T) {
	t.Parallel()
	tests := map[string][][2]string{ // name, distinct name
		"different names":     {{"a.pdf", "a.pdf"}, {"b.pdf", "b.pdf"}, {"a.png", "a.png"}},
		"the same name":       {{"a.pdf", "a.pdf"}, {"a.pdf", "a (2).pdf"}, {"a.pdf", "a (3).pdf"}},
		"another case":        {{"a.pdf", "a.pdf"}, {"A.PDF", "A (2).PDF"}, {"a.Pdf", "a (3).Pdf"}},
		"another sigma":       {{"σ", "σ"}, {"ς", "ς (2)"}, {"Σ", "Σ (3)"}},
		"no extension":        {{"a", "a"}, {"a", "a (2)"}},
		"two extensions":      {{"a.tar.gz", "a.tar.gz"}, {"a.tar.gz", "a (2).tar.gz"}},
		"only a tar":          {{"a.tar", "a.tar"}, {"a.tar", "a (2).tar"}},
		"only an extension":   {{".pdf", ".pdf"}, {".pdf", ".pdf (2)"}},
		"a number given":      {{"a (2).pdf", "a (2).pdf"}, {"a.pdf", "a.pdf"}, {"a.pdf", "a (3).pdf"}},
		"a number taken":      {{"a", "a"}, {"a", "a (2)"}, {"a (2)", "a (2) (2)"}, {"a", "a (3)"}},
		"in a directory":      {{"d/a.pdf", "d/a.pdf"}, {"a.pdf", "a.pdf"}, {"d/a.pdf", "d/a (2).pdf"}},
		"a dotted directory":  {{"d.x/a", "d.x/a"}, {"d.x/a", "d.x/a (2)"}},
		"hidden in directory": {{"d/.a", "d/.a"}, {"d/.a", "d/.a (2)"}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var names nameSet
			for _, step := range steps {
				assert.Equal(t, step[1], names.distinct(step[0]))
			}
		})
	}
}

func TestDistinctIsNotQuadratic(t *testing.T) {
	t.Parallel()
	var names nameSet
	names.distinct("a.pdf")
	for n := 2; n <= 50_000; n++ { // with quadratic work the test would time out
		assert.Equal(t, "a ("+strconv.Itoa(n)+").pdf", names.distinct("a.pdf"))
	}
}
