package main

import (
	"fmt"
	"strings"
)

// Why a file is skipped.
const (
	hidden          = "hidden"
	unknownFormat   = "unknown format"
	sameFormat      = "in the format already"
	outside         = "link that leaves the tree"
	linkedDirectory = "link to a directory"
	brokenLink      = "broken link"
	unreadable      = "unreadable directory"
	special         = "not a regular file"
	leftover        = "unfinished download"
)

// skips are the files that were skipped.
type skips struct {
	paths map[string][]string // by reason
	count int
}

// skipReasons has the order of the summary.
var skipReasons = []string{hidden, unknownFormat, sameFormat, outside, linkedDirectory, brokenLink, unreadable, special, leftover}

func (s *skips) add(reason, path string) {
	if s.paths == nil {
		s.paths = map[string][]string{}
	}
	s.paths[reason] = append(s.paths[reason], path)
	s.count++
}

// maxNamed is how many paths of each reason are listed.
const maxNamed = 20

// lines returns a line for each reason.
func (s *skips) lines() []string {
	var lines []string
	for _, reason := range skipReasons {
		paths := s.paths[reason]
		if len(paths) == 0 {
			continue
		}
		line := fmt.Sprintf("skipped, %s (%d): %s", reason, len(paths), strings.Join(paths[:min(len(paths), maxNamed)], ", "))
		if more := len(paths) - maxNamed; more > 0 {
			line += fmt.Sprintf(", and %d more", more)
		}
		lines = append(lines, line)
	}
	return lines
}
