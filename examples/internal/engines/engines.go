// Package engines lets a local sandbox convert more than it can by itself:
// PDFs with a library, and documents, sound and film with LibreOffice and
// ffmpeg where those are installed.
package engines

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// Engine is something that does the work of tasks.
type Engine struct {
	// Name as the tasks show it, "ffmpeg" for example.
	Name string
	// Path of its program; empty for a library.
	Path string
	// Operations it works on besides convert, in alphabetical order.
	Operations []string
	// Conversions are the formats it converts.
	Conversions []Conversion

	version func(ctx context.Context) string
}

// Conversion is from each of some formats to each of some others.
type Conversion struct{ From, To []string }

// Version returns the version of the engine, or "" if it does not tell. It may
// have to run the program for that.
func (e Engine) Version(ctx context.Context) string { return e.version(ctx) }

// Line describes the engine in one line: its name and version, and what it
// does.
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

// Register makes the engines of this machine work for a server and returns
// them. Files they do not know are left to the server.
func Register(server *cloudconverttest.Server) []Engine { return newKit().register(server) }

// engine is an engine with the functions that do its work.
type engine struct {
	Engine

	inputs     []string // formats it takes, for all but convert and merge
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

// eachOf is a handler that does the input files of the formats an engine
// knows. The others are left to the server.
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

// one does one input file.
func (k *kit) one(ctx context.Context, e engine, do func(context.Context, work) error, w work) error {
	if e.inputs != nil && w.run.Operation != "convert" && !slices.Contains(e.inputs, w.in.Format) {
		return w.run.Default(ctx)
	}
	ctx, cancel := k.limited(ctx, w.run)
	defer cancel()
	w.run.SetEngine(e.Name, e.Version(ctx))
	return do(ctx, w)
}

// whole is a handler for an operation that takes all files together.
func (k *kit) whole(e engine) cloudconverttest.Handler {
	return func(ctx context.Context, run *cloudconverttest.Run) error {
		ctx, cancel := k.limited(ctx, run)
		defer cancel()
		run.SetEngine(e.Name, e.Version(ctx))
		return e.merge(ctx, run)
	}
}

// limited ends the work on a task that sets no limit itself.
func (k *kit) limited(ctx context.Context, run *cloudconverttest.Run) (context.Context, context.CancelFunc) {
	if run.Number("timeout") > 0 {
		return context.WithCancel(ctx) // the server sees to it
	}
	cause := cloudconverttest.Fail("TIMEOUT", fmt.Sprintf("The task took longer than %v", k.limit))
	return context.WithTimeoutCause(ctx, k.limit, cause)
}
