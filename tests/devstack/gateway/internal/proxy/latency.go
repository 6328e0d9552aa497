package proxy

import (
	"math"
	"math/rand/v2"
	"sync"
	"time"
)

const latencyDecay = 10 * time.Second

// latencies are the moving averages of how long nodes take, by address: all upstreams share them, as in APISIX.
type latencies struct {
	mu sync.Mutex
	of map[string]latency
}

type latency struct {
	average float64 // seconds
	at      time.Time
}

func newLatencies() *latencies { return &latencies{of: map[string]latency{}} }

// faded is the average with one more value, the old one weighing the less the older it is.
func (l latency) faded(value float64, now time.Time) float64 {
	old := math.Exp(-now.Sub(l.at).Seconds() / latencyDecay.Seconds())
	return l.average*old + value*(1-old)
}

func (l *latencies) score(address string) float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.of[address].faded(0, time.Now())
}

func (l *latencies) add(address string, took time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.of[address] = latency{l.of[address].faded(took.Seconds(), now), now}
}

// quickest takes the quicker of two nodes that it draws; weights count for nothing.
type quickest struct {
	nodes []*node
	*latencies
}

func (q quickest) pick(_ string, tried map[*node]bool) *node {
	var drawn []*node
	for _, at := range rand.Perm(len(q.nodes)) { //nolint:gosec // a draw
		if n := q.nodes[at]; !tried[n] && len(drawn) < 2 {
			drawn = append(drawn, n)
		}
	}
	switch {
	case len(drawn) == 0:
		return nil
	case len(drawn) == 2 && q.score(drawn[0].address()) > q.score(drawn[1].address()):
		return drawn[1]
	}
	return drawn[0]
}

func (q quickest) answered(n *node, took time.Duration) { q.add(n.address(), took) }
