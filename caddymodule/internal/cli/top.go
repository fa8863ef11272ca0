package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/aimux/aimux/caddymodule/internal/console"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// top is `aimux top`.
func (h *Host) top(cmd *cobra.Command) {
	cmd.Use = "top"
	cmd.Short = "Shows providers, keys and requests as they go, every second"
	cmd.Long = "Shows the figures of the last minute, the providers, the keys that do not just work, and the last requests, and draws them anew every second until Ctrl-C. " +
		"In a pipe it shows them once."
	cmd.Example = examples("aimux top", "aimux top --interval 5s", "aimux top > now.txt")
	cmd.Args = takes()
	h.flags(cmd)
	every := cmd.Flags().Duration("interval", time.Second, "how often to draw")
	cmd.RunE = h.run(func(s *session, _ []string) error {
		if *every < 100*time.Millisecond {
			return usagef("--interval takes 100ms and more")
		}
		if s.json() || !isTerminal(s.out) {
			return s.frame(s.out, 1000)
		}
		return s.live(*every)
	})
}

// The escape sequences of a terminal that top uses.
const (
	screenOpen  = "\x1b[?1049h\x1b[?25l"
	screenClose = "\x1b[?25h\x1b[?1049l"
	screenHome  = "\x1b[H"
	lineEnd     = "\x1b[K\n"
	screenRest  = "\x1b[J"
)

// live draws until it is interrupted. Each frame is written at once, so that
// nothing flickers.
func (s *session) live(every time.Duration) error {
	ctx, stop := signal.NotifyContext(s.ctx, os.Interrupt)
	defer stop()
	s.ctx = ctx
	fmt.Fprint(s.out, screenOpen)
	defer fmt.Fprint(s.out, screenClose)
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		if err := s.draw(); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *session) draw() error {
	width, height := 120, 40
	if file, ok := s.out.(*os.File); ok {
		if w, h, err := term.GetSize(int(file.Fd())); err == nil {
			width, height = w, h
		}
	}
	var b bytes.Buffer
	if err := s.frame(&b, height-1); err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
	for i, line := range lines {
		lines[i] = cut(line, width)
	}
	_, err := io.WriteString(s.out, screenHome+strings.Join(lines, lineEnd)+lineEnd+screenRest)
	return err
}

// cut keeps what of a line fits, counting no colours.
func cut(line string, width int) string {
	n, escape := 0, false
	for i, r := range line {
		switch {
		case r == '\x1b':
			escape = true
		case escape:
			escape = r != 'm'
		default:
			if n++; n > width {
				return line[:i] + "\x1b[0m"
			}
		}
	}
	return line
}

// snapshot is what one frame shows.
type snapshot struct {
	Figures   console.Figures
	Providers []console.Provider
	Requests  []console.Request
}

func (s *session) snapshot(ctx context.Context, requests int) (*snapshot, error) {
	a, err := s.api()
	if err != nil {
		return nil, err
	}
	var snap snapshot
	if err := a.get(ctx, "/api/metrics", url.Values{"window": {"1m"}}, &snap.Figures); err != nil {
		return nil, err
	}
	if snap.Providers, err = s.allProviders(); err != nil {
		return nil, err
	}
	var got struct{ Requests []console.Request }
	err = a.get(ctx, "/api/requests", url.Values{"limit": {fmt.Sprint(min(max(requests, 5), 100))}}, &got)
	snap.Requests = got.Requests
	return &snap, err
}

// frame writes what top shows in as many lines, or a few more.
func (s *session) frame(w io.Writer, height int) error {
	snap, err := s.snapshot(s.ctx, min(height, 20))
	if err != nil {
		return err
	}
	if s.json() {
		return s.frameJSON(snap)
	}
	view := *s
	view.out = w
	f := &snap.Figures
	fmt.Fprintf(w, "%s  %s requests/s, %d in flight, %s well, first token %s (p50) %s (p95), %s tokens/s, %d failovers\n\n",
		s.paint(bold, "aimux "+s.host.Now().UTC().Format("15:04:05Z")), perSecond(f.RequestsPerSecond), f.InFlight, percent(f.SuccessRate), millis(f.TTFT.P50), millis(f.TTFT.P95),
		perSecond(f.TokensPerSecond), f.Failovers)
	if err := view.printProviders(snap.Providers); err != nil {
		return err
	}
	var keys []console.Key
	for _, p := range snap.Providers {
		for _, k := range p.Keys {
			if k.State != "ready" || k.InFlight > 0 {
				keys = append(keys, k)
			}
		}
	}
	if len(keys) > 0 {
		fmt.Fprintln(w)
		if err := view.printKeys(keys); err != nil {
			return err
		}
	}
	left := height - len(snap.Providers) - len(keys) - 7
	if len(snap.Requests) == 0 || left < 1 {
		return nil
	}
	fmt.Fprintln(w)
	return view.printRequests(snap.Requests[:min(left, len(snap.Requests))])
}

// frameJSON prints the answers behind a frame.
func (s *session) frameJSON(snap *snapshot) error {
	data, err := encode(map[string]any{"metrics": snap.Figures, "providers": snap.Providers, "requests": snap.Requests})
	if err != nil {
		return err
	}
	return s.printJSON(data)
}
