package proxy

import (
	"cmp"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
)

// node is one address that requests can go to.
type node struct {
	host     string
	port     int
	weight   int
	priority int
	peer     string       // where a discovered node is asked
	noPeer   noPeer       // of a discovered node whose address is none
	active   atomic.Int64 // requests under way
}

func (n *node) address() string { return n.host + ":" + strconv.Itoa(n.port) }

// dialled is where the node is asked: one that was not discovered may have a host name.
func (n *node) dialled() string { return cmp.Or(n.peer, n.address()) }

// picker chooses among nodes; tried says which of them this request had already.
type picker interface {
	pick(hash string, tried map[*node]bool) *node
}

// newPicker gives the picker of an upstream's type; nil for a type that there is not.
func newPicker(kind string, nodes []*node) picker {
	nodes = slices.Clone(nodes)
	slices.SortFunc(nodes, func(a, b *node) int { return cmp.Compare(a.address(), b.address()) })
	switch kind {
	case "roundrobin":
		return newWeightedRound(nodes, func(n *node) int { return n.weight })
	case "chash":
		return newRing(nodes)
	case "least_conn":
		return &leastConnections{nodes: weighted(nodes)}
	case "ewma":
		// APISIX's looks at latencies and not at weights; here it looks at requests under way.
		return &leastConnections{nodes: nodes, unweighted: true}
	}
	return nil
}

// weighted leaves out nodes of weight 0, unless all are.
func weighted(nodes []*node) []*node {
	some := slices.DeleteFunc(slices.Clone(nodes), func(n *node) bool { return n.weight == 0 })
	if len(some) == 0 {
		return nodes
	}
	return some
}

// weightedRound is smooth weighted round robin: of each cycle, every entry gets exactly its weight. Where all weights
// are 0 each counts as 1, as APISIX then answers all the same.
type weightedRound[T comparable] struct {
	mu      sync.Mutex
	entries []T
	weights []int
	current []int
}

func newWeightedRound[T comparable](entries []T, weight func(T) int) *weightedRound[T] {
	r := &weightedRound[T]{entries: entries, current: make([]int, len(entries))}
	total := 0
	for _, entry := range entries {
		r.weights = append(r.weights, weight(entry))
		total += weight(entry)
	}
	if total == 0 {
		for i := range r.weights {
			r.weights[i] = 1
		}
	}
	return r
}

// next gives the next entry that skip does not skip.
func (r *weightedRound[T]) next(skip func(T) bool) (chosen T, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	best, total := -1, 0
	for i, entry := range r.entries {
		if r.weights[i] == 0 || skip != nil && skip(entry) {
			continue
		}
		r.current[i] += r.weights[i]
		total += r.weights[i]
		if best < 0 || r.current[i] > r.current[best] {
			best = i
		}
	}
	if best < 0 {
		return chosen, false
	}
	r.current[best] -= total
	return r.entries[best], true
}

func (r *weightedRound[T]) pick(_ string, tried map[*node]bool) *node {
	chosen, _ := r.next(func(entry T) bool {
		n, isNode := any(entry).(*node)
		return isNode && tried[n]
	})
	n, _ := any(chosen).(*node)
	return n
}

// ring is consistent hashing: a change of one node moves only the keys of that node.
type ring struct {
	points []point
}

type point struct {
	hash uint64
	node *node
}

const pointsPerWeight = 160

func newRing(nodes []*node) *ring {
	r := &ring{}
	for _, n := range nodes {
		for i := range n.weight * pointsPerWeight {
			r.points = append(r.points, point{hashOf(n.address() + "-" + strconv.Itoa(i)), n})
		}
	}
	sort.Slice(r.points, func(i, j int) bool { return r.points[i].hash < r.points[j].hash })
	return r
}

func hashOf(s string) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(s))
	// FNV leaves similar strings close together; mix the bits.
	x := h.Sum64()
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func (r *ring) pick(hash string, tried map[*node]bool) *node {
	at := hashOf(hash)
	start := sort.Search(len(r.points), func(i int) bool { return r.points[i].hash >= at })
	for i := range r.points {
		if p := r.points[(start+i)%len(r.points)]; !tried[p.node] {
			return p.node
		}
	}
	return nil
}

// leastConnections takes the node with the fewest requests under way for its weight.
type leastConnections struct {
	nodes      []*node
	unweighted bool
	turn       atomic.Uint64
}

func (l *leastConnections) pick(_ string, tried map[*node]bool) *node {
	var best *node
	load := func(n *node) float64 {
		if l.unweighted || n.weight == 0 {
			return float64(n.active.Load() + 1)
		}
		return float64(n.active.Load()+1) / float64(n.weight)
	}
	// Equals take turns.
	start := int(l.turn.Add(1) % uint64(max(1, len(l.nodes))))
	for i := range l.nodes {
		n := l.nodes[(start+i)%len(l.nodes)]
		if !tried[n] && (best == nil || load(n) < load(best)) {
			best = n
		}
	}
	return best
}
