package newest

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBounds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		limit, maxSize int
		add, want      []string
	}{
		"none":       {0, 100, []string{"a"}, nil},
		"all":        {3, 100, []string{"a", "b", "c"}, []string{"a", "b", "c"}},
		"number":     {3, 100, []string{"a", "b", "c", "d", "e"}, []string{"c", "d", "e"}},
		"size":       {3, 4, []string{"a", "bbb", "cc", "d"}, []string{"cc", "d"}},
		"too large":  {3, 4, []string{"a", "bbbbbb"}, []string{"bbbbbb"}},
		"and after":  {3, 4, []string{"bbbbbb", "c"}, []string{"c"}},
		"many":       {40, 1000, slices.Repeat([]string{"x", "y"}, 50), slices.Repeat([]string{"x", "y"}, 20)},
		"small ones": {2, 4, []string{"aaaa", "b", "c", "d"}, []string{"c", "d"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			x := Values[string]{Limit: test.limit, MaxSize: test.maxSize, Size: func(s string) int { return len(s) }}
			size := 0
			for _, s := range test.add {
				x.Add(s)
			}
			var got []string
			for i, s := range x.All() {
				assert.Len(t, got, i)
				got, size = append(got, s), size+len(s)
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, size, x.size)
			assert.Len(t, got, x.Len())
		})
	}
}
