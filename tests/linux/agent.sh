#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# agent.sh FILE INIT [DIRECTIVE]...: makes an initrd in FILE of the guest's init, the
# program INIT, and of a /vmtool.conf with these lines; \t is a tab.

set -eu

out=$1 init=$2
shift 2
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cp "$init" "$dir/init"
printf '%b\n' "$@" > "$dir/vmtool.conf"
mkdir "$dir/dev"
mknod "$dir/dev/console" c 5 1 2>/dev/null || true
(cd "$dir" && find . | cpio -o -H newc --quiet) > "$out"
