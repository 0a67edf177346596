package main

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
)

// What became of an object. The texts are those of the summary.
const (
	converted   = "converted"
	planned     = "to convert"
	present     = "converted before"
	outdated    = "newer than their results (see -newer)"
	failed      = "failed"
	interrupted = "interrupted"
	overBudget  = "left by the budget"
)

// The order of the summary.
var (
	outcomes = []string{converted, planned, present, outdated, failed, interrupted, overBudget}
	skips    = []string{folder, empty, sameFormat, unknown, placeholders}
)

// summary counts objects. It is safe for concurrent use.
type summary struct {
	mu      sync.Mutex
	counts  map[string]int
	credits int
}

func (s *summary) add(outcome string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.counts == nil {
		s.counts = map[string]int{}
	}
	s.counts[outcome]++
}

func (s *summary) addConverted(credits int) {
	s.add(converted)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credits += credits
}

// isComplete reports whether nothing is left that could be converted.
func (s *summary) isComplete() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counts[failed]+s.counts[interrupted]+s.counts[overBudget] == 0
}

// line returns the summary of a run.
func (s *summary) line(took time.Duration) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts, skipped []string
	for _, outcome := range outcomes {
		if n := s.counts[outcome]; n > 0 || outcome == converted {
			parts = append(parts, fmt.Sprint(n, " ", outcome))
		}
	}
	for _, reason := range skips {
		if n := s.counts[reason]; n > 0 {
			skipped = append(skipped, fmt.Sprintf("%s (%d)", reason, n))
		}
	}
	line := strings.Join(parts, ", ")
	if len(skipped) > 0 {
		line += "; skipped: " + strings.Join(skipped, ", ")
	}
	return fmt.Sprintf("%s; credits: %d, time: %v", line, s.credits, took.Round(time.Second))
}

// printable keeps keys and messages from controlling the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '?'
	}, text)
}
