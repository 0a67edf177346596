package cloudconvert_test

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"go/doc"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	_ "github.com/cloudconvert/cloudconvert-go/events" // has examples: its dependencies must be in the module cache
)

// Each example is a whole program on pkg.go.dev. It compiles in a module with public
// packages only, and prints the output that the example states.
func TestExamplesRunAsShown(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds a program for each example")
	}
	root, err := os.Getwd()
	require.NoError(t, err)
	module := newExampleModule(t, root)

	var examples []shownExample
	for _, dir := range []string{".", "events", "cloudconverttest"} {
		examples = append(examples, shownExamples(t, dir)...)
	}
	require.NotEmpty(t, examples)
	writeExamples(t, module, examples)
	build := goCommand(t.Context(), module, "build", "-o", "examples.exe")
	output, err := build.CombinedOutput()
	require.NoError(t, err, "%s", output)
	for _, example := range examples {
		t.Run(strings.TrimSuffix(example.name, "_"), func(t *testing.T) {
			t.Parallel()
			example.check(t, filepath.Join(module, "examples.exe"))
		})
	}
}

// shownExample is an example as pkg.go.dev shows it.
type shownExample struct {
	name      string
	source    []byte
	output    string
	unordered bool // the lines of the output may come in any order
}

// shownExamples returns the examples of the package in a directory.
func shownExamples(t *testing.T, dir string) []shownExample {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	require.NoError(t, err)
	files := token.NewFileSet()
	var parsed []*ast.File
	for _, path := range paths {
		file, err := parser.ParseFile(files, path, nil, parser.ParseComments)
		require.NoError(t, err)
		parsed = append(parsed, file)
	}
	var examples []shownExample
	for _, example := range doc.Examples(parsed...) {
		name := "example" + strings.Trim(dir, ".") + example.Name + "_"
		require.NotNil(t, example.Play, "%s is not a whole program: it uses a declaration of another file", name)
		require.NotEmpty(t, example.Output, "%s has no Output comment", name)
		var shown bytes.Buffer
		require.NoError(t, format.Node(&shown, files, example.Play))
		examples = append(examples, shownExample{
			name: name, source: withPrefix(t, name, shown.Bytes()), output: example.Output, unordered: example.Unordered,
		})
	}
	return examples
}

// withPrefix returns a program with a prefix added to all names that it declares, so that
// one package can hold all programs. Building each separately would take ten times as long.
func withPrefix(t *testing.T, prefix string, program []byte) []byte {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "", program, parser.SkipObjectResolution)
	require.NoError(t, err)
	declared := map[string]bool{}
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			declared[d.Name.Name] = d.Recv == nil
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				switch s := spec.(type) {
				case *ast.TypeSpec:
					declared[s.Name.Name] = true
				case *ast.ValueSpec:
					for _, name := range s.Names {
						declared[name.Name] = true
					}
				}
			}
		}
	}
	for node := range ast.Preorder(file) {
		if identifier, ok := node.(*ast.Ident); ok && declared[identifier.Name] && identifier != file.Name {
			identifier.Name = prefix + identifier.Name
		}
	}
	var source bytes.Buffer
	require.NoError(t, format.Node(&source, files, file))
	return source.Bytes()
}

// writeExamples writes the examples and a main function that runs one of them.
func writeExamples(t *testing.T, module string, examples []shownExample) {
	t.Helper()
	var runs strings.Builder
	for _, example := range examples {
		require.NoError(t, os.WriteFile(filepath.Join(module, example.name+".go"), example.source, 0o600))
		fmt.Fprintf(&runs, "\t\t%q: %smain,\n", example.name, example.name)
	}
	program := fmt.Sprintf("package main\n\nimport \"os\"\n\nfunc main() {\n\tmap[string]func(){\n%s\t}[os.Args[1]]()\n}\n", &runs)
	require.NoError(t, os.WriteFile(filepath.Join(module, "main.go"), []byte(program), 0o600))
}

// newExampleModule returns the directory of a new module that requires this one.
func newExampleModule(t *testing.T, root string) string {
	t.Helper()
	module := t.TempDir()
	sums, err := os.ReadFile(filepath.Join(root, "go.sum"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.sum"), sums, 0o600))
	const path = "github.com/cloudconvert/cloudconvert-go"
	require.NoError(t, os.WriteFile(filepath.Join(module, "go.mod"), fmt.Appendf(nil,
		"module example.com/examples\n\ngo 1.26.0\n\nrequire %s v0.0.0\n\nreplace %s => %q\n", path, path, root), 0o600))
	return module
}

// goCommand returns a go command that downloads nothing.
func goCommand(ctx context.Context, dir string, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=mod", "GOPROXY=off", "GOTOOLCHAIN=local")
	return command
}

// check runs the example in an empty directory and compares its output.
func (e shownExample) check(t *testing.T, program string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute) // not before it is its turn
	defer cancel()
	command := exec.CommandContext(ctx, program, e.name)
	command.Dir = t.TempDir()
	var stderr bytes.Buffer
	command.Stderr = &stderr
	stdout, err := command.Output()
	require.NoError(t, err, "%s", stderr.Bytes())
	want, got := strings.TrimSpace(e.output), strings.TrimSpace(string(stdout))
	if e.unordered {
		want, got = sortedLines(want), sortedLines(got)
	}
	assert.Equal(t, want, got)
	entries, err := os.ReadDir(command.Dir)
	require.NoError(t, err)
	assert.Empty(t, entries, "the example leaves files behind")
}

func sortedLines(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
