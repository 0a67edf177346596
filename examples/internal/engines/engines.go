// Package engines adds conversions to a local sandbox: PDFs with a library, and others
// with the programs that are installed.
package engines

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// Engine describes an engine that runs tasks.
type Engine struct {
	// Name is the name in tasks, such as "ffmpeg".
	Name string
	// Path is the path of its program, empty for a library.
	Path string
	// Conversions are the pairs of formats that it converts.
	Conversions []Conversion

	version  func(ctx context.Context) string
	programs []string // of the operation command
	// A function that cannot do a task returns [cloudconverttest.ErrUnsupported] before it
	// writes a file.
	convert    func(context.Context, work) error
	operations map[string]operation
}

// Conversion is a set of formats that are converted to each of another set.
type Conversion struct{ From, To []string }

// Version returns the version of the engine, or "". It may run the program.
func (e Engine) Version(ctx context.Context) string { return e.version(ctx) }

// Line describes the engine in one line: its name, version, operations and formats, or
// its programs that the operation command runs.
func (e Engine) Line(ctx context.Context) string {
	var does []string
	for _, c := range e.Conversions {
		does = append(does, strings.Join(c.From, " ")+" -> "+strings.Join(c.To, " "))
	}
	if len(e.operations) > 0 {
		does = append(does, strings.Join(slices.Sorted(maps.Keys(e.operations)), ", "))
	}
	line := strings.TrimSpace(e.Name+" "+e.Version(ctx)) + ": " + strings.Join(does, "; ")
	if len(e.programs) > 0 {
		line += " (" + strings.Join(e.programs, ", ") + ")"
	}
	return line
}

// Options are the options of [Register].
type Options struct {
	// Network allows captures of any website. By default only of those on this machine.
	Network bool
	// Unconfined lets tasks with the operation command run programs where bubblewrap
	// cannot confine them. The arguments and files of a task then can make a program read
	// and write any file of the user, and use the network.
	Unconfined bool
}

// Register registers the engines of this machine with a server and returns them, and
// whether their programs are confined by bubblewrap. If several can do a task, the first
// one does it. [AddFormats] adds them to the catalog.
func Register(ctx context.Context, server *cloudconverttest.Server, options Options) (engines []Engine, confined bool) {
	k := newKit(ctx, options, os.Getenv("PATH"))
	return k.register(server), k.bubblewrap != ""
}

// operation is an operation of an engine, on each input file or on the whole task.
type operation struct {
	from []string // formats of inputs; nil means all
	to   []string // formats of outputs; nil means that of the input

	file func(context.Context, work) error
	task func(context.Context, *cloudconverttest.Run) error

	installed func(context.Context) []string // those of from that the installed version reads; may be nil
}

// reads reports whether the operation is for inputs of a format.
func (o operation) reads(format string) bool { return o.from == nil || slices.Contains(o.from, format) }

// register registers the engines of this machine with a server.
func (k *kit) register(server *cloudconverttest.Server) []Engine {
	engines := k.engines()
	if !k.runsCommands() && len(k.commands()) > 0 {
		server.Handle("command", refuseCommand)
	}
	for pair, converters := range conversions(engines) {
		server.HandleConvert(pair[0], pair[1], k.converts(converters))
	}
	doing := map[string][]Engine{}
	for _, e := range engines {
		for name := range e.operations {
			doing[name] = append(doing[name], e)
		}
	}
	for name, all := range doing {
		if all[0].operations[name].task != nil {
			server.Handle(name, k.wholeTask(name, all))
		} else {
			server.Handle(name, k.eachFile(name, all))
		}
	}
	return engines
}

// conversions returns the engines for each pair of formats.
func conversions(engines []Engine) map[[2]string][]Engine {
	pairs := map[[2]string][]Engine{}
	for _, e := range engines {
		for _, c := range e.Conversions {
			for _, from := range c.From {
				for _, to := range c.To {
					if from != to {
						pairs[[2]string{from, to}] = append(pairs[[2]string{from, to}], e)
					}
				}
			}
		}
	}
	return pairs
}

// converts returns a handler that converts with the first engine that can.
func (k *kit) converts(engines []Engine) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		w := work{run: run, in: run.Input(), n: 1, total: 1}
		var err error
		for _, e := range engines {
			err = k.use(ctx, e, run, func(ctx context.Context) error { return e.convert(ctx, w) })
			if !errors.Is(err, cloudconverttest.ErrUnsupported) {
				return err
			}
		}
		return builtIn(ctx, run, err)
	}
}

// eachFile returns a handler that does an operation on each input file, with the first
// engine that can.
func (k *kit) eachFile(name string, engines []Engine) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		for i := range run.Inputs {
			if err := k.file(ctx, name, engines, partOf(run, i)); err != nil {
				return err
			}
		}
		return nil
	}
}

func (k *kit) file(ctx context.Context, name string, engines []Engine, w work) error {
	var err error
	for _, e := range engines {
		if !e.operations[name].reads(w.in.Format) {
			continue
		}
		err = k.use(ctx, e, w.run, func(ctx context.Context) error { return e.operations[name].file(ctx, w) })
		if !errors.Is(err, cloudconverttest.ErrUnsupported) {
			return err
		}
	}
	return builtIn(ctx, w.run, err)
}

// wholeTask returns a handler that does a task with the first engine that can.
func (k *kit) wholeTask(name string, engines []Engine) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		var err error
		for _, e := range engines {
			err = k.use(ctx, e, run, func(ctx context.Context) error { return e.operations[name].task(ctx, run) })
			if !errors.Is(err, cloudconverttest.ErrUnsupported) {
				return err
			}
		}
		return builtIn(ctx, run, err)
	}
}

// builtIn does a task as the server does it without engines. If the error of the last
// engine has a reason, the task is one that the server cannot do: the result is a
// stand-in, or an error, and its message has the reason.
func builtIn(ctx context.Context, run *cloudconverttest.Run, last error) error {
	err := run.Default(ctx)
	reason, ok := errors.AsType[reasonError](last)
	switch {
	case !ok:
		return err
	case err == nil:
		run.SetMessage("The result is a stand-in: " + reason.Error())
	case errors.Is(err, cloudconverttest.ErrUnsupported):
		return cloudconverttest.Fail("INVALID_CONVERSION_TYPE", cloudconverttest.ErrUnsupported.Error()+": "+reason.Error())
	}
	return err
}

// use runs f with the time limit of the task, and names the engine if it succeeds.
func (k *kit) use(ctx context.Context, e Engine, run *cloudconverttest.Run, f func(context.Context) error) error {
	ctx, cancel := k.limited(ctx, run)
	defer cancel()
	err := f(ctx)
	if err == nil {
		run.SetEngine(e.Name, e.Version(ctx))
	}
	return err
}

// limited sets a time limit for a task without one.
func (k *kit) limited(ctx context.Context, run *cloudconverttest.Run) (context.Context, context.CancelFunc) {
	if run.Number("timeout") > 0 {
		return context.WithCancel(ctx) // the server enforces it
	}
	cause := cloudconverttest.Fail("TIMEOUT", fmt.Sprintf("The task took longer than %v", k.limit))
	return context.WithTimeoutCause(ctx, k.limit, cause)
}
