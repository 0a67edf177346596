package main

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

func TestRootsChangeDuringSession(t *testing.T) {
	t.Parallel()
	for _, protocol := range []string{oldProtocol, ""} {
		t.Run("protocol "+protocol, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{protocol: protocol})
			other := t.TempDir()
			in := arguments{"input": "a.docx", "output": filepath.Join(other, "b.pdf")}
			assert.Contains(t, w.refuses(t, "convert_file", in), "outside of the directories of this session")

			w.addRoot(uriOf(other))
			in["input"] = filepath.Join(w.dir, "a.docx")
			call[jobOutput](t, w, "convert_file", in)
			assert.FileExists(t, filepath.Join(other, "b.pdf"))

			w.removeRoot(w.dir)
			in["output"] = filepath.Join(other, "c.pdf")
			assert.Contains(t, w.refuses(t, "convert_file", in), "use a path below "+other)

			w.removeRoot(other)
			assert.Contains(t, w.refuses(t, "convert_file", in), "no directory is open")
		})
	}
}

func TestDirectoriesOfCommandLine(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.docx"), nil, 0o600))
	in := arguments{"input": "a.docx", "output": filepath.Join(dir, "b.pdf")}
	for _, protocol := range []string{oldProtocol, ""} {
		t.Run("client without roots, protocol "+protocol, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, setup{protocol: protocol, noRoots: true})
			text := w.refuses(t, "convert_file", in)
			assert.Contains(t, text, "add a root in the client, or directories to the arguments of the server")
		})
	}
	t.Run("are for clients without roots", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setup{noRoots: true, dirs: []string{dir}})
		call[jobOutput](t, w, "convert_file", in)
	})
	t.Run("give way to roots", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setup{dirs: []string{dir}})
		assert.Contains(t, w.refuses(t, "convert_file", in), "outside")
	})
	t.Run("are for clients with no roots", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setup{dirs: []string{dir}})
		w.removeRoot(w.dir)
		call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "c.pdf"})
		assert.FileExists(t, filepath.Join(dir, "c.pdf"))
	})
	t.Run("do not replace roots that cannot be used", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, setup{dirs: []string{dir}})
		w.removeRoot(w.dir)
		w.addRoot("https://example.com/files")
		w.addRoot(uriOf(filepath.Join(w.dir, "missing")))
		w.addRoot(uriOf(filepath.Join(w.dir, "a.docx")))
		text := w.refuses(t, "convert_file", in)
		assert.Contains(t, text, `scheme "https" is not a local file`)
		assert.Contains(t, text, "missing")
		assert.Contains(t, text, "not a directory")
	})
}

func TestPathsBelowRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	odd := "ä 100% #1 ?&+ ;'.docx"
	w.write(t, odd, "odd")
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(w.dir, link))
	w.write(t, "sub/s.docx", "sub")
	require.NoError(t, os.Symlink("sub", filepath.Join(w.dir, "inside")))
	for _, input := range []string{
		odd, uriOf(filepath.Join(w.dir, odd)), "FILE://localhost" + uriOf(w.dir)[len("file://"):] + "/a.docx",
		filepath.Join(w.dir, "a.docx"), "./sub/../a.docx", "inside/s.docx", filepath.Join(w.dir, "..", filepath.Base(w.dir), "a.docx"),
	} {
		out := call[jobOutput](t, w, "convert_file", arguments{"input": input, "output": "out/", "output_format": "pdf"})
		assert.Len(t, out.Paths, 1, input)
	}
	call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": uriOf(filepath.Join(w.dir, odd+".pdf"))})
	assert.FileExists(t, filepath.Join(w.dir, odd+".pdf"))

	w.removeRoot(w.dir)
	w.addRoot(uriOf(link))
	for _, dir := range []string{link, w.dir} { // agents name files by either
		call[jobOutput](t, w, "convert_file", arguments{"input": filepath.Join(dir, "a.docx"), "output": "out/", "output_format": "pdf"})
	}
}

func TestPathsOutsideOfRoot(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret.docx")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(secret, filepath.Join(w.dir, "link.docx")))
	require.NoError(t, os.Symlink(outside, filepath.Join(w.dir, "dir")))
	require.NoError(t, os.Symlink(w.dir, filepath.Join(w.dir, "absolute")))
	require.NoError(t, os.Symlink(filepath.Join(outside, "new.pdf"), filepath.Join(w.dir, "dangling.pdf")))
	sibling := w.dir + "-sibling" // begins like the root
	for input, want := range map[string]string{
		secret:                   "outside of the directories",
		"../secret.docx":         "outside of the directories",
		"sub/../../secret.docx":  "outside of the directories",
		sibling + "/secret.docx": "outside of the directories",
		"/etc/passwd":            "outside of the directories",
		uriOf(secret):            "outside of the directories",
		"file:///etc/../" + uriOf(secret)[len("file:///"):]: "outside of the directories",
		uriOf(w.dir) + "/..%2F..%2Fetc%2Fpasswd":            "outside of the directories",
		"link.docx":                                         "by a symbolic link",
		"dir/secret.docx":                                   "by a symbolic link",
		"absolute/a.docx":                                   "by a symbolic link",
		"missing.docx":                                      `"missing.docx" does not exist`,
		"sub/missing.docx":                                  "does not exist",
		".":                                                 "is a directory",
		w.dir:                                               "is a directory",
		"a.docx/b.docx":                                     "cannot be used",
		"a\x00.docx":                                        "is not a path",
		uriOf(w.dir) + "/a%00.docx":                         "is not a path",
		"file://other/share/a.docx":                         "is on another host",
		"file:a.docx":                                       "is not of the form",
		uriOf(w.dir) + "/a.docx?x":                          "is not of the form",
		uriOf(w.dir) + "/a.docx#x":                          "is not of the form",
		"file:///a%zz.docx":                                 "a URI is malformed",
		"ftp://example.com/a.docx":                          `the scheme "ftp"`,
		"~/a.docx":                                          "does not exist",
	} {
		assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": input, "output": "b.pdf"}), want, input)
		text := w.refuses(t, "run_pipeline", arguments{
			"tasks": arguments{"in": arguments{"operation": "import/upload"}, "c": arguments{"operation": "convert", "input": "in", "output_format": "pdf"}},
			"files": arguments{"in": input}, "output": "b.pdf",
		})
		assert.Contains(t, text, want, input)
	}
	for output, want := range map[string]string{
		filepath.Join(outside, "b.pdf"): "outside of the directories",
		"../b.pdf":                      "outside of the directories",
		"sub/../../b.pdf":               "outside of the directories",
		sibling + "/b.pdf":              "outside of the directories",
		"dir/b.pdf":                     "by a symbolic link",
		"dir/new/b.pdf":                 "by a symbolic link",
		"absolute/b.pdf":                "by a symbolic link",
		"dangling.pdf":                  "already exists",
		"a.docx/b.pdf":                  "cannot be used",
		"https://example.com/b.pdf":     `the scheme "https"`,
		"file://other/b.pdf":            "is on another host",
		"b\x00.pdf":                     "is not a path",
	} {
		assert.Contains(t, w.refuses(t, "convert_file", arguments{"input": "a.docx", "output": output}), want, output)
	}
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Len(t, entries, 1)
}

// The directory of the output is replaced by a link to another one while the job runs.
func TestOutputDirectoryThatIsReplaced(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	outside := t.TempDir()
	w.service.HandleConvert("docx", "pdf", func(_ context.Context, run *cloudconverttest.Run) error {
		out := filepath.Join(w.dir, "out")
		if err := os.Rename(out, filepath.Join(w.dir, "moved")); err != nil {
			return err
		}
		if err := os.Symlink(outside, out); err != nil {
			return err
		}
		return run.Write("x.pdf", []byte("x"))
	})
	w.write(t, "out/mine", "")
	call[jobOutput](t, w, "convert_file", arguments{"input": "a.docx", "output": "out/b.pdf"})
	assert.Equal(t, "x", w.read(t, "moved/b.pdf"))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// The names of results come from the service.
func TestHostileNamesOfResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t, setup{})
	client := w.service.Client()
	job, err := client.Convert(t.Context(), cloudconvert.FromBytes("a.docx", nil), "pdf")
	require.NoError(t, err)
	for _, task := range job.Tasks {
		for i := range task.Result.Files {
			task.Result.Files[i].Filename, task.Result.Files[i].Dir = "../../evil.pdf", "../.."
		}
	}
	dir, err := os.OpenRoot(w.dir)
	require.NoError(t, err)
	o := &output{dir: dir, sub: ".", path: w.dir, release: func() {}}
	defer o.close()
	paths, err := o.save(t.Context(), client, job, &progress{})
	require.NoError(t, err)
	require.Len(t, paths, 1)
	rel, err := filepath.Rel(w.dir, paths[0])
	require.NoError(t, err)
	assert.True(t, filepath.IsLocal(rel), rel)
	assert.FileExists(t, paths[0])
}

func TestFilePath(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ uri, unix, windows string }{
		{"file:///home/me", "/home/me", ""},
		{"file:///C:/Users/J%C3%A4ger/a%20b", "/C:/Users/Jäger/a b", `C:\Users\Jäger\a b`},
		{"file:///c%3A/Users", "/c:/Users", `c:\Users`},
		{"file://server/share/a", "", `\\server\share\a`},
		{"file://localhost/C:/a", "/C:/a", `C:\a`},
		{"file:///100%25/%23/%3F", "/100%/#/?", ""},
		{"C:\\Users", "", ""},
		{"file:C:/a", "", ""},
		{"file://user@/C:/a", "", ""},
		{"file://", "", ""},
		{"file:///", "/", ""},
		{"", "", ""},
	} {
		for windows, want := range map[bool]string{false: test.unix, true: test.windows} {
			got, err := filePath(test.uri, windows)
			assert.Equal(t, want, got, "%q, Windows: %t", test.uri, windows)
			assert.Equal(t, want == "", err != nil, "%q, Windows: %t: %v", test.uri, windows, err)
		}
	}
}
