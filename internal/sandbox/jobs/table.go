package jobs

import (
	"container/list"
	"iter"
)

// table keeps values by id and in order of insertion. All operations take constant time.
type table[T any] struct {
	order list.List
	byID  map[string]*list.Element
}

func (t *table[T]) add(id string, v T) {
	if t.byID == nil {
		t.byID = map[string]*list.Element{}
	}
	t.byID[id] = t.order.PushFront(v)
}

func (t *table[T]) get(id string) (T, bool) {
	e, ok := t.byID[id]
	if !ok {
		var zero T
		return zero, false
	}
	v, ok := e.Value.(T)
	return v, ok
}

func (t *table[T]) remove(id string) {
	if e, ok := t.byID[id]; ok {
		t.order.Remove(e)
		delete(t.byID, id)
	}
}

// oldest returns the value that was inserted first.
func (t *table[T]) oldest() (T, bool) {
	e := t.order.Back()
	if e == nil {
		var zero T
		return zero, false
	}
	v, ok := e.Value.(T)
	return v, ok
}

func (t *table[T]) newestFirst() iter.Seq[T] {
	return func(yield func(T) bool) {
		for e := t.order.Front(); e != nil; e = e.Next() {
			if v, ok := e.Value.(T); ok && !yield(v) {
				return
			}
		}
	}
}

func (t *table[T]) oldestFirst() iter.Seq[T] {
	return func(yield func(T) bool) {
		for e := t.order.Back(); e != nil; e = e.Prev() {
			if v, ok := e.Value.(T); ok && !yield(v) {
				return
			}
		}
	}
}
