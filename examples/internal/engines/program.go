package engines

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// program is the program of an engine.
type program struct {
	kit  *kit
	path string
	ask  string // argument that prints its version

	mu      sync.Mutex
	version string
}

// errStartFailed and errExit are the errors of a program.
var (
	errStartFailed = errors.New("the program cannot be started")
	errExit        = errors.New("the program failed")
)

// execution is a run of a program.
type execution struct {
	dir    string    // private to the run: its home and temporary directory
	workIn string    // its working directory, in dir; empty means dir
	stdout io.Writer // may be nil
	stderr io.Writer // as stdout
	env    []string  // besides the usual variables
	inputs []string  // files outside of dir that it reads
	args   []string
}

// run runs the program, confined if bubblewrap can run. When ctx ends, it kills the
// program and all that it has started. The error has the last line of the output.
func (p *program) run(ctx context.Context, e execution) error {
	release, err := p.kit.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	last := &tail{limit: 4 << 10}
	path, args := p.path, e.args
	if p.kit.bubblewrap != "" {
		path, args = p.kit.bubblewrap, confine(p.path, e)
	}
	// Bubblewrap ends with the thread that has started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, path, args...) //nolint:gosec // a list of arguments, and no shell
	cmd.Dir = cmp.Or(e.workIn, e.dir)
	cmd.Env = append(environment(e.dir), e.env...)
	cmd.Stdout, cmd.Stderr = both(e.stdout, nil), both(e.stderr, last)
	cmd.WaitDelay = 5 * time.Second
	kill := isolate(cmd)
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("%w: %w", errStartFailed, err)
	}
	err = cmd.Wait()
	if err == nil {
		return nil
	}
	kill() // processes that it has left
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w: %s", errExit, strings.ReplaceAll(last.lastLine(), e.dir, "."))
}

// environment returns the environment of a program, without the keys in that of this
// process.
func environment(dir string) []string {
	env := []string{"HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", "PATH=" + readablePath(os.Getenv("PATH"))}
	if root := os.Getenv("SYSTEMROOT"); root != "" {
		env = append(env, "SYSTEMROOT="+root)
	}
	return env
}

// readablePath returns the directories of a PATH that this user may use. Python programs
// fail if one is closed to them.
func readablePath(path string) string {
	dirs := slices.DeleteFunc(filepath.SplitList(path), func(dir string) bool {
		info, err := os.Stat(dir)
		return err != nil || !info.IsDir()
	})
	return strings.Join(dirs, string(filepath.ListSeparator))
}

func both(first io.Writer, second io.Writer) io.Writer {
	switch {
	case first == nil && second == nil:
		return io.Discard
	case first == nil:
		return second
	case second == nil:
		return first
	}
	return io.MultiWriter(first, second)
}

var versionNumber = regexp.MustCompile(`\d+(\.\d+)+`)

// readVersion returns the version of the program, which runs once for it.
func (p *program) readVersion(ctx context.Context) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.version != "" {
		return p.version
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	dir, err := os.MkdirTemp("", "engine-")
	if err != nil {
		return ""
	}
	defer func() { _ = os.RemoveAll(dir) }() // the directory is empty
	// Some programs print it to stderr.
	output, errors := &bounded{limit: 64 << 10}, &bounded{limit: 64 << 10}
	if err := p.run(ctx, execution{dir: dir, stdout: output, stderr: errors, args: []string{p.ask}}); err != nil {
		return ""
	}
	p.version = versionNumber.FindString(string(output.buffer) + " " + string(errors.buffer))
	return p.version
}

// tail keeps the end of what is written to it.
type tail struct {
	buffer []byte
	limit  int
}

func (t *tail) Write(b []byte) (int, error) {
	t.buffer = append(t.buffer, b...)
	if surplus := len(t.buffer) - t.limit; surplus > 0 {
		t.buffer = append(t.buffer[:0], t.buffer[surplus:]...)
	}
	return len(b), nil
}

// lastLine returns the last line that is not empty.
func (t *tail) lastLine() string {
	text := strings.TrimSpace(string(t.buffer))
	return clip(text[strings.LastIndexAny(text, "\r\n")+1:])
}
