package proxy

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"devstack/gateway/internal/store"
)

func nodesOf(weights ...int) []*node {
	var nodes []*node
	for i, weight := range weights {
		nodes = append(nodes, &node{host: "10.0.0.1", port: i + 1, weight: weight})
	}
	return nodes
}

// shares counts which node (by port) is picked how often.
func shares(p picker, times int, key func(i int) string) map[int]int {
	counts := map[int]int{}
	for i := range times {
		if n := p.pick(key(i), map[*node]bool{}); n != nil {
			counts[n.port]++
			if c, ok := p.(counting); ok {
				c.ended(n)
			}
		} else {
			counts[0]++
		}
	}
	return counts
}

func TestShares(t *testing.T) {
	for _, test := range []struct {
		why, kind string
		weights   []int
		want      map[int]int
	}{
		{"equal weights", "roundrobin", []int{1, 1}, map[int]int{1: 50, 2: 50}},
		{"weights are exact", "roundrobin", []int{80, 20}, map[int]int{1: 80, 2: 20}},
		{"one in a hundred", "roundrobin", []int{99, 1}, map[int]int{1: 99, 2: 1}},
		{"weight 0 gets nothing", "roundrobin", []int{0, 1}, map[int]int{2: 100}},
		{"all weights 0 answer all the same", "roundrobin", []int{0, 0}, map[int]int{1: 50, 2: 50}},
		{"weight 0 gets nothing of least_conn", "least_conn", []int{0, 1}, map[int]int{2: 100}},
		{"one after the other goes to two nodes only", "least_conn", []int{1, 1, 1}, map[int]int{1: 50, 2: 50}},
		{"all weights 0 of a hash: nobody", "chash", []int{0, 0}, map[int]int{0: 100}},
	} {
		t.Run(test.why, func(t *testing.T) {
			got := shares(newPicker(test.kind, nodesOf(test.weights...), newLatencies()), 100, func(i int) string { return fmt.Sprint(i) })
			if !maps.Equal(got, test.want) {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}

func TestHashingIsConsistent(t *testing.T) {
	three, four := newRing(nodesOf(1, 1, 1)), newRing(nodesOf(1, 1, 1, 1))
	moved := 0
	counts := map[int]int{}
	for i := range 1000 {
		key := fmt.Sprint("user", i)
		before, after := three.pick(key, nil), four.pick(key, nil)
		if again := three.pick(key, nil); again != before {
			t.Fatalf("%s went to %s, then to %s", key, before.address(), again.address())
		}
		counts[before.port]++
		if before.port != after.port {
			moved++
			if after.port != 4 {
				t.Fatalf("%s moved between old nodes", key)
			}
		}
	}
	if moved < 150 || moved > 350 {
		t.Errorf("%d of 1000 keys moved to the fourth node, about 250 are expected", moved)
	}
	for port, count := range counts {
		if count < 200 || count > 470 {
			t.Errorf("node %d has %d of 1000 keys", port, count)
		}
	}
}

func TestATriedNodeIsNotPickedAgain(t *testing.T) {
	for _, kind := range []string{"roundrobin", "chash", "least_conn", "ewma"} {
		nodes := nodesOf(1, 1, 1)
		p := newPicker(kind, nodes, newLatencies())
		tried := map[*node]bool{}
		for range nodes {
			n := p.pick("key", tried)
			if n == nil || tried[n] {
				t.Fatalf("%s: picked %v of those tried", kind, n)
			}
			tried[n] = true
		}
		if n := p.pick("key", tried); n != nil {
			t.Errorf("%s: all were tried, and yet %s", kind, n.address())
		}
	}
}

func TestANewRotationStartsAtTheHeaviest(t *testing.T) {
	for range 20 {
		nodes := nodesOf(1, 9)
		if got := shares(newRoundRobin(nodes), 7, func(int) string { return "" }); got[2] != 7 {
			t.Fatalf("got %v of the first seven, want all at the node of weight 9", got)
		}
	}
}

func TestAmongEqualsARotationStartsAnywhere(t *testing.T) {
	first := map[int]int{}
	for range 200 {
		first[newRoundRobin(nodesOf(7, 7, 7)).pick("", nil).port]++
	}
	for port := 1; port <= 3; port++ {
		if first[port] < 30 {
			t.Errorf("of 200 rotations %v started at each", first)
		}
	}
}

func TestLeastConnectionsAvoidsTheBusyNode(t *testing.T) {
	p := newLeastConnections(nodesOf(1, 1, 4))
	got := map[int]int{}
	for range 12 { // none of them ends
		got[p.pick("", nil).port]++
	}
	if !maps.Equal(got, map[int]int{1: 2, 2: 2, 3: 8}) {
		t.Errorf("got %v, want as many as the weights say", got)
	}
}

func TestTheQuickerOfTwoIsTaken(t *testing.T) {
	nodes, times := nodesOf(0, 1), newLatencies()
	p := quickest{nodes, times}
	p.answered(nodes[0], time.Millisecond)
	p.answered(nodes[1], time.Second)
	if got := shares(p, 20, func(int) string { return "" }); got[1] != 20 {
		t.Errorf("got %v, want all at the quick node, though its weight is 0", got)
	}
}

func TestLowerPrioritiesAreForWhenTheHigherFail(t *testing.T) {
	g := newTestGateway(t)
	alive, spare := named(t, "alive"), named(t, "spare")
	const route = `{"uri":"/t","upstream":{"nodes":[
		{"host":"127.0.0.1","port":%s,"weight":1,"priority":0},{"host":"127.0.0.1","port":%s,"weight":1,"priority":-1}]}}`
	port := func(address string) string { return address[len("127.0.0.1:"):] }
	g.put(store.Routes, "1", route, port(alive), port(spare))
	for range 4 {
		if got := g.ask("GET", "/t", ""); got.body != "alive" {
			t.Fatalf("%+v", got)
		}
	}
	g.put(store.Routes, "1", route, port(deadAddress(t)), port(spare))
	if got := g.ask("GET", "/t", ""); got.body != "spare" {
		t.Errorf("%+v", got)
	}
}
