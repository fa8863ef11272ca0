//go:build !unix

package handover

import "net"

// readable returns true at once: it cannot be known without reading.
func readable(net.Conn) bool { return true }

// pending returns true: it cannot be known that nothing is.
func pending(net.Conn) bool { return true }
