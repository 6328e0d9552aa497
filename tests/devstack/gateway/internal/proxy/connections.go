package proxy

import "sync"

// leastConnections takes the node with the fewest requests under way for its weight, from a heap as APISIX's least_conn
// does. So requests one after the other go to two nodes only, and a picker that is made anew knows of no request.
type leastConnections struct {
	mu    sync.Mutex
	heap  []*load
	loads map[*node]*load
}

// load is a node in the heap; its step is infinite for weight 0.
type load struct {
	node        *node
	step, score float64
	at          int
}

func newLeastConnections(nodes []*node) *leastConnections {
	l := &leastConnections{loads: map[*node]*load{}}
	for _, n := range nodes {
		step := 1 / float64(n.weight)
		l.loads[n] = &load{node: n, step: step, score: step}
		l.push(l.loads[n])
	}
	return l
}

func (l *leastConnections) pick(_ string, tried map[*node]bool) *node {
	l.mu.Lock()
	defer l.mu.Unlock()
	var passed []*load
	for len(l.heap) > 0 && tried[l.heap[0].node] {
		passed = append(passed, l.pop())
	}
	for _, again := range passed {
		defer l.push(again)
	}
	if len(l.heap) == 0 {
		return nil
	}
	least := l.heap[0]
	least.score += least.step
	l.move(least)
	return least.node
}

func (l *leastConnections) ended(n *node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.loads[n]
	one.score -= one.step
	l.move(one)
}

func (l *leastConnections) push(one *load) {
	one.at = len(l.heap)
	l.heap = append(l.heap, one)
	l.move(one)
}

func (l *leastConnections) pop() *load {
	top, last := l.heap[0], len(l.heap)-1
	l.swap(0, last)
	l.heap = l.heap[:last]
	if last > 0 {
		l.move(l.heap[0])
	}
	return top
}

// move brings a node to its place: up past those that are greater, down past those that are smaller.
func (l *leastConnections) move(one *load) {
	for one.at > 0 && one.score < l.heap[(one.at-1)/2].score {
		l.swap(one.at, (one.at-1)/2)
	}
	for {
		least := one.at
		for child := 2*one.at + 1; child <= 2*one.at+2 && child < len(l.heap); child++ {
			if l.heap[child].score < l.heap[least].score {
				least = child
			}
		}
		if least == one.at {
			return
		}
		l.swap(one.at, least)
	}
}

func (l *leastConnections) swap(a, b int) {
	l.heap[a], l.heap[b] = l.heap[b], l.heap[a]
	l.heap[a].at, l.heap[b].at = a, b
}
