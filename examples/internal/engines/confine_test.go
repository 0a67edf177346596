//go:build linux

package engines

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
)

// confined returns a kit that confines the installed programs.
func confined(t *testing.T) *kit {
	t.Helper()
	k := kitOn(os.Getenv("PATH"))
	if k.bubblewrap == "" {
		t.Skip("bubblewrap is not installed, or cannot run here")
	}
	return k
}

// outsideFile returns a file with a secret, out of reach for a confined program.
func outsideFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret.txt")
	require.NoError(t, os.WriteFile(path, []byte("secret"), 0o600))
	return path
}

// shell runs a script in a directory, as an engine runs its program.
func shell(t *testing.T, k *kit, dir, script string, inputs ...string) (string, error) {
	t.Helper()
	out := &bounded{limit: 1 << 20}
	p := &program{kit: k, path: "/bin/sh"}
	err := p.run(t.Context(), execution{dir: dir, stdout: out, inputs: inputs, args: []string{"-c", script}})
	return string(out.buffer), err
}

func TestRealConfinement(t *testing.T) {
	t.Parallel()
	k := confined(t)
	secret := outsideFile(t)
	target := filepath.Join(t.TempDir(), "written")
	site := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(site.Close)
	for name, script := range map[string]string{
		"read a file":       "cat " + secret,
		"write a file":      "echo x > " + target,
		"write to the root": "echo x > /written",
		"list processes":    "kill -0 " + strconv.Itoa(os.Getpid()),
		"read the settings": "cat /etc/passwd",
		"use the network":   "perl -MIO::Socket::INET -e 'IO::Socket::INET->new(q(" + site.Listener.Addr().String() + ")) or die'",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := shell(t, k, t.TempDir(), script)
			require.ErrorIs(t, err, errExit)
			assert.Empty(t, out)
			free := *k
			free.bubblewrap = ""
			if !strings.HasSuffix(name, "root") && !strings.HasPrefix(name, "write") {
				_, err = shell(t, &free, t.TempDir(), script)
				assert.NoError(t, err, "the script can do it without confinement")
			}
		})
	}
	dir := t.TempDir()
	out, err := shell(t, k, dir, "cat "+secret+"; cp "+secret+" copy; echo x >> "+secret+" || pwd; env", secret)
	require.NoError(t, err)
	assert.Regexp(t, "^secret"+dir+"\n", out, "it can read an input, and not write to it")
	assert.FileExists(t, filepath.Join(dir, "copy"))
	for line := range strings.Lines(out) {
		name, _, ok := strings.Cut(line, "=")
		assert.True(t, !ok || slices.Contains([]string{"HOME", "TMPDIR", "LANG", "PATH", "PWD", "OLDPWD", "SHLVL", "_"}, name), line)
	}
	assert.NoFileExists(t, target)
}

// TestRealConfinedTimeout shows that everything that a program has started ends with it,
// also what has left its process group.
func TestRealConfinedTimeout(t *testing.T) {
	t.Parallel()
	k := confined(t)
	dir := t.TempDir()
	started, gone := watch(t, filepath.Join(dir, "pipe"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		p := &program{kit: k, path: "/bin/sh"}
		done <- p.run(ctx, execution{dir: dir, args: []string{"-c", "exec 3>pipe; echo started >&3; setsid sleep 300 & sleep 300"}})
	}()
	started()
	cancel()
	gone()
	require.ErrorIs(t, <-done, context.Canceled)
}

// TestRealCommandEscapes shows that a command cannot reach files and the network by what
// is in its inputs.
func TestRealCommandEscapes(t *testing.T) {
	t.Parallel()
	k := confined(t)
	b := installedOn(t, k, "ffmpeg")
	private := filepath.Join(t.TempDir(), "private.png")
	require.NoError(t, os.WriteFile(private, imageFile(t, "png", 64, 64), 0o600))
	target := filepath.Join(t.TempDir(), "target")
	var requests atomic.Int32
	site := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { requests.Add(1) }))
	t.Cleanup(site.Close)
	image := upload{"a.png", imageFile(t, "png", 16, 16)}
	for name, c := range map[string]struct {
		arguments string
		file      upload
	}{
		"list":    {"-f concat -safe 0 -i /input/b/list.txt -frames:v 1 /output/x.png", upload{"list.txt", []byte("file '" + private + "'\n")}},
		"source":  {"-i /input/a/a.png -filter_script:v /input/b/f.txt -frames:v 1 /output/x.png", upload{"f.txt", []byte("[in]nullsink;movie=" + private + "[out]")}},
		"log":     {"-i /input/a/a.png -filter_script:v /input/b/f.txt -f null -", upload{"f.txt", []byte("metadata=mode=print:file=" + target)}},
		"request": {"-protocol_whitelist file,http,tcp -f concat -safe 0 -i /input/b/list.txt /output/x.png", upload{"list.txt", []byte("file '" + site.URL + "/x.png'\n")}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			task, _ := b.do(t, cloudconvert.RawTask{Op: "command", Fields: fields{
				"input": []string{"a", "b"}, "engine": "ffmpeg", "command": "ffmpeg", "arguments": c.arguments, "capture_output": true,
			}}, image, c.file)
			assert.Equal(t, "error", task.Status, task.Message)
			assert.NoFileExists(t, target)
			assert.Zero(t, requests.Load())
		})
	}
}

// TestRealDocumentImages shows that a document cannot show a local image, and that a
// format does not pass as another.
func TestRealDocumentImages(t *testing.T) {
	t.Parallel()
	b := installedOn(t, confined(t), "libreoffice", "poppler")
	private := filepath.Join(t.TempDir(), "private.png")
	require.NoError(t, os.WriteFile(private, imageFile(t, "png", 200, 200), 0o600))
	svg := `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="300" height="300">` +
		`<image xlink:href="file://` + private + `" width="200" height="200"/></svg>`
	task, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, upload{"a.docx", []byte(svg)})
	assert.Equal(t, "OPEN_FAILED", task.Code)
	rtf := `{\rtf1 text {\field{\*\fldinst INCLUDEPICTURE "file://` + private + `"}{\fldrslt x}}}`
	pdf := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, upload{"a.rtf", []byte(rtf)})
	assert.False(t, bytes.Contains(pdf.content, []byte("/Subtype/Image")))
}
