package strictjson_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go/internal/strictjson"
)

func TestMembersRefusesAKeyTwice(t *testing.T) {
	t.Parallel()
	members, err := strictjson.Members([]byte(` {"a": 1, "b": [2]} `))
	require.NoError(t, err)
	assert.Equal(t, map[string]json.RawMessage{"a": json.RawMessage(`1`), "b": json.RawMessage(`[2]`)}, members)
	for document, want := range map[string]string{
		`{"a": 1, "\u0061": 2}`: `"a" twice`,
		`[]`:                    "is a list: it must be an object",
		``:                      "is nothing",
		"{\"a\": \"\xff\"}":     "UTF-8",
		`{"a": `:                "EOF",
	} {
		_, err := strictjson.Members([]byte(document))
		require.ErrorContains(t, err, want, document)
	}
}

func TestNumbersAndBooleansMayBeStrings(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{`1`: 1, `"1"`: 1, `1.0`: 1, `-2e3`: -2000, `9007199254740993`: 9007199254740993} {
		number, err := strictjson.DecodeInt([]byte(document))
		require.NoError(t, err, document)
		assert.Equal(t, want, number)
	}
	for _, document := range []string{`"+1"`, `"01"`, `" 1"`, `""`, `1.5`, `1e30`, `null`, `true`, `"NaN"`, `"0x1"`, `[1]`} {
		_, err := strictjson.DecodeInt([]byte(document))
		require.ErrorContains(t, err, "whole number", document)
	}
	for document, want := range map[string]bool{`true`: true, `"false"`: false, `1`: true, `"0"`: false} {
		is, err := strictjson.DecodeBool([]byte(document))
		require.NoError(t, err, document)
		assert.Equal(t, want, is)
	}
	for _, document := range []string{`2`, `"yes"`, `null`, `"TRUE"`} {
		_, err := strictjson.DecodeBool([]byte(document))
		require.ErrorContains(t, err, "true or false", document)
	}
}

func TestDecodedValueEncodesAsItWas(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`1`, `1.50`, `12345678901234567890`, `1e400`, `-0`, `"a"`, `null`, `{"a":[1.0,{"b":true}]}`, `[]`} {
		value, err := strictjson.DecodeValue([]byte(document))
		require.NoError(t, err)
		encoded, err := strictjson.Marshal(value)
		require.NoError(t, err)
		assert.Equal(t, document, string(encoded))
	}
	_, err := strictjson.DecodeValue([]byte(strings.Repeat("[", 102) + strings.Repeat("]", 102)))
	require.ErrorContains(t, err, "deep")
}
