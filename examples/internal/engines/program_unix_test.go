//go:build unix

package engines

import (
	"bufio"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/cloudconvert/cloudconvert-go"
	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// fake installs a shell script in place of a program and returns its directory.
func fake(t *testing.T, name, script string) string {
	t.Helper()
	dir := t.TempDir()
	// A process that another test starts meanwhile would inherit the open file for a
	// moment, and a file that is open for writing cannot be executed.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script), 0o700))
	return dir
}

// linesOf returns the lines of a file.
func linesOf(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(content), "\n"), "\n")
}

// writeLast is the end of a script: it writes the text done to the file in its last
// argument, without "file:".
const writeLast = `
for last; do :; done
printf done > "${last#file:}"
`

func TestArguments(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	k := kitOn(fake(t, "ffmpeg", `
if [ "$1" = -version ]; then echo "ffmpeg version 7.1.2-static"; exit; fi
printf '%s\n' "$@" > `+notes+`/args; env > `+notes+`/env; pwd > `+notes+`/pwd`+writeLast))
	b := newBench(t, k)
	name := "-i $(touch x); `id` 'q'.mov"
	result := b.one(t, cloudconvert.Convert{
		Input: []string{"a"}, OutputFormat: "mp4", Options: cloudconvert.Options{"crf": 30, "preset": "fast"},
	}, upload{name, []byte("film")})
	assert.Equal(t, "done", string(result.content))
	assert.Equal(t, strings.Replace(name, ".mov", ".mp4", 1), result.name)

	args := linesOf(t, filepath.Join(notes, "args"))
	assert.NotContains(t, strings.Join(args, " "), "touch")
	assert.Equal(t, []string{
		"-hide_banner", "-nostdin", "-nostats", "-y", "-protocol_whitelist", "file,pipe", "-f", "mov", "-i",
	}, args[:9])
	assert.Regexp(t, `^file:/.*\.mov$`, args[9])
	assert.Subset(t, args, []string{"-crf", "30", "-preset", "fast", "libx264"})
	assert.Regexp(t, `^file:/.*/out\.mp4$`, args[len(args)-1])

	home := linesOf(t, filepath.Join(notes, "pwd"))[0]
	for _, variable := range linesOf(t, filepath.Join(notes, "env")) {
		name, value, _ := strings.Cut(variable, "=")
		assert.Contains(t, []string{"HOME", "TMPDIR", "LANG", "PATH", "PWD", "OLDPWD", "SHLVL", "_"}, name)
		if name == "HOME" || name == "TMPDIR" {
			assert.Equal(t, home, value)
		}
	}
	require.NoError(t, b.WaitIdle(t.Context()))
	assert.NoDirExists(t, home, "it goes with the task")
}

func TestOfficeArguments(t *testing.T) {
	t.Parallel()
	notes := t.TempDir()
	k := kitOn(fake(t, "libreoffice", `
if [ "$1" = --version ]; then echo "LibreOffice 7.4.7.2 40(Build:2)"; exit; fi
printf '%s\n' "$@" >> `+notes+`/args
cat profile/user/registrymodifications.xcu > `+notes+`/profile
mkdir out; cp document.html out/document.pdf`))
	b := newBench(t, k)
	result := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "pdf"}, upload{"--help.html", []byte("page")})
	assert.Equal(t, upload{"--help.pdf", []byte("page")}, result)
	args := linesOf(t, filepath.Join(notes, "args"))
	dir := filepath.Dir(args[len(args)-1])
	assert.Equal(t, []string{
		"--headless", "--norestore", "--nologo", "--nodefault", "--nofirststartwizard", "--nolockcheck",
		"-env:UserInstallation=file://" + dir + "/profile", "--infilter=HTML (StarWriter)",
		"--convert-to", "pdf", "--outdir", dir + "/out", dir + "/document.html",
	}, args)
	assert.Contains(t, strings.Join(linesOf(t, filepath.Join(notes, "profile")), ""), "DisableMacrosExecution")
	task, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "txt"}, upload{"a.odt", []byte("page")})
	assert.Equal(t, "OPEN_FAILED", task.Code, "there is no result, and the exit code is 0")
}

func TestMergeConvertsDocuments(t *testing.T) {
	t.Parallel()
	dir := fake(t, "soffice", `
if [ "$1" = --version ]; then echo "LibreOffice 7.4"; exit; fi
mkdir out; cp document.docx out/document.pdf`)
	b := newBench(t, kitOn(dir))
	result := b.one(t, cloudconvert.Merge{Input: []string{"b", "a"}, OutputFormat: "pdf"},
		upload{"a.pdf", makePDF(101)}, upload{"b.docx", makePDF(102)})
	assert.Equal(t, []int{102, 101}, widthsOf(t, result.content))
}

func TestProgramFails(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ script, code, message string }{
		"unreadable input": {"echo 'Invalid data' >&2; exit 1", "OPEN_FAILED", "a.wav cannot be opened"},
		"other failure": {
			"echo '  Duration: 00:00:02.00, start' >&2; echo 'no encoder' >&2; exit 1", "", "the program failed: no encoder",
		},
		"no output": {"exit 0", "", "ffmpeg made no output"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, kitOn(fake(t, "ffmpeg", c.script)))
			task, results := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp3"}, upload{"a.wav", []byte("x")})
			assert.Equal(t, "error", task.Status)
			assert.Equal(t, c.code, task.Code)
			assert.Contains(t, task.Message, c.message)
			assert.Empty(t, results)
		})
	}
}

// hanging is a program that starts another one and does not end. Both keep a pipe open,
// which shows when they have ended.
func hanging(t *testing.T) (dir string, started func(), gone func()) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "pipe")
	started, gone = watch(t, pipe)
	dir = fake(t, "ffmpeg", `
if [ "$1" = -version ]; then echo "ffmpeg version 7.1"; exit; fi
exec 3>`+pipe+`
echo started >&3
sleep 300 &
wait`)
	return dir, started, gone
}

// watch makes a pipe for a program. The functions wait until the program has written the
// line started to it, and until nothing has it open.
func watch(t *testing.T, pipe string) (started func(), gone func()) {
	t.Helper()
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	f, err := os.OpenFile(pipe, os.O_RDWR, 0) // with a writer, so that reads wait
	require.NoError(t, err)
	reader, err := os.OpenFile(pipe, os.O_RDONLY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, reader.Close()) })
	require.NoError(t, reader.SetReadDeadline(time.Now().Add(time.Minute)))
	lines := bufio.NewReader(reader)
	started = func() {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "started\n", line)
		require.NoError(t, f.Close())
	}
	gone = func() {
		_, err := lines.ReadByte()
		require.ErrorIs(t, err, io.EOF, "something still runs")
	}
	return started, gone
}

func TestCancelKillsGroup(t *testing.T) {
	t.Parallel()
	dir, started, gone := hanging(t)
	b := newBench(t, kitOn(dir))
	job, err := b.client.Jobs.Create(t.Context(), &cloudconvert.JobRequest{Tasks: cloudconvert.Tasks{
		"a":    cloudconvert.ImportRaw{File: "sound", Filename: "a.wav"},
		"work": cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp3"},
	}})
	require.NoError(t, err)
	started()
	task, ok := job.Task("work")
	require.True(t, ok)
	_, err = b.client.Tasks.Cancel(t.Context(), task.ID)
	require.NoError(t, err)
	gone()
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	dir, started, gone := hanging(t)
	k := kitOn(dir)
	k.limit = 2 * time.Second
	b := newBench(t, k)
	task, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp3"}, upload{"a.wav", []byte("x")})
	assert.Equal(t, "TIMEOUT", task.Code)
	assert.Contains(t, task.Message, "2s")
	started()
	gone()
}

func TestTimeoutOfTask(t *testing.T) {
	t.Parallel()
	dir, started, gone := hanging(t)
	b := newBench(t, kitOn(dir))
	task, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp3", Timeout: 2 * time.Second}, upload{"a.wav", []byte("x")})
	assert.Equal(t, "TIMEOUT", task.Code)
	started()
	gone()
}

func TestVersions(t *testing.T) {
	t.Parallel()
	for script, version := range map[string]string{
		"echo ffmpeg version 5.1.9-0+deb12u1 Copyright": "5.1.9",
		"echo ffmpeg version N-12345-gabcdef":           "",
		"exit 1":                                        "",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			engines := kitOn(fake(t, "ffmpeg", script)).engines()
			require.Len(t, engines, 2)
			assert.Equal(t, version, engines[1].Version(t.Context()))
			assert.Contains(t, engines[1].Line(t.Context()), "mp4 webm -> mkv")
		})
	}
}

func TestBothStreamsAtOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, kitOn(fake(t, "ffmpeg", `
for i in 1 2 3 4 5 6 7 8 9; do
	echo "  Duration: 00:00:10.00, start" >&2 &
	echo "out_time_us=${i}000000" &
done
wait`+writeLast)))
	result := b.one(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp3"}, upload{"a.wav", []byte("x")})
	assert.Equal(t, "done", string(result.content))
}

func TestLongOutputIsNotKept(t *testing.T) {
	t.Parallel()
	b := newBench(t, kitOn(fake(t, "ffmpeg", `
yes 'a long line of nothing at all' | head -c 3000000 >&2
echo 'Duration: 00:00:01.00' >&2
echo 'the end' >&2; exit 1`)))
	task, _ := b.do(t, cloudconvert.Convert{Input: []string{"a"}, OutputFormat: "mp3"}, upload{"a.wav", []byte("x")})
	assert.Equal(t, "the program failed: the end", task.Message)
}

// TestForeignWebsite shows that the message says what a capture needs.
func TestForeignWebsite(t *testing.T) {
	t.Parallel()
	k := kitOn(fake(t, "chromium", "exit 1"))
	task := cloudconvert.CaptureWebsite{URL: "https://example.com", OutputFormat: "pdf"}
	done, _ := newBench(t, k, cloudconverttest.WithStandIns()).do(t, task)
	assert.Equal(t, "stand-in", done.Engine)
	assert.Contains(t, done.Message, "-network")
	done, _ = newBench(t, k).do(t, task)
	assert.Equal(t, "INVALID_CONVERSION_TYPE", done.Code)
	assert.Contains(t, done.Message, "-network")
}

// TestCommandNeedsConfinement shows that programs without confinement run on request only.
func TestCommandNeedsConfinement(t *testing.T) {
	t.Parallel()
	dir := fake(t, "ffmpeg", "echo ran > output/x.txt")
	task := cloudconvert.RawTask{Op: "command", Fields: fields{
		"input": "a", "engine": "ffmpeg", "command": "ffmpeg", "arguments": "/output/x.txt", "capture_output": true,
	}}
	file := upload{"a.txt", []byte("x")}

	done, _ := newBench(t, kitOn(dir), cloudconverttest.WithStandIns()).do(t, task, file)
	assert.Equal(t, "stand-in", done.Engine)
	assert.Contains(t, done.Message, "bubblewrap")
	done, _ = newBench(t, kitOn(dir)).do(t, task, file)
	assert.Equal(t, "INVALID_CONVERSION_TYPE", done.Code)
	assert.Contains(t, done.Message, "-unconfined")

	k := kitOn(dir)
	k.options.Unconfined = true
	engines := k.engines()
	assert.Regexp(t, `^ffmpeg.*: command \(ffmpeg\)$`, engines[len(engines)-1].Line(t.Context()))
	result := newBench(t, k).one(t, task, file)
	assert.Equal(t, "ran\n", string(result.content))
}
