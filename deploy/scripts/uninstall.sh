#!/bin/sh
# Removes what install.sh installed. Configuration, keys and data stay, unless
# --purge is given:
#
#	deploy/scripts/uninstall.sh [--purge] [--root DIR]
set -eu

root= purge=no
while [ $# -gt 0 ]; do
	case $1 in
	--root) root=${2:?"--root needs a directory"}; shift 2 ;;
	--purge) purge=yes; shift ;;
	-h | --help) sed -n '2,5p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
	*) echo "uninstall.sh: unknown argument $1 (there are --purge and --root)" >&2; exit 2 ;;
	esac
done
if [ -z "$root" ]; then
	if [ "$(id -u)" -ne 0 ]; then
		echo "uninstall.sh: this takes root; run it with sudo" >&2
		exit 1
	fi
	systemctl disable --now aimux.socket aimux.service 2>/dev/null || true
fi
for file in /usr/bin/aimux /usr/lib/systemd/system/aimux.service /usr/lib/systemd/system/aimux.socket /usr/lib/sysusers.d/aimux.conf; do
	rm -f "$root$file" && echo "  removed $file"
done
if [ "$purge" = yes ]; then
	rm -rf "$root/etc/aimux" "$root/var/lib/aimux" && echo "  removed /etc/aimux and /var/lib/aimux"
else
	echo "  kept /etc/aimux and /var/lib/aimux (--purge removes them)"
fi
if [ -z "$root" ]; then systemctl daemon-reload; fi
