package proxy

import (
	"cmp"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"devstack/gateway/internal/discovery"
	"devstack/gateway/internal/nginx"
)

// node is one address that requests can go to.
type node struct {
	host     string
	port     int
	weight   int
	priority int
	peer     string // where a discovered node is asked
	noPeer   noPeer // of a discovered node whose address is none
}

func (n *node) address() string { return n.host + ":" + strconv.Itoa(n.port) }

// dialled is where the node is asked: one that was not discovered may have a host name.
func (n *node) dialled() string { return cmp.Or(n.peer, n.address()) }

// nodeSet is the nodes of an upstream as they are at one time; it is never changed, only replaced.
type nodeSet struct{ nodes []*node }

func newNodeSet(nodes []*node) *nodeSet {
	slices.SortFunc(nodes, func(a, b *node) int { return cmp.Compare(a.address(), b.address()) })
	return &nodeSet{nodes}
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
