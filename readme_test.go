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

// The README shows only code that is compiled and run: each snippet is part of an example,
// except for its indentation.
func TestReadmeSnippets(t *testing.T) {
	t.Parallel()
	var examples strings.Builder
	files, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	files = append(files, "events/example_test.go", "otel/example_test.go")
	for _, file := range files {
		examples.WriteString(withoutIndentation(readText(t, file)))
	}
	snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readText(t, "README.md"), -1)
	require.NotEmpty(t, snippets)
	for _, snippet := range snippets {
		assert.Contains(t, examples.String(), withoutIndentation(snippet[1]))
	}
}

// The README's table lists every operation with its struct.
func TestReadmeOperations(t *testing.T) {
	t.Parallel()
	readme := readText(t, "README.md")
	for name, c := range allTasks() {
		if name != "RawTask" {
			assert.Contains(t, readme, "| `"+string(c.full.Operation())+"` | `"+name+"` |")
		}
	}
}

// docs/architecture.md names only files that exist, and each file of the root package
// except doc.go.
func TestArchitectureNamesFiles(t *testing.T) {
	t.Parallel()
	named := map[string]bool{"doc.go": true}
	for _, match := range regexp.MustCompile("`([a-z0-9_*/]+\\.go)`").FindAllStringSubmatch(readText(t, "docs/architecture.md"), -1) {
		paths, err := filepath.Glob(match[1])
		require.NoError(t, err)
		assert.NotEmpty(t, paths, match[1])
		for _, path := range paths {
			named[path] = true
		}
	}
	sources, err := filepath.Glob("*.go")
	require.NoError(t, err)
	for _, source := range sources {
		isVariant := strings.HasSuffix(source, "_other.go") // for the systems that the other file excludes
		if !isVariant && !strings.HasSuffix(source, "_test.go") {
			assert.True(t, named[source], "%s is missing in docs/architecture.md", source)
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
