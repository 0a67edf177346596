package engines

import (
	"context"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

// kit is the shared part of the engines of a server.
type kit struct {
	options    Options
	path       string        // directories of programs, as in PATH
	bubblewrap string        // the program that confines others; may be empty
	limit      time.Duration // of a task without a timeout
	slots      chan struct{} // bounds concurrent files
}

func newKit(ctx context.Context, options Options, path string) *kit {
	k := &kit{
		options: options,
		path:    path,
		limit:   10 * time.Minute,
		slots:   make(chan struct{}, runtime.NumCPU()),
	}
	k.bubblewrap = k.findBubblewrap(ctx)
	return k
}

// engines returns the installed engines. The first one that can do a task does it.
func (k *kit) engines() []Engine {
	office := k.findOffice()
	engines := []Engine{newPDF(k, office).engine()}
	if c := k.findChrome(); c != nil {
		engines = append(engines, c.engine())
	}
	if office != nil {
		engines = append(engines, office.engine())
	}
	if f := k.findFFmpeg(); f != nil {
		engines = append(engines, f.engine())
	}
	if p := k.findPoppler(office); p != nil {
		engines = append(engines, p.engine())
	}
	if m := k.findMagick(); m != nil {
		engines = append(engines, m.engine())
	}
	if o := k.findOCR(); o != nil {
		engines = append(engines, o.engine())
	}
	if g := k.findGhostscript(); g != nil {
		engines = append(engines, g.engine())
	}
	if e := k.findExifTool(); e != nil {
		engines = append(engines, e.engine())
	}
	if a := k.findArchiver(); a != nil {
		engines = append(engines, a.engine())
	}
	if k.runsCommands() {
		engines = append(engines, k.commands()...)
	}
	return engines
}

// tool returns the first program that exists, or nil. The argument ask prints its version.
func (k *kit) tool(ask string, names ...string) *program {
	path := k.find(names...)
	if path == "" {
		return nil
	}
	return &program{kit: k, path: path, ask: ask}
}

// find returns the path of the first program that exists, or "".
func (k *kit) find(names ...string) string {
	for _, name := range names {
		for _, dir := range filepath.SplitList(k.path) {
			if !filepath.IsAbs(dir) {
				continue
			}
			if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
				return path
			}
		}
	}
	return ""
}

// take waits for a slot and returns the function that frees it.
func (k *kit) take(ctx context.Context) (func(), error) {
	select {
	case k.slots <- struct{}{}:
		return func() { <-k.slots }, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
