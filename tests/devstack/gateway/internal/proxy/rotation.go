package proxy

import (
	"math/rand/v2"
	"sync"
)

// rotation is weighted round robin as lua-resty-balancer does it: a threshold falls from the greatest weight by the greatest
// common divisor, and each entry whose weight reaches it has its turn. So a new one gives the heaviest entry its lead over
// the next one first; among equals it starts anywhere. Weights that are all 0 are equal.
type rotation[T any] struct {
	entries       []T
	weights       []int
	divisor, most int
	turns         int // as many as it takes to have met each entry that has a weight

	mu        sync.Mutex
	at        int
	threshold int
}

func newRotation[T any](entries []T, weight func(T) int) *rotation[T] {
	r := &rotation[T]{entries: entries, turns: len(entries)}
	for _, entry := range entries {
		w := weight(entry)
		r.weights = append(r.weights, w)
		r.turns += w
		r.most = max(r.most, w)
		r.divisor = gcd(r.divisor, w)
	}
	r.threshold = r.most
	if len(entries) > 0 {
		r.at = rand.IntN(len(entries)) //nolint:gosec // a place to start
	}
	return r
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// next gives the next entry that skip does not skip. A single one is next whatever its weight.
func (r *rotation[T]) next(skip func(T) bool) (chosen T, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.entries) == 1 {
		return r.entries[0], skip == nil || !skip(r.entries[0])
	}
	for range r.turns {
		entry := r.entries[r.turn()]
		if skip == nil || !skip(entry) {
			return entry, true
		}
	}
	return chosen, false
}

func (r *rotation[T]) turn() int {
	for {
		for r.at++; r.at < len(r.entries); r.at++ {
			if r.weights[r.at] >= r.threshold {
				return r.at
			}
		}
		r.at = -1
		if r.threshold -= r.divisor; r.threshold <= 0 {
			r.threshold = r.most
		}
	}
}

// roundRobin is a rotation of nodes.
type roundRobin struct{ *rotation[*node] }

func newRoundRobin(nodes []*node) roundRobin {
	return roundRobin{newRotation(nodes, func(n *node) int { return n.weight })}
}

func (r roundRobin) pick(_ string, tried map[*node]bool) *node {
	n, ok := r.next(func(n *node) bool { return tried[n] })
	if !ok {
		return nil
	}
	return n
}
