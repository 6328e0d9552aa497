package proxy

import (
	"context"
	"sync"
	"time"
)

const (
	checkerTurn = time.Second      // how often APISIX makes checkers for upstreams that were asked, and ends old ones
	healthKept  = 10 * time.Second // how long it remembers the nodes of a checker that has ended
)

// outcome is what a try of a node came to.
type outcome int

const (
	succeeded outcome = iota
	answeredBadly
	notReached
	timedOut
	outcomes
)

// health is what is known of one address. Where it turns is decided by how often in a row one outcome was met.
type health struct {
	failing bool
	counts  [outcomes]int
}

// checker holds which nodes of one node set are healthy, and asks them while it runs.
type checker struct {
	u    *upstream
	set  *nodeSet
	stop context.CancelFunc

	mu      sync.Mutex
	turns   int // how often a node became healthy or unhealthy
	health  map[string]*health
	stopped time.Time // zero: it runs
}

// checkers are those of a worker, by the name of their upstream. As in APISIX an upstream has none until some time after
// its first request: until then all its nodes count as healthy. After a change the one before serves until it is replaced.
type checkers struct {
	mu      sync.Mutex
	working map[string]*checker
	waiting map[string]*checker
}

func newCheckers() *checkers {
	return &checkers{working: map[string]*checker{}, waiting: map[string]*checker{}}
}

// of gives the checker of an upstream's nodes; nil where there is none yet. A single node is never checked.
func (c *checkers) of(u *upstream, set *nodeSet) *checker {
	if u.checks == nil || len(set.nodes) < 2 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	one := c.working[u.name]
	if one != nil && !one.stopped.IsZero() {
		one = nil
	}
	if one == nil || one.set != set {
		c.waiting[u.name] = &checker{u: u, set: set, health: map[string]*health{}}
	}
	return one
}

// run makes and ends checkers until the context is done.
func (c *checkers) run(ctx context.Context) {
	ticker := time.NewTicker(checkerTurn)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			c.turn(ctx)
		}
	}
}

func (c *checkers) turn(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name, one := range c.working {
		switch {
		case one.stopped.IsZero() && !one.u.has(one.set) && c.waiting[name] == nil:
			one.stop()
			one.stopped = time.Now()
		case !one.stopped.IsZero() && time.Since(one.stopped) > healthKept:
			delete(c.working, name)
		}
	}
	for name, one := range c.waiting {
		if !one.u.has(one.set) {
			continue
		}
		if before := c.working[name]; before != nil {
			before.stop()
			before.mu.Lock()
			for address, known := range before.health {
				copied := *known
				one.health[address] = &copied
			}
			before.mu.Unlock()
		}
		c.working[name] = one
		one.start(ctx)
	}
	clear(c.waiting)
}

// start asks each node again and again, the first time after an interval.
func (c *checker) start(ctx context.Context) {
	running, stop := context.WithCancel(ctx)
	c.stop = stop
	for _, n := range c.set.nodes {
		go c.watch(running, n)
	}
}

func (c *checker) watch(ctx context.Context, n *node) {
	active := c.u.checks.active
	for {
		pause, asks := active.interval(c.isHealthy(n))
		if !asks {
			pause = checkerTurn
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		if !asks {
			continue
		}
		if found, counts := active.ask(ctx, n); counts && ctx.Err() == nil {
			c.report(n, found, active.limits)
		}
	}
}

func (c *checker) isHealthy(n *node) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.health[n.address()]
	return known == nil || !known.failing
}

// report counts an outcome; a limit of 0 means that it does not count.
func (c *checker) report(n *node, found outcome, limits [outcomes]int) {
	if limits[found] == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.health[n.address()]
	if known == nil {
		known = &health{}
		c.health[n.address()] = known
	}
	if found == succeeded {
		known.counts = [outcomes]int{succeeded: known.counts[succeeded]}
	} else {
		known.counts[succeeded] = 0
	}
	known.counts[found]++
	if failing := found != succeeded; failing != known.failing && known.counts[found] >= limits[found] {
		known.failing = failing
		known.counts = [outcomes]int{}
		c.turns++
	}
}

// answered counts the status of an answer to a client's request, where the upstream asks for that.
func (c *checker) answered(n *node, status int) {
	passive := c.u.checks.passive
	if found, counts := judged(status, passive.good, passive.bad); counts && c.u.checks.told {
		c.report(n, found, passive.limits)
	}
}

// healthy gives those of the nodes to choose from, all of them where none is healthy, and how often that has changed.
func (c *checker) healthy(of []*node) (nodes []*node, turns int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, n := range of {
		if known := c.health[n.address()]; known == nil || !known.failing {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) == 0 {
		nodes = of
	}
	return nodes, c.turns
}
