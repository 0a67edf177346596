package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOperationMethodsAreCurrent(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	want, err := generate(root)
	require.NoError(t, err)
	got, err := os.ReadFile(filepath.Join(root, "zz_operations.go"))
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want, got), "zz_operations.go is not current: run go generate in the root of the module")
}

func TestOperationConstantsAndStructsMatch(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ constants, structs, want string }{
		"constant without struct": {
			"const (\n\tOperationA Operation = \"a\"\n\tOperationB Operation = \"b\"\n)",
			"type A struct{}",
			"the constant OperationB has no struct",
		},
		"struct without constant": {
			`const OperationA Operation = "a"`,
			"type A struct{}\n\ntype B struct{}\n\ntype C string",
			"the struct B has no constant",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			write(t, filepath.Join(dir, "operation.go"), c.constants)
			write(t, filepath.Join(dir, "operations_import.go"), c.structs)
			write(t, filepath.Join(dir, "operations_import_test.go"), "type testCase struct{}")
			_, err := generate(dir)
			require.ErrorContains(t, err, c.want)
			assert.NotContains(t, err.Error(), "\n")
		})
	}
}

func write(t *testing.T, path, declarations string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte("package cloudconvert\n\n"+declarations+"\n"), 0o600))
}
