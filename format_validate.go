package cloudconvert

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/internal/filename"
	"github.com/cloudconvert/cloudconvert-go/internal/params"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// Validate checks the parameters of a task against an entry of the catalogue that
// was listed with [IncludeOptions]. It finds options that the catalogue does not
// know, and suggests the nearest name, values of the wrong type, and values
// outside of the possible ones. A task of another operation, of other formats or
// for another engine than the entry's is a problem, too, and so is a version of the
// engine that is not among the entry's, if [IncludeEngineVersions] listed them. All
// problems are in one error, which matches [ErrInvalid]. A task that cannot be
// encoded is not compared with the catalogue.
//
// It judges only what the catalogue knows. Parameters that belong to the task
// rather than to the engine, such as Input and Filename, are left alone. If the
// catalogue describes a parameter in a form that this package cannot read, a task
// that sets it is a problem: what cannot be checked is not passed.
func (f Format) Validate(t TaskRequest) error {
	switch {
	case taskOf(t) == nil:
		return invalid(errors.New("the task is nil"))
	case t.Operation() != f.Operation:
		return invalid(fmt.Errorf("the task is of the operation %s, and the catalogue's entry is for %s", t.Operation(), f.Operation))
	case f.Options == nil:
		return invalid(errors.New("the catalogue's entry has no options: list it with IncludeOptions"))
	}
	task := encodeTask(t)
	if len(task.Broken) > 0 {
		return invalid(task.Broken...) // a value that contains itself cannot be printed
	}
	body := task.Params
	problems := f.differences(body)
	if err := f.checkVersion(body["engine_version"]); err != nil {
		problems = append(problems, err)
	}
	for _, name := range slices.Sorted(maps.Keys(body)) {
		if err := f.check(t, name, body[name]); err != nil {
			problems = append(problems, err)
		}
	}
	if len(problems) > 0 {
		return invalid(problems...)
	}
	return nil
}

// differences returns where the task asks for something else than the entry is about.
// What either leaves open is no difference.
func (f Format) differences(body map[string]any) (problems []error) {
	for _, part := range []struct{ name, entry string }{
		{"input_format", f.InputFormat}, {"output_format", f.OutputFormat}, {"engine", f.Engine},
	} {
		if params.Empty(body[part.name]) {
			continue
		}
		if f.odd[part.name] {
			problems = append(problems, uncheckable(part.name))
		}
		if asked := fmt.Sprint(body[part.name]); part.entry != "" && filename.Normalize(asked) != filename.Normalize(part.entry) {
			problems = append(problems, fmt.Errorf("parameter %q is %q, and the catalogue's entry is for %q", part.name, asked, part.entry))
		}
	}
	return problems
}

// checkVersion returns what is wrong with a version of the engine. Nil means that
// the versions were not listed.
func (f Format) checkVersion(value any) error {
	asked := describe(value)
	is := func(v EngineVersion) bool { return v.Version == asked }
	switch {
	case params.Empty(value), slices.ContainsFunc(f.EngineVersions, is):
		return nil
	case f.odd["engine_versions"]:
		return uncheckable("engine_version")
	case f.EngineVersions == nil:
		return nil
	}
	versions := make([]string, 0, len(f.EngineVersions))
	for _, version := range f.EngineVersions {
		versions = append(versions, version.Version)
	}
	return fmt.Errorf("parameter %q is %q: it must be one of %s", "engine_version", asked, strings.Join(versions, ", "))
}

func uncheckable(name string) error {
	return fmt.Errorf("parameter %q cannot be checked: the catalogue describes it in an unknown form", name)
}

// check returns what is wrong with one parameter.
func (f Format) check(t TaskRequest, name string, value any) error {
	i := slices.IndexFunc(f.Options, func(o FormatOption) bool { return o.Name == name })
	if i >= 0 {
		return f.Options[i].check(value)
	}
	if slices.Contains(structural, name) || params.HasField(taskOf(t), name) {
		return nil
	}
	if f.odd["options"] {
		return uncheckable(name)
	}
	if nearest := f.nearest(name); nearest != "" {
		return fmt.Errorf("option %q is unknown: did you mean %q?", name, nearest)
	}
	return fmt.Errorf("option %q is unknown", name)
}

// structural are the parameters that tasks of all operations may have.
var structural = []string{
	"operation", "input", "input_format", "output_format", "engine", "engine_version", "filename", "timeout", "ignore_error",
}

// nearest returns the known option whose name is most like the given one, if
// one is at all.
func (f Format) nearest(name string) string {
	best, least := "", max(len(name)/3, 2)+1
	for _, option := range f.Options {
		if d := distance(name, option.Name); d < least {
			best, least = option.Name, d
		}
	}
	return best
}

// distance counts the letters that must be inserted, removed or replaced to
// make one name of the other.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// check returns what is wrong with a value of the option.
func (o FormatOption) check(value any) error {
	plain, err := plainJSON(value)
	if err != nil {
		return fmt.Errorf("option %q: %w", o.Name, err)
	}
	if plain == nil {
		return nil
	}
	if o.odd {
		return uncheckable(o.Name)
	}
	if list, ok := plain.([]any); ok && o.takesList() {
		for _, entry := range list {
			if err := o.checkOne(entry); err != nil {
				return err
			}
		}
		return nil
	}
	return o.checkOne(plain)
}

// takesList reports whether a value may be a list of values.
func (o FormatOption) takesList() bool {
	return !slices.Contains([]string{"boolean", "integer", "float", "string", "Input", "dictionary"}, o.Type)
}

func (o FormatOption) checkOne(value any) error {
	if !o.hasType(value) {
		return fmt.Errorf("option %q is %s: it must be of the type %s", o.Name, quoted(value), o.Type)
	}
	same := func(possible any) bool { return o.meaning(possible) == o.meaning(value) }
	if len(o.PossibleValues) > 0 && !slices.ContainsFunc(o.PossibleValues, same) {
		return fmt.Errorf("option %q is %s: it must be one of %s", o.Name, describe(value), describeAll(o.PossibleValues))
	}
	return nil
}

// hasType reports whether a value may stand for the type of the option. The service
// takes text for numbers, and numbers for booleans. Unknown types have any value.
func (o FormatOption) hasType(value any) bool {
	_, isObject := value.(map[string]any)
	text := describe(value)
	switch o.Type {
	case "boolean":
		return slices.Contains([]string{"true", "false", "0", "1"}, text)
	case "integer":
		number, err := strconv.ParseFloat(text, 64)
		return err == nil && json.Valid([]byte(text)) && number == math.Trunc(number)
	case "float":
		_, err := strconv.ParseFloat(text, 64)
		return err == nil && json.Valid([]byte(text))
	case "string", "Input":
		_, isText := value.(string)
		return isText
	case "dictionary":
		return isObject
	case "enum":
		return !isObject
	default:
		return true
	}
}

// meaning returns the same text for all ways to write a value of the option's type.
func (o FormatOption) meaning(value any) string {
	text := describe(value)
	switch o.Type {
	case "boolean":
		if yes, err := strconv.ParseBool(text); err == nil {
			return strconv.FormatBool(yes)
		}
	case "integer", "float":
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return describe(number)
		}
	}
	return text
}

// plainJSON returns a value as its JSON decodes, numbers as they are written.
func plainJSON(value any) (any, error) {
	encoded, err := strictjson.Marshal(value)
	if err != nil {
		return nil, err
	}
	decoder := json.NewDecoder(strings.NewReader(string(encoded)))
	decoder.UseNumber()
	var plain any
	return plain, decoder.Decode(&plain)
}

// describe returns a value as text: the same for a number and its text.
func describe(value any) string {
	switch value := value.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case float64:
		return strconv.FormatFloat(value, 'f', -1, 64)
	default:
		return fmt.Sprint(value)
	}
}

// quoted describes a value within a sentence.
func quoted(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	return describe(value)
}

func describeAll(values []any) string {
	texts := make([]string, 0, len(values))
	for _, value := range values {
		texts = append(texts, describe(value))
	}
	return strings.Join(texts, ", ")
}
