package cloudconvert_test

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write what the tests of faults see to FAULTS.md")

const faultsFile = "FAULTS.md"

// A grid is a table of FAULTS.md. The test of each cell compares it with what happens.
type grid struct {
	name          string
	rows, columns []string
	cells         [][]string // as in the file

	mu  sync.Mutex
	got [][]string // as seen by the tests, for -update
}

// readGrid reads the table behind the line <!-- name -->. Its rows and columns
// must be the given ones, so that no cell is without a test.
func readGrid(t *testing.T, name string, rows, columns []string) *grid {
	t.Helper()
	g := &grid{name: name, rows: rows, columns: columns}
	_, table, _ := splitAtGrid(t, name)
	for line := range strings.Lines(table) {
		g.cells = append(g.cells, splitRow(line))
	}
	if *update {
		g.keep()
		t.Cleanup(func() { g.write(t) })
		return g
	}
	require.Greater(t, len(g.cells), 2)
	require.Equal(t, columns, g.cells[0][1:])
	g.cells = g.cells[2:]
	require.Len(t, g.cells, len(rows))
	for i, cells := range g.cells {
		require.Len(t, cells, len(columns)+1)
		require.Equal(t, rows[i], cells[0])
		g.cells[i] = cells[1:]
	}
	return g
}

// check compares what happened with the cell.
func (g *grid) check(t *testing.T, row, column, got string) {
	t.Helper()
	y, x := slices.Index(g.rows, row), slices.Index(g.columns, column)
	if !*update {
		assert.Equal(t, g.cells[y][x], got, "%s says otherwise, see the flag -update", faultsFile)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.got[y][x] = got
}

// keep begins an update with the cells that there are, as not all tests may run.
func (g *grid) keep() {
	for range g.rows {
		g.got = append(g.got, make([]string, len(g.columns)))
	}
	if len(g.cells) < 2 {
		return
	}
	for _, cells := range g.cells[2:] {
		y := slices.Index(g.rows, cells[0])
		for i, text := range cells[1:] {
			if x := slices.Index(g.columns, g.cells[0][min(i+1, len(g.cells[0])-1)]); x >= 0 && y >= 0 {
				g.got[y][x] = text
			}
		}
	}
}

var writing sync.Mutex

// write puts the table in its place.
func (g *grid) write(t *testing.T) {
	t.Helper()
	writing.Lock()
	defer writing.Unlock()
	before, _, after := splitAtGrid(t, g.name)
	var b strings.Builder
	writeRow := func(name string, cells []string) {
		b.WriteString("| " + name + " | " + strings.Join(cells, " | ") + " |\n")
	}
	writeRow("Fault", g.columns)
	writeRow("---", slices.Repeat([]string{"---"}, len(g.columns)))
	for i, row := range g.rows {
		writeRow(row, g.got[i])
	}
	require.NoError(t, os.WriteFile(faultsFile, []byte(before+b.String()+after), 0o600))
}

// splitAtGrid returns the file up to a table, the table, and what is behind.
func splitAtGrid(t *testing.T, name string) (before, table, after string) {
	t.Helper()
	text := readText(t, faultsFile)
	place := regexp.MustCompile(`<!-- ` + name + ` -->\n\n((?:\|.*\n)*)`).FindStringSubmatchIndex(text)
	require.NotNil(t, place, "%s has no table %s", faultsFile, name)
	return text[:place[2]], text[place[2]:place[3]], text[place[3]:]
}

func splitRow(line string) []string {
	cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
	for i, cell := range cells {
		cells[i] = strings.TrimSpace(cell)
	}
	return cells
}
