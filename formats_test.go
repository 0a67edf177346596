package cloudconvert_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

func TestFormatsList(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)
	server.HandleConvert("docx", "pdf", func(context.Context, *cloudconverttest.Run) error { return nil })
	client := server.Client()

	page, err := client.Formats.List(t.Context(), cloudconvert.FormatListOptions{
		Operation: cloudconvert.OperationConvert, InputFormat: "docx", OutputFormat: "pdf", Alternatives: true,
		Include: []cloudconvert.Include{cloudconvert.IncludeOptions, cloudconvert.IncludeEngineVersions},
	})
	require.NoError(t, err)
	require.NotEmpty(t, page.Data)
	for _, format := range page.Data {
		assert.Equal(t, "docx", format.InputFormat)
		assert.Equal(t, "pdf", format.OutputFormat)
		assert.NotEmpty(t, format.Engine)
		assert.NotNil(t, format.Options)
		assert.NotEmpty(t, format.EngineVersions)
	}
	request := server.Requests()[0]
	assert.Equal(t, "/v2/operations", request.Path)
	assert.Equal(t, "options,engine_versions", request.Query.Get("include"))
	assert.Equal(t, "true", request.Query.Get("alternatives"))
}

func TestFormatsListSendsFilters(t *testing.T) {
	t.Parallel()
	client, script := testkit.NewScript(t, testkit.Says(http.StatusOK, `{"data": []}`))
	options := cloudconvert.FormatListOptions{
		Operation: "pdf/ocr", InputFormat: "pdf", OutputFormat: "tar.gz", Engine: "an-engine", EngineVersion: "1.2", Alternatives: true,
		Include: []cloudconvert.Include{cloudconvert.IncludeOptions, cloudconvert.IncludeEngineVersions}, PerPage: 5, Page: 2,
	}
	_, err := client.Formats.List(t.Context(), options)
	require.NoError(t, err)
	_, err = client.Formats.ListConversions(t.Context(), options)
	require.NoError(t, err)
	const query = "?alternatives=true&filter%5Bengine%5D=an-engine&filter%5Bengine_version%5D=1.2&filter%5Binput_format%5D=pdf" +
		"&filter%5Boperation%5D=pdf%2Focr&filter%5Boutput_format%5D=tar.gz&include=options%2Cengine_versions&page=2&per_page=5"
	assert.Equal(t, []string{
		"GET https://api.example.com/base/v2/operations" + query, "GET https://api.example.com/base/v2/convert/formats" + query,
	}, script.URLs())
}

func TestFormatsListConversions(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer()
	t.Cleanup(server.Close)

	page, err := server.Client().Formats.ListConversions(t.Context(), cloudconvert.FormatListOptions{Engine: "imagemagick"})
	require.NoError(t, err)
	require.NotEmpty(t, page.Data)
	for _, format := range page.Data {
		assert.Equal(t, cloudconvert.OperationConvert, format.Operation)
		assert.Nil(t, format.Options, "they were not requested")
	}
	assert.Equal(t, "/v2/convert/formats", server.Requests()[0].Path)
}

func TestFormatsAll(t *testing.T) {
	t.Parallel()
	server := cloudconverttest.NewServer(cloudconverttest.WithStandIns())
	t.Cleanup(server.Close)
	operations := map[cloudconvert.Operation]bool{}
	for format, err := range server.Client().Formats.All(t.Context(), cloudconvert.FormatListOptions{}) {
		require.NoError(t, err)
		operations[format.Operation] = true
	}
	assert.Contains(t, operations, cloudconvert.OperationConvert)
	assert.Contains(t, operations, cloudconvert.OperationCaptureWebsite)
}

// oddFormat has all unexpected types that have been seen in the catalog.
const oddFormat = `{
	"operation": "convert", "input_format": null, "output_format": "pdf", "engine": "office", "credits": "2",
	"deprecated": 1, "experimental": "0", "meta": [],
	"options": [
		{"name": "optimize_print", "type": "boolean", "default": 1, "possible_values": null, "label": null},
		{"name": "fit", "type": "enum", "default": "max", "possible_values": ["max", "crop", 3]},
		{"name": "future", "type": "matrix", "default": {"a": [1]}, "possible_values": "any"},
		"a name alone"
	],
	"engine_versions": [{"version": 2019, "default": "1", "latest": false}, "2016"], "unknown": true
}`

func TestFormatToleratesUnexpectedTypes(t *testing.T) {
	t.Parallel()
	var format cloudconvert.Format
	require.NoError(t, json.Unmarshal([]byte(oddFormat), &format))
	assert.Equal(t, cloudconvert.Format{
		Operation: "convert", OutputFormat: "pdf", Engine: "office", Credits: 2, Deprecated: true,
		Options: []cloudconvert.FormatOption{
			{Name: "optimize_print", Type: "boolean", Default: 1.0},
			{Name: "fit", Type: "enum", Default: "max", PossibleValues: []any{"max", "crop", 3.0}},
			{Name: "future", Type: "matrix", Default: map[string]any{"a": []any{1.0}}, PossibleValues: []any{"any"}},
			{Name: "a name alone"},
		},
		EngineVersions: []cloudconvert.EngineVersion{{Version: "2019", Default: true}, {Version: "2016"}},
	}, format)
}

func TestFormatOptionsAreNilUnlessRequested(t *testing.T) {
	t.Parallel()
	var requested, omitted cloudconvert.Format
	require.NoError(t, json.Unmarshal([]byte(`{"operation": "merge", "options": []}`), &requested))
	require.NoError(t, json.Unmarshal([]byte(`{"operation": "merge"}`), &omitted))
	assert.NotNil(t, requested.Options)
	assert.Nil(t, omitted.Options)
}

func FuzzFormat(f *testing.F) {
	f.Add([]byte(oddFormat))
	f.Add([]byte(`{"operation":"convert","meta":{"group":"image"},"options":[],"engine_versions":[]}`))
	f.Add([]byte(`{"options":null,"credits":1e99}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var first, second cloudconvert.Format
		if json.Unmarshal(data, &first) != nil {
			return
		}
		encoded, err := json.Marshal(first)
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(encoded, &second))
		reencoded, err := json.Marshal(second)
		require.NoError(t, err)
		assert.JSONEq(t, string(encoded), string(reencoded))
	})
}
