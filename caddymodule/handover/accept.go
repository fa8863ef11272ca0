package handover

import (
	"net"
	"reflect"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// AcceptNoMore leaves what connects from now on in the kernel's queue, at servers
// whose sockets outlive this configuration or this process: the next one finds it
// there. A server that shuts down closes a connection whose first request it
// reads only then, without an answer; so it should have read what it has
// accepted. A server that has other addresses beside them is left as it is. It
// reports whether there are such sockets.
func (s *Servers) AcceptNoMore() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	stopped := false
	for server := range s.known {
		if !handedOver(server.Listen) {
			continue
		}
		for _, l := range server.Listeners() {
			stopped = refuse(l) || stopped
		}
	}
	return stopped
}

// refuse has the server accept no more from l. It reports whether it could.
func refuse(l net.Listener) bool {
	socket := socketOf(l)
	return socket != nil && socket.SetDeadline(time.Unix(1, 0)) == nil
}

// handedOver reports whether all addresses are sockets that the process was
// started with.
func handedOver(addresses []string) bool {
	for _, listen := range addresses {
		if address, err := caddy.ParseNetworkAddress(listen); err != nil || !address.IsFdNetwork() {
			return false
		}
	}
	return len(addresses) > 0
}

// socket is a listener of the kernel's. With a deadline in the past it accepts
// nothing, and net/http tries again, less and less often, until it shuts down.
type socket interface {
	net.Listener
	SetDeadline(t time.Time) error
}

// socketOf returns what is within l, in which Caddy, TLS and listener wrappers
// each embed the one before; nil if it hides.
func socketOf(l net.Listener) socket {
	for l != nil {
		if s, ok := l.(socket); ok {
			return s
		}
		holder := reflect.Indirect(reflect.ValueOf(l))
		if holder.Kind() != reflect.Struct {
			return nil
		}
		within := holder.FieldByName("Listener")
		if !within.IsValid() || !within.CanInterface() {
			return nil
		}
		l, _ = within.Interface().(net.Listener)
	}
	return nil
}
