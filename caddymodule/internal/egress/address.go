package egress

import (
	"fmt"
	"net/netip"
	"sync"
)

// Kind says what is wrong with an address.
type Kind string

// The kinds of addresses that are not simply on the internet. The zero Kind is
// one that is.
const (
	Public      Kind = ""
	Loopback    Kind = "loopback"
	Private     Kind = "private"
	LinkLocal   Kind = "link-local"
	CGNAT       Kind = "carrier-grade NAT"
	Multicast   Kind = "multicast"
	Unspecified Kind = "unspecified"
	Reserved    Kind = "reserved"
	Tunnel      Kind = "tunnel"
	Metadata    Kind = "cloud metadata"
	Unreadable  Kind = "unreadable"
)

type network struct {
	prefix netip.Prefix
	kind   Kind
}

// networks are the special-purpose networks (the IANA registries of RFC 6890) and
// the addresses at which clouds hand out credentials. The first that fits counts.
var networks = sync.OnceValue(func() (list []network) {
	for _, row := range [...]struct {
		kind     Kind
		prefixes []string
	}{
		{Metadata, []string{
			"169.254.169.254/32",  // most clouds
			"169.254.170.2/32",    // Amazon ECS
			"169.254.170.23/32",   // Amazon EKS
			"169.254.169.253/32",  // Amazon's resolver
			"169.254.0.23/32",     // Tencent
			"100.100.100.200/32",  // Alibaba
			"192.0.0.192/32",      // Oracle
			"168.63.129.16/32",    // Azure, on a public address
			"fd00:ec2::/32",       // Amazon, on IPv6
			"fd20:ce::254/128",    // Google, on IPv6
			"fe80::a9fe:a9fe/128", // OpenStack, on IPv6
		}},
		{Unspecified, []string{"0.0.0.0/32", "::/128"}},
		{Loopback, []string{"127.0.0.0/8", "::1/128"}},
		{Private, []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"}},
		{LinkLocal, []string{"169.254.0.0/16", "fe80::/10"}},
		{CGNAT, []string{"100.64.0.0/10"}},
		{Multicast, []string{"224.0.0.0/4", "ff00::/8"}},
		{Reserved, []string{
			"0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
			"203.0.113.0/24", "240.0.0.0/4", "2001:2::/48", "2001:10::/28", "2001:20::/28",
			"2001:db8::/32", "3fff::/20",
		}},
		{Tunnel, []string{
			"::/96",           // IPv4-compatible
			"::ffff:0:0:0/96", // IPv4-translated
			"64:ff9b:1::/48",  // NAT64 with a prefix for local use
			"2001::/32",       // Teredo
			"2002::/16",       // 6to4
		}},
	} {
		for _, text := range row.prefixes {
			list = append(list, network{netip.MustParsePrefix(text), row.kind})
		}
	}
	return list
})

var (
	nat64  = netip.AddrFrom16([16]byte{0, 0x64, 0xff, 0x9b}) // 64:ff9b::/96, RFC 6052
	isatap = [4]byte{0, 0, 0x5e, 0xfe}                       // RFC 5214, the u bit aside
)

// KindOf returns what kind of address a is. One that stands for an IPv4 address,
// mapped or behind a NAT64, is of the kind of that, but for a loopback address
// behind a NAT64, which would be the translator's own; the other ways to wrap an
// IPv4 address are tunnels that no provider needs. The zero Addr is Unreadable.
func KindOf(a netip.Addr) Kind {
	if !a.IsValid() {
		return Unreadable
	}
	a = a.WithZone("").Unmap()
	if inner, ok := behindNAT64(a); ok {
		if kind := KindOf(inner); kind != Loopback {
			return kind
		}
		return Tunnel // what is behind a translator is not this machine, whatever it is called there
	}
	for _, n := range networks() {
		if n.prefix.Contains(a) {
			return n.kind
		}
	}
	if b := a.As16(); a.Is6() && [4]byte{b[8] &^ 2, b[9], b[10], b[11]} == isatap {
		return Tunnel
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return Reserved
	}
	return Public
}

// globalUnicast is all of IPv6 that is in public use (RFC 4291).
var globalUnicast = netip.PrefixFrom(netip.AddrFrom16([16]byte{0x20}), 3)

func behindNAT64(a netip.Addr) (inner netip.Addr, ok bool) {
	b, prefix := a.As16(), nat64.As16()
	if !a.Is6() || [12]byte(b[:12]) != [12]byte(prefix[:12]) {
		return a, false
	}
	return netip.AddrFrom4([4]byte(b[12:])), true
}

// Policy says which addresses a provider may be dialled at. The zero value allows
// what is on the internet.
type Policy struct {
	// AllowPrivate allows private networks, carrier-grade NAT and link-local
	// addresses too, except those of cloud metadata.
	AllowPrivate bool
	// AllowLoopback allows the gateway's own machine.
	AllowLoopback bool
	// OnlyLoopback allows nothing else, for a provider whose base URL says that it
	// is on this machine: a key sent in the clear must not leave it.
	OnlyLoopback bool
}

// Check returns a *RefusedError if a must not be dialled.
func (p Policy) Check(a netip.Addr) error {
	if kind := KindOf(a); !p.allows(kind) {
		return &RefusedError{Address: a, Kind: kind, policy: p}
	}
	return nil
}

func (p Policy) allows(kind Kind) bool {
	if p.OnlyLoopback {
		return kind == Loopback
	}
	switch kind {
	case Public:
		return true
	case Loopback:
		return p.AllowLoopback
	case Private, CGNAT, LinkLocal:
		return p.AllowPrivate
	}
	return false
}

// RefusedError says that an address was not dialled, and what would allow it.
type RefusedError struct {
	// Address is what was about to be dialled. It is not told to clients.
	Address netip.Addr
	Kind    Kind
	policy  Policy
}

// Error says what was refused and how to allow it.
func (e *RefusedError) Error() string {
	if e.policy.OnlyLoopback {
		return fmt.Sprintf("not dialled: %s is not on this machine, as the provider's base_url says it is", e.Address)
	}
	return fmt.Sprintf("not dialled: %s is a %s address; %s", e.Address, e.Kind, e.Hint())
}

// Hint says how such an address can be allowed, or that it cannot.
func (e *RefusedError) Hint() string {
	switch e.Kind {
	case Loopback:
		return "a provider on this machine has a base_url that says so, such as http://127.0.0.1:11434"
	case Private, CGNAT, LinkLocal:
		return "for a provider in your own network, set allow_private: true on it"
	}
	return "no provider may be there"
}
