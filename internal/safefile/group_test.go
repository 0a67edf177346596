package safefile

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saveTexts saves files with the given contents, and keeps identical ones.
func saveTexts(t *testing.T, dir string, keeps bool, texts map[string]string, names ...string) error {
	t.Helper()
	_, err := Group{
		Dir: dir, Names: names, Parallel: 1,
		Replaces: func(string) bool { return false }, KeepsIdentical: keeps,
		Write: func(_ context.Context, i int, file *File) error {
			_, err := file.Write([]byte(texts[names[i]]))
			return err
		},
	}.Save(t.Context())
	return err
}

func TestGroupKeepsIdenticalFiles(t *testing.T) {
	t.Parallel()
	long := string(make([]byte, 200<<10))
	for name, c := range map[string]struct {
		existing, saved string
		want            error
	}{
		"identical":       {"text", "text", nil},
		"identical, long": {long, long, nil},
		"empty":           {"", "", nil},
		"shorter":         {"tex", "text", fs.ErrExist},
		"longer":          {"text.", "text", fs.ErrExist},
		"last byte":       {long + "a", long + "b", fs.ErrExist},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte(c.existing), 0o600))
			require.ErrorIs(t, saveTexts(t, dir, true, map[string]string{"a": c.saved}, "a"), c.want)
			require.ErrorIs(t, saveTexts(t, dir, false, map[string]string{"a": c.saved}, "a"), fs.ErrExist)
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, "no temporary file is left")
			content, err := os.ReadFile(filepath.Join(dir, "a"))
			require.NoError(t, err)
			assert.Equal(t, c.existing, string(content))
		})
	}
}

// A file that another process may count on stays, although the group fails.
func TestGroupKeepsWhatItSaved(t *testing.T) {
	t.Parallel()
	for _, keeps := range []bool{false, true} {
		dir := t.TempDir()
		// The second file appears only after the check for existing files.
		texts, names := map[string]string{"a": "text", "b": "text"}, []string{"a", "b"}
		group := Group{
			Dir: dir, Names: names, Parallel: 1,
			Replaces: func(string) bool { return false }, KeepsIdentical: keeps,
			Write: func(_ context.Context, i int, file *File) error {
				if i == 1 {
					require.NoError(t, os.WriteFile(filepath.Join(dir, "b"), []byte("other"), 0o600))
				}
				_, err := file.Write([]byte(texts[names[i]]))
				return err
			},
		}
		_, err := group.Save(t.Context())
		require.ErrorIs(t, err, fs.ErrExist)
		_, err = os.Stat(filepath.Join(dir, "a"))
		assert.Equal(t, keeps, err == nil)
	}
}
