package cloudconvert

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"

	"github.com/cloudconvert/cloudconvert-go/internal/lenient"
	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

// FormatsService reads the catalog of operations, formats and options.
type FormatsService service

// Format is an entry of the catalog: an operation of the service on a pair of formats.
type Format struct {
	Operation Operation `json:"operation"`
	// InputFormat is empty for operations without input.
	InputFormat string `json:"input_format,omitzero"`
	// OutputFormat is empty for operations that keep the format.
	OutputFormat string `json:"output_format,omitzero"`
	Engine       string `json:"engine,omitzero"`
	// Credits is the base price.
	Credits int `json:"credits,omitzero"`
	// Options are the parameters of the engine. They are nil unless
	// [IncludeOptions] was requested.
	Options []FormatOption `json:"options,omitzero"`
	// EngineVersions are the versions of the engine. They are nil unless
	// [IncludeEngineVersions] was requested.
	EngineVersions []EngineVersion `json:"engine_versions,omitzero"`
	Deprecated     bool            `json:"deprecated,omitzero"`
	Experimental   bool            `json:"experimental,omitzero"`
	Meta           FormatMeta      `json:"meta,omitzero"`

	malformed map[string]bool // the fields that Validate needs but could not be decoded
}

// FormatMeta has further information on a format.
type FormatMeta struct {
	// Group is the group of the format, for example "document" or "image".
	Group string `json:"group,omitzero"`
}

// FormatOption is a parameter of an operation.
type FormatOption struct {
	// Name is the key to set in [Options].
	Name string `json:"name"`
	// Type is "string", "boolean", "integer", "float", "enum", "dictionary",
	// "Input" (the name of another task), or something else: the set is open.
	Type string `json:"type"`
	// Default is the default value. It may be nil.
	Default any `json:"default,omitzero"`
	// PossibleValues are the allowed values, or nil if they are not listed.
	PossibleValues []any  `json:"possible_values,omitzero"`
	Label          string `json:"label,omitzero"`
	Description    string `json:"description,omitzero"`
	Help           string `json:"help,omitzero"`

	malformed bool // the type or the possible values could not be decoded
}

// EngineVersion is a version of an engine.
type EngineVersion struct {
	Version      string `json:"version"`
	Default      bool   `json:"default,omitzero"`
	Latest       bool   `json:"latest,omitzero"`
	Deprecated   bool   `json:"deprecated,omitzero"`
	Experimental bool   `json:"experimental,omitzero"`
}

// The values of Include in [FormatListOptions].
const (
	IncludeOptions        Include = "options"
	IncludeEngineVersions Include = "engine_versions"
)

// FormatListOptions selects entries of the catalog. The zero value selects all of
// them, several thousand.
type FormatListOptions struct {
	Operation     Operation `url:"filter[operation],omitempty"`
	InputFormat   string    `url:"filter[input_format],omitempty"`
	OutputFormat  string    `url:"filter[output_format],omitempty"`
	Engine        string    `url:"filter[engine],omitempty"`
	EngineVersion string    `url:"filter[engine_version],omitempty"`
	// Alternatives also selects engines other than the default of a pair.
	Alternatives bool `url:"alternatives,omitempty"`
	// Include may have [IncludeOptions] and [IncludeEngineVersions].
	Include []Include `url:"include,comma,omitempty"`
	// PerPage is the number of entries on a page. By default the service chooses.
	PerPage int `url:"per_page,omitempty"`
	// Page is the number of the page, from 1.
	Page int `url:"page,omitempty"`
}

// List returns one page of the catalog, or all of it if the service does not paginate.
func (s *FormatsService) List(ctx context.Context, options FormatListOptions, opts ...CallOption) (*Page[Format], error) {
	return s.list(ctx, "/operations", options, opts)
}

// ListConversions returns one page of the older catalog, which has only conversions.
func (s *FormatsService) ListConversions(ctx context.Context, options FormatListOptions, opts ...CallOption) (*Page[Format], error) {
	return s.list(ctx, "/convert/formats", options, opts)
}

func (s *FormatsService) list(ctx context.Context, path string, options FormatListOptions, opts []CallOption) (*Page[Format], error) {
	query, err := queryOf(options)
	if err != nil {
		return nil, err
	}
	return list[Format](ctx, s.core, path, query, opts)
}

// All iterates over the catalog from the selected page on. It requests each page
// when it is needed. An error is yielded once and ends the iteration. No entry is
// yielded twice.
func (s *FormatsService) All(ctx context.Context, options FormatListOptions, opts ...CallOption) iter.Seq2[*Format, error] {
	query, err := queryOf(options)
	if err != nil {
		return failed[Format](err)
	}
	return all(ctx, s.core, "/operations", query, func(f *Format) any {
		return [...]string{string(f.Operation), f.InputFormat, f.OutputFormat, f.Engine, f.Meta.Group}
	}, opts)
}

// UnmarshalJSON decodes an entry. It tolerates fields of unexpected types.
func (f *Format) UnmarshalJSON(data []byte) error {
	var wire struct {
		Operation      lenient.String             `json:"operation"`
		InputFormat    formatText                 `json:"input_format"`
		OutputFormat   formatText                 `json:"output_format"`
		Engine         formatText                 `json:"engine"`
		Credits        lenient.Int                `json:"credits"`
		Options        *formatList[FormatOption]  `json:"options"`
		EngineVersions *formatList[EngineVersion] `json:"engine_versions"`
		Deprecated     lenient.Bool               `json:"deprecated"`
		Experimental   lenient.Bool               `json:"experimental"`
		Meta           lenient.Object[formatMeta] `json:"meta"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*f = Format{
		Operation:    Operation(wire.Operation),
		InputFormat:  wire.InputFormat.text,
		OutputFormat: wire.OutputFormat.text,
		Engine:       wire.Engine.text,
		Credits:      int(wire.Credits),
		Deprecated:   bool(wire.Deprecated),
		Experimental: bool(wire.Experimental),
		Meta:         FormatMeta{Group: string(wire.Meta.Value.Group)},
	}
	malformed := map[string]bool{
		"input_format":  wire.InputFormat.malformed,
		"output_format": wire.OutputFormat.malformed,
		"engine":        wire.Engine.malformed,
	}
	if wire.Options != nil {
		f.Options = append([]FormatOption{}, wire.Options.entries...)
		malformed["options"] = wire.Options.malformed
	}
	if wire.EngineVersions != nil {
		f.EngineVersions = wire.EngineVersions.entries
		malformed["engine_versions"] = wire.EngineVersions.malformed
	}
	if maps.DeleteFunc(malformed, func(_ string, bad bool) bool { return !bad }); len(malformed) > 0 {
		f.malformed = malformed
	}
	return nil
}

// formatText is a string that [Format.Validate] needs.
type formatText struct {
	text      string
	malformed bool // an object or a list
}

// UnmarshalJSON implements [json.Unmarshaler].
func (t *formatText) UnmarshalJSON(data []byte) error {
	var text lenient.String
	_ = text.UnmarshalJSON(data) // never fails
	kind := strictjson.KindOf(data)
	*t = formatText{text: string(text), malformed: kind == strictjson.Object || kind == strictjson.List}
	return nil
}

// formatList is a list that [Format.Validate] needs.
type formatList[T any] struct {
	entries   []T
	malformed bool // not a list, or a list with entries that are not a T
}

// UnmarshalJSON implements [json.Unmarshaler].
func (l *formatList[T]) UnmarshalJSON(data []byte) error {
	*l = formatList[T]{}
	if kind := strictjson.KindOf(data); kind != strictjson.List {
		l.malformed = kind != strictjson.Null
		return nil
	}
	l.entries = lenient.Collect(data, '[', func(data []byte, entry *T) bool {
		if strictjson.KindOf(data) == strictjson.Null {
			return false
		}
		err := json.Unmarshal(data, entry)
		l.malformed = l.malformed || err != nil
		return err == nil
	})
	return nil
}

type formatMeta struct {
	Group lenient.String `json:"group"`
}

// UnmarshalJSON decodes an option. It tolerates fields of unexpected types.
func (o *FormatOption) UnmarshalJSON(data []byte) error {
	var wire struct {
		Name           lenient.String `json:"name"`
		Type           formatText     `json:"type"`
		Default        any            `json:"default"`
		PossibleValues any            `json:"possible_values"`
		Label          lenient.String `json:"label"`
		Description    lenient.String `json:"description"`
		Help           lenient.String `json:"help"`
	}
	if kind := strictjson.KindOf(data); kind == strictjson.Text || kind == strictjson.Number {
		*o = FormatOption{Name: strictjson.ScalarText(data)}
		return nil
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*o = FormatOption{
		Name:        string(wire.Name),
		Type:        wire.Type.text,
		Default:     wire.Default,
		Label:       string(wire.Label),
		Description: string(wire.Description),
		Help:        string(wire.Help),
		malformed:   wire.Type.malformed,
	}
	switch values := wire.PossibleValues.(type) {
	case nil:
	case []any:
		o.PossibleValues = slices.DeleteFunc(values, func(value any) bool { return value == nil })
	case map[string]any:
		o.malformed = true // the possible values may be the keys or the values
	default:
		o.PossibleValues = []any{values}
	}
	return nil
}

// UnmarshalJSON decodes a version. It tolerates fields of unexpected types.
func (v *EngineVersion) UnmarshalJSON(data []byte) error {
	var wire struct {
		Version      lenient.String `json:"version"`
		Default      lenient.Bool   `json:"default"`
		Latest       lenient.Bool   `json:"latest"`
		Deprecated   lenient.Bool   `json:"deprecated"`
		Experimental lenient.Bool   `json:"experimental"`
	}
	if kind := strictjson.KindOf(data); kind == strictjson.Text || kind == strictjson.Number {
		*v = EngineVersion{Version: strictjson.ScalarText(data)}
		return nil
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*v = EngineVersion{
		Version:      string(wire.Version),
		Default:      bool(wire.Default),
		Latest:       bool(wire.Latest),
		Deprecated:   bool(wire.Deprecated),
		Experimental: bool(wire.Experimental),
	}
	return nil
}
