package acceptance_test

import (
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
	"github.com/cloudconvert/cloudconvert-go/internal/testkit"
)

// namedFault is a name that leads somewhere else, or nowhere.
type namedFault struct{ shown, name string }

func namedFaults() []namedFault {
	return []namedFault{
		{"`../../x`", "../../x"},
		{"`/etc/passwd`", "/etc/passwd"},
		{"`a/b`", "a/b"},
		{"`..`", ".."},
		{"`" + `..\b` + "`", `..\b`},
		{"`" + `C:\x` + "`", `C:\x`},
		{"`C:x`", "C:x"},
		{"`con.txt`", "con.txt"},
		{"`NUL`", "NUL"},
		{"`.profile`", ".profile"},
		{"`a.txt.`", "a.txt."},
		{"`a?.txt`", "a?.txt"},
		{"`a.txt:stream`", "a.txt:stream"},
		{"a line break", "a\nb.txt"},
		{"a NUL byte", "a\x00b.txt"},
		{"an invalid byte", "a\xffb.txt"},
		{"a right-to-left override", "a\u202etxt.exe"},
		{"300 letters", strings.Repeat("n", 300)},
		{"300 letters and an extension", strings.Repeat("n", 300) + ".tar.gz"},
		{"an empty name", ""},
		{"`../../a.txt`", "../../a.txt"},
		{"`/etc/a.txt`", "/etc/a.txt"},
		{"`" + `..\a.txt` + "`", `..\a.txt`},
		{"`" + `C:\a.txt` + "`", `C:\a.txt`},
	}
}

// TestFaultsOfNames checks that no name leads out of the directory that the
// caller gave, and compares the paths with docs/faults.md.
func TestFaultsOfNames(t *testing.T) {
	t.Parallel()
	var rows []string
	for _, f := range namedFaults() {
		rows = append(rows, f.shown)
	}
	g := readGrid(t, "names", []protocol{{}}, rows, []string{"`Tasks.Upload` sends", "`Save` writes"})
	for _, f := range namedFaults() {
		t.Run(f.shown+"/upload", func(t *testing.T) {
			t.Parallel()
			client, script, _ := testkit.NewUploader(t, testkit.Says(http.StatusCreated, ""))
			err := client.Tasks.Upload(t.Context(), testkit.WaitingTask(), cloudconvert.FromBytes(f.name, []byte(testkit.SourceText)))
			if err != nil {
				g.check(t, f.shown, g.columns[0], protocol{}, reason(err))
				assert.Empty(t, script.Requests)
				return
			}
			sent := regexp.MustCompile(`filename="(.*)"`).FindStringSubmatch(script.Bodies[0])
			require.NotNil(t, sent)
			g.check(t, f.shown, g.columns[0], protocol{}, shownName(sent[1]))
		})
		t.Run(f.shown+"/save", func(t *testing.T) {
			t.Parallel()
			testkit.InBubble(t, func(t *testing.T, server *cloudconverttest.Server) {
				t.Helper()
				outside := t.TempDir()
				dir := filepath.Join(outside, "in", "dir")
				w := &world{server: server, text: fileText}
				file := w.result(t)
				file.Filename = f.name
				paths, err := server.Client().Save(t.Context(), dir, []cloudconvert.File{file})
				require.NoError(t, err)
				require.Len(t, paths, 1)
				assert.Equal(t, fileText, testkit.ReadFile(t, paths[0]))
				saved := filepath.Base(paths[0])
				assert.Equal(t, []string{"in", "in/dir", "in/dir/" + saved}, testkit.Listed(t, outside), "no escape")
				g.check(t, f.shown, g.columns[1], protocol{}, shownName(saved))
			})
		})
	}
}

// shownName is a name as the table shows it.
func shownName(name string) string {
	quoted := strings.Trim(strconv.QuoteToASCII(name), `"`)
	if strings.ContainsRune(name, '\\') {
		quoted = name
	}
	if len(name) > 100 {
		letters := strings.TrimLeft(name, "n")
		return strings.TrimSpace(strconv.Itoa(len(name)-len(letters)) + " letters " + map[bool]string{true: "and `" + letters + "`"}[letters != ""])
	}
	return "`" + quoted + "`"
}
