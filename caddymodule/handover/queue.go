package handover

import (
	"net"
	"reflect"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// queueWait is for how long an old listener's queue is emptied.
const queueWait = 250 * time.Millisecond

// empty accepts for the heir what is in the queues of s's own sockets, and what
// still comes to them; the server itself accepts no more. After a reload the old
// and the new server each have a socket of the same address, and what the kernel
// has put into the old one's queue is reset when that is closed. So it is left
// open for queueWait. The kernel goes on filling it meanwhile: who connects in the
// instant of its end is reset. TLS is left to the server.
func (s *Server) empty() {
	if caddy.Exiting() || s.heir() == nil || handedOver(s.caddy.Listen) {
		return
	}
	for _, l := range s.caddy.Listeners() {
		if copied := bare(l); copied != nil {
			refuse(l)
			go s.acceptFrom(copied)
		}
	}
}

func (s *Server) acceptFrom(l *net.TCPListener) {
	defer l.Close()
	end := time.Now().Add(queueWait)
	_ = l.SetDeadline(end)
	for {
		conn, err := l.Accept()
		switch {
		case err == nil:
			go s.bequeath(conn)
		case time.Now().Before(end):
			time.Sleep(5 * time.Millisecond) // short of descriptors, perhaps
		default:
			return
		}
	}
}

// bare returns a copy of the kernel's listener in l, so that its socket stays when
// l is closed; nil if connections do not come from it as they are.
func bare(l net.Listener) *net.TCPListener {
	for {
		switch t := l.(type) {
		case *net.TCPListener:
			return anew(t)
		case nil:
			return nil
		}
		switch holder := reflect.Indirect(reflect.ValueOf(l)); holder.Type().String() {
		case "caddyhttp.http2Listener", "caddy.deleteListener":
			l, _ = holder.FieldByName("Listener").Interface().(net.Listener)
		default:
			return nil
		}
	}
}

func anew(l *net.TCPListener) *net.TCPListener {
	file, err := l.File()
	if err != nil {
		return nil
	}
	defer file.Close()
	copied, err := net.FileListener(file)
	if err != nil {
		return nil
	}
	tcp, _ := copied.(*net.TCPListener)
	return tcp
}
