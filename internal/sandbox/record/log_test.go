package record

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestLogIsBounded adds requests with long queries.
func TestLogIsBounded(t *testing.T) {
	t.Parallel()
	for name, query := range map[string]string{
		"long value": "q=" + strings.Repeat("x", 900_000),
		"no query":   "",
	} {
		log, kept := NewLog(1000), 0
		request := New("api", httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v2/jobs?"+query, http.NoBody), time.Time{})
		for range 300 {
			log.Add(request)
		}
		for range log.All() {
			kept++
		}
		if query == "" {
			assert.Equal(t, 300, kept)
			continue
		}
		assert.Less(t, kept, maxSize/900_000+1, name)
	}
}
