package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestCodesAreDocumented compares the codes that the sandbox uses with docs/sandbox.md.
func TestCodesAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/sandbox.md")
	require.NoError(t, err)
	_, section, _ := strings.Cut(string(page), "## Codes\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented := map[string]bool{}
	for _, found := range regexp.MustCompile("`([A-Z_]+)`").FindAllStringSubmatch(section, -1) {
		documented[found[1]] = true
	}
	used := map[string]bool{}
	for _, dir := range []string{"../../internal/sandbox", "../../cloudconverttest", "../internal/engines"} {
		require.NoError(t, filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			return addCodes(used, path)
		}))
	}
	assert.Equal(t, documented, used)
}

// addCodes adds the codes in a file: arguments of Fail and WriteError, fields named code, and
// constants whose names begin with code.
func addCodes(codes map[string]bool, path string) error {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if name := nameOf(n.Fun); name == "Fail" || name == "WriteError" {
				add(codes, n.Args)
			}
		case *ast.KeyValueExpr:
			if nameOf(n.Key) == "code" {
				add(codes, []ast.Expr{n.Value})
			}
		case *ast.ValueSpec:
			if strings.HasPrefix(strings.ToLower(n.Names[0].Name), "code") {
				add(codes, n.Values)
			}
		}
		return true
	})
	return nil
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

var code = regexp.MustCompile(`^[A-Z]+(_[A-Z]+)*$`)

// add adds the string literals that have the form of a code.
func add(codes map[string]bool, values []ast.Expr) {
	for _, value := range values {
		literal, ok := value.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			continue
		}
		if text, err := strconv.Unquote(literal.Value); err == nil && code.MatchString(text) {
			codes[text] = true
		}
	}
}
