package cloudconvert

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gofrs/flock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// nowhere is a network that is not to be used.
type nowhere struct{ t *testing.T }

func (n nowhere) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("a request was made: %s %s", r.Method, r.URL)
	return nil, errors.New("there is no network")
}

// Nothing is created that could not be found again.
func TestJournalOnFullDisk(t *testing.T) {
	t.Parallel()
	client, err := NewClient("an-invented-key", WithHTTPClient(&http.Client{Transport: nowhere{t}}))
	require.NoError(t, err)
	items := []Conversion{{Source: FromBytes("a.txt", []byte("x")), OutputFormat: "pdf", Key: "0"}}
	b, err := client.newBatch(slices.Values(items), []ConvertOption{WithJournal(filepath.Join(t.TempDir(), "journal"))})
	require.NoError(t, err)
	require.NoError(t, b.journal.file.Close()) // which fails as a full disk would
	var results []Result
	b.run(t.Context(), func(r Result) bool {
		results = append(results, r)
		return true
	})
	require.Len(t, results, 2, "of the item and of the end of the journal")
	require.ErrorContains(t, results[0].Err, "journal")
	assert.Equal(t, "0", results[0].Conversion.Key)
	require.ErrorContains(t, results[1].Err, "journal")
}

// A line that a full disk cut off does not spoil the next one.
func TestJournalAfterATornLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path)
	require.NoError(t, err)
	_, err = j.file.WriteString(`{"key":"a","tag":"cl`)
	require.NoError(t, err)
	j.torn = true // as the write that failed has noted
	require.NoError(t, j.begin(t.Context(), "b", "tag-b"))
	require.NoError(t, j.begin(t.Context(), "c", "tag-c"))
	require.NoError(t, j.close(t.Context()))

	again, err := openJournal(path)
	require.NoError(t, err)
	assert.Empty(t, again.find("a").Tag)
	assert.Equal(t, "tag-b", again.find("b").Tag)
	assert.Equal(t, "tag-c", again.find("c").Tag)
	require.NoError(t, again.close(t.Context()))
}

// A file system that does not respond keeps nothing from ending with its context.
func TestJournalOnASilentDisk(t *testing.T) {
	t.Parallel()
	j, err := openJournal(filepath.Join(t.TempDir(), "journal"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	j.mu.Lock() // as a write does that does not return
	require.ErrorIs(t, j.begin(ctx, "a", "tag-a"), errDisk)
	require.ErrorIs(t, j.end(ctx, "a", "tag-a", nil), errDisk)
	require.ErrorIs(t, j.close(ctx), errDisk)
	locked, err := flock.New(j.locks[0].Path()).TryLock()
	require.NoError(t, err)
	assert.False(t, locked, "no other run uses it before the write is over")
	j.mu.Unlock()
}

// A wrong path, to a film for instance, must not be read into memory.
func TestJournalRefusesALineWithoutEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "film.mp4")
	require.NoError(t, os.WriteFile(path, []byte(journalStart), 0o600))
	require.NoError(t, os.Truncate(path, 1<<30)) // which takes no room on the disk
	_, err := openJournal(path)
	require.ErrorIs(t, err, errLineTooLong)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, int64(1<<30), info.Size(), "it is left alone")
}
