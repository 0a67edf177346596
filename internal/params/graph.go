package params

import (
	"slices"
)

// Cycle returns the names of tasks along a cycle of inputs, or nil if there is none.
func Cycle(inputs map[string][]string) []string {
	done := map[string]bool{}
	var path []string
	var visit func(name string) []string
	visit = func(name string) []string {
		if i := slices.Index(path, name); i >= 0 {
			return append(slices.Clone(path[i:]), name)
		}
		if done[name] {
			return nil
		}
		path = append(path, name)
		for _, input := range inputs[name] {
			if cycle := visit(input); cycle != nil {
				return cycle
			}
		}
		path = path[:len(path)-1]
		done[name] = true
		return nil
	}
	for _, name := range SortedKeys(inputs) {
		if cycle := visit(name); cycle != nil {
			return cycle
		}
	}
	return nil
}
