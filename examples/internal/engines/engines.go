// Package engines adds conversions to a local sandbox: PDFs with a library, and
// documents, audio and video with LibreOffice and ffmpeg if they are installed.
package engines

import (
	"context"
	"fmt"
	"maps"
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
	// Operations are its operations besides convert, sorted.
	Operations []string
	// Conversions are the pairs of formats that it converts.
	Conversions []Conversion

	version func(ctx context.Context) string
}

// Conversion is a set of formats that are converted to each of another set.
type Conversion struct{ From, To []string }

// Version returns the version of the engine, or "". It may run the program.
func (e Engine) Version(ctx context.Context) string { return e.version(ctx) }

// Line describes the engine in one line: its name, version, operations and formats.
func (e Engine) Line(ctx context.Context) string {
	var does []string
	for _, c := range e.Conversions {
		does = append(does, strings.Join(c.From, " ")+" -> "+strings.Join(c.To, " "))
	}
	if len(e.Operations) > 0 {
		does = append(does, strings.Join(e.Operations, ", "))
	}
	return strings.TrimSpace(e.Name+" "+e.Version(ctx)) + ": " + strings.Join(does, "; ")
}

// Register registers the engines of this machine with a server and returns them. The
// server handles files of other formats.
func Register(server *cloudconverttest.Server) []Engine { return newKit().register(server) }

// engine is an engine with its functions.
type engine struct {
	Engine

	inputs     []string // formats of inputs, for all but convert and merge
	convert    func(context.Context, work) error
	operations map[string]func(context.Context, work) error // for each input file
	merge      func(context.Context, *cloudconverttest.Run) error
}

func listed(engines []engine) []Engine {
	out := make([]Engine, len(engines))
	for i, e := range engines {
		e.Operations = slices.Sorted(maps.Keys(e.operations))
		if e.merge != nil {
			e.Operations = append([]string{"merge"}, e.Operations...)
		}
		out[i] = e.Engine
	}
	return out
}

func (k *kit) register(server *cloudconverttest.Server) []Engine {
	engines := k.engines()
	for _, e := range engines {
		k.registerConversions(server, e)
		for name, do := range e.operations {
			server.Handle(name, k.eachOf(e, do))
		}
		if e.merge != nil {
			server.Handle("merge", k.whole(e))
		}
	}
	return listed(engines)
}

func (k *kit) registerConversions(server *cloudconverttest.Server, e engine) {
	do := func(ctx context.Context, run *cloudconverttest.Run) error {
		return k.one(ctx, e, e.convert, work{run: run, in: run.Input(), n: 1, total: 1})
	}
	for _, c := range e.Conversions {
		for _, from := range c.From {
			for _, to := range c.To {
				if from != to {
					server.HandleConvert(from, to, do)
				}
			}
		}
	}
}

// eachOf returns a handler for the input files of the engine's formats. The server
// handles the others.
func (k *kit) eachOf(e engine, do func(context.Context, work) error) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		for i, in := range run.Inputs {
			part := *run
			part.Inputs = run.Inputs[i : i+1]
			err := k.one(ctx, e, do, work{run: &part, in: in, n: i + 1, total: len(run.Inputs)})
			if err != nil {
				return err
			}
		}
		return nil
	}
}

// one handles an input file.
func (k *kit) one(ctx context.Context, e engine, do func(context.Context, work) error, w work) error {
	if e.inputs != nil && w.run.Operation != "convert" && !slices.Contains(e.inputs, w.in.Format) {
		return w.run.Default(ctx)
	}
	ctx, cancel := k.limited(ctx, w.run)
	defer cancel()
	w.run.SetEngine(e.Name, e.Version(ctx))
	return do(ctx, w)
}

// whole returns a handler for an operation on all files together.
func (k *kit) whole(e engine) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		ctx, cancel := k.limited(ctx, run)
		defer cancel()
		run.SetEngine(e.Name, e.Version(ctx))
		return e.merge(ctx, run)
	}
}

// limited sets a time limit for a task without one.
func (k *kit) limited(ctx context.Context, run *cloudconverttest.Run) (context.Context, context.CancelFunc) {
	if run.Number("timeout") > 0 {
		return context.WithCancel(ctx) // the server enforces it
	}
	cause := cloudconverttest.Fail("TIMEOUT", fmt.Sprintf("The task took longer than %v", k.limit))
	return context.WithTimeoutCause(ctx, k.limit, cause)
}
