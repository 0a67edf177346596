package transfer

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseContentRange(t *testing.T) {
	t.Parallel()
	type parsed struct {
		start, end, total int64
		ok                bool
	}
	wrong := parsed{-1, -1, -1, false}
	tests := map[string]parsed{
		"bytes 5-9/10":                       {5, 9, 10, true},
		"bytes 0-0/1":                        {0, 0, 1, true},
		"Bytes  5-9/* ":                      {5, 9, -1, true},
		"bytes */10":                         {-1, -1, 10, true},
		"bytes */*":                          {-1, -1, -1, true},
		"bytes 5-10/10":                      wrong,
		"bytes 9-5/10":                       wrong,
		"bytes 5-/10":                        wrong,
		"bytes -5/10":                        wrong,
		"bytes +5-9/10":                      wrong,
		"bytes 5-9":                          wrong,
		"bytes 5-9/":                         wrong,
		"bytes 5-9/ten":                      wrong,
		"bytes 5-99999999999999999999/*":     wrong,
		"bytes 5-9223372036854775807/*":      {5, math.MaxInt64, -1, true},
		"bytes 5-9/9223372036854775808":      wrong,
		"items 5-9/10":                       wrong,
		"":                                   wrong,
		"multipart/byteranges; boundary=abc": wrong,
	}
	for value, want := range tests {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			r, ok := parseContentRange(value)
			assert.Equal(t, want, parsed{r.start, r.end, r.total, ok})
		})
	}
}

func FuzzParseContentRange(f *testing.F) {
	for _, seed := range []string{"bytes 5-9/10", "bytes */10", "bytes 5-9/*", "bytes 9223372036854775807-1/2", "x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r, ok := parseContentRange(value)
		if !ok {
			assert.Equal(t, contentRange{-1, -1, -1}, r)
			return
		}
		assert.GreaterOrEqual(t, r.start, int64(-1))
		assert.GreaterOrEqual(t, r.end, r.start)
		assert.GreaterOrEqual(t, r.total, int64(-1))
		if r.total >= 0 {
			assert.Less(t, r.end, max(r.total, 1))
		}
	})
}
