// Package recent remembers what happened last, in bounded memory.
package recent

import "sync"

// Set holds the values that were added last. It is safe for concurrent use.
type Set[T comparable] struct {
	size int

	mu     sync.Mutex
	known  map[T]struct{}
	order  []T // a ring once it is full
	oldest int // index in order of the value that the next one replaces
}

// NewSet returns an empty set that holds up to size values.
func NewSet[T comparable](size int) *Set[T] {
	return &Set[T]{size: size, known: map[T]struct{}{}}
}

// Has reports whether the set holds a value.
func (s *Set[T]) Has(value T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, found := s.known[value]
	return found
}

// Add adds a value, in place of the oldest one if the set is full. It reports false if
// the set holds the value already, which does not become newer by that.
func (s *Set[T]) Add(value T) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, found := s.known[value]; found {
		return false
	}
	s.known[value] = struct{}{}
	if len(s.order) < s.size {
		s.order = append(s.order, value)
		return true
	}
	delete(s.known, s.order[s.oldest])
	s.order[s.oldest] = value
	s.oldest = (s.oldest + 1) % s.size
	return true
}
