package router

import (
	"iter"
	"slices"
)

// index finds entries by exact key and by prefix. A key with a star is a prefix: what is before the star.
type index[V any] struct {
	exact   map[string]V
	prefix  map[string]V
	perSize map[int]int // how many prefixes have this length
	lengths []int       // the lengths of prefixes, longest first
}

func newIndex[V any]() index[V] {
	return index[V]{exact: map[string]V{}, prefix: map[string]V{}, perSize: map[int]int{}}
}

func (i *index[V]) size() int { return len(i.exact) + len(i.prefix) }

func (i *index[V]) empty() bool { return i.size() == 0 }

func (i *index[V]) at(pattern string) (V, bool) {
	literal, isPrefix := cut(pattern)
	if isPrefix {
		v, ok := i.prefix[literal]
		return v, ok
	}
	v, ok := i.exact[literal]
	return v, ok
}

func (i *index[V]) put(pattern string, value V) {
	literal, isPrefix := cut(pattern)
	if !isPrefix {
		i.exact[literal] = value
		return
	}
	if _, known := i.prefix[literal]; !known {
		i.perSize[len(literal)]++
		i.sortLengths(len(literal), 1)
	}
	i.prefix[literal] = value
}

func (i *index[V]) delete(pattern string) {
	literal, isPrefix := cut(pattern)
	if !isPrefix {
		delete(i.exact, literal)
		return
	}
	if _, known := i.prefix[literal]; known {
		delete(i.prefix, literal)
		i.perSize[len(literal)]--
		i.sortLengths(len(literal), 0)
	}
}

// sortLengths keeps lengths right after the count of one length changed to the given number (of interest: 0 and 1).
func (i *index[V]) sortLengths(length, count int) {
	if i.perSize[length] != count {
		return
	}
	if count == 0 {
		delete(i.perSize, length)
		i.lengths = slices.DeleteFunc(i.lengths, func(l int) bool { return l == length })
		return
	}
	i.lengths = append(i.lengths, length)
	slices.SortFunc(i.lengths, func(a, b int) int { return b - a })
}

// longestFirst gives the entry whose key equals, then those whose prefix fits, the longest first.
func (i *index[V]) longestFirst(key string) iter.Seq[V] {
	return func(yield func(V) bool) {
		if v, ok := i.exact[key]; ok && !yield(v) {
			return
		}
		for _, length := range i.lengths {
			if length > len(key) {
				continue
			}
			if v, ok := i.prefix[key[:length]]; ok && !yield(v) {
				return
			}
		}
	}
}
