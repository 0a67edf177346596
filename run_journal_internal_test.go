package cloudconvert

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nowhere is a network that must not be used.
type nowhere struct{ t *testing.T }

func (n nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request was made: %s %s", r.Method, r.URL)
	return nil, errors.New("there is no network")
}

// A job that could not be recorded is not created.
func TestJournalOnFullDisk(t *testing.T) {
	t.Parallel()
	client, err := NewClient("an-invented-key", WithHTTPClient(&http.Client{Transport: nowhere{t}}))
	require.NoError(t, err)
	works := []Work{{Name: "0", Request: Pipeline(FromBytes("a.txt", []byte("x")), Convert{OutputFormat: "pdf"})}}
	b, err := client.newBatch(slices.Values(works), []BatchOption{WithJournal(filepath.Join(t.TempDir(), "journal"))})
	require.NoError(t, err)
	require.NoError(t, b.journal.Close(t.Context())) // writes to it fail as on a full disk
	var results []Result
	b.run(t.Context(), func(r Result) bool {
		results = append(results, r)
		return true
	})
	require.Len(t, results, 2, "of the work and of the end of the journal")
	require.ErrorContains(t, results[0].Err, "journal")
	assert.Equal(t, "0", results[0].Work.Name)
	require.ErrorContains(t, results[1].Err, "journal")
}
