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
	works := []Work{{Name: "0", Request: Pipeline(FromBytes("a.txt", []byte("x")), Convert{OutputFormat: "pdf"})}}
	b, err := client.newBatch(slices.Values(works), []BatchOption{WithJournal(filepath.Join(t.TempDir(), "journal"))})
	require.NoError(t, err)
	require.NoError(t, b.journal.file.Close()) // which fails as a full disk would
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

// A line that a full disk cut off does not spoil the next one.
func TestJournalAfterATornLine(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path)
	require.NoError(t, err)
	_, err = j.file.WriteString(`{"key":"a","tag":"cl`)
	require.NoError(t, err)
	j.torn = true // as the write that failed has noted
	require.NoError(t, j.record(t.Context(), journalEntry{Key: "b", Work: "1", Tag: "tag-b"}))
	require.NoError(t, j.record(t.Context(), journalEntry{Key: "c", Work: "1", Tag: "tag-c"}))
	require.NoError(t, j.close(t.Context()))

	again, err := openJournal(path)
	require.NoError(t, err)
	assert.Empty(t, again.entries[workID{"a", ""}].Tag)
	assert.Equal(t, "tag-b", again.entries[workID{"b", "1"}].Tag)
	assert.Equal(t, "tag-c", again.entries[workID{"c", "1"}].Tag)
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
	require.ErrorIs(t, j.record(ctx, journalEntry{Key: "a", Tag: "tag-a"}), errDisk)
	require.ErrorIs(t, j.record(ctx, journalEntry{Key: "a", Done: true}), errDisk)
	require.ErrorIs(t, j.close(ctx), errDisk)
	locked, err := flock.New(j.locks[0].Path()).TryLock()
	require.NoError(t, err)
	assert.False(t, locked, "no other run uses it before the write is over")
	j.mu.Unlock()
}

// The last line of a work counts, and lines of other works of its name say nothing of it.
func TestJournalTellsWorksOfOneNameApart(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	j, err := openJournal(path)
	require.NoError(t, err)
	for _, entry := range []journalEntry{{Work: "1", Tag: "old"}, {Work: "2", Tag: "tag-2"}, {Work: "1", Tag: "tag-1"}, {Work: "3", Tag: "t"}, {Work: "3"}} {
		entry.Key = "a"
		require.NoError(t, j.record(t.Context(), entry))
	}
	require.NoError(t, j.close(t.Context()))
	again, err := openJournal(path)
	require.NoError(t, err)
	assert.Equal(t, "tag-1", again.entries[workID{"a", "1"}].Tag)
	assert.Equal(t, "tag-2", again.entries[workID{"a", "2"}].Tag)
	assert.Empty(t, again.entries[workID{"a", "3"}].Tag)
	require.NoError(t, again.close(t.Context()))
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
