// Package discovery follows services in Consul as APISIX's `discovery.consul` does: passing instances only, by service
// name as the catalog spells it, and never the service `consul`. Two blocking queries (the catalog's services, all health
// checks) tell that something changed; then the services in use are read again. While Consul is away the last lists are
// kept.
package discovery

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

const (
	wait         = 55 * time.Second // of a blocking query
	readTimeout  = 5 * time.Second
	firstAnswer  = time.Second // how long a request waits for the first list of a service
	minRetry     = 100 * time.Millisecond
	maxRetry     = 2 * time.Second
	parallelRead = 8
)

// Instance is one healthy instance of a service, as it is registered: an address may be none, or a host name.
type Instance struct {
	Host string
	Port int
}

// Consul follows the services that were asked for.
type Consul struct {
	address  string
	token    string // for Consul's ACLs; empty: none
	client   *http.Client
	changed  chan struct{}
	mu       sync.RWMutex
	services map[string]*service
}

type service struct {
	uses      int
	stale     bool // to be read
	instances []Instance
	version   uint64
	known     chan struct{} // closed at the first answer
}

// New gives a follower of the Consul at an address such as http://127.0.0.1:8500, which shows it this token, if any.
func New(address, token string) *Consul {
	return &Consul{
		address:  address,
		token:    token,
		client:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: parallelRead + 2}},
		changed:  make(chan struct{}, 1),
		services: map[string]*service{},
	}
}

// Run follows Consul until the context ends.
func (c *Consul) Run(ctx context.Context) {
	for _, path := range []string{"/v1/catalog/services", "/v1/health/state/any"} {
		go c.watch(ctx, path)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.changed:
		}
		if !c.refresh(ctx) {
			// A failed read leaves the old list; try again soon.
			time.AfterFunc(minRetry, c.signal)
		}
	}
}

// Use starts to follow a service; each Use needs its Release.
func (c *Consul) Use(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.services[name]
	if s == nil {
		s = &service{known: make(chan struct{}), stale: true}
		c.services[name] = s
		c.signal()
	}
	s.uses++
}

// Release ends one Use.
func (c *Consul) Release(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.services[name]; s != nil {
		if s.uses--; s.uses == 0 {
			delete(c.services, name)
		}
	}
}

// Instances gives the healthy instances and a version that changes with them. For a service that was never read it waits
// a little for the first answer.
func (c *Consul) Instances(ctx context.Context, name string) ([]Instance, uint64) {
	c.mu.RLock()
	s := c.services[name]
	c.mu.RUnlock()
	if s == nil {
		return nil, 0
	}
	select {
	case <-s.known:
	default:
		timeout := time.NewTimer(firstAnswer)
		defer timeout.Stop()
		select {
		case <-s.known:
		case <-ctx.Done():
		case <-timeout.C:
		}
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return s.instances, s.version
}

// Dump gives what is known of each service in use.
func (c *Consul) Dump() map[string][]Instance {
	c.mu.RLock()
	defer c.mu.RUnlock()
	all := make(map[string][]Instance, len(c.services))
	for name, s := range c.services {
		all[name] = s.instances
	}
	return all
}

func (c *Consul) signal() {
	select {
	case c.changed <- struct{}{}:
	default:
	}
}

// watch blocks on one of Consul's lists and signals each change of its index.
func (c *Consul) watch(ctx context.Context, path string) {
	var index uint64
	retry := minRetry
	for ctx.Err() == nil {
		query := url.Values{"wait": {wait.String()}, "index": {strconv.FormatUint(index, 10)}}
		next, err := c.get(ctx, path, query, wait+wait/16+readTimeout, nil)
		if err != nil {
			if ctx.Err() == nil {
				slog.Warn("Consul does not answer; the last lists stay", "path", path, "error", err)
			}
			index = 0
			select {
			case <-ctx.Done():
			case <-time.After(retry):
			}
			retry = min(2*retry, maxRetry)
			continue
		}
		retry = minRetry
		if next != index {
			c.allStale()
		}
		if next < index {
			next = 0 // Consul started over
		}
		index = next
	}
}

// allStale has all services read again: Consul does not say which one changed.
func (c *Consul) allStale() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.services {
		s.stale = true
	}
	c.signal()
}

// takeStale gives the services to read. A change while they are read makes them stale again.
func (c *Consul) takeStale() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var names []string
	for name, s := range c.services {
		if s.stale {
			s.stale = false
			names = append(names, name)
		}
	}
	return names
}
