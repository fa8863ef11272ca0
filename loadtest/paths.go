package main

import "context"

// The paths a request can take, in the order of the tables.
const (
	direct  = iota
	minimal // a net/http handler that passes requests on
	plain   // Caddy's reverse_proxy
	router  // a stand-in for the router that aimux replaces, on Node
	ours
	another // aimux as another program has it, such as an earlier one
)

var pathNames = [...]string{direct: "direct", minimal: "net/http", plain: "reverse_proxy", router: "node", ours: "aimux", another: "another aimux"}

// isGateway says that a path leads through aimux.
func isGateway(path int) bool { return path == ours || path == another }

// The usual choices of paths.
var (
	beside     = []int{direct, minimal, plain, ours}
	besideNode = []int{direct, minimal, plain, router, ours}
)

// paths are the processes of a comparison; the direct one is nil, as is one that cannot be had here.
type paths [len(pathNames)]*process

// startPaths starts what stands between client and provider, the Node router only if it is wanted and there is a node.
func (r *rig) startPaths(ctx context.Context, node bool) (paths, error) {
	var p paths
	starts := [len(pathNames)]func() (*process, error){
		minimal: r.startMinimal,
		plain:   func() (*process, error) { return r.startProxy(ctx) },
		ours:    func() (*process, error) { return r.startOurs(ctx) },
	}
	if node {
		starts[router] = r.startRouter
	}
	if r.against != "" {
		starts[another] = func() (*process, error) { return r.startAnother(ctx) }
	}
	for path, start := range starts {
		if start == nil {
			continue
		}
		var err error
		if p[path], err = start(); err != nil {
			p.stop()
			return p, err
		}
	}
	return p, nil
}

// startOurs starts aimux with the usual configuration.
func (r *rig) startOurs(ctx context.Context) (*process, error) {
	return r.startGateway(ctx, usualDocument(r.origins).trusting(r.ca), firstAlias)
}

// startAnother starts the other program with the same configuration.
func (r *rig) startAnother(ctx context.Context) (*process, error) {
	there := *r
	there.bin = r.against
	return there.startOurs(ctx)
}

func (p paths) stop() {
	for _, process := range p {
		process.stop()
	}
}

// present returns those of the paths that there are.
func (p paths) present(wanted []int) []int {
	var there []int
	for _, path := range wanted {
		if path == direct || p[path] != nil {
			there = append(there, path)
		}
	}
	return there
}

// base returns where a path begins.
func (r *rig) base(procs paths, path int) string {
	if procs[path] == nil {
		return r.upstream.url
	}
	return procs[path].url
}
