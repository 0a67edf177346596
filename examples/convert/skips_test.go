package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLongListsAreCut(t *testing.T) {
	t.Parallel()
	var s skips
	for i := range maxNamed + 5 {
		s.add(hidden, "."+strconv.Itoa(i))
	}
	lines := s.lines()
	require.Len(t, lines, 1)
	assert.True(t, strings.HasPrefix(lines[0], "skipped, hidden (25): .0, .1, "), lines[0])
	assert.True(t, strings.HasSuffix(lines[0], ", .19, and 5 more"), lines[0])
}
