package deploy

import "embed"

// files are what `aimux init` and `aimux service` write.
//
//go:embed Caddyfile user/Caddyfile systemd/aimux.service systemd/aimux.socket systemd/sysusers.conf systemd/aimux.user.service launchd/io.aimux.plist
var files embed.FS

// Text returns a file of this directory that is part of the binary, such as
// "systemd/aimux.service". It panics if there is none.
func Text(name string) string {
	data, err := files.ReadFile(name)
	if err != nil {
		panic(err) // a mistake of the caller
	}
	return string(data)
}
