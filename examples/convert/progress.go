package main

import (
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"github.com/cloudconvert/cloudconvert-go"
)

// isTerminal tells whether anybody could see a line change.
func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// progressBar shows how a conversion gets on, if the output is a terminal. The
// caller calls the function it returns at the end.
func progressBar(out io.Writer) ([]cloudconvert.ConvertOption, func()) {
	if !isTerminal(out) {
		return nil, func() {}
	}
	bar := pb.New64(0).SetWriter(out).SetTemplateString(`{{string . "phase"}} {{bar . }} {{percent . }}`)
	bar.Start()
	report := func(p cloudconvert.Progress) { show(bar, p) }
	return []cloudconvert.ConvertOption{cloudconvert.WithProgress(report)}, func() { bar.Finish() }
}

// show brings a bar up to date.
func show(bar *pb.ProgressBar, p cloudconvert.Progress) {
	bar.Set("phase", string(p.Phase))
	if p.Phase == cloudconvert.PhaseProcess {
		bar.SetTotal(100).SetCurrent(int64(p.Percent))
		return
	}
	bar.SetTotal(p.Total).SetCurrent(p.Done)
}

// lines are a progress bar for each file that is being converted, and one for
// the whole. Nil lines show nothing.
type lines struct {
	pool  *pb.Pool
	total *pb.ProgressBar

	mu      sync.Mutex
	free    []*pb.ProgressBar
	running map[string]*pb.ProgressBar // by output
}

// newLines shows the lines if the output is a terminal that can do so. They end
// with close.
func newLines(out io.Writer, parallel, files int) *lines {
	if !isTerminal(out) {
		return nil
	}
	l := &lines{pool: pb.NewPool(), total: pb.New(files), running: map[string]*pb.ProgressBar{}}
	l.pool.Output = out
	for range min(parallel, files) {
		// A bar that is finished is not to be seen until it starts again.
		bar := pb.New64(0).Set(pb.CleanOnFinish, true).SetTemplateString(`{{string . "name"}} {{string . "phase"}} {{bar . }} {{percent . }}`)
		l.pool.Add(bar)
		l.free = append(l.free, bar.Finish())
	}
	l.pool.Add(l.total.SetTemplateString(`{{counters . }} files {{bar . }} {{etime . }}`))
	if l.pool.Start() != nil {
		return nil
	}
	return l
}

// options let a file report to its line.
func (l *lines) options(f file) []cloudconvert.ConvertOption {
	if l == nil {
		return nil
	}
	return []cloudconvert.ConvertOption{cloudconvert.WithProgress(func(p cloudconvert.Progress) { l.show(f, p) })}
}

// show brings the line of a file up to date. A file that begins before the end
// of another one was noticed has none yet.
func (l *lines) show(f file, p cloudconvert.Progress) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bar := l.running[f.output]
	if last := len(l.free) - 1; bar == nil && last >= 0 {
		bar, l.free = l.free[last], l.free[:last]
		l.running[f.output] = bar.Set("name", filepath.Base(f.input)).Start()
	}
	if bar != nil {
		show(bar, p)
	}
}

// end takes the line of a file away.
func (l *lines) end(output string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total.Increment()
	if bar := l.running[output]; bar != nil {
		delete(l.running, output)
		l.free = append(l.free, bar.Finish())
	}
}

// close leaves the last state on the screen.
func (l *lines) close() {
	if l == nil {
		return
	}
	l.total.Finish()
	_ = l.pool.Stop() // it was only to be looked at
}
