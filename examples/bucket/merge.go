package main

import (
	"cmp"
	"iter"
	"slices"
)

// conversion is a source with the object that it is converted to.
type conversion struct {
	source object
	name   string // of the result
	result object // the zero object if the destination lacks it
}

// merge yields a conversion for each source, in the order of the results' names. Both
// listings are read once, side by side.
func merge(sources, results iter.Seq2[object, error], suffix string) iter.Seq2[conversion, error] {
	return func(yield func(conversion, error) bool) {
		next, stop := iter.Pull2(results)
		defer stop()
		there := cursor{next: next}
		for c, err := range inOrder(sources, suffix) {
			if err == nil {
				c.result, err = there.find(c.name)
			}
			if !yield(c, err) || err != nil {
				return
			}
		}
	}
}

// cursor is a place in a listing.
type cursor struct {
	next  func() (object, error, bool)
	at    object
	err   error
	ended bool
}

// find moves to the object with a name, or past its place. It returns the zero object if
// there is none. Names must ascend.
func (c *cursor) find(name string) (object, error) {
	for c.at.name < name && !c.ended && c.err == nil {
		o, err, more := c.next()
		c.at, c.err, c.ended = o, err, !more
	}
	if c.at.name == name {
		return c.at, nil
	}
	return object{}, c.err
}

// inOrder turns sources, sorted by their names, into conversions that are sorted by the
// names of their results.
//
// A result is named after its source with a suffix, a.docx.pdf, so that no two sources
// have the same result, as a.docx and a.odt would have with a.pdf. This does not keep the
// order: "a" is before "a-1", but "a.pdf" is after "a-1.pdf". So a source is held until the
// listing has passed the name of its result. The names between the two begin with that of
// the source, and so does everything that is held meanwhile, each with the one before it:
// as a key has at most 1024 bytes, no more than that many are held.
func inOrder(sources iter.Seq2[object, error], suffix string) iter.Seq2[conversion, error] {
	return func(yield func(conversion, error) bool) {
		var held []conversion // sorted by name
		for source, err := range sources {
			if err != nil {
				yield(conversion{}, err)
				return
			}
			passed := before(held, source.name)
			if !yieldAll(yield, held[:passed]) {
				return
			}
			held = slices.Delete(held, 0, passed)
			c := conversion{source: source, name: source.name + suffix}
			held = slices.Insert(held, before(held, c.name), c)
		}
		yieldAll(yield, held)
	}
}

// before returns the number of conversions whose names are less than a name.
func before(sorted []conversion, name string) int {
	n, _ := slices.BinarySearchFunc(sorted, name, func(c conversion, name string) int { return cmp.Compare(c.name, name) })
	return n
}

// yieldAll reports whether the consumer wants more.
func yieldAll(yield func(conversion, error) bool, all []conversion) bool {
	for _, c := range all {
		if !yield(c, nil) {
			return false
		}
	}
	return true
}
