package caddymodule

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// admits refuses to serve strangers: without client keys only this machine may
// reach the gateway, and every address its server listens on must be a loopback
// address or a socket.
func (a *App) admits(ctx caddy.Context) error {
	server, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	if !ok {
		return nil // not below a server: nothing listens
	}
	for _, listen := range server.Listen {
		if open, err := reachable(listen); err != nil {
			return fmt.Errorf("listener address %q: %w", listen, err)
		} else if a.public = a.public || open; open && !a.live.now().guarded {
			return fmt.Errorf("aimux has no client keys, and %s can be reached from other machines: everybody there could spend your provider keys. "+
				"Make a key with `aimux clients create NAME`, or keep the listener on this machine with `bind 127.0.0.1`", shownListener(listen))
		}
	}
	return nil
}

// reachable reports whether other machines can reach a listener address.
func reachable(listen string) (bool, error) {
	address, err := caddy.ParseNetworkAddress(listen)
	if err != nil {
		return false, err
	}
	if address.IsUnixNetwork() {
		return false, nil
	}
	if address.IsFdNetwork() {
		return inherited(address.Host)
	}
	if address.Host == "localhost" {
		return false, nil
	}
	ip, err := netip.ParseAddr(strings.Trim(address.Host, "[]"))
	if err != nil && address.Host != "" {
		return true, nil // a name: it may lead anywhere
	}
	return !ip.IsLoopback(), nil
}

// sockets keeps inherited files from being closed by the collector: each is made
// once, since one that is thrown away closes its descriptor.
var sockets struct {
	sync.Mutex
	files map[uintptr]*os.File
}

// socket is the file of an inherited descriptor.
func socket(fd uintptr) *os.File {
	sockets.Lock()
	defer sockets.Unlock()
	file := sockets.files[fd]
	if file == nil {
		file = os.NewFile(fd, fmt.Sprint("socket ", fd))
		if sockets.files == nil {
			sockets.files = map[uintptr]*os.File{}
		}
		sockets.files[fd] = file
	}
	return file
}

// inherited reports whether other machines can reach a socket this process was
// started with, as systemd's socket activation does.
func inherited(number string) (bool, error) {
	fd, err := strconv.ParseUint(number, 10, 16)
	if err != nil {
		return false, fmt.Errorf("%q is not the number of an inherited socket", number)
	}
	listener, err := net.FileListener(socket(uintptr(fd))) // a copy
	if err != nil {
		return false, err
	}
	defer listener.Close()
	tcp, ok := listener.Addr().(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback(), nil
}

func shownListener(listen string) string {
	if strings.HasPrefix(listen, ":") {
		return "the listener " + listen + " (all addresses)"
	}
	return "the listener " + listen
}
