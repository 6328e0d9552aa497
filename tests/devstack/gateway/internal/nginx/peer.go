package nginx

import (
	"net/netip"
	"strconv"
	"strings"
)

// Peer reads the address of a discovered node as nginx does when it must not look names up, after APISIX has put a bare
// IPv6 address in brackets. A port that stands in the address counts, not the one beside it. False for what is no
// address: nginx then has no peer, and APISIX answers 502 without a try elsewhere. Unix sockets are not followed here.
func Peer(address string, port int) (netip.AddrPort, bool) {
	if bare, err := netip.ParseAddr(address); err == nil && bare.Is6() && bare.Zone() == "" {
		return peerAt(bare, strconv.Itoa(port))
	}
	host, own, hasOwn := strings.Cut(address, ":")
	if inside, isBracketed := strings.CutPrefix(address, "["); isBracketed {
		var rest string
		host, rest, _ = strings.Cut(inside, "]")
		own, hasOwn = strings.CutPrefix(rest, ":")
		if rest != "" && !hasOwn {
			return netip.AddrPort{}, false
		}
		bare, err := netip.ParseAddr(host)
		if err != nil || !bare.Is6() || bare.Zone() != "" {
			return netip.AddrPort{}, false
		}
	} else {
		host = dotted(host)
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, false
	}
	if hasOwn {
		return peerAt(ip, own)
	}
	return peerAt(ip, strconv.Itoa(port))
}

func peerAt(ip netip.Addr, port string) (netip.AddrPort, bool) {
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip, uint16(number)), true
}

// dotted is an IPv4 address as Go's parser wants it: nginx takes any number of leading zeros, or no digit at all.
func dotted(host string) string {
	parts := strings.Split(host, ".")
	if len(parts) != 4 || host == "255.255.255.255" { // nginx takes the latter for an error of its own
		return ""
	}
	for i, part := range parts {
		parts[i] = strings.TrimLeft(part, "0")
		if parts[i] == "" {
			parts[i] = "0"
		}
	}
	return strings.Join(parts, ".")
}
