package harness

import (
	"net"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/net/dns/dnsmessage"
)

// Names is a DNS server of a test: every name below its domain is this machine
// unless it was pointed elsewhere, no other name exists.
type Names struct {
	domain string
	socket net.PacketConn
	asked  atomic.Int64
	moved  sync.Map // name, in lower case: [4]byte
}

// ServeNames answers DNS questions on a UDP address until the test ends.
// domain has no dot at its ends, as in example.com.
func ServeNames(t T, address, domain string) *Names {
	t.Helper()
	socket, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatalf("serving names: %v", err)
	}
	n := &Names{domain: domain, socket: socket}
	t.Cleanup(func() { socket.Close() })
	go n.serve()
	return n
}

// Point gives a name below the domain an address from now on.
func (n *Names) Point(name string, address [4]byte) { n.moved.Store(name, address) }

// address is where a name leads.
func (n *Names) address(name string) [4]byte {
	if moved, ok := n.moved.Load(strings.ToLower(strings.TrimSuffix(name, "."))); ok {
		return moved.([4]byte)
	}
	return [4]byte{127, 0, 0, 1}
}

// Asked returns how many questions were answered with an address.
func (n *Names) Asked() int { return int(n.asked.Load()) }

func (n *Names) serve() {
	buffer := make([]byte, 1500)
	for {
		size, from, err := n.socket.ReadFrom(buffer)
		if err != nil {
			return // closed
		}
		if answer, ok := n.answer(buffer[:size]); ok {
			_, _ = n.socket.WriteTo(answer, from)
		}
	}
}

// answer makes the reply to one question, as RFC 1035 section 4 writes it. A
// question for anything but an IPv4 address has an empty answer.
func (n *Names) answer(question []byte) ([]byte, bool) {
	var parser dnsmessage.Parser
	header, err := parser.Start(question)
	if err != nil {
		return nil, false
	}
	q, err := parser.Question()
	if err != nil {
		return nil, false
	}
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired, RecursionAvailable: true},
		Questions: []dnsmessage.Question{q},
	}
	switch {
	case !n.knows(q.Name.String()):
		reply.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		n.asked.Add(1)
		reply.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1},
			Body:   &dnsmessage.AResource{A: n.address(q.Name.String())},
		}}
	}
	packed, err := reply.Pack()
	return packed, err == nil
}

func (n *Names) knows(name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	return name == n.domain || strings.HasSuffix(name, "."+n.domain)
}
