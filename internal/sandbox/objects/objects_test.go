package objects

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/clock"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/storage"
)

// at returns a location in S3.
func at(key, prefix string) Location {
	parameters := map[string]string{"bucket": "b", "key": key, "key_prefix": prefix}
	return Locate("import/s3", func(name string) string { return parameters[name] })
}

// newStore returns a store, and a function that exports a text.
func newStore(t *testing.T, c *clock.Clock, dir string) (s *Store, export func(l Location, text string) error) {
	t.Helper()
	blobs := storage.NewBlobs(t.TempDir())
	s, err := New(blobs, c, dir)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s, func(l Location, text string) error {
		b, err := blobs.Write("txt", strings.NewReader(text))
		if err != nil {
			return err
		}
		defer blobs.Release(b)
		return s.Write(l, []storage.File{{Name: "x.txt", Blob: b}})
	}
}

// read returns the content of the only object of a location.
func read(s *Store, l Location) (string, error) {
	keys, err := s.Keys(l)
	if err != nil || len(keys) != 1 {
		return "", fmt.Errorf("%d objects, want 1: %w", len(keys), err)
	}
	b, err := s.Read(l, keys[0], "txt")
	if err != nil {
		return "", err
	}
	defer s.blobs.Release(b)
	content, err := os.ReadFile(b.Path)
	return string(content), err
}

// TestObjectsAppearWhole overwrites an object while it is read and listed.
func TestObjectsAppearWhole(t *testing.T) {
	t.Parallel()
	for name, dir := range map[string]string{"kept": "", "folder": t.TempDir()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, export := newStore(t, new(clock.Clock), dir)
			const size = 200_000
			require.NoError(t, export(at("docs/a.txt", ""), strings.Repeat("a", size)))
			var wg sync.WaitGroup
			for _, letter := range []string{"b", "c", "d"} {
				wg.Go(func() {
					for range 20 {
						assert.NoError(t, export(at("docs/a.txt", ""), strings.Repeat(letter, size)))
					}
				})
			}
			for range 3 {
				wg.Go(func() {
					for range 20 {
						content, err := read(s, at("", "docs/"))
						if assert.NoError(t, err) {
							assert.Equal(t, strings.Repeat(content[:1], size), content)
						}
					}
				})
			}
			wg.Wait()
			if dir == "" {
				assert.EqualValues(t, size, s.blobs.Stored())
			} else {
				assert.Zero(t, s.blobs.Stored())
			}
		})
	}
}

func TestExpiredObjectsTakeNoMemory(t *testing.T) {
	t.Parallel()
	var c clock.Clock
	s, export := newStore(t, &c, "")
	for i := range 100 {
		require.NoError(t, export(at(fmt.Sprintf("%d.txt", i%10), ""), "x"))
	}
	assert.Equal(t, 10, s.oldest.Len(), "overwritten objects are dropped")
	c.Advance(24 * time.Hour)
	s.Expire()
	assert.Zero(t, s.oldest.Len())
	assert.Empty(t, s.exported)
	assert.Zero(t, s.blobs.Stored())
}

// TestImportDoesNotCopyTheTable does not run in parallel: it counts allocations.
func TestImportDoesNotCopyTheTable(t *testing.T) { //nolint:paralleltest // see above
	s, export := newStore(t, new(clock.Clock), "")
	require.NoError(t, export(at("first.txt", ""), "x"))
	for i := range 10_000 {
		s.Register("import/s3", fmt.Sprintf("registered/%d.txt", i), "x.txt")
		s.add(&object{bucket{"s3", "b"}, fmt.Sprintf("exported/%d.txt", i), &storage.Blob{}, time.Now().Add(time.Hour)})
	}
	for name, l := range map[string]Location{"key": at("first.txt", ""), "prefix": at("", "first")} {
		allocations := testing.AllocsPerRun(10, func() {
			keys, err := s.Keys(l)
			require.NoError(t, err)
			b, err := s.Read(l, keys[0], "txt")
			require.NoError(t, err)
			s.blobs.Release(b)
		})
		assert.Less(t, allocations, 30.0, name)
	}
}
