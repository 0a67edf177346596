package cloudconvert

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
)

// Operation names what a task does, "convert" for example. The constants are
// the operations known when this version was made; others pass through, see
// [RawTask].
type Operation string

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
// its default. Where the zero value has a meaning of its own the field is a
// pointer, to be filled with new, as in new(false).
//
// A task is encoded as one flat JSON object, and decodes from it, see
// [Tasks.UnmarshalJSON].
//
// Tasks often carry secrets. Printing or logging one shows the operation and
// the names of its parameters, never the values; only its JSON has them.
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

// LogValue is the task without the values of its parameters.
func (t RawTask) LogValue() slog.Value { return logTask(t) }

func (RawTask) isTask() {}

// printTask prints a task for every verb of package fmt.
func printTask(s fmt.State, t TaskRequest) {
	_, _ = io.WriteString(s, outline(t)) // fmt collects and never fails
}

// logTask is what package slog gets of a task.
func logTask(t TaskRequest) slog.Value { return slog.StringValue(outline(t)) }

// outline is the operation of a task and the names of the parameters set, as in
// "import/url(filename, url)".
func outline(t TaskRequest) string {
	body, _ := taskBody(t, parameters(t))
	delete(body, "operation")
	return fmt.Sprintf("%s(%s)", t.Operation(), strings.Join(slices.Sorted(maps.Keys(body)), ", "))
}
