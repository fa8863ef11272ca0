package egress

import (
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// forms are addresses in the forms netip reads, and what they are.
var forms = map[string]Kind{
	"8.8.8.8": Public, "1.1.1.1": Public, "172.15.255.255": Public, "172.32.0.0": Public, "100.63.255.255": Public,
	"100.128.0.0": Public, "192.0.1.0": Public, "169.253.255.255": Public, "223.255.255.255": Public, "126.255.255.255": Public,
	"2606:4700::1111": Public, "2a00:1450:4001::1": Public, "::ffff:8.8.8.8": Public, "64:ff9b::808:808": Public,

	"127.0.0.1": Loopback, "127.0.0.0": Loopback, "127.255.255.255": Loopback, "127.0.1.1": Loopback, "::1": Loopback,
	"::ffff:127.0.0.1": Loopback, "::ffff:7f00:1": Loopback,

	"10.0.0.1": Private, "10.255.255.255": Private, "172.16.0.1": Private, "172.31.255.255": Private, "192.168.0.1": Private,
	"fc00::1": Private, "fdff:ffff::1": Private, "fec0::1": Private, "::ffff:10.0.0.1": Private, "64:ff9b::a00:1": Private,

	"169.254.0.1": LinkLocal, "169.254.255.255": LinkLocal, "fe80::1": LinkLocal, "febf::1": LinkLocal, "fe80::1%eth0": LinkLocal,
	"::ffff:169.254.1.1": LinkLocal,

	"100.64.0.1": CGNAT, "100.127.255.255": CGNAT, "::ffff:100.64.0.1": CGNAT,

	"169.254.169.254": Metadata, "169.254.170.2": Metadata, "169.254.170.23": Metadata, "100.100.100.200": Metadata, "192.0.0.192": Metadata,
	"168.63.129.16": Metadata, "fd00:ec2::254": Metadata, "fd00:ec2::23": Metadata, "fd20:ce::254": Metadata,
	"::ffff:169.254.169.254": Metadata, "::ffff:a9fe:a9fe": Metadata, "64:ff9b::a9fe:a9fe": Metadata, "fe80::a9fe:a9fe%eth0": Metadata,

	"224.0.0.1": Multicast, "239.255.255.255": Multicast, "ff02::1": Multicast, "ff0e::1": Multicast, "::ffff:224.0.0.1": Multicast,
	"0.0.0.0": Unspecified, "::": Unspecified, "::ffff:0.0.0.0": Unspecified, "64:ff9b::": Unspecified,

	"0.0.0.1": Reserved, "0.255.255.255": Reserved, "192.0.0.1": Reserved, "192.0.2.1": Reserved, "198.18.0.1": Reserved, "198.19.255.255": Reserved,
	"198.51.100.1": Reserved, "203.0.113.1": Reserved, "240.0.0.1": Reserved, "255.255.255.255": Reserved, "192.88.99.1": Reserved,
	"2001:db8::1": Reserved, "3fff::1": Reserved, "100::1": Reserved, "5f00::1": Reserved, "4000::1": Reserved, "1::": Reserved, "::1:0:0:0": Reserved,

	"::127.0.0.1": Tunnel, "::8.8.8.8": Tunnel, "::ffff:0:127.0.0.1": Tunnel, "2002:7f00:1::": Tunnel, "2002:a00:1::1": Tunnel,
	"2002:808:808::1": Tunnel, "2001:0:4136:e378::1": Tunnel, "64:ff9b:1::7f00:1": Tunnel, "64:ff9b::127.0.0.1": Tunnel, "64:ff9b::7fff:ffff": Tunnel, "2a00:1450::5efe:127.0.0.1": Tunnel,
	"2a00:1450::200:5efe:7f00:1": Tunnel,
}

func TestKindOf_EveryForm(t *testing.T) {
	for text, want := range forms {
		if got := KindOf(netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
	if got := KindOf(netip.Addr{}); got != Unreadable {
		t.Errorf("no address: %q", got)
	}
}

func TestPolicy_AllowsWhatItSays(t *testing.T) {
	for text, kind := range forms {
		a := netip.MustParseAddr(text)
		for _, tc := range []struct {
			name   string
			policy Policy
			want   bool
		}{
			{"zero", Policy{}, kind == Public},
			{"private", Policy{AllowPrivate: true}, kind == Public || kind == Private || kind == CGNAT || kind == LinkLocal},
			{"loopback", Policy{AllowLoopback: true}, kind == Public || kind == Loopback},
			{"only loopback", Policy{AllowPrivate: true, AllowLoopback: true, OnlyLoopback: true}, kind == Loopback},
		} {
			if err := tc.policy.Check(a); (err == nil) != tc.want {
				t.Errorf("%s, %s: %v", text, tc.name, err)
			}
		}
	}
	if (Policy{AllowPrivate: true, AllowLoopback: true}).Check(netip.Addr{}) == nil {
		t.Error("no address at all is allowed")
	}
}

// TestKindOf_WrappingDoesNotHelp wraps IPv4 addresses in every way there is; none
// makes a forbidden one public.
func TestKindOf_WrappingDoesNotHelp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v4 [4]byte
		copy(v4[:], rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
		if rapid.Bool().Draw(t, "loopback") {
			v4[0] = 127
		}
		bare := netip.AddrFrom4(v4)
		for _, prefix := range []string{"::ffff:0:0", "::", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "fe80::5efe:0:0", "2a00::5efe:0:0"} {
			b := netip.MustParseAddr(prefix).As16()
			copy(b[12:], v4[:])
			if got, want := KindOf(netip.AddrFrom16(b)), KindOf(bare); got == Public && want != Public {
				t.Fatalf("%s in %s is public", bare, prefix)
			}
		}
		for _, at := range []int{2, 12} { // 6to4, Teredo
			b := netip.MustParseAddr(map[int]string{2: "2002::", 12: "2001::"}[at]).As16()
			copy(b[at:], v4[:])
			if got := KindOf(netip.AddrFrom16(b)); got != Tunnel {
				t.Fatalf("%s is %q", netip.AddrFrom16(b), got)
			}
		}
	})
}

func FuzzPolicyCheck(f *testing.F) {
	for text := range forms {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return
		}
		bare := a.WithZone("").Unmap()
		forbidden := bare.IsLoopback() || bare.IsPrivate() || bare.IsLinkLocalUnicast() || bare.IsMulticast() || bare.IsUnspecified() ||
			bare.IsInterfaceLocalMulticast() || !bare.IsGlobalUnicast()
		if forbidden && (Policy{}).Check(a) == nil {
			t.Fatalf("%s may be dialled", text)
		}
	})
}

func BenchmarkPolicyCheck(b *testing.B) {
	a := netip.MustParseAddr("2606:4700::1111")
	for b.Loop() {
		if err := (Policy{}).Check(a); err != nil {
			b.Fatal(err)
		}
	}
}
