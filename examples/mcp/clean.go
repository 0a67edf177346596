package main

import (
	"slices"
	"strings"
	"unicode"
)

// clean returns a text of the service as a single line, without the characters that
// control terminals or change the direction of text: agents show it to their users.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp, unicode.Bidi_Control) {
			return ' '
		}
		return r
	}, text)
}

// cleanValue cleans the texts in a JSON value.
func cleanValue(value any) any {
	switch value := value.(type) {
	case string:
		return clean(value)
	case []any:
		return cleanList(value)
	case map[string]any:
		return cleanObject(value)
	}
	return value
}

func cleanList(list []any) []any {
	cleaned := slices.Clone(list)
	for i, value := range cleaned {
		cleaned[i] = cleanValue(value)
	}
	return cleaned
}

func cleanObject(object map[string]any) map[string]any {
	cleaned := make(map[string]any, len(object))
	for key, value := range object {
		cleaned[clean(key)] = cleanValue(value)
	}
	return cleaned
}
