package engines

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// command runs the programs of an engine that tasks with the operation command may name.
type command struct {
	engine   string
	programs map[string]*program
}

// commands returns the engines for the programs that are installed.
func (k *kit) commands() []Engine {
	var engines []Engine
	for _, c := range []struct {
		engine, ask string
		programs    []string
	}{
		{"ffmpeg", "-version", []string{"ffmpeg", "ffprobe"}},
		{"imagemagick", "-version", []string{"convert", "identify"}},
		{"graphicsmagick", "version", []string{"gm"}},
	} {
		installed := map[string]*program{}
		for _, name := range c.programs {
			// On Windows, convert.exe is another program.
			if p := k.tool(c.ask, name); p != nil && (name != "convert" || runtime.GOOS != "windows") {
				installed[name] = p
			}
		}
		if len(installed) == 0 {
			continue
		}
		names := slices.Sorted(maps.Keys(installed))
		engines = append(engines, Engine{
			Name: c.engine, Path: installed[names[0]].path, version: installed[names[0]].readVersion, programs: names,
			operations: map[string]operation{"command": {task: command{c.engine, installed}.do}},
		})
	}
	return engines
}

// runsCommands reports whether tasks may name programs.
func (k *kit) runsCommands() bool { return k.bubblewrap != "" || k.options.Unconfined }

// refuseCommand is the handler of the operation command where programs are not confined.
func refuseCommand(ctx context.Context, run *cloudconverttest.Run) error {
	return builtIn(ctx, run, unsupported("commands run only where bubblewrap is installed and works, or with -unconfined"))
}

// maxConsole is the size of the console output that a task keeps.
const maxConsole = 1 << 20

// do runs the program in a directory with the inputs in input/TASK/NAME. What it leaves in
// output is the result.
func (c command) do(ctx context.Context, run *cloudconverttest.Run) error {
	p, ok := c.programs[run.Text("command")]
	if !ok || run.Text("engine") != c.engine {
		return cloudconverttest.ErrUnsupported
	}
	args, err := commandArguments(c.engine, run.Text("arguments"))
	if err != nil {
		return err
	}
	dir, err := run.Dir()
	if err != nil {
		return err
	}
	for i, in := range run.Inputs {
		if err := copyInto(filepath.Join(dir, "input", filepath.Base(cmp.Or(in.Task, in.TaskID))), in, i); err != nil {
			return err
		}
	}
	output := filepath.Join(dir, "output")
	if err := os.Mkdir(output, 0o700); err != nil {
		return err
	}
	env, err := magickPolicy(dir)
	if err != nil {
		return err
	}
	shown := &console{tail: tail{limit: maxConsole}}
	err = p.run(ctx, execution{dir: dir, env: env, stdout: shown, stderr: shown, args: args})
	if run.Bool("capture_output") && (err == nil || errors.Is(err, errExit)) {
		run.SetOutput(asOfService(string(shown.tail.buffer)))
	}
	if err != nil {
		return err
	}
	return addTree(run, output)
}

// console keeps the end of what is written to both streams, concurrently.
type console struct {
	mu   sync.Mutex
	tail tail
}

func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.tail.Write(b)
}

// addTree adds the regular files of a directory to the result.
func addTree(run *cloudconverttest.Run, dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return run.AddFile(filepath.ToSlash(name), path)
	})
}

var ownPath = regexp.MustCompile(`(^|[^\w/.-])(input|output)/`)

// asOfService returns console output with the paths that the service shows.
func asOfService(text string) string { return ownPath.ReplaceAllString(text, "$1/$2/") }

var (
	servicePath = regexp.MustCompile(`(^|[^\w.-])/(input|output)/`)
	// outside matches what may lead out of the directory: an absolute path, one with "..",
	// a URL, a list of files after @, and a command after |.
	outside  = regexp.MustCompile(`(^|[^\w)\]}])[/~\\]|\.\.|\w+://|^@|[:=]@`)
	protocol = regexp.MustCompile(`(?i)(^|[^\w])(tcp|udp|tls|http|https|ftp|rtmp\w*|rtp|rtsp|srt|unix|gopher\w*|sftp|smb|ipfs|ipns|async|crypto|data|fd|pipe|prompeg|icecast|mmsh|mmst|zmq|libssh):`)
)

// commandArguments splits the arguments and maps the paths of the service to those of the
// directory. It refuses others, with a clear message. It does not confine the program,
// which can read paths from its inputs.
func commandArguments(engine, text string) ([]string, error) {
	args, err := splitArguments(text)
	if err != nil {
		return nil, err
	}
	for i, arg := range args {
		arg = servicePath.ReplaceAllString(arg, "$1$2/")
		switch {
		case outside.MatchString(arg), protocol.MatchString(arg), engine != "ffmpeg" && strings.Contains(arg, "|"):
			return nil, invalid("arguments must name files in /input/ and /output/ only, not %q", clip(args[i]))
		}
		args[i] = arg
	}
	return args, nil
}

// splitArguments splits a text as a shell does, with quotes and backslashes, but without
// variables, patterns and operators.
func splitArguments(text string) ([]string, error) {
	var args []string
	var word strings.Builder
	var quote rune
	started, escaped := false, false
	for _, r := range text {
		switch {
		case escaped:
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			started, escaped = true, true
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '"' || r == '\''):
			started, quote = true, r
		case quote == 0 && strings.ContainsRune(" \t\r\n", r):
			if started {
				args = append(args, word.String())
			}
			word.Reset()
			started = false
		default:
			word.WriteRune(r)
			started = true
		}
	}
	if quote != 0 || escaped {
		return nil, invalid("arguments have a quote or a backslash that is not closed")
	}
	if started {
		args = append(args, word.String())
	}
	return args, nil
}
