package cloudconvert_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// images is a catalog entry with an option of each type.
var images = cloudconvert.Format{
	Operation: cloudconvert.OperationConvert, InputFormat: "png", OutputFormat: "jpg", Engine: "imagemagick",
	Options: []cloudconvert.FormatOption{
		{Name: "width", Type: "integer"},
		{Name: "zoom", Type: "float"},
		{Name: "strip", Type: "boolean"},
		{Name: "pages", Type: "string"},
		{Name: "fit", Type: "enum", PossibleValues: []any{"max", "crop", "scale"}},
		{Name: "rotate", Type: "integer", PossibleValues: []any{90.0, 180.0}},
		{Name: "scale", Type: "float", PossibleValues: []any{0.5, 2.0}},
		{Name: "alpha", Type: "boolean", PossibleValues: []any{true, false}},
		{Name: "trim", Type: "boolean", PossibleValues: []any{0.0, 1.0}},
		{Name: "always", Type: "boolean", PossibleValues: []any{"1"}},
		{Name: "headers", Type: "dictionary"},
		{Name: "image", Type: "Input"},
		{Name: "future", Type: "matrix"},
	},
}

func convertWith(options cloudconvert.Options) cloudconvert.Convert {
	return cloudconvert.Convert{Input: []string{"import"}, OutputFormat: "jpg", Options: options}
}

func TestFormatValidateAcceptsOptions(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]cloudconvert.Options{
		"none":                    nil,
		"integer":                 {"width": 200},
		"integer as text":         {"width": "200"},
		"whole float":             {"zoom": 1},
		"float":                   {"zoom": 0.5},
		"boolean":                 {"strip": true},
		"boolean as a number":     {"strip": 0},
		"boolean as text":         {"strip": "1"},
		"string":                  {"pages": "1-2"},
		"enum":                    {"fit": "crop"},
		"array of allowed values": {"fit": []string{"crop", "max"}},
		"number in the list":      {"rotate": 90},
		"number of the list":      {"scale": "0.50"},
		"booleans for a list":     {"alpha": 1},
		"boolean of a list":       {"trim": true, "always": true},
		"text of a list":          {"trim": "false"},
		"number of a boolean":     {"trim": 1},
		"list for a future type":  {"future": []any{1, 2}},
		"whole number":            {"width": json.Number("200.0")},
		"dictionary":              {"headers": map[string]string{"a": "b"}},
		"name of a task":          {"image": "logo"},
		"type of the future":      {"future": [][]int{{1}}},
		"null":                    {"width": nil},
		"parameter of every task": {"input_format": "png", "timeout": 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.NoError(t, images.Validate(convertWith(options)))
		})
	}
}

func TestFormatValidateReportsProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options cloudconvert.Options
		want    []string
	}{
		"misspelled":          {cloudconvert.Options{"widht": 200}, []string{`"widht"`, `did you mean "width"`}},
		"unknown":             {cloudconvert.Options{"something_else": 1}, []string{`unknown option "something_else"`}},
		"text for an integer": {cloudconvert.Options{"width": "wide"}, []string{`"width"`, "integer"}},
		"list for an integer": {cloudconvert.Options{"width": []int{1, 2}}, []string{`"width"`, "a list", "integer"}},
		"list for a string":   {cloudconvert.Options{"pages": []string{"1"}}, []string{`"pages"`, "a list", "string"}},
		"list for an object":  {cloudconvert.Options{"headers": []any{map[string]any{}}}, []string{`"headers"`, "a list", "dictionary"}},
		"not a number":        {cloudconvert.Options{"zoom": "NaN"}, []string{`"zoom"`, "float"}},
		"hexadecimal":         {cloudconvert.Options{"zoom": "0x1p4"}, []string{`"zoom"`, "float"}},
		"fraction":            {cloudconvert.Options{"width": 1.5}, []string{`"width"`, "integer"}},
		"number for a string": {cloudconvert.Options{"pages": 1}, []string{`"pages"`, "string"}},
		"not a boolean":       {cloudconvert.Options{"strip": "maybe"}, []string{`"strip"`, "boolean"}},
		"not an object":       {cloudconvert.Options{"headers": "a: b"}, []string{`"headers"`, "dictionary"}},
		"not in the list":     {cloudconvert.Options{"fit": "stretch"}, []string{`"fit"`, "stretch", "max, crop, scale"}},
		"one not in the list": {cloudconvert.Options{"fit": []string{"max", "stretch"}}, []string{"stretch"}},
		"wrong number":        {cloudconvert.Options{"rotate": 45}, []string{`"rotate"`, "90, 180"}},
		"wrong fraction":      {cloudconvert.Options{"scale": 1}, []string{`"scale"`, "0.5, 2"}},
		"wrong boolean":       {cloudconvert.Options{"always": 0}, []string{`"always" is 0`, "one of 1"}},
		"two problems":        {cloudconvert.Options{"width": "wide", "fit": "stretch"}, []string{`"width"`, `"fit"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := images.Validate(convertWith(c.options))
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			for _, want := range c.want {
				assert.ErrorContains(t, err, want)
			}
		})
	}
}

func TestFormatValidateRefusesOtherTasks(t *testing.T) {
	t.Parallel()
	raw := cloudconvert.RawTask{Op: cloudconvert.OperationConvert, Fields: map[string]any{"input": "in", "widht": 1}}
	require.ErrorContains(t, images.Validate(raw), "widht")
	require.ErrorContains(t, images.Validate(cloudconvert.Optimize{}), "optimize")
	require.ErrorContains(t, images.Validate(nil), "nil")
	require.ErrorContains(t, cloudconvert.Format{Operation: "convert"}.Validate(convertWith(nil)), "IncludeOptions")

	other := cloudconvert.Convert{InputFormat: "gif", OutputFormat: "pdf", Engine: "graphicsmagick", Options: cloudconvert.Options{"widht": 1}}
	err := images.Validate(other)
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	for _, want := range []string{
		`"input_format" is "gif", but the catalog entry is for "png"`, `"output_format" is "pdf", but the catalog entry is for "jpg"`,
		`"engine" is "graphicsmagick", but the catalog entry is for "imagemagick"`, `"widht"`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, images.Validate(cloudconvert.Convert{InputFormat: "PNG", OutputFormat: "jpg", Engine: "imagemagick", EngineVersion: "7"}))

	optimize := cloudconvert.Format{Operation: cloudconvert.OperationOptimize, Options: []cloudconvert.FormatOption{}}
	require.NoError(t, optimize.Validate(cloudconvert.Optimize{Profile: "web"}), "the struct has fields that the catalog lacks")
	assert.NoError(t, optimize.Validate(cloudconvert.Optimize{InputFormat: "pdf", Engine: "pdftools"}), "the entry has no formats")
}

func TestFormatValidateChecksEngineVersions(t *testing.T) {
	t.Parallel()
	format := images
	pinned := func(version string) cloudconvert.Convert {
		return cloudconvert.Convert{OutputFormat: "jpg", Engine: "imagemagick", EngineVersion: version}
	}
	require.NoError(t, format.Validate(pinned("9")), "versions were not listed")
	format.EngineVersions = []cloudconvert.EngineVersion{{Version: "7.1.0", Default: true}, {Version: "7.0.10", Deprecated: true}}
	require.NoError(t, format.Validate(pinned("")))
	require.NoError(t, format.Validate(pinned("7.0.10")))
	err := format.Validate(pinned("9"))
	require.ErrorIs(t, err, cloudconvert.ErrInvalid)
	require.ErrorContains(t, err, `"engine_version" is "9": it must be one of 7.1.0, 7.0.10`)
	assert.Error(t, format.Validate(convertWith(cloudconvert.Options{"engine_version": 9})))
}

func TestFormatValidateAcceptsFormatAliases(t *testing.T) {
	t.Parallel()
	require.NoError(t, images.Validate(cloudconvert.Convert{OutputFormat: "jpeg"}))
	assert.Error(t, images.Validate(cloudconvert.Convert{OutputFormat: "gif"}))
}

// An option that cannot be checked is reported.
func TestFormatValidateReportsMalformedEntries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		field, value, parameter string
	}{
		"options":         {"options", `{"width": {"type": "integer"}}`, "width"},
		"entry":           {"options", `[{"name": "zoom", "type": "float"}, ["width"]]`, "width"},
		"type":            {"options", `[{"name": "width", "type": ["integer"]}]`, "width"},
		"possible values": {"options", `[{"name": "width", "type": "enum", "possible_values": {"1": "one"}}]`, "width"},
		"engine versions": {"engine_versions", `{"9": true}`, "engine_version"},
		"engine version":  {"engine_versions", `[["9"]]`, "engine_version"},
		"engine":          {"engine", `["imagemagick"]`, "engine"},
		"input format":    {"input_format", `["png"]`, "input_format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			entry := `{"operation": "convert", "options": [], "` + c.field + `": ` + c.value + `}`
			var format cloudconvert.Format
			require.NoError(t, json.Unmarshal([]byte(entry), &format))
			err := format.Validate(convertWith(cloudconvert.Options{c.parameter: 1}))
			require.ErrorIs(t, err, cloudconvert.ErrInvalid)
			require.ErrorContains(t, err, `"`+c.parameter+`" cannot be checked`)
			assert.NoError(t, format.Validate(cloudconvert.Convert{OutputFormat: "jpg"}), "a parameter that is not set is not checked")
		})
	}
}

func TestFormatValidateShowsNoCredentials(t *testing.T) {
	t.Parallel()
	format := cloudconvert.Format{Operation: cloudconvert.OperationConvert, Options: []cloudconvert.FormatOption{
		{Name: "password", Type: "integer"}, {Name: "token", Type: "string", PossibleValues: []any{"a"}},
	}}
	err := format.Validate(cloudconvert.Convert{OutputFormat: "pdf", Options: cloudconvert.Options{"password": "s3cr3t", "token": "s3cr3t"}})
	require.ErrorContains(t, err, "password")
	require.ErrorContains(t, err, "token")
	assert.NotContains(t, err.Error(), "s3cr3t")
}
