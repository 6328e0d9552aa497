package nginx

import "testing"

func TestPeerReadsAddressesAsNginxDoes(t *testing.T) {
	for _, c := range []struct {
		why, address string
		port         int
		peer         string // "" for none
	}{
		{"the usual one", "10.0.0.1", 8080, "10.0.0.1:8080"},
		{"APISIX puts it in brackets", "::1", 8080, "[::1]:8080"},
		{"brackets that are there stay", "[::1]", 8080, "[::1]:8080"},
		{"a port in the address counts", "10.0.0.1:9090", 8080, "10.0.0.1:9090"},
		{"behind brackets, too", "[::1]:9090", 8080, "[::1]:9090"},
		{"leading zeros, as inet_addr reads them", "010.0.0.01", 8080, "10.0.0.1:8080"},
		{"this host, as the kernel has it", "0.0.0.0", 8080, "0.0.0.0:8080"},
		{"no address at all", "", 8080, ""},
		{"a name is not looked up", "localhost", 8080, ""},
		{"a blank is no digit", " 10.0.0.1", 8080, ""},
		{"a zone is not understood", "fe80::1%eth0", 8080, ""},
		{"in brackets neither", "[fe80::1%eth0]", 8080, ""},
		{"three parts are a name", "10.0.1", 8080, ""},
		{"a part above 255", "10.0.0.256", 8080, ""},
		{"a port that is no number", "10.0.0.1:http", 8080, ""},
		{"IPv4 in brackets is no IPv6", "[10.0.0.1]", 8080, ""},
		{"something behind the bracket", "[::1]x", 8080, ""},
		{"a path", "10.0.0.1/24", 8080, ""},
	} {
		peer, ok := Peer(c.address, c.port)
		if found := peer.String(); ok != (c.peer != "") || ok && found != c.peer {
			t.Errorf("%s: Peer(%q, %d) is %q, %v; want %q", c.why, c.address, c.port, found, ok, c.peer)
		}
	}
}
