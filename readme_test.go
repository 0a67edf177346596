package cloudconvert_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadmeSnippets makes sure that the README shows only code that is
// compiled and run: each snippet stands in an example, but for its indentation.
func TestReadmeSnippets(t *testing.T) {
	t.Parallel()
	var examples strings.Builder
	files, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	files = append(files, "events/example_test.go")
	for _, file := range files {
		examples.WriteString(withoutIndentation(readText(t, file)))
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readText(t, "README.md"), -1)
	require.NotEmpty(t, snippets)
	for _, snippet := range snippets {
		assert.Contains(t, examples.String(), withoutIndentation(snippet[1]))
	}
}

// TestReadmeOperations makes sure that the README's table names every operation
// with its struct.
func TestReadmeOperations(t *testing.T) {
	t.Parallel()
	readme := readText(t, "README.md")
	for name, c := range allTasks() {
		if name != "RawTask" {
			assert.Contains(t, readme, "| `"+string(c.full.Operation())+"` | `"+name+"` |")
		}
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(content)
}

func withoutIndentation(text string) string {
	return regexp.MustCompile(`(?m)^\s+`).ReplaceAllString(text, "")
}
