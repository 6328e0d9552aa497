// Package router finds a request's route as APISIX's default router (radixtree_host_uri) does: by host first (exact, then
// the longest wildcard, then routes without a host), there by path (exact, then the longest prefix), among equal paths
// by priority, and among equal priorities the route that came first. Each step falls through to the next one when method,
// remote_addrs or vars do not fit.
package router

import (
	"cmp"
	"slices"
	"strings"
	"sync"
)

// Route is what the router needs of a route; it is never changed, only replaced.
type Route struct {
	ID       string
	Paths    []string
	Hosts    []string // none: every host
	Priority int
	Place    uint64 // among equal paths and priorities the smaller one is tried first
	Accepts  func(request any) bool
	Target   any
}

// Router is safe for concurrent use. Routes come and go one by one, at a cost that does not grow with their number.
type Router struct {
	mu       sync.RWMutex
	routes   map[string]*Route
	hosts    index[*paths] // by reversed host; a wildcard is a prefix then
	hostless *paths
}

// paths is the index of the paths of one host.
type paths struct{ index[[]candidate] }

type candidate struct {
	route *Route
	path  string // as configured
}

// New gives an empty router.
func New() *Router {
	return &Router{routes: map[string]*Route{}, hosts: newIndex[*paths](), hostless: newPaths()}
}

func newPaths() *paths { return &paths{newIndex[[]candidate]()} }

// Set adds or replaces a route.
func (r *Router) Set(route *Route) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(route.ID)
	r.routes[route.ID] = route
	for _, host := range unique(route.Hosts) {
		key := reverse(host)
		sub, ok := r.hosts.at(key)
		if !ok {
			sub = newPaths()
			r.hosts.put(key, sub)
		}
		sub.add(route)
	}
	if len(route.Hosts) == 0 {
		r.hostless.add(route)
	}
}

// Remove takes a route out, if it is there.
func (r *Router) Remove(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.remove(id)
}

func (r *Router) remove(id string) {
	route := r.routes[id]
	if route == nil {
		return
	}
	delete(r.routes, id)
	for _, host := range unique(route.Hosts) {
		key := reverse(host)
		if sub, ok := r.hosts.at(key); ok {
			sub.drop(route)
			if sub.empty() {
				r.hosts.delete(key)
			}
		}
	}
	if len(route.Hosts) == 0 {
		r.hostless.drop(route)
	}
}

// Match gives the route for a host (lower case, without port) and a path, nil without one. The request is handed to
// Accepts.
func (r *Router) Match(host, path string, request any) *Route {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.hosts.size() > 0 {
		for sub := range r.hosts.longestFirst(reverse(host)) {
			if route := sub.match(path, request); route != nil {
				return route
			}
		}
	}
	return r.hostless.match(path, request)
}

func (p *paths) add(route *Route) {
	for _, path := range unique(route.Paths) {
		candidates, _ := p.at(path)
		candidates = append(candidates, candidate{route, path})
		slices.SortStableFunc(candidates, compare)
		p.put(path, candidates)
	}
}

func compare(a, b candidate) int {
	return cmp.Or(
		cmp.Compare(b.route.Priority, a.route.Priority),
		cmp.Compare(len(b.path), len(a.path)),
		cmp.Compare(a.route.Place, b.route.Place),
	)
}

func (p *paths) drop(route *Route) {
	for _, path := range unique(route.Paths) {
		candidates, _ := p.at(path)
		candidates = slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return c.route == route })
		if len(candidates) == 0 {
			p.delete(path)
		} else {
			p.put(path, candidates)
		}
	}
}

func (p *paths) match(path string, request any) *Route {
	for candidates := range p.longestFirst(path) {
		for _, c := range candidates {
			if c.route.Accepts(request) && fitsPattern(c.path, path) {
				return c.route
			}
		}
	}
	return nil
}

func unique(list []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(list)))
}

func reverse(s string) string {
	bytes := []byte(s)
	slices.Reverse(bytes)
	return string(bytes)
}

// cut gives what of a pattern is compared literally, and whether it is a prefix: up to the first star.
func cut(pattern string) (literal string, isPrefix bool) {
	literal, _, isPrefix = strings.Cut(pattern, "*")
	return literal, isPrefix
}
