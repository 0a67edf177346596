package params

import "slices"

// SortedKeys returns the sorted keys of a map.
func SortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m)) // slices.Sorted allocates several times
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
