package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"

	_ "embed"
)

// forwarder is the least that a Go program can do to pass requests on: a handler, a transport, a copy loop that flushes
// what it has read. It is the yardstick for what net/http itself costs.
type forwarder struct {
	to        *url.URL
	transport http.RoundTripper
	buffers   sync.Pool // of *[]byte
}

// newForwarder passes requests on to an address, trusting the certificates in the file ca, "" for the system's.
func newForwarder(to, ca string) (*forwarder, error) {
	target, err := url.Parse(to)
	if err != nil || target.Host == "" {
		return nil, fmt.Errorf("passing on to %q: no address", to)
	}
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 4096}
	if ca != "" {
		pool, err := readPool(ca)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig, transport.ForceAttemptHTTP2 = &tls.Config{RootCAs: pool}, true
	}
	f := &forwarder{to: target, transport: transport}
	f.buffers.New = func() any {
		b := make([]byte, 4<<10)
		return &b
	}
	return f, nil
}

// ServeHTTP passes a request on.
func (f *forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Else the server takes what is left of the request away from the transport, its end among it, when the answer begins,
	// and the transport gives up.
	_ = http.NewResponseController(w).EnableFullDuplex()
	to := *r.URL
	to.Scheme, to.Host = f.to.Scheme, f.to.Host
	out := &http.Request{Method: r.Method, URL: &to, Header: r.Header, Body: r.Body, ContentLength: r.ContentLength}
	answer, err := f.transport.RoundTrip(out.WithContext(r.Context()))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer answer.Body.Close()
	for name, values := range answer.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.StatusCode)
	f.copy(w, answer)
}

// copy sends the answer's body; a stream piece by piece.
func (f *forwarder) copy(w http.ResponseWriter, answer *http.Response) {
	buffer := f.buffers.Get().(*[]byte)
	defer f.buffers.Put(buffer)
	flush := func() {}
	if flusher, ok := w.(http.Flusher); ok && answer.ContentLength < 0 {
		flush = flusher.Flush
	}
	for {
		n, err := answer.Body.Read(*buffer)
		if n > 0 {
			if _, failed := w.Write((*buffer)[:n]); failed != nil {
				return
			}
			flush()
		}
		if err != nil {
			return
		}
	}
}

// serveMinimal is the process of a forwarder before to. It says at /metrics what it allocates.
func serveMinimal(to, ca string, in io.Reader, out io.Writer) error {
	f, err := newForwarder(to, ca)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", f)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		writeHeap(w, heapCounts{float64(m.Mallocs), float64(m.TotalAlloc)})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	defer server.Close()
	go func() { _ = server.Serve(listener) }()
	if _, err := fmt.Fprintln(out, "http://"+listener.Addr().String()); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// startMinimal runs a forwarder before the provider.
func (r *rig) startMinimal() (*process, error) {
	p, _, err := r.startRole(r.tested, "-role", minimalRole, "-ca", r.ca, "-to", r.upstream.url)
	if err != nil {
		return nil, err
	}
	p.admin = p.url
	return p, nil
}

//go:embed node/router.mjs
var routerSource []byte

// startRouter runs the stand-in for the router that aimux replaces, nil where there is no node.
func (r *rig) startRouter() (*process, error) {
	node, err := exec.LookPath("node")
	if err != nil {
		return nil, nil
	}
	file := filepath.Join(r.dir, "router.mjs")
	if err := writeFile(file, func(w io.Writer) error {
		_, err := w.Write(routerSource)
		return err
	}); err != nil {
		return nil, err
	}
	p, _, err := r.startServer(exec.Command(node, file, r.upstream.url), r.tested)
	return p, err
}
