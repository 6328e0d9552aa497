package proxy

import (
	"net/netip"
	"strings"

	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/expr"
	"devstack/gateway/internal/router"
	"devstack/gateway/internal/store"
)

// route is a compiled route.
type route struct {
	id, name   string
	methods    map[string]bool // nil: all
	networks   []netip.Prefix
	vars       *expr.Expr
	websocket  bool
	timeouts   *timeouts
	inline     *upstream
	upstreamID string
	plugins    []*plugin
}

func newRoute(id string, conf map[string]any, compile *pluginCompiler, consul *discovery.Consul) *route {
	r := &route{id: id, name: text(conf["name"]), timeouts: timeoutsOf(conf["timeout"])}
	if methods := texts(conf["methods"]); len(methods) > 0 {
		r.methods = make(map[string]bool, len(methods))
		for _, method := range methods {
			r.methods[method] = true
		}
	}
	for _, field := range []string{"remote_addr", "remote_addrs"} {
		if raw, present := conf[field]; present {
			r.networks, _ = expr.ParseNetworks(raw)
		}
	}
	if raw, present := conf["vars"]; present {
		r.vars, _ = expr.Compile(raw)
	}
	r.websocket, _ = conf["enable_websocket"].(bool)
	r.upstreamID, _ = store.ReferenceID(conf["upstream_id"])
	if inline := object(conf["upstream"]); inline != nil {
		r.inline = newUpstream(store.Routes+"/"+id, inline, consul)
	}
	r.plugins = compile.plugins(id, object(conf["plugins"]))
	return r
}

// close ends what the route follows.
func (r *route) close() {
	if r != nil {
		r.inline.close()
	}
}

// entry gives the route as the router takes it; the place is its one among all routes.
func (r *route) entry(o *store.Object, place uint64) *router.Route {
	e := &router.Route{
		ID: r.id, Priority: integer(o.Value["priority"], 0), Place: place, Accepts: r.accepts, Target: r,
		Paths: texts(o.Value["uris"]), Hosts: texts(o.Value["hosts"]),
	}
	if uri := text(o.Value["uri"]); uri != "" {
		e.Paths = []string{uri}
	}
	if host := text(o.Value["host"]); host != "" {
		e.Hosts = []string{host}
	}
	for i, host := range e.Hosts {
		e.Hosts[i] = strings.ToLower(host)
	}
	return e
}

func (r *route) accepts(raw any) bool {
	q, _ := raw.(*request)
	if r.methods != nil && !r.methods[q.method] {
		return false
	}
	if r.networks != nil && !expr.Contains(r.networks, q.remote) {
		return false
	}
	return r.vars == nil || r.vars.Eval(q.variable)
}
