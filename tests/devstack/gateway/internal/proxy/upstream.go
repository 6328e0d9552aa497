package proxy

import (
	"cmp"
	"context"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/nginx"
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
	kind         string
	hashOn, key  string
	scheme       string
	passHost     string
	host         string
	retries      int // -1: as many as there are nodes, less one
	retryTimeout time.Duration
	timeouts     *timeouts
	service      string // discovered in Consul
	unknown      bool   // discovered in something that there is not
	consul       *discovery.Consul

	mu      sync.Mutex
	version uint64
	pools   []pool // by priority, the highest first
	count   int
}

type pool struct {
	nodes  []*node
	picker picker
}

func newUpstream(conf map[string]any, consul *discovery.Consul) *upstream {
	u := &upstream{
		kind:         textOr(conf["type"], "roundrobin"),
		hashOn:       textOr(conf["hash_on"], "vars"),
		key:          text(conf["key"]),
		scheme:       textOr(conf["scheme"], "http"),
		passHost:     textOr(conf["pass_host"], "pass"),
		host:         text(conf["upstream_host"]),
		retries:      integer(conf["retries"], -1),
		retryTimeout: seconds(conf["retry_timeout"], 0),
		timeouts:     timeoutsOf(conf["timeout"]),
		consul:       consul,
	}
	if _, static := conf["nodes"]; static {
		u.use(staticNodes(conf["nodes"], u.scheme))
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
	if u != nil && u.service != "" && !u.unknown {
		u.consul.Release(u.service)
	}
}

func staticNodes(raw any, scheme string) []*node {
	var nodes []*node
	standard := standardPort(scheme)
	weights := object(raw)
	for _, address := range slices.Sorted(maps.Keys(weights)) {
		host, port := splitAddress(address, standard)
		nodes = append(nodes, &node{host: host, port: port, weight: integer(weights[address], 0)})
	}
	for _, item := range list(raw) {
		fields := object(item)
		nodes = append(nodes, &node{
			host:     text(fields["host"]),
			port:     integer(fields["port"], standard),
			weight:   integer(fields["weight"], 0),
			priority: integer(fields["priority"], 0),
		})
	}
	return nodes
}

func standardPort(scheme string) int {
	if scheme == "https" || scheme == "grpcs" {
		return 443
	}
	return 80
}

func splitAddress(address string, standard int) (string, int) {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return address, standard
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return address, standard
	}
	if host != "" && slices.Contains([]byte(host), ':') {
		host = "[" + host + "]"
	}
	return host, port
}

// use takes a new set of nodes.
func (u *upstream) use(nodes []*node) {
	u.pools, u.count = nil, len(nodes)
	byPriority := map[int][]*node{}
	for _, n := range nodes {
		byPriority[n.priority] = append(byPriority[n.priority], n)
	}
	for _, priority := range slices.SortedFunc(maps.Keys(byPriority), func(a, b int) int { return cmp.Compare(b, a) }) {
		u.pools = append(u.pools, pool{byPriority[priority], newPicker(u.kind, byPriority[priority])})
	}
}

// nodes gives the pools to choose from now, and how many nodes they have together.
func (u *upstream) nodes(ctx context.Context) ([]pool, int) {
	if u.service == "" || u.unknown {
		return u.pools, u.count
	}
	instances, version := u.consul.Instances(ctx, u.service)
	u.mu.Lock()
	defer u.mu.Unlock()
	if version != u.version {
		u.version = version
		u.use(discovered(instances))
	}
	return u.pools, u.count
}

// discovered gives the nodes of a service. APISIX refuses all of them for one port that is none.
func discovered(instances []discovery.Instance) []*node {
	nodes := make([]*node, 0, len(instances))
	for _, instance := range instances {
		if instance.Port < 1 || instance.Port > 65535 {
			return nil
		}
		n := &node{host: instance.Host, port: instance.Port, weight: 1}
		if peer, ok := nginx.Peer(instance.Host, instance.Port); ok {
			n.peer = peer.String()
		} else {
			n.noPeer = http.StatusBadGateway
			if strings.Count(instance.Host, ":") > 1 && len(instances) > 1 {
				n.noPeer = http.StatusInternalServerError // taken for an IPv6 address, whose port is then not found
			}
		}
		nodes = append(nodes, n)
	}
	return nodes
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
