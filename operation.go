package cloudconvert

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// Operation names what a task does, "convert" for example. The constants are
// the operations known when this version was made; others pass through, see
// [RawTask].
type Operation string

// The constants name the operation structs, whose methods are generated.
//
//go:generate go run ./internal/genoperations

// The operations of the service. The struct of each has the same name without the
// prefix.
const (
	// Imports.

	OperationImportURL                Operation = "import/url"
	OperationImportUpload             Operation = "import/upload"
	OperationImportBase64             Operation = "import/base64"
	OperationImportRaw                Operation = "import/raw"
	OperationImportS3                 Operation = "import/s3"
	OperationImportAzureBlob          Operation = "import/azure/blob"
	OperationImportGoogleCloudStorage Operation = "import/google-cloud-storage"
	OperationImportOpenStack          Operation = "import/openstack"
	OperationImportSFTP               Operation = "import/sftp"

	// Processing.

	OperationConvert        Operation = "convert"
	OperationOptimize       Operation = "optimize"
	OperationWatermark      Operation = "watermark"
	OperationCaptureWebsite Operation = "capture-website"
	OperationThumbnail      Operation = "thumbnail"
	OperationMerge          Operation = "merge"
	OperationArchive        Operation = "archive"
	OperationMetadata       Operation = "metadata"
	OperationMetadataWrite  Operation = "metadata/write"
	OperationCommand        Operation = "command"

	// PDF.

	OperationPDFA            Operation = "pdf/a"
	OperationPDFX            Operation = "pdf/x"
	OperationPDFOCR          Operation = "pdf/ocr"
	OperationPDFEncrypt      Operation = "pdf/encrypt"
	OperationPDFDecrypt      Operation = "pdf/decrypt"
	OperationPDFSplitPages   Operation = "pdf/split-pages"
	OperationPDFExtractPages Operation = "pdf/extract-pages"
	OperationPDFRotatePages  Operation = "pdf/rotate-pages"

	// Exports.

	OperationExportURL                Operation = "export/url"
	OperationExportS3                 Operation = "export/s3"
	OperationExportAzureBlob          Operation = "export/azure/blob"
	OperationExportGoogleCloudStorage Operation = "export/google-cloud-storage"
	OperationExportOpenStack          Operation = "export/openstack"
	OperationExportSFTP               Operation = "export/sftp"
	OperationExportUpload             Operation = "export/upload"
)

// Options are parameters of an operation that its struct has no field for,
// such as the settings of an engine. They are sent beside the fields, exactly
// as given. Setting a parameter in both places is an error.
//
// The options of each conversion are listed by the Formats service and on
// https://cloudconvert.com/api/v2/convert.
type Options map[string]any

// TaskRequest describes a task to be created: one of the operation structs of
// this package, such as [ImportURL], [Convert] and [ExportURL], or a [RawTask].
//
// Fields that are left at their zero value are not sent; the service then uses
// its default. Where the zero value is a meaningful value, the field is a pointer: set
// it with new, as in new(false).
//
// A task is encoded as one flat JSON object, and decodes from it, see
// [Tasks.UnmarshalJSON].
//
// Tasks often carry secrets. Printing or logging one shows the operation and
// the names of its parameters, never the values; only its JSON has them.
//
// The operation structs have the methods of [RawTask]. They are not listed with
// each struct.
type TaskRequest interface {
	// Operation returns what the task does.
	Operation() Operation
	json.Marshaler

	isTask()
}

// RawTask is a task of an operation that this package has no struct for.
type RawTask struct {
	// Op is the operation, for example "convert". Required.
	Op Operation
	// Fields are its parameters under their names in the API, "input" and
	// "ignore_error" among them. They are sent exactly as given, but for the
	// input that [Pipeline] fills in.
	Fields map[string]any
}

// Operation returns t.Op.
func (t RawTask) Operation() Operation { return t.Op }

// MarshalJSON encodes the parameters beside the operation.
func (t RawTask) MarshalJSON() ([]byte, error) { return marshalTask(t) }

// UnmarshalJSON decodes the task, see [Tasks.UnmarshalJSON].
func (t *RawTask) UnmarshalJSON(data []byte) error { return unmarshalTask(data, t) }

// Format prints the task without the values of its parameters.
func (t RawTask) Format(s fmt.State, _ rune) { printTask(s, t) }

// LogValue returns the task without the values of its parameters.
func (t RawTask) LogValue() slog.Value { return logTask(t) }

func (RawTask) isTask() {}

// taskOf returns the struct of this package behind a task, or nil if there is none. A
// task of another package embeds one, or a pointer to one.
func taskOf(t TaskRequest) TaskRequest {
	if typ := reflect.TypeOf(t); typ != nil && typ.Kind() == reflect.Struct && typ.PkgPath() == thisPackage {
		return t
	}
	v := reflect.Indirect(reflect.ValueOf(t))
	if !v.IsValid() {
		return nil
	}
	if v.Type().PkgPath() == thisPackage {
		own, _ := reflect.TypeAssert[TaskRequest](v)
		return own
	}
	return embeddedTask(v)
}

func embeddedTask(v reflect.Value) TaskRequest {
	for field, value := range v.Fields() {
		if field.Anonymous && field.IsExported() && field.Type.Implements(reflect.TypeFor[TaskRequest]()) {
			embedded, _ := reflect.TypeAssert[TaskRequest](value)
			return taskOf(embedded)
		}
	}
	return nil
}

var thisPackage = reflect.TypeFor[RawTask]().PkgPath()

// encodeTask returns what is sent for a task. A source is sent as the task that imports
// it. How a local one is sent is decided when it is opened.
func encodeTask(t TaskRequest) params.Task {
	t = taskOf(t)
	if source, ok := t.(Source); ok {
		if err := source.check(); err != nil {
			return params.Task{Broken: []error{err}}
		}
		t = ImportUpload{}
		if !source.isLocal() {
			t = source.urlTask()
		}
	}
	encoded := params.Encode(string(t.Operation()), t, refuseTask)
	if err := checkFilename(t.Operation(), encoded.Params); err != nil {
		encoded.Rejected = append(encoded.Rejected, err)
	}
	for _, problems := range [][]error{encoded.Broken, encoded.Rejected} {
		for i, problem := range problems {
			problems[i] = fmt.Errorf("%s: %w", t.Operation(), problem)
		}
	}
	return encoded
}

// refuseTask returns an error for a task as the value of a parameter. A task that contains
// itself would be encoded forever: encoding/json finds no cycle through a
// [json.Marshaler].
func refuseTask(value any) error {
	if _, ok := value.(TaskRequest); ok {
		return errors.New("is a task: add it to the tasks of the job, and set the parameter to its name")
	}
	return nil
}

// checkFilename compares the extension of an output with its format.
func checkFilename(operation Operation, parameters map[string]any) error {
	output, format := params.Text(parameters["filename"]), params.Text(parameters["output_format"])
	if strings.HasPrefix(string(operation), "pdf/") {
		format = "pdf"
	}
	extension := strings.ToLower(filename.Extension(output))
	if format == "" || !filename.IsKnown(extension) || filename.Same(extension, format) {
		return nil
	}
	return fmt.Errorf("parameter %q has the extension %q, and the output is %q: change one", "filename", extension, format)
}

// marshalTask encodes a task as one flat object with sorted keys.
func marshalTask(t TaskRequest) ([]byte, error) {
	encoded := encodeTask(t)
	if len(encoded.Broken) > 0 {
		return nil, errors.Join(encoded.Broken...)
	}
	return strictjson.Marshal(encoded.Params)
}

// unmarshalTask decodes into the struct of an operation. The operation may be left out,
// except for a [RawTask].
func unmarshalTask[T TaskRequest](data []byte, t *T) error {
	var model T
	decoded, err := decodeTask(data, model)
	if err != nil {
		return invalid(err)
	}
	*t, _ = decoded.(T)
	return nil
}

// decodeTask decodes a task into a new struct like the model. Without one the operation
// decides which struct it is.
func decodeTask(data []byte, model TaskRequest) (TaskRequest, error) {
	members, err := strictjson.Members(data)
	if err != nil {
		return nil, fmt.Errorf("the task %w", err)
	}
	var want, operation Operation
	if model != nil {
		want = model.Operation()
	}
	value, given := members["operation"]
	if given {
		if err := params.Set(&operation, "operation", value); err != nil {
			return nil, err
		}
	} else {
		operation = want
	}
	switch {
	case operation == "":
		return nil, fmt.Errorf("parameter %q is missing", "operation")
	case want != "" && operation != want:
		return nil, fmt.Errorf("operation %q is not %q", operation, want)
	case model == nil:
		model = modelOf(operation)
	}
	task := reflect.New(reflect.TypeOf(model))
	if err := params.Decode(task.Interface(), members); err != nil {
		return nil, fmt.Errorf("%s: %w", operation, err)
	}
	if raw, ok := reflect.TypeAssert[*RawTask](task); ok {
		raw.Op = operation
	}
	decoded, _ := reflect.TypeAssert[TaskRequest](task.Elem())
	return decoded, nil
}

// modelOf returns the zero task of an operation.
func modelOf(operation Operation) TaskRequest {
	i := slices.IndexFunc(taskModels, func(t TaskRequest) bool { return t.Operation() == operation })
	if i < 0 {
		return RawTask{}
	}
	return taskModels[i]
}

// printTask prints a task for every verb of package fmt.
func printTask(s fmt.State, t TaskRequest) { write(s, outline(t)) }

func write(s fmt.State, text string) {
	_, _ = io.WriteString(s, text) // fmt collects and never fails
}

// logTask returns what package slog logs of a task.
func logTask(t TaskRequest) slog.Value { return slog.StringValue(outline(t)) }

// outline returns the operation of a task and the names of the parameters set, as in
// "import/url(filename, url)".
func outline(t TaskRequest) string {
	parameters := encodeTask(t).Params
	delete(parameters, "operation")
	return fmt.Sprintf("%s(%s)", t.Operation(), strings.Join(slices.Sorted(maps.Keys(parameters)), ", "))
}
