#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# completion.sh VMTOOL: what bash completes, as TAP. Needs no KVM.
set -u

vmtool=$(realpath "${1:?usage: completion.sh VMTOOL}")
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -m 700 "$dir/run" "$dir/files" "$dir/files/sub"
: > "$dir/files/bzImage"
: > "$dir/files/initrd.cpio"
export VMTOOL_RUNTIME_DIR=$dir/run
PATH=$(dirname "$vmtool"):$PATH
cd "$dir/files" || exit 1
# shellcheck source=/dev/null
. "$here/../completion/vmtool.bash"
# Only available while bash completes for real.
compopt() { :; }

n=0
failed=0

# complete_is WANTED WORD...: the last word is the one being typed
complete_is()
{
	local want=$1 got
	shift
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	COMPREPLY=()
	_vmtool vmtool
	got=$(printf '%s\n' "${COMPREPLY[@]+"${COMPREPLY[@]}"}" | sort | xargs)
	n=$((n + 1))
	if [ "$got" = "$want" ]; then
		echo "ok $n $*"
	else
		echo "not ok $n $*"
		echo "# wanted: $want"
		echo "# got:    $got"
		failed=1
	fi
}

echo "TAP version 13"
complete_is "version" vmtool ve
complete_is "resume run" vmtool r
complete_is "resume run" vmtool help r
complete_is "" vmtool nonsense ""
complete_is "--kernel" vmtool run --ker
complete_is "bzImage" vmtool run -k bz
complete_is "bzImage" vmtool run --kernel = bz
complete_is "bzImage initrd.cpio sub" vmtool run --kernel =
complete_is "initrd.cpio" vmtool run -c 2 -i in
complete_is "sub" vmtool run --dump-acpi ""
complete_is "exit reset" vmtool run --on-reboot ""
complete_is "exit" vmtool run --on-reboot = e
complete_is "" vmtool run --name ""
complete_is "" vmtool run -m ""
complete_is "bzImage" vmtool run b
complete_is "--all --force --help --name --timeout" vmtool stop -
complete_is "--json" vmtool list --j
complete_is "" vmtool stop -n ""
complete_is "" vmtool stop ""
echo "1..$n"
exit $failed
