package engines

import (
	"context"
	"slices"
	"sync"

	"github.com/cloudconvert/cloudconvert-go/cloudconverttest"
)

// AddFormats adds what registered engines do to the catalog of their server. If several do
// the same, the first one is in it. It runs their programs, to find out their versions.
func AddFormats(ctx context.Context, server *cloudconverttest.Server, engines []Engine) {
	var versions sync.WaitGroup
	for _, e := range engines {
		versions.Go(func() { e.Version(ctx) }) // which it remembers
	}
	versions.Wait()
	for _, e := range slices.Backward(engines) {
		formats := e.formats(ctx)
		for i := range formats {
			formats[i].Engine, formats[i].EngineVersion = e.Name, e.Version(ctx)
		}
		server.AddFormats(formats...)
	}
}

// formats returns what the engine does.
func (e Engine) formats(ctx context.Context) []cloudconverttest.Format {
	var formats []cloudconverttest.Format
	for _, c := range e.Conversions {
		formats = append(formats, pairs("convert", c.From, c.To)...)
	}
	for name, o := range e.operations {
		from := o.from
		if o.installed != nil {
			from = o.installed(ctx)
		}
		formats = append(formats, pairs(name, orAny(from), orAny(o.to))...)
	}
	return formats
}

// orAny returns a list of formats, or one with the empty format, which stands for any.
func orAny(formats []string) []string {
	if formats == nil {
		return []string{""}
	}
	return formats
}

func pairs(operation string, from, to []string) []cloudconverttest.Format {
	var formats []cloudconverttest.Format
	for _, in := range from {
		for _, out := range to {
			if out != "*" && (operation != "convert" || in != out) {
				formats = append(formats, cloudconverttest.Format{Operation: operation, InputFormat: in, OutputFormat: out})
			}
		}
	}
	return formats
}
