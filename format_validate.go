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

// Validate checks the parameters of a task against a catalog entry that was
// listed with [IncludeOptions]. The error lists all problems and matches
// [ErrInvalid]. Problems are:
//
//   - an option that the catalog does not have; the nearest name is suggested
//   - a value of the wrong type, or one that is not among the possible values
//   - an operation, a format or an engine other than that of the entry
//   - a version of the engine that the entry does not have, if [IncludeEngineVersions]
//     listed the versions
//   - a parameter that cannot be checked, since the catalog describes it in an unknown form
//
// Parameters of the task rather than the engine, such as Input and Filename, are
// not checked. If a task cannot be encoded, the error says why, and nothing else
// is checked.
func (f Format) Validate(t TaskRequest) error {
	switch {
	case taskOf(t) == nil:
		return invalid(errors.New("the task is nil"))
	case t.Operation() != f.Operation:
		return invalid(fmt.Errorf("the operation of the task is %s, but the catalog entry is for %s", t.Operation(), f.Operation))
	case f.Options == nil:
		return invalid(errors.New("the catalog entry has no options: list it with IncludeOptions"))
	}
	task := encodeTask(t)
	if len(task.Broken) > 0 {
		return invalid(task.Broken...) // a value that contains itself cannot be checked
	}
	body := task.Params
	problems := f.mismatches(body)
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

// mismatches returns the formats and the engine of the task that differ from those
// of the entry. A parameter that either of them leaves empty is not a mismatch.
func (f Format) mismatches(body map[string]any) (problems []error) {
	for _, part := range []struct{ name, entry string }{
		{"input_format", f.InputFormat}, {"output_format", f.OutputFormat}, {"engine", f.Engine},
	} {
		if params.Empty(body[part.name]) {
			continue
		}
		if f.malformed[part.name] {
			problems = append(problems, errUncheckable(part.name))
		}
		if asked := fmt.Sprint(body[part.name]); part.entry != "" && filename.Normalize(asked) != filename.Normalize(part.entry) {
			problems = append(problems, fmt.Errorf("parameter %q is %q, but the catalog entry is for %q", part.name, asked, part.entry))
		}
	}
	return problems
}

// checkVersion checks the version of the engine, if the versions were listed.
func (f Format) checkVersion(value any) error {
	asked := textOf(value)
	is := func(v EngineVersion) bool { return v.Version == asked }
	switch {
	case params.Empty(value), slices.ContainsFunc(f.EngineVersions, is):
		return nil
	case f.malformed["engine_versions"]:
		return errUncheckable("engine_version")
	case f.EngineVersions == nil:
		return nil
	}
	versions := make([]string, 0, len(f.EngineVersions))
	for _, version := range f.EngineVersions {
		versions = append(versions, version.Version)
	}
	return fmt.Errorf("parameter %q is %q: it must be one of %s", "engine_version", asked, strings.Join(versions, ", "))
}

func errUncheckable(name string) error {
	return fmt.Errorf("parameter %q cannot be checked: the catalog describes it in an unknown form", name)
}

// check checks one parameter.
func (f Format) check(t TaskRequest, name string, value any) error {
	i := slices.IndexFunc(f.Options, func(o FormatOption) bool { return o.Name == name })
	if i >= 0 {
		return f.Options[i].check(value)
	}
	if slices.Contains(commonParams, name) || params.HasField(taskOf(t), name) {
		return nil
	}
	if f.malformed["options"] {
		return errUncheckable(name)
	}
	if nearest := f.nearest(name); nearest != "" {
		return fmt.Errorf("unknown option %q: did you mean %q?", name, nearest)
	}
	return fmt.Errorf("unknown option %q", name)
}

// commonParams are the parameters that tasks of all operations may have.
var commonParams = []string{
	"operation", "input", "input_format", "output_format", "engine", "engine_version", "filename", "timeout", "ignore_error",
}

// nearest returns the name of the option that is closest to name, or "" if none
// is close.
func (f Format) nearest(name string) string {
	best, least := "", max(len(name)/3, 2)+1
	for _, option := range f.Options {
		if d := distance(name, option.Name); d < least {
			best, least = option.Name, d
		}
	}
	return best
}

// distance returns the Levenshtein distance of two names in bytes.
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

// check checks a value of the option.
func (o FormatOption) check(value any) error {
	plain, err := plainJSON(value)
	if err != nil {
		return fmt.Errorf("option %q: %w", o.Name, err)
	}
	if plain == nil {
		return nil
	}
	if o.malformed {
		return errUncheckable(o.Name)
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
		return fmt.Errorf("option %q is %s: it must be of type %s", o.Name, o.shown(value, quoted(value)), o.Type)
	}
	same := func(possible any) bool { return o.canonical(possible) == o.canonical(value) }
	if len(o.PossibleValues) > 0 && !slices.ContainsFunc(o.PossibleValues, same) {
		return fmt.Errorf("option %q is %s: it must be one of %s", o.Name, o.shown(value, textOf(value)), textsOf(o.PossibleValues))
	}
	return nil
}

// shown returns the text of a value for messages, unless it is a credential.
func (o FormatOption) shown(value any, text string) string {
	switch value.(type) {
	case []any, map[string]any: // of which the text is the kind
		return text
	}
	if params.IsCredential(o.Name) {
		return "..."
	}
	return text
}

// hasType reports whether a value is acceptable for the type of the option. The
// service accepts strings for numbers, and numbers for booleans. An unknown type
// accepts any value.
func (o FormatOption) hasType(value any) bool {
	_, isObject := value.(map[string]any)
	text := textOf(value)
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

// canonical returns one text for all ways to write a value of the option's type.
func (o FormatOption) canonical(value any) string {
	text := textOf(value)
	switch o.Type {
	case "boolean":
		if yes, err := strconv.ParseBool(text); err == nil {
			return strconv.FormatBool(yes)
		}
	case "integer", "float":
		if number, err := strconv.ParseFloat(text, 64); err == nil {
			return textOf(number)
		}
	}
	return text
}

// plainJSON encodes a value and decodes it again, with numbers as [json.Number].
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

// textOf returns a value as text. A number and a string of the same digits have
// the same text.
func textOf(value any) string {
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

// quoted returns a value as text, with quotes around a string.
func quoted(value any) string {
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	return textOf(value)
}

func textsOf(values []any) string {
	texts := make([]string, 0, len(values))
	for _, value := range values {
		texts = append(texts, textOf(value))
	}
	return strings.Join(texts, ", ")
}
