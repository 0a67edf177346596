package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// file is one input and where its output goes.
type file struct{ input, output string }

// files returns what the inputs stand for. Each file is there once, and no two
// have the same output.
func (s *settings) files() ([]file, error) {
	var files []file
	outputs := map[string]string{}
	for _, argument := range s.inputs {
		inputs, err := s.expand(argument)
		if err != nil {
			return nil, err
		}
		for _, input := range inputs {
			f := file{input: input, output: s.outputOf(input)}
			before, taken := outputs[f.output]
			if taken && before != input {
				return nil, fmt.Errorf("%s and %s would both become %s: convert them one after the other, to different directories", before, input, f.output)
			}
			if !taken {
				outputs[f.output] = input
				files = append(files, f)
			}
		}
	}
	switch {
	case len(files) > 0:
		return files, nil
	case s.passed > 0:
		return nil, fmt.Errorf("there is nothing to convert: the files are %s already", s.format)
	default:
		return nil, errors.New("there is nothing to convert")
	}
}

// expand returns the files that an argument stands for.
func (s *settings) expand(argument string) ([]string, error) {
	if isAddress(argument) {
		return []string{argument}, nil
	}
	info, err := os.Stat(argument)
	switch {
	case err == nil && info.IsDir():
		return s.filesIn(argument)
	case err != nil && strings.ContainsAny(argument, "*?["):
		return s.matches(argument)
	case err != nil && strings.HasPrefix(argument, "-"):
		return nil, fmt.Errorf("there is no file %s: flags go before the files", argument)
	case err != nil && s.checkName(argument) != nil:
		return nil, err
	default:
		return []string{filepath.Clean(argument)}, s.checkName(argument)
	}
}

func isAddress(argument string) bool {
	return strings.HasPrefix(argument, "https://") || strings.HasPrefix(argument, "http://")
}

// matches returns the files that a pattern matches, for those who quoted it,
// and for shells that leave it to the command.
func (s *settings) matches(pattern string) ([]string, error) {
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil, fmt.Errorf("the pattern %q is wrong: %w", pattern, err)
	}
	paths = slices.DeleteFunc(paths, func(path string) bool { return !s.isInput(path) })
	if len(paths) == 0 {
		return nil, fmt.Errorf("no file matches %q", pattern)
	}
	return paths, nil
}

// filesIn returns the files in a directory that can be meant: those of some
// other format, and neither the hidden ones nor what a killed run left of its outputs.
func (s *settings) filesIn(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		name := entry.Name()
		extension := strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
		switch path := filepath.Join(dir, name); {
		case strings.HasPrefix(name, ".") || extension == "part" || !s.isInput(path):
		case extension == s.format:
			s.passed++
		default:
			files = append(files, path)
		}
	}
	return files, nil
}

// isInput tells whether a path that was found is a file of a known format.
func (s *settings) isInput(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && s.checkName(path) == nil
}

// outputOf returns where the output of an input goes.
func (s *settings) outputOf(input string) string {
	dir, name := filepath.Dir(input), filepath.Base(input)
	if isAddress(input) {
		dir, name = ".", "file"
		if address, err := url.Parse(input); err == nil && path.Base(address.Path) != "/" && address.Path != "" {
			name = path.Base(address.Path)
		}
	}
	if s.dir != "" {
		dir = s.dir
	}
	stem := strings.TrimSuffix(strings.TrimSuffix(name, filepath.Ext(name)), ".tar")
	return filepath.Join(dir, stem+"."+s.format)
}
