package harness

import (
	"bytes"
	"encoding/json"
	"net"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Line is a bad line in front of an address: a toxiproxy inside this process.
type Line struct {
	t     T
	proxy *toxiproxy.Proxy
}

// NewLine begins to pass connections on to an address, unharmed until a
// trouble is added. It ends with the test.
func NewLine(t T, to string) *Line {
	t.Helper()
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	l := &Line{t: t, proxy: toxiproxy.NewProxy(server, "line", "127.0.0.1:0", to)}
	if err := l.proxy.Start(); err != nil {
		t.Fatalf("starting a line: %v", err)
	}
	t.Cleanup(l.proxy.Stop)
	return l
}

// URL returns where the line begins, as a base URL.
func (l *Line) URL() string { return "http://" + net.JoinHostPort("127.0.0.1", l.port()) }

func (l *Line) port() string {
	_, port, err := net.SplitHostPort(l.proxy.Listen)
	if err != nil {
		l.t.Fatalf("the line listens nowhere: %v", err)
	}
	return port
}

// Trouble adds a toxic to what flows back to the gateway: its kind (latency,
// bandwidth, slicer, timeout, reset_peer, limit_data, slow_close) and the
// attributes it takes.
func (l *Line) Trouble(kind string, attributes map[string]int) {
	l.t.Helper()
	data, err := json.Marshal(struct {
		Type       string         `json:"type"`
		Attributes map[string]int `json:"attributes"`
	}{kind, attributes})
	if err != nil {
		l.t.Fatalf("describing a trouble: %v", err)
	}
	if _, err := l.proxy.Toxics.AddToxicJson(bytes.NewReader(data)); err != nil {
		l.t.Fatalf("adding %s: %v", kind, err)
	}
}

// Break closes every connection at once and takes new ones, as a server does
// that starts anew.
func (l *Line) Break() {
	l.t.Helper()
	l.proxy.Stop()
	if err := l.proxy.Start(); err != nil {
		l.t.Fatalf("starting a line again: %v", err)
	}
}
