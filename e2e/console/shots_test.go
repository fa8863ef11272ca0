package console

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
)

// artefacts is where screenshots go.
func artefacts() string {
	if dir := os.Getenv("AIMUX_ARTIFACTS"); dir != "" {
		return dir
	}
	return "screenshots"
}

// keep writes a picture of the page as it is.
func (p *tab) keep(name string) {
	ctx, cancel := context.WithTimeout(p.ctx, 10*time.Second)
	defer cancel()
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(artefacts(), 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(artefacts(), strings.ReplaceAll(name, "/", "-")+".png"), picture, 0o644)
	}
	if err != nil {
		p.t.Logf("no picture %s: %v", name, err)
	}
}
