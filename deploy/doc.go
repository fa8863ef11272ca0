// Package deploy holds what runs aimux on machines of all kinds: systemd and
// launchd units, a container, Kubernetes manifests and install scripts. There is
// no code in it but the tests that hold them right.
package deploy
