package proxy

import (
	"cmp"
	"hash/fnv"
	"slices"
	"sort"
	"strconv"
	"time"
)

// picker chooses among nodes; tried says which of them this request had already.
type picker interface {
	pick(hash string, tried map[*node]bool) *node
}

// counting is a picker that wants to know when a request to a node has ended, however it did.
type counting interface{ ended(n *node) }

// timing is a picker that wants to know how long a node's answer took.
type timing interface {
	answered(n *node, took time.Duration)
}

// newPicker gives the picker of an upstream's type; nil for a type that there is not.
func newPicker(kind string, nodes []*node, times *latencies) picker {
	switch kind {
	case "roundrobin":
		return newRoundRobin(nodes)
	case "chash":
		return newRing(nodes)
	case "least_conn":
		return newLeastConnections(nodes)
	case "ewma":
		return quickest{nodes, times}
	}
	return nil
}

// choice picks among nodes of the highest priority first.
type choice struct {
	priorities []int
	pickers    map[int]picker
}

// newChoice gives nil for a type that there is not.
func newChoice(kind string, nodes []*node, times *latencies) picker {
	byPriority := map[int][]*node{}
	for _, n := range nodes {
		byPriority[n.priority] = append(byPriority[n.priority], n)
	}
	c := &choice{pickers: map[int]picker{}}
	for priority, equals := range byPriority {
		c.pickers[priority] = newPicker(kind, equals, times)
		if c.pickers[priority] == nil {
			return nil
		}
		c.priorities = append(c.priorities, priority)
	}
	slices.SortFunc(c.priorities, func(a, b int) int { return cmp.Compare(b, a) })
	return c
}

func (c *choice) pick(hash string, tried map[*node]bool) *node {
	for _, priority := range c.priorities {
		if n := c.pickers[priority].pick(hash, tried); n != nil {
			return n
		}
	}
	return nil
}

func (c *choice) ended(n *node) {
	if p, ok := c.pickers[n.priority].(counting); ok {
		p.ended(n)
	}
}

func (c *choice) answered(n *node, took time.Duration) {
	if p, ok := c.pickers[n.priority].(timing); ok {
		p.answered(n, took)
	}
}

// pickerVersion is what a picker was made from.
type pickerVersion struct {
	set     *nodeSet
	checker *checker
	turns   int
}

// onlyNode is an upstream's single node: APISIX keeps no picker for it.
type onlyNode struct{ *node }

func (o onlyNode) pick(string, map[*node]bool) *node { return o.node }

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
