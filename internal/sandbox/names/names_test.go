package names

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNumbered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		n, total int
		want     string
	}{
		{"a.png", 1, 1, "a.png"},
		{"a.png", 2, 3, "a-2.png"},
		{"a.tar.gz", 2, 3, "a-2.tar.gz"},
		{"page-%d.png", 1, 1, "page-1.png"},
		{"page-%03d.png", 12, 20, "page-012.png"},
		{"%d of %d", 2, 3, "2 of 2"},
		{"%s%v.txt", 7, 1, "%s%v.txt"},
		{"%999999999d.txt", 7, 1, "%999999999d.txt"},
		{"100%.png", 2, 3, "100%-2.png"},
		{"name", 2, 3, "name-2"},
		{"dir/name", 2, 3, "dir/name-2"},
	} {
		assert.Equal(t, c.want, Numbered(c.name, c.n, c.total))
	}
}
