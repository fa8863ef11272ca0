// Package deploy holds what runs aimux on machines of all kinds: systemd and
// launchd units, a container, Kubernetes manifests and install scripts. Text
// returns those that the binary itself installs; tests hold all of them right.
package deploy
