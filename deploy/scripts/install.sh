#!/bin/sh
# Installs aimux as a system service on Linux with systemd. Run as root:
#
#	deploy/scripts/install.sh [--binary bin/aimux-slim] [--root DIR] [--no-start]
#
# Nothing that is there already is overwritten but the binary and the units. With
# --root everything goes below DIR and nothing is started: for packages and for
# tests.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
binary= root= start=yes
while [ $# -gt 0 ]; do
	case $1 in
	--binary) binary=${2:?"--binary needs a path"}; shift 2 ;;
	--root) root=${2:?"--root needs a directory"}; start=no; shift 2 ;;
	--no-start) start=no; shift ;;
	-h | --help) sed -n '2,8p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
	*) echo "install.sh: unknown argument $1 (there are --binary, --root, --no-start)" >&2; exit 2 ;;
	esac
done
if [ -z "$binary" ]; then
	for candidate in "$here/../aimux" "$here/../bin/aimux-slim" "$here/../bin/aimux"; do
		if [ -x "$candidate" ]; then binary=$candidate; break; fi
	done
fi
if [ -z "$binary" ] || [ ! -x "$binary" ]; then
	echo "install.sh: no binary found; build one with 'make build-slim' or name it with --binary" >&2
	exit 1
fi
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
	echo "install.sh: installing a system service takes root; run it with sudo, or see 'aimux service install' for a service of your own" >&2
	exit 1
fi

put() { # put MODE FROM TO: replaces TO at once
	mkdir -p "$(dirname "$root$3")"
	cp "$2" "$root$3.new"
	chmod "$1" "$root$3.new"
	mv -f "$root$3.new" "$root$3"
	echo "  $3"
}
keep() { # keep MODE FROM TO: leaves an existing TO alone
	if [ -e "$root$3" ]; then echo "  $3 (kept)"; else put "$1" "$2" "$3"; fi
}

echo "Installing:"
put 0755 "$binary" /usr/bin/aimux
put 0644 "$here/systemd/aimux.service" /usr/lib/systemd/system/aimux.service
put 0644 "$here/systemd/aimux.socket" /usr/lib/systemd/system/aimux.socket
put 0644 "$here/systemd/sysusers.conf" /usr/lib/sysusers.d/aimux.conf
keep 0644 "$here/Caddyfile" /etc/aimux/Caddyfile
if [ ! -e "$root/etc/aimux/vault.key" ]; then
	# 32 random bytes in base64: the key that opens the vault.
	(umask 077 && head -c 32 /dev/urandom | base64 | tr -d '\n' >"$root/etc/aimux/vault.key")
	echo "  /etc/aimux/vault.key (new; keep a copy of it away from your backups)"
else
	echo "  /etc/aimux/vault.key (kept)"
fi
if [ ! -e "$root/etc/aimux/environment" ]; then
	(umask 077 && printf '# Provider keys, one a line: ZAI_API_KEY=...\n' >"$root/etc/aimux/environment")
	echo "  /etc/aimux/environment"
fi

if [ "$start" = yes ]; then
	systemd-sysusers
	systemctl daemon-reload
	systemctl enable aimux.service
	systemctl restart aimux.service
	systemctl --no-pager --lines=5 status aimux.service
fi
