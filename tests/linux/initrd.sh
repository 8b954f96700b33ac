#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# initrd.sh FILE [NAME=TEXT]...: makes an initrd of busybox and the tests' init
# in FILE, with a file NAME that holds TEXT for each further argument. BUSYBOX names
# another busybox than this machine's.

set -eu

here=$(cd "$(dirname "$0")" && pwd)
out=$(readlink -f "$1")
shift
busybox=${BUSYBOX:-$(command -v busybox)} || { echo "initrd.sh: busybox is missing" >&2; exit 1; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir -p "$dir"/{bin,proc,sys,dev,tmp}
cp "$busybox" "$dir/bin/busybox"
# That of another architecture cannot be asked: init does the same.
[ "${BUSYBOX:-}" ] || for applet in $("$busybox" --list); do
	[ "$applet" = busybox ] || ln -s busybox "$dir/bin/$applet"
done
[ -e "$dir/bin/sh" ] || ln -s busybox "$dir/bin/sh"
cp "$here/init" "$dir/init"
for file; do
	printf '%s\n' "${file#*=}" > "$dir/${file%%=*}"
done
(cd "$dir" && find . | cpio -o -H newc --quiet) | gzip -1 > "$out"
