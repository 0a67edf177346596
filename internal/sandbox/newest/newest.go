// Package newest keeps the newest values of a log, within bounds.
package newest

import "iter"

// Values has the newest values, up to a number of values and a total size. The zero value
// keeps nothing.
type Values[T any] struct {
	Limit   int // number of values
	MaxSize int // total size of the values
	Size    func(T) int

	values []T // a ring, once it is full
	first  int // the oldest value
	n      int
	size   int
}

// Add adds a value, and drops the oldest ones until the rest fits.
func (x *Values[T]) Add(v T) {
	if x.Limit <= 0 {
		return
	}
	for x.n > 0 && (x.n == x.Limit || x.size+x.Size(v) > x.MaxSize) {
		var none T
		x.size -= x.Size(x.values[x.first])
		x.values[x.first] = none
		x.first = (x.first + 1) % len(x.values)
		x.n--
	}
	if x.n == len(x.values) {
		x.grow()
	}
	x.values[(x.first+x.n)%len(x.values)] = v
	x.n++
	x.size += x.Size(v)
}

func (x *Values[T]) grow() {
	values := make([]T, min(max(2*len(x.values), 16), x.Limit))
	for i, v := range x.All() {
		values[i] = v
	}
	x.values, x.first = values, 0
}

// Len returns the number of values.
func (x *Values[T]) Len() int { return x.n }

// All returns the values with their numbers from 0, the oldest first.
func (x *Values[T]) All() iter.Seq2[int, T] {
	return func(yield func(int, T) bool) {
		for i := range x.n {
			if !yield(i, x.values[(x.first+i)%len(x.values)]) {
				return
			}
		}
	}
}
