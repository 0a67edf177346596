package acceptance_test

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

	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

var update = flag.Bool("update", false, "write what the tests of faults see to docs/faults.md")

const faultsFile = "../../docs/faults.md"

// A grid is a table of docs/faults.md. The test of each cell compares it with what happens.
type grid struct {
	name          string
	protocols     []protocol
	rows, columns []string
	cells         [][]string // as in the file

	mu  sync.Mutex
	got [][]cell // as seen by the tests, for -update
}

// A cell has the outcome over each of the grid's protocols.
type cell []string

const cellBreak = "; "

// readCell reads a cell as show writes it.
func (g *grid) readCell(text string) cell {
	parts := strings.Split(text, cellBreak)
	c := slices.Repeat(cell{parts[0]}, len(g.protocols))
	for _, part := range parts[1:] {
		name, outcome, _ := strings.Cut(part, ": ")
		if first := slices.IndexFunc(g.protocols, func(p protocol) bool { return p.name == name }); first >= 0 {
			copy(c[first:], slices.Repeat([]string{outcome}, len(c)-first))
		}
	}
	return c
}

// show returns what is in the table: an outcome that is like the one before is left out.
func (g *grid) show(c cell) string {
	var text strings.Builder
	text.WriteString(c[0])
	for i := 1; i < len(c); i++ {
		if c[i] != c[i-1] {
			text.WriteString(cellBreak + g.protocols[i].name + ": " + c[i])
		}
	}
	return text.String()
}

// readGrid reads the table behind the line <!-- name -->. Its rows and columns
// must be the given ones, so that no cell is without a test.
func readGrid(t *testing.T, name string, overs []protocol, rows, columns []string) *grid {
	t.Helper()
	g := &grid{name: name, protocols: overs, rows: rows, columns: columns}
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

// check compares what happened over a protocol with the cell.
func (g *grid) check(t *testing.T, row, column string, p protocol, got string) {
	t.Helper()
	y, x, z := slices.Index(g.rows, row), slices.Index(g.columns, column), slices.Index(g.protocols, p)
	if !*update {
		assert.Equal(t, g.readCell(g.cells[y][x])[z], got, "%s says otherwise, see the flag -update", faultsFile)
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.got[y][x][z] = got
}

// keep begins an update with the cells that there are, as not all tests may run.
func (g *grid) keep() {
	for range g.rows {
		g.got = append(g.got, slices.Repeat([]cell{nil}, len(g.columns)))
		for x := range g.columns {
			g.got[len(g.got)-1][x] = make(cell, len(g.protocols))
		}
	}
	if len(g.cells) < 2 {
		return
	}
	for _, cells := range g.cells[2:] {
		y := slices.Index(g.rows, cells[0])
		for i, text := range cells[1:] {
			if x := slices.Index(g.columns, g.cells[0][min(i+1, len(g.cells[0])-1)]); x >= 0 && y >= 0 {
				g.got[y][x] = g.readCell(text)
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
		var cells []string
		for _, c := range g.got[i] {
			cells = append(cells, g.show(c))
		}
		writeRow(row, cells)
	}
	require.NoError(t, os.WriteFile(faultsFile, []byte(before+b.String()+after), 0o600))
}

// splitAtGrid returns the file up to a table, the table, and what is behind.
func splitAtGrid(t *testing.T, name string) (before, table, after string) {
	t.Helper()
	text := testkit.ReadFile(t, faultsFile)
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
