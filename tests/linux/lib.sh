# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What tests with Linux guests have in common. Groups of cases run on a machine with
# KVM, each group on one of its own. Sourced by SCRIPT_test.sh, which sets $script (its
# path), $here and $groups, and $dir: where guests' files are.
#
# TEST_ARCH	architecture of the machine: x86 (default), arm or powerpc. Cases are the
#		same for all; what one lacks is behind on_x86 or in $x86_groups. On others
#		than x86 the kernel is Debian's, but for those that say so.
# TEST_SET	all: also what is the same code as another case: on others than x86 (see
#		at_length), and of virtio devices (see virtio_test.sh)

arch=${TEST_ARCH:-x86}
layer=

# fetch_foreign: outside, on another architecture than x86: sets $layer, its user land,
# $debian, Debian's kernel, and BUSYBOX.
fetch_foreign() {
	. "$here/host/foreign.sh" || return
	layer=$(foreign_userland "$arch") && debian=$(cache_debian_kernel "$arch") &&
	BUSYBOX=$(cache_deb "$(cache_debian_arch "$arch")" busybox-static)/bin/busybox || return
	export BUSYBOX
	ln -s "$debian/vmlinuz" "$dir/bzImage" && ln -s "$debian/vmlinuz" "$dir/debian" &&
	ln -s "$debian" "$dir/debian.d" && ln -s "$layer" "$dir/root"
}

# run_group GROUP[+GROUP]...: runs it, or all of them one after the other, on a machine
# with KVM; the results go to $dir/GROUP.tap. An
# emulated host that hangs or dies says nothing of vmtool: another one is tried then,
# and that is said. With again=y so is one where something failed: guests stand still
# now and then in an emulated host; what fails twice has failed.
run_group() {
	local group=$1 tap=$dir/$1.tap notes=$dir/$1.notes try

	: > "$notes"
	for try in 1 2 3; do
		"$here/kvmhost" --arch "$arch" ${layer:+--layer "$layer"} --mem 6G -- env \
			LINUX_TEST_DIR="$dir" LINUX_TESTS="${group//+/ }" TEST_ARCH="$arch" \
			TEST_SET="${TEST_SET:-}" VMTOOL="$VMTOOL" "$script" > "$tap" < /dev/null
		case $?,${again:-} in
		125,*) echo "# $group: the KVM host failed, try $try of 3" >> "$notes" ;;
		0, | 0,y | *,) break ;;
		*)
			[ $try = 1 ] || break
			grep -A1 '^not ok' "$tap" | sed "s/^/# $group, first try: /" >> "$notes" ;;
		esac
	done
	grep -q '^1\.\.' "$tap" || echo "not ok 0 $group: did not run to its end" >> "$tap"
}

# Prints the results of a group, numbered anew.
print_group() {
	local tap=$dir/$1.tap

	cat "$dir/$1.notes"
	awk -v nr="$nr" '/^ok / { $2 = ++nr } /^not ok / { $3 = ++nr }
			 !/^(TAP|1\.\.)/ { print }' "$tap"
	nr=$((nr + $(grep -cE '^(not )?ok ' "$tap")))
	! grep -q '^not ok' "$tap" || failed=1
}

# run_groups: all of $groups; the status is 0 when nothing failed. As many run at a
# time as there are CPUs, each in an emulated host of its own. On this machine's own
# KVM they would share the network and the CIDs of vsock: there one runs at a time.
run_groups() {
	local group i at_once
	declare -A job

	at_once=$(nproc)
	! (. "$here/host/direct.sh" && direct_possible) || at_once=1

	echo "TAP version 13"
	nr=0
	failed=0
	mkfifo "$dir/turns" && exec 6<> "$dir/turns" || return
	for ((i = 0; i < at_once; i++)); do
		echo >&6
	done
	for group in $groups; do
		read -ru 6
		{ run_group "$group"; echo >&6; } &
		job[$group]=$!
	done
	for group in $groups; do
		wait "${job[$group]}"
		print_group "$group"
	done
	echo "1..$nr"
	[ $failed = 0 ]
}

# --- inside ---------------------------------------------------------------------

# enter: on the machine with KVM, before the first case.
enter() {
	work=$(mktemp -d)
	VMTOOL_RUNTIME_DIR=$work/run
	export VMTOOL_RUNTIME_DIR
	mkdir -m 700 "$VMTOOL_RUNTIME_DIR"
	trap 'rm -rf "$work"' EXIT
	initrd=$dir/initrd
	nr=0
	failed=0
	last=$EPOCHREALTIME
}

# do_groups: calls group_NAME for each of $groups, inside.
do_groups() {
	local group

	echo "TAP version 13"
	for group in $groups; do
		group_"$group"
	done
	echo "1..$nr"
	[ $failed = 0 ]
}

# on_x86 COMMAND...: what only x86 has, or is enough to be tried there.
on_x86() { [ "$arch" != x86 ] || "$@"; }

# at_length COMMAND...: what is the same code on all architectures, or much the same as
# another case: on others than x86 only where all was asked for.
at_length() { [ "$arch" != x86 ] && [ "${TEST_SET:-}" != all ] || "$@"; }

# What a case has cost.
took() {
	local now=$EPOCHREALTIME tenths

	tenths=$(((${now/./} - ${last/./}) / 100000))
	last=$now
	[ $tenths -lt 10 ] || echo "# $((tenths / 10)).$((tenths % 10)) s"
}

ok() { nr=$((nr + 1)); echo "ok $nr $1"; took; }

not_ok() {
	nr=$((nr + 1))
	failed=$((failed + 1))
	echo "not ok $nr $1"
	printf '# %s\n' "$2"
	tail -n 25 "$work/out" 2>/dev/null | tr -d '\r' | sed 's/^/# | /'
	took
}

# guest STATUS PATTERN NAME OPTIONS...: a guest without input ends with STATUS and
# has printed PATTERN (extended, may be empty). It boots with $initrd, if that is set.
guest() {
	local want=$1 pattern=$2 name=$3 status

	shift 3
	timeout -k 5 120 "$VMTOOL" run ${initrd:+-i "$initrd"} "$@" \
		> "$work/out" 2>&1 < /dev/null
	status=$?
	if [ $status != "$want" ]; then
		not_ok "$name" "status $status, not $want"
	elif [ -n "$pattern" ] && ! tr -d '\r' < "$work/out" | grep -qE "$pattern"; then
		not_ok "$name" "nothing printed matches: $pattern"
	elif [ -n "$(ls -A "$VMTOOL_RUNTIME_DIR")" ]; then
		not_ok "$name" "left behind: $(ls -A "$VMTOOL_RUNTIME_DIR")"
	else
		ok "$name"
	fi
}

# A conversation with a guest on a pipe: expect(TEXT) and tell(TEXT).
start() {
	mkfifo "$work/in" "$work/log.pipe"
	"$VMTOOL" run ${initrd:+-i "$initrd"} "$@" < "$work/in" > "$work/out" 2>&1 &
	pid=$!
	exec 9> "$work/in"
}

expect() {
	local i

	for ((i = 0; i < 600; i++)); do
		[ "$(grep -acE "$1" "$work/out")" -ge "${2:-1}" ] && return 0
		kill -0 $pid 2>/dev/null || break
		sleep 0.5
	done
	[ "$(grep -acE "$1" "$work/out")" -ge "${2:-1}" ]
}

tell() { printf '%s\n' "$1" >&9; }

finish() {
	local i status

	exec 9>&-
	for ((i = 0; i < 240; i++)); do
		kill -0 $pid 2>/dev/null || break
		sleep 0.5
	done
	kill -9 $pid 2>/dev/null
	wait $pid
	status=$?
	rm -f "$work/in" "$work/log.pipe"
	return $status
}

check() {
	local name=$1

	shift
	if "$@" > "$work/cmd" 2>&1; then
		ok "$name"
	else
		not_ok "$name" "$* failed: $(head -n 3 "$work/cmd" | tr '\n' '|')"
	fi
}
