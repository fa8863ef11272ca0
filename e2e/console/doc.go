// Package console holds the specs of the web console in a real browser: the
// built aimux binary, simulated providers behind it, and Chromium in front,
// driven by the DevTools protocol.
//
//	go test ./e2e/console                                  all of them
//	AIMUX_BIN=/path/to/aimux go test ./e2e/console         another binary
//	AIMUX_ARTIFACTS=/some/dir go test ./e2e/console        where screenshots go
//	AIMUX_CONSOLE_FIGURES=1 go test ./e2e/console -run Figures -v
//
// Without a Chromium on this machine everything is skipped. Every spec has a
// gateway, providers and a browser profile of its own; one browser process
// serves them all. A spec fails when the browser's console shows an error or
// the content security policy was violated, unless the spec expects it.
//
// Screenshots go to e2e/console/screenshots, which git ignores.
package console
