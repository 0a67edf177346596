package params

import "slices"

// Names returns the keys of a map in order.
func Names[V any](m map[string]V) []string {
	names := make([]string, 0, len(m)) // slices.Sorted allocates several times
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
