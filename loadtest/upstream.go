package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aimux/aimux/caddymodule/simulator"
)

// origins is how many addresses the provider has; the last is the one that can be slowed down. A gateway rightly takes
// providers at one address for the same thing and learns about their health together, so those that are to differ need
// addresses of their own.
const origins = 6

// serveUpstream is the provider's process. A line with a duration in its input slows the last address down by so much.
func serveUpstream(in io.Reader, out io.Writer) error {
	server := simulator.New(simulator.Options{MaxRecords: -1})
	var urls []string
	for range origins - 1 {
		listener, err := simulator.Start(server, simulator.ListenOptions{})
		if err != nil {
			return err
		}
		defer listener.Close()
		urls = append(urls, listener.URL())
	}
	tired := &slowed{next: server}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	slow := &http.Server{Handler: tired, ReadHeaderTimeout: patience}
	defer slow.Close()
	go func() { _ = slow.Serve(listener) }()
	urls = append(urls, "http://"+listener.Addr().String())
	if _, err := fmt.Fprintln(out, strings.Join(urls, " ")); err != nil {
		return err
	}
	return tired.obey(in)
}

// slowed is a handler that waits before each answer.
type slowed struct {
	next http.Handler
	by   atomic.Int64 // nanoseconds
}

// ServeHTTP waits and answers.
func (s *slowed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if d := time.Duration(s.by.Load()); d > 0 {
		select {
		case <-time.After(d):
		case <-r.Context().Done():
			return
		}
	}
	s.next.ServeHTTP(w, r)
}

// obey reads durations, a line each, until the input ends.
func (s *slowed) obey(in io.Reader) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		d, err := time.ParseDuration(lines.Text())
		if err != nil {
			return fmt.Errorf("slowing down: %w", err)
		}
		s.by.Store(int64(d))
	}
	return lines.Err()
}

// startUpstream runs the provider and notes its addresses in r.origins.
func (r *rig) startUpstream() (*process, error) {
	p, said, err := r.startRole(r.others, "-role", upstreamRole)
	if err != nil {
		return nil, err
	}
	if len(said) != origins {
		p.stop()
		return nil, errors.New("starting the provider: it has too few addresses")
	}
	r.origins = said
	return p, nil
}

// slow has the provider's last address answer later by d from now on.
func (r *rig) slow(d time.Duration) error {
	_, err := fmt.Fprintln(r.upstream.control, d)
	return err
}
