package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/term"

	"github.com/cloudconvert/cloudconvert-go"
)

// screen shows tasks. On a terminal the lines of running tasks change in place. Elsewhere
// each change is a line.
type screen struct {
	mu       sync.Mutex
	out      io.Writer
	terminal bool
	width    func() int
	ended    map[string]bool
	lines    map[string]string // of the tasks that have not ended, by id
	order    []string
	drawn    int    // lines to overwrite
	broken   func() // called when writing fails
	err      error  // of the first write that failed
}

func newScreen(out io.Writer, broken func()) *screen {
	s := &screen{out: out, broken: broken, ended: map[string]bool{}, lines: map[string]string{}}
	if file, ok := out.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		s.terminal = true
		s.width = func() int {
			width, _, err := term.GetSize(int(file.Fd()))
			if err != nil || width < 1 {
				return 80
			}
			return width
		}
	}
	return s
}

// show updates tasks. One that has ended does not change: a late event may have an
// earlier state.
func (s *screen) show(tasks ...cloudconvert.Task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var news []string
	for _, task := range tasks {
		line := describe(task)
		if s.ended[task.ID] || s.lines[task.ID] == line {
			continue
		}
		if s.lines[task.ID] == "" {
			s.order = append(s.order, task.ID)
		}
		s.lines[task.ID] = line
		if s.ended[task.ID] = task.Status.Terminal(); s.ended[task.ID] {
			s.remove(task.ID)
		}
		if !s.terminal || s.ended[task.ID] {
			news = append(news, line)
		}
	}
	s.draw(news)
}

// open returns the ids of the shown tasks that have not ended.
func (s *screen) open() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// remove removes a task from those that may change.
func (s *screen) remove(id string) {
	delete(s.lines, id)
	s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == id })
}

// draw writes final lines and, on a terminal, those that may change below them.
func (s *screen) draw(news []string) {
	var b strings.Builder
	if s.drawn > 0 {
		fmt.Fprintf(&b, "\x1b[%dA\x1b[J", s.drawn)
	}
	for _, line := range news {
		b.WriteString(line + "\n")
	}
	s.drawn = 0
	if s.terminal {
		for _, id := range s.order {
			b.WriteString(shorten(s.lines[id], s.width()) + "\n")
			s.drawn++
		}
	}
	if s.err != nil {
		return
	}
	if _, s.err = io.WriteString(s.out, b.String()); s.err != nil {
		s.broken()
	}
}

// failure returns the error of writing, or nil.
func (s *screen) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// shorten cuts a line to the width: a wrapped line could not be overwritten.
func shorten(line string, width int) string {
	runes := []rune(line)
	return string(runes[:min(len(runes), max(width-1, 1))])
}
