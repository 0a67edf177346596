package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode"

	"golang.org/x/term"

	"github.com/cloudconvert/cloudconvert-go"
)

// terminal prints messages, and below them a status line that changes. Where
// the output is not a terminal, there is no status line.
type terminal struct {
	mu     sync.Mutex
	out    io.Writer
	width  func() int // nil without a status line
	status string
}

func newTerminal(out io.Writer) *terminal {
	t := &terminal{out: out}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		t.width = func() int {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil {
				return 80
			}
			return width
		}
	}
	return t
}

// clearLine moves to the start of the line and erases it.
const clearLine = "\r\x1b[K"

// printf prints a message on a separate line.
func (t *terminal) printf(format string, args ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.write(printable(fmt.Sprintf(format, args...)) + "\n")
}

// without does something while there is no status line: standard output may be the
// same terminal.
func (t *terminal) without(do func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.width != nil {
		_, _ = io.WriteString(t.out, clearLine)
		defer t.write("")
	}
	return do()
}

// show replaces the status line.
func (t *terminal) show(status string) {
	if t.width == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.status = ""
	if runes := []rune(printable(status)); len(runes) > 0 {
		t.status = string(runes[:max(min(len(runes), t.width()-1), 0)])
	}
	t.write("")
}

// write prints whole lines above the status line.
func (t *terminal) write(lines string) {
	if t.width != nil {
		lines = clearLine + lines + t.status
	}
	_, _ = io.WriteString(t.out, lines) // there is nowhere left to report it
}

// printable keeps names and messages from controlling the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}

// progress is the status line of a run.
type progress struct {
	terminal *terminal
	total    int
	begun    time.Time

	mu             sync.Mutex
	ended, skipped int // skipped were converted by an earlier run
	failed         int
	latest         cloudconvert.Progress

	stopping chan struct{}
	stopped  sync.WaitGroup
}

// drawInterval is how often the status line changes.
const drawInterval = 200 * time.Millisecond

// newProgress draws the status line until stop is called.
func newProgress(t *terminal, total int) *progress {
	p := &progress{terminal: t, total: total, begun: time.Now(), stopping: make(chan struct{})}
	if t.width == nil {
		return p
	}
	p.stopped.Go(func() {
		ticker := time.NewTicker(drawInterval)
		defer ticker.Stop()
		for {
			t.show(p.line(time.Since(p.begun)))
			select {
			case <-p.stopping:
				t.show("")
				return
			case <-ticker.C:
			}
		}
	})
	return p
}

func (p *progress) stop() {
	close(p.stopping)
	p.stopped.Wait()
}

// report records how a file gets on.
func (p *progress) report(latest cloudconvert.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.latest = latest
}

// end counts a file.
func (p *progress) end(o outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch o {
	case doneBefore:
		p.skipped++
	case failed:
		p.failed++
	case converted, interrupted, notBegun:
	}
	p.ended++
}

// line returns the status line after some time.
func (p *progress) line(elapsed time.Duration) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var parts []string
	if p.total > 1 {
		parts = append(parts, fmt.Sprintf("%d of %d files", p.ended, p.total))
	}
	if p.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", p.failed))
	}
	parts = append(parts, "elapsed "+clock(elapsed))
	if done := p.ended - p.skipped; p.total > 1 && done > 0 && p.ended < p.total {
		parts = append(parts, "left about "+clock(elapsed/time.Duration(done)*time.Duration(p.total-p.ended)))
	}
	if p.latest.Work != "" {
		parts = append(parts, p.latest.Work+" "+step(p.latest))
	}
	return strings.Join(parts, ", ")
}

// step describes how far a file has got.
func step(p cloudconvert.Progress) string {
	switch {
	case p.Phase == cloudconvert.PhaseProcess:
		return fmt.Sprintf("converting %d %%", p.Percent)
	case p.Total <= 0:
		return string(p.Phase) + "ing"
	default:
		return fmt.Sprintf("%sing %d %%", p.Phase, 100*p.Done/p.Total)
	}
}

// clock prints a duration as hours, minutes and seconds.
func clock(d time.Duration) string {
	seconds := int(d.Round(time.Second) / time.Second)
	if seconds >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", seconds/3600, seconds/60%60, seconds%60)
	}
	return fmt.Sprintf("%d:%02d", seconds/60, seconds%60)
}

// outcome is what became of a file.
type outcome int

// The outcomes, in the order of the summary.
const (
	converted outcome = iota
	doneBefore
	failed
	interrupted
	notBegun
)

var outcomeNames = []string{"converted", "done before", "failed", "interrupted", "not begun"}

// summary counts what became of the files.
type summary struct {
	counts  [notBegun + 1]int
	skipped int
	credits int
}

// line returns the summary line of a run.
func (s *summary) line(took time.Duration) string {
	var parts []string
	for i, name := range outcomeNames {
		if n := s.counts[i]; n > 0 || i == int(converted) {
			parts = append(parts, fmt.Sprint(n, " ", name))
		}
	}
	if s.skipped > 0 {
		parts = append(parts, fmt.Sprint(s.skipped, " skipped"))
	}
	if s.credits > 0 {
		parts = append(parts, fmt.Sprint("credits used: ", s.credits))
	}
	return strings.Join(append(parts, "time: "+clock(took)), ", ")
}
