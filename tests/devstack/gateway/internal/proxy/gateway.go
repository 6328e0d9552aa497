// Package proxy is the data plane: it finds a request's route, runs the plugins that it has, chooses a node and passes the
// request on, as APISIX does.
package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"devstack/gateway/internal/apischema"
	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/nginx"
	"devstack/gateway/internal/router"
	"devstack/gateway/internal/store"
)

// Gateway is the data plane's handler; it listens to the store for routes and upstreams.
type Gateway struct {
	Proxied atomic.Uint64 // requests that were passed on to a node

	router    *router.Router
	consul    *discovery.Consul
	compiler  *pluginCompiler
	proxy     *httputil.ReverseProxy
	mu        sync.RWMutex
	upstreams map[string]*upstream
	routes    map[string]*route
	places    map[string]uint64 // of each route in the order in which this process saw them; an update keeps it
	lastPlace uint64

	checkers   *checkers
	nodes      *cache[string, picker]
	splits     *cache[*splitRule, *rotation[*splitTarget]]
	times      *latencies
	requestIDs requestIDs
}

// New gives a gateway without routes.
func New(consul *discovery.Consul, schemas *apischema.Set) *Gateway {
	g := &Gateway{
		router:    router.New(),
		consul:    consul,
		compiler:  &pluginCompiler{schemas},
		upstreams: map[string]*upstream{},
		routes:    map[string]*route{},
		places:    map[string]uint64{},
		checkers:  newCheckers(),
		nodes:     newCache[string, picker](nodePickers, nodePickerLife),
		splits:    newCache[*splitRule, *rotation[*splitTarget]](splitPickers, 0),
		times:     newLatencies(),
	}
	g.proxy = newReverseProxy(g)
	return g
}

// Run makes the health checks that upstreams ask for, until the context is done.
func (g *Gateway) Run(ctx context.Context) { g.checkers.run(ctx) }

// SeedRequestIDs makes the values of $request_id from now on the same for the same seed.
func (g *Gateway) SeedRequestIDs(seed uint64) { g.requestIDs.seed(seed) }

// picker gives what chooses among the nodes of an upstream; nil for a type that there is not.
func (g *Gateway) picker(u *upstream, set *nodeSet, c *checker) picker {
	if len(set.nodes) == 1 {
		return onlyNode{set.nodes[0]}
	}
	version := pickerVersion{set: set}
	nodes := set.nodes
	if c != nil {
		version.checker = c
		nodes, version.turns = c.healthy(set.nodes)
	}
	return g.nodes.get(u.name, version, func() picker { return newChoice(u.kind, nodes, g.times) })
}

// Changed takes a written object over. A route that is switched off is not matched.
func (g *Gateway) Changed(o *store.Object) {
	if o.Kind == store.Upstreams {
		next := newUpstream(store.Upstreams+"/"+o.ID, o.Value, g.consul)
		g.mu.Lock()
		before := g.upstreams[o.ID]
		g.upstreams[o.ID] = next
		g.mu.Unlock()
		before.close()
		return
	}
	next := newRoute(o.ID, o.Value, g.compiler, g.consul)
	place := g.place(o.ID)
	if integer(o.Value["status"], 1) == 1 {
		g.router.Set(next.entry(o, place))
	} else {
		g.router.Remove(o.ID)
	}
	g.mu.Lock()
	before := g.routes[o.ID]
	g.routes[o.ID] = next
	g.mu.Unlock()
	before.close()
}

// place says which route this process saw first: that decides a tie, not which one is older in the store.
func (g *Gateway) place(id string) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, known := g.places[id]; !known {
		g.lastPlace++
		g.places[id] = g.lastPlace
	}
	return g.places[id]
}

// Removed forgets an object.
func (g *Gateway) Removed(kind, id string) {
	if kind == store.Upstreams {
		g.mu.Lock()
		before := g.upstreams[id]
		delete(g.upstreams, id)
		g.mu.Unlock()
		before.close()
		return
	}
	g.router.Remove(id)
	g.mu.Lock()
	before := g.routes[id]
	delete(g.routes, id)
	delete(g.places, id)
	g.mu.Unlock()
	before.close()
}

func (g *Gateway) upstream(id string) *upstream {
	g.mu.RLock()
	defer g.mu.RUnlock()
	return g.upstreams[id]
}

func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", nginx.Server)
	defer failed(w)
	if r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		nginx.ErrorPage(w, http.StatusMethodNotAllowed) // nginx has neither, whatever a route says
		return
	}
	if nginx.IsAmbiguous(r.Header) {
		nginx.ErrorPage(w, http.StatusBadRequest)
		return
	}
	nginx.DropInvalidHeaders(r.Header)
	path, args, _ := strings.Cut(r.RequestURI, "?")
	uri, err := nginx.Normalize(path)
	if err != nil {
		nginx.ErrorPage(w, http.StatusBadRequest)
		return
	}
	q := newRequest(g, r, uri, args)
	found := g.router.Match(q.host, q.uri, q)
	if found == nil {
		writeReply(w, &reply{status: http.StatusNotFound, body: map[string]any{"error_msg": "404 Route Not Found"}})
		return
	}
	q.route, _ = found.Target.(*route)
	if answer := q.runPlugins(); answer != nil {
		q.reply(w, answer)
		return
	}
	if answer := q.chooseUpstream(); answer != nil {
		q.reply(w, answer)
		return
	}
	g.Proxied.Add(1)
	if !q.route.websocket {
		// Without enable_websocket a handshake reaches the node as a plain request.
		r.Header.Del("Upgrade")
	}
	g.proxy.ServeHTTP(w, r.WithContext(withRequest(r.Context(), q)))
}

// failed answers where an expression could not be evaluated; whatever else goes wrong goes on.
func failed(w http.ResponseWriter) {
	switch reason := recover().(type) {
	case nil:
	case expr.Failure:
		nginx.ErrorPage(w, http.StatusInternalServerError)
	default:
		panic(reason)
	}
}

func newRequest(g *Gateway, r *http.Request, uri, args string) *request {
	q := &request{gateway: g, in: r, uri: uri, args: args, method: r.Method, route: &route{}, cached: map[string]any{}}
	q.remote, _, _ = net.SplitHostPort(r.RemoteAddr)
	if q.remote == "127.0.0.1" { // the default configuration trusts loopback (set_real_ip_from) to say who is asking
		if address, ok := realIP(r.Header.Get("X-Real-IP")); ok {
			q.remote = address
		}
	}
	q.host = strings.ToLower(r.Host)
	q.forwardedPort = ""
	if host, port, err := net.SplitHostPort(q.host); err == nil {
		q.host, q.forwardedPort = host, port
	}
	q.host = strings.TrimSuffix(q.host, ".") // as nginx's $host
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		q.serverAddress, q.serverPort, _ = net.SplitHostPort(local.String())
	}
	if q.forwardedPort == "" {
		q.forwardedPort = q.serverPort
	}
	// What a client says of these is not passed on; a plugin may set them.
	r.Header.Set("X-Forwarded-Proto", "http")
	r.Header.Set("X-Forwarded-Host", r.Host)
	r.Header.Set("X-Forwarded-Port", q.forwardedPort)
	return q
}

// realIP reads the header X-Real-IP as nginx does: an address, which may have a port.
func realIP(header string) (string, bool) {
	if address, err := netip.ParseAddr(header); err == nil {
		return address.String(), true
	}
	if address, err := netip.ParseAddrPort(header); err == nil {
		return address.Addr().String(), true
	}
	return "", false
}
