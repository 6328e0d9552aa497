package proxy

import (
	"context"
	"sync"
	"time"

	"devstack/gateway/internal/discovery"
)

const defaultTimeout = time.Minute // nginx's, for connect, send and read

type timeouts struct{ connect, send, read time.Duration }

func timeoutsOf(raw any) *timeouts {
	fields := object(raw)
	if fields == nil {
		return nil
	}
	return &timeouts{
		connect: seconds(fields["connect"], defaultTimeout),
		send:    seconds(fields["send"], defaultTimeout),
		read:    seconds(fields["read"], defaultTimeout),
	}
}

// upstream is a compiled upstream, of its own or inside a route.
type upstream struct {
	name         string
	kind         string
	hashOn, key  string
	scheme       string
	passHost     string
	host         string
	retries      int // -1: as many as there are nodes, less one
	retryTimeout time.Duration
	timeouts     *timeouts
	checks       *checks // nil: none
	service      string  // discovered in Consul
	unknown      bool    // discovered in something that there is not
	consul       *discovery.Consul

	mu      sync.Mutex
	version uint64
	set     *nodeSet
	closed  bool
}

// newUpstream compiles an upstream; APISIX keeps what it remembers of it under the name.
func newUpstream(name string, conf map[string]any, consul *discovery.Consul) *upstream {
	u := &upstream{
		name:         name,
		kind:         textOr(conf["type"], "roundrobin"),
		hashOn:       textOr(conf["hash_on"], "vars"),
		key:          text(conf["key"]),
		scheme:       textOr(conf["scheme"], "http"),
		passHost:     textOr(conf["pass_host"], "pass"),
		host:         text(conf["upstream_host"]),
		retries:      integer(conf["retries"], -1),
		retryTimeout: seconds(conf["retry_timeout"], 0),
		timeouts:     timeoutsOf(conf["timeout"]),
		checks:       newChecks(object(conf["checks"])),
		consul:       consul,
		set:          newNodeSet(nil),
	}
	if _, static := conf["nodes"]; static {
		u.set = newNodeSet(staticNodes(conf["nodes"], u.scheme))
		return u
	}
	u.service = text(conf["service_name"])
	u.unknown = conf["discovery_type"] != "consul"
	if !u.unknown {
		consul.Use(u.service)
	}
	return u
}

// close ends what the upstream follows.
func (u *upstream) close() {
	if u == nil {
		return
	}
	u.mu.Lock()
	u.closed = true
	u.mu.Unlock()
	if u.service != "" && !u.unknown {
		u.consul.Release(u.service)
	}
}

// has says whether these are still the nodes of an upstream that is still there.
func (u *upstream) has(set *nodeSet) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return !u.closed && u.set == set
}

// nodes gives those to choose from now.
func (u *upstream) nodes(ctx context.Context) *nodeSet {
	if u.service == "" || u.unknown {
		return u.set
	}
	instances, version := u.consul.Instances(ctx, u.service)
	u.mu.Lock()
	defer u.mu.Unlock()
	if version != u.version {
		u.version = version
		u.set = newNodeSet(discovered(instances))
	}
	return u.set
}

// hash gives what a request is hashed by; by its client where the key has no value.
func (u *upstream) hash(q *request) string {
	if u.kind != "chash" {
		return ""
	}
	var value any
	switch u.hashOn {
	case "vars":
		value = q.variable(u.key)
	case "header":
		value = q.variable("http_" + u.key)
	case "cookie":
		value = q.variable("cookie_" + u.key)
	case "vars_combinations":
		value = q.resolve(u.key, nil)
	}
	if s, ok := value.(string); ok && s != "" {
		return s
	}
	return q.remote
}
