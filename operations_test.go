package cloudconvert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/internal/sandbox/catalog"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// A taskCase is a task with all fields set, and one with only the required fields.
type taskCase struct{ full, minimal cloudconvert.TaskRequest }

var (
	oneInput   = []string{"import-1"}
	twoInputs  = []string{"import-1", "import-2"}
	someOption = cloudconvert.Options{"some_option": "option value"}
)

// allTasks returns the cases of all task types by type name.
func allTasks() map[string]taskCase {
	cases := map[string]taskCase{"RawTask": rawCase}
	for _, c := range slices.Concat(importCases, processCases, pdfCases, exportCases) {
		cases[reflect.TypeOf(c.full).Name()] = c
	}
	return cases
}

// goldens returns the golden files of a case.
func (c taskCase) goldens() (full, minimal string) {
	name := strings.ReplaceAll(string(c.full.Operation()), "/", "-")
	return name + ".json", name + ".minimal.json"
}

func readGolden(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", "operations", filepath.Base(name)))
	require.NoError(t, err)
	return string(content)
}

// goldenKeys returns the sorted parameter names in a golden file.
func goldenKeys(t *testing.T, name string) []string {
	t.Helper()
	var object map[string]any
	require.NoError(t, json.Unmarshal([]byte(readGolden(t, name)), &object))
	delete(object, "operation")
	return slices.Sorted(maps.Keys(object))
}

// typedFields returns the struct fields of parameters by parameter name.
func typedFields(task cloudconvert.TaskRequest) map[string]reflect.StructField {
	fields := map[string]reflect.StructField{}
	for field := range reflect.TypeOf(task).Fields() {
		if name := field.Tag.Get("json"); name != "" && name != "-" {
			fields[name] = field
		}
	}
	return fields
}

func TestTasksEncodeLikeGoldenFiles(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, minimal := c.goldens()
			require.IsType(t, c.full, c.minimal)
			assert.JSONEq(t, readGolden(t, full), testkit.Encode(t, c.full))
			assert.JSONEq(t, readGolden(t, minimal), testkit.Encode(t, c.minimal))
		})
	}
}

func TestFullCasesSetEveryField(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			full, _ := c.goldens()
			keys := goldenKeys(t, full)
			for name := range typedFields(c.full) {
				assert.Contains(t, keys, name)
			}
			for field, value := range reflect.ValueOf(c.full).Fields() {
				assert.False(t, value.IsZero(), "%s is not set", field.Name)
			}
		})
	}
}

func TestMinimalCasesSetRequiredFields(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, jobWith(c.minimal).Validate())
			for name, field := range typedFields(c.minimal) {
				value := reflect.ValueOf(c.minimal).FieldByIndex(field.Index)
				if value.IsZero() {
					assert.NotContains(t, field.Tag.Get("task"), "required")
					continue
				}
				err := jobWith(without(c.minimal, field.Name)).Validate()
				require.ErrorIs(t, err, cloudconvert.ErrInvalid, "%s is set but not required", field.Name)
				assert.ErrorContains(t, err, name)
			}
		})
	}
}

func TestOneFieldOfAGroupIsEnough(t *testing.T) {
	t.Parallel()
	groups := []struct {
		task   string
		fields []string
	}{
		{"ImportS3", []string{"Key", "KeyPrefix"}},
		{"ImportAzureBlob", []string{"StorageAccessKey", "SASToken"}},
		{"ImportAzureBlob", []string{"Blob", "BlobPrefix"}},
		{"ImportGoogleCloudStorage", []string{"File", "FilePrefix"}},
		{"ImportOpenStack", []string{"File", "FilePrefix"}},
		{"ImportSFTP", []string{"Password", "PrivateKey"}},
		{"ImportSFTP", []string{"File", "Path"}},
		{"Watermark", []string{"Text", "Image"}},
		{"ExportAzureBlob", []string{"StorageAccessKey", "SASToken"}},
		{"ExportSFTP", []string{"Password", "PrivateKey"}},
	}
	for _, group := range groups {
		t.Run(group.task+" "+strings.Join(group.fields, " "), func(t *testing.T) {
			t.Parallel()
			none := allTasks()[group.task].full
			for _, field := range group.fields {
				none = without(none, field)
			}
			require.ErrorContains(t, jobWith(none).Validate(), "one of the parameters")
			for _, field := range group.fields {
				all := allTasks()[group.task].full
				assert.NoError(t, jobWith(without(all, field)).Validate(), "without %s", field)
			}
		})
	}
}

// jobWith returns a job with the task and all tasks that the cases take input from.
func jobWith(task cloudconvert.TaskRequest) *cloudconvert.JobRequest {
	return &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"import-1":    cloudconvert.ImportUpload{},
		"import-2":    cloudconvert.ImportUpload{},
		"import-logo": cloudconvert.ImportUpload{},
		"task":        task,
	}}
}

// without returns the task with one field set to zero.
func without(task cloudconvert.TaskRequest, field string) cloudconvert.TaskRequest {
	changed := reflect.New(reflect.TypeOf(task)).Elem()
	changed.Set(reflect.ValueOf(task))
	changed.FieldByName(field).SetZero()
	return changed.Interface().(cloudconvert.TaskRequest)
}

func TestEveryTaskTypeHasACase(t *testing.T) {
	t.Parallel()
	types := slices.DeleteFunc(taskTypes(parsePackage(t)), func(name string) bool { return name == "Source" }) // encoded as another type
	assert.ElementsMatch(t, types, slices.Collect(maps.Keys(allTasks())))
}

func TestEveryOperationHasATask(t *testing.T) {
	t.Parallel()
	operations := map[string]string{}
	for name, c := range allTasks() {
		operations["Operation"+name] = string(c.full.Operation())
	}
	delete(operations, "OperationRawTask")
	assert.Equal(t, operationConstants(t, parsePackage(t)), operations)
}

func TestSandboxKnowsEveryOperation(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		operation := string(c.full.Operation())
		if _, known := catalog.Operations[operation]; !known && name != "RawTask" {
			t.Errorf("add %q to internal/sandbox/catalog/operations.go", operation)
		}
	}
}

func TestEveryGoldenFileHasACase(t *testing.T) {
	t.Parallel()
	var want, got []string
	for _, c := range allTasks() {
		full, minimal := c.goldens()
		want = append(want, full, minimal)
	}
	files, err := os.ReadDir(filepath.Join("testdata", "operations"))
	require.NoError(t, err)
	for _, file := range files {
		got = append(got, file.Name())
	}
	assert.ElementsMatch(t, want, got)
}

// The documentation lists the methods that all operation structs have only once, with
// RawTask.
func TestDocumentationListsNoMethodsOfOperations(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("*.go")
	require.NoError(t, err)
	set := token.NewFileSet()
	var files []*ast.File
	for _, path := range paths {
		if !strings.HasSuffix(path, "_test.go") {
			file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			require.NoError(t, err)
			files = append(files, file)
		}
	}
	documented, err := doc.NewFromFiles(set, files, "cloudconvert")
	require.NoError(t, err)
	methods := map[string]int{}
	for _, documentedType := range documented.Types {
		methods[documentedType.Name] = len(documentedType.Methods)
	}
	for name := range allTasks() {
		want := 0
		if name == "RawTask" {
			want = 5
		}
		got, ok := methods[name]
		assert.True(t, ok, "%s is not documented", name)
		assert.Equal(t, want, got, name)
	}
}

// parsePackage reads the source of the package, without its tests.
func parsePackage(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	require.NoError(t, err)
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		files = append(files, file)
	}
	return files
}

// taskTypes returns the types with a method isTask.
func taskTypes(files []*ast.File) []string {
	var types []string
	for _, file := range files {
		for _, declaration := range file.Decls {
			method, ok := declaration.(*ast.FuncDecl)
			if ok && method.Name.Name == "isTask" && method.Recv != nil {
				types = append(types, fmt.Sprint(method.Recv.List[0].Type))
			}
		}
	}
	return types
}

// operationConstants returns the constants of the type Operation.
func operationConstants(t *testing.T, files []*ast.File) map[string]string {
	t.Helper()
	constants := map[string]string{}
	for _, file := range files {
		for node := range ast.Preorder(file) {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || fmt.Sprint(spec.Type) != "Operation" {
				continue
			}
			value, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			require.NoError(t, err)
			constants[spec.Names[0].Name] = value
		}
	}
	return constants
}

func TestTaskKeysAreSorted(t *testing.T) {
	t.Parallel()
	for name, c := range allTasks() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			encoded := testkit.Encode(t, c.full)
			var compact bytes.Buffer
			var sorted map[string]json.RawMessage
			require.NoError(t, json.Unmarshal([]byte(encoded), &sorted))
			require.NoError(t, json.Compact(&compact, []byte(testkit.Encode(t, sorted))))
			assert.Equal(t, compact.String(), encoded)
		})
	}
}
