package cloudconvert_test

import (
	"go/ast"
	"go/build"
	"go/parser"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The README and docs/from-other-sdks.md show only code that is compiled and run: each
// snippet is part of an example, except for its indentation.
func TestReadmeSnippets(t *testing.T) {
	t.Parallel()
	var examples strings.Builder
	files, err := filepath.Glob("example*_test.go")
	require.NoError(t, err)
	files = append(files, "events/example_test.go", "otel/example_test.go", ".ci/consumer/main.go")
	for _, file := range files {
		examples.WriteString(withoutIndentation(readText(t, file)))
	}
	for _, page := range []string{"README.md", "docs/from-other-sdks.md"} {
		snippets := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(readText(t, page), -1)
		require.NotEmpty(t, snippets)
		for _, snippet := range snippets {
			assert.Contains(t, examples.String(), withoutIndentation(snippet[1]))
		}
	}
}

// The last column of the tables in docs/from-other-sdks.md has expressions that compile.
func TestOtherSDKsMapToCallsThatCompile(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a package")
	}
	const declarations = `package calls

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/events"
)

func calls(
	ctx context.Context, client *cloudconvert.Client, listener *events.Client, httpClient *http.Client, r *http.Request,
	request *cloudconvert.JobRequest, source cloudconvert.Source, task cloudconvert.TaskRequest, job *cloudconvert.Job,
	upload cloudconvert.Task, file cloudconvert.File, user *cloudconvert.User, out any, err error, stream io.Reader,
	writer io.Writer, size int64, body []byte, handle func(context.Context, *cloudconvert.WebhookEvent) error,
	key, id, tag, path, url, signature, secret, base, cacheKey string,
) {
`
	rows := regexp.MustCompile(`(?m)^\| [A-Za-z].*`).FindAllString(readText(t, "docs/from-other-sdks.md"), -1)
	require.NotEmpty(t, rows)
	lastCell := regexp.MustCompile("\\| `([^`]+)` \\|$")
	var program strings.Builder
	program.WriteString(declarations)
	for _, row := range rows {
		cell := lastCell.FindStringSubmatch(row)
		require.NotNil(t, cell, "no single expression in the last column: %s", row)
		expression, err := parser.ParseExpr(cell[1])
		require.NoError(t, err, row)
		if _, isCall := expression.(*ast.CallExpr); !isCall {
			program.WriteString("_ = ")
		}
		program.WriteString(cell[1] + "\n")
	}
	program.WriteString("}\n")
	root, err := os.Getwd()
	require.NoError(t, err)
	module := newExampleModule(t, root)
	require.NoError(t, os.WriteFile(filepath.Join(module, "calls.go"), []byte(program.String()), 0o600))
	output, err := goCommand(t.Context(), module, "build").CombinedOutput()
	require.NoError(t, err, "%s", output)
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

// docs/architecture.md draws each internal package below those that import it.
func TestArchitectureDrawsImports(t *testing.T) {
	t.Parallel()
	const internal = "github.com/cloudconvert/cloudconvert-go/internal/"
	_, diagram, _ := strings.Cut(readText(t, "docs/architecture.md"), "package cloudconvert")
	diagram, _, _ = strings.Cut(diagram, "```")
	row := map[string]int{"..": 0} // the root package
	for i, line := range strings.Split(diagram, "\n") {
		for word := range strings.FieldsSeq(line) {
			if _, err := os.Stat(filepath.Join("internal", word)); err == nil {
				row[word] = i
			}
		}
	}
	for name := range row {
		pkg, err := build.ImportDir(filepath.Join("internal", name), 0)
		require.NoError(t, err)
		for _, path := range pkg.Imports {
			if imported, ok := strings.CutPrefix(path, internal); ok {
				assert.Greater(t, row[imported], row[name], "%s imports %s", name, imported)
			}
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
