package console

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/aimux/aimux/e2e/harness"
)

// patience bounds every wait for something that should happen soon. It is there
// for what never happens: what is only slow on a crowded machine is no failure.
const patience = time.Minute

// rebound is a name that leads to this machine, as after DNS rebinding.
const rebound = "rebound.example"

// chromium is the one browser process of the specs; nil: there is none.
var chromium context.Context

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	defer harness.RemoveBuilt()
	path := findChromium()
	if path == "" {
		return m.Run()
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.WindowSize(1440, 900),
		chromedp.Flag("host-resolver-rules", "MAP "+rebound+" 127.0.0.1"), chromedp.Flag("disable-gpu", true))
	if os.Geteuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	defer stop()
	ctx, cancel := chromedp.NewContext(allocator)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "starting Chromium:", err)
		return 1
	}
	chromium = ctx
	return m.Run()
}

// findChromium returns the path of a Chromium, or "".
func findChromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// needBrowser skips a spec where there is no Chromium.
func needBrowser(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("the browser is left out of -short")
	}
	if chromium == nil {
		t.Skip("there is no Chromium on this machine: apt-get install chromium")
	}
}

// A tab is a page of a browser profile of its own.
type tab struct {
	t        *testing.T
	ctx      context.Context
	forgiven []*regexp.Regexp

	mu       sync.Mutex
	troubles []string
}

// open starts a tab. What goes wrong in it fails the test at its end.
func open(t *testing.T) *tab {
	t.Helper()
	needBrowser(t)
	p := &tab{t: t}
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext(), chromedp.WithListener(p.listen))
	p.ctx = ctx
	t.Cleanup(cancel)
	t.Cleanup(p.verdict)
	must(t, "opening a tab", chromedp.Do(ctx, chromedp.EmulateViewport(1440, 900)))
	p.before(helpers)
	return p
}

func must(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// before runs a script in every page before its own.
func (p *tab) before(script string) {
	p.t.Helper()
	p.do("adding a script", chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script})
		return err
	}))
}

func (p *tab) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	must(p.t, what, chromedp.Do(ctx, actions...))
}

// listen collects what a developer would see as errors.
func (p *tab) listen(event any) {
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			p.trouble(e.Entry.Text + " " + e.Entry.URL)
		}
	case *runtime.EventExceptionThrown:
		p.trouble("exception: " + e.ExceptionDetails.Text + " " + exceptionText(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if kind := string(e.Type); kind == "error" || kind == "warning" || kind == "assert" {
			p.trouble("console: " + argumentText(e.Args))
		}
	}
}

func exceptionText(d *runtime.ExceptionDetails) string {
	if d.Exception == nil {
		return ""
	}
	return d.Exception.Description
}

func argumentText(args []*runtime.RemoteObject) string {
	var b strings.Builder
	for _, a := range args {
		b.WriteString(string(a.Value) + a.Description + " ")
	}
	return b.String()
}

func (p *tab) trouble(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.troubles = append(p.troubles, text)
}

// forgive lets errors pass that match: those the spec provokes.
func (p *tab) forgive(pattern string) { p.forgiven = append(p.forgiven, regexp.MustCompile(pattern)) }

// unforgiven returns the errors nobody expects.
func (p *tab) unforgiven() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
next:
	for _, text := range p.troubles {
		for _, f := range p.forgiven {
			if f.MatchString(text) {
				continue next
			}
		}
		out = append(out, text)
	}
	return out
}

// seen reports whether an error matched.
func (p *tab) seen(pattern string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return regexp.MustCompile(pattern).MatchString(strings.Join(p.troubles, "\n"))
}

func (p *tab) verdict() {
	for _, text := range p.unforgiven() {
		p.t.Errorf("the browser's console: %s", text)
	}
	if p.t.Failed() && p.ctx.Err() == nil {
		p.keep("failed-" + p.t.Name())
	}
}
