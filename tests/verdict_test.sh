#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Guests that go wrong, and what vmtool says of it: the status, the file of --verdict
# with the kernel's report in it, and lines of the source. Runs on a KVM host; where
# this machine is none, it starts itself again in the emulated one.
#
# VMTOOL		the vmtool to test
# TEST_ARCH		architecture of the KVM host (see linux/lib.sh)
# VERDICT_TESTS	names of the groups to run (default: all)

set -u

here=$(cd "$(dirname "$0")" && pwd)
VMTOOL=$(readlink -f "${VMTOOL:-$here/../vmtool}")
export VMTOOL

script=$here/verdict_test.sh
again=y
. "$here/linux/lib.sh"
all_groups=fatal+complaints+hangs
[ "$arch" != x86 ] || all_groups="fatal complaints hangs"
groups=${LINUX_TESTS:-${VERDICT_TESTS:-$all_groups}}

# --- outside: fetch what is needed, then go to a machine with KVM ----------------
if [ -z "${LINUX_TEST_DIR:-}" ]; then
	. "$here/host/cache.sh"
	. "$here/host/kernel.sh"
	cache_packages busybox-static cpio python3 jq binutils >&2 || exit 1
	dir=$(mktemp -d /var/tmp/vmtool-verdict.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
	# One kernel of which lines of the source are known, on all.
	name=6.1$([ "$arch" = x86 ] || echo "-$arch")-verdict
	[ "$arch" = x86 ] || fetch_foreign || exit 1
	built=$(cache_build_kernel "$name") || exit 1
	"$here/linux/initrd.sh" "$dir/initrd" || exit 1
	image=$(kernel_image "$name")
	ln -sf "$built/${image##*/}" "$dir/bzImage"
	ln -s "$built/vmlinux" "$dir/vmlinux"
	run_groups
	exit
fi

# --- inside ---------------------------------------------------------------------
dir=$LINUX_TEST_DIR
enter
# From the outside, line information takes a minute to read.
mkdir "$work/kernel" "$work/bare" && cp -L "$dir/bzImage" "$dir/vmlinux" "$work/kernel" &&
	cp "$work/kernel/bzImage" "$work/bare" || exit 125
kernel=$work/kernel
bare=$work/bare
mem=256M
# How a report's line of the faulting function begins.
at="RIP: 0010:"
[ "$arch" != arm ] || at="pc : "
[ "$arch" != powerpc ] || at="] " mem=512M
nmi="NMI: Not continuing"
[ "$arch" != powerpc ] || nmi="System Reset"

# ends STATUS REASON FILTER NAME "DO..." OPTIONS...: a guest that does these ends so; the
# verdict's file is in line with it, and jq finds FILTER to be true of it.
ends() {
	local status=$1 reason=$2 filter=$3 name=$4 what=$5

	shift 5
	rm -f "$work/verdict"
	# shellcheck disable=SC2046
	guest "$status" "" "$name" -k "$kernel/bzImage" -c "${cpus:-1}" -m $mem --name test \
		--verdict "$work/verdict" -p "${params:-} $(printf ' do=%s' $what)" "$@"
	if ! jq -e . "$work/verdict" > /dev/null 2>&1; then
		not_ok "$name: the verdict" "is no JSON: $(head -c 300 "$work/verdict")"
	elif ! jq -e ".status == $status and .reason == \"$reason\" and .name == \"test\" and
			.uptime > 0 and (.kernel | startswith(\"6.1.\"))" "$work/verdict" > /dev/null
	then
		not_ok "$name: the verdict" "$(jq -c 'del(.splat)' "$work/verdict")"
	elif ! jq -e "$filter" "$work/verdict" > /dev/null; then
		not_ok "$name: the verdict: $filter" "$(jq -c . "$work/verdict")"
	else
		ok "$name: the verdict"
	fi
}

# only KIND: true when there is one report, and that is of this kind.
only() { echo "([.counts[]] | add) == 1 and .counts[\"$1\"] == 1 and .\"splat-kind\" == \"$1\""; }

# said TEXT: true when the first report says so.
said() { echo "(.splat | contains(\"$1\"))"; }

group_fatal() {
	ends 101 panic "$(only panic) and $(said 'sysrq triggered crash')" "a panic" panic
	check "a panic: the console's end is shown, with lines of the source" \
		grep -qE "__handle_sysrq\+0x[0-9a-f/x]+ \(drivers/tty/sysrq.c:[0-9]+\)" "$work/out"
	at_length ends 101 panic ".counts.oops == 1 and .counts.panic == 1 and .\"splat-kind\" == \"oops\" and
		$(said "${at}lkdtm_EXCEPTION+") and
		([.splat, .panic] | tostring | contains(\"Fatal exception\"))" "an oops that is fatal" \
		"lkdtm:EXCEPTION wait:20" -p "oops=panic"
	[ "$arch" = x86 ] || ends 0 reset ".splat == null and ([.counts[]] | add) == 0" \
		"a reset" reset --on-reboot exit
	on_x86 ends 104 triple-fault ".splat == null and ([.counts[]] | add) == 0" "a triple fault" reset \
		-p reboot=t
	ends 0 poweroff ".splat == null and ([.counts[]] | add) == 0 and .vcpus == null" \
		"a guest that is well" uname --fail-on-warn
	on_x86 fatal_x86
}

fatal_x86() {
	ends 0 poweroff ".splat == null and ([.counts[]] | add) == 0" \
		"a program cannot say what the kernel says" fake --fail-on-warn
	mkdir "$work/d"
	guest 125 "d: Is a directory" "a verdict that cannot be written" -k "$kernel/bzImage" \
		--verdict "$work/d"
	check "a kernel that is not there: there is a verdict nevertheless" no_kernel
}

no_kernel() {
	"$VMTOOL" run -k /dev/null --verdict "$work/verdict" < /dev/null
	[ $? = 125 ] && jq -e '.status == 125 and .reason == "error"' "$work/verdict"
}

group_complaints() {
	ends 102 warning "$(only warning) and $(said 'end trace') and
		$(said '(drivers/misc/lkdtm/')" \
		"a warning" "lkdtm:WARNING wait:1" --fail-on-warn
	check "a warning: its report is shown" grep -q "first of all of this" "$work/out"
	on_x86 ends 0 poweroff "$(only warning)" "a warning that may be" "lkdtm:WARNING wait:1"
	ends 102 warning "$(only oops) and $(said '(drivers/misc/lkdtm/bugs.c:')" "an oops" \
		"lkdtm:EXCEPTION wait:1" --fail-on-warn
	at_length ends 102 warning ".counts[\"hung-task\"] >= 1 and .\"splat-kind\" == \"hung-task\" and
		$(said lkdtm_HUNG_TASK)" "a hung task" \
		"lkdtm:HUNG_TASK wait:6" --fail-on-warn
	on_x86 complaints_x86
}

complaints_x86() {
	ends 102 warning "$(only bug) and $(said 'end trace')" "BUG()" "lkdtm:BUG wait:1" --fail-on-warn
	ends 102 warning "$(only oom) and $(said 'Killed process')" "no memory" "oom wait:1" \
		--fail-on-warn
	# Away from the vmlinux nothing is known of lines, unless it is named.
	ends 0 poweroff "($(said 'drivers/misc/lkdtm/core.c:') | not)" "no vmlinux" \
		"lkdtm:WARNING wait:1" -k "$bare/bzImage"
	ends 0 poweroff "$(said 'drivers/misc/lkdtm/core.c:')" "--vmlinux" \
		"lkdtm:WARNING wait:1" -k "$bare/bzImage" --vmlinux "$kernel/vmlinux"
	no_addr2line
}

no_addr2line() {
	mkdir "$work/bin" && ln -s "$(command -v timeout)" "$(command -v jq)" "$(command -v grep)" \
		"$(command -v rm)" "$(command -v tr)" "$(command -v ls)" "$(command -v head)" \
		"$(command -v tail)" "$(command -v sed)" "$work/bin"
	PATH=$work/bin ends 101 panic "$(only panic) and ($(said '.c:') | not)" "no addr2line" panic
}

group_hangs() {
	local kind=panic off="interrupts off" stuck

	# Linux on powerpc only notes that they are off, until one comes.
	[ "$arch" != powerpc ] || kind=oops off="in the kernel"
	stuck=".vcpus | contains(\"lkdtm_HARDLOCKUP+\") and contains(\"$off\") and
		contains(\"drivers/misc/lkdtm/bugs.c:\")"
	# arm64 knows of no interrupt that cannot be turned off.
	[ "$arch" = arm ] || stuck="($stuck) and .\"splat-kind\" == \"$kind\" and
		$(said "$nmi") and $(said 'lkdtm_HARDLOCKUP+')"
	ends 103 hang "$stuck" "a CPU with interrupts off, and its backtrace" \
		"lkdtm:HARDLOCKUP wait:60" --hang 6
	at_length ends 103 timeout "(.vcpus | contains(\"in the kernel\")) and .counts[\"soft-lockup\"] >= 1 and
		$(said lkdtm_SOFTLOCKUP)" "a CPU that does not schedule" \
		"lkdtm:SOFTLOCKUP wait:60" --timeout 20
	at_length ends 0 poweroff ".vcpus == null" "a guest that waits does not hang" "wait:12" --hang 5
	on_x86 hangs_x86
}

hangs_x86() {
	cpus=2 ends 103 hang "(.vcpus | contains(\"lkdtm_HARDLOCKUP+\") and contains(\"vCPU 1: \"))" \
		"one of two CPUs with interrupts off" "lkdtm:HARDLOCKUP wait:60" --hang 6
	ends 103 hang ".vcpus | contains(\"halted\")" "one that waits, where that is asked for" "wait:60" --hang 6,idle
	ends 0 poweroff ".vcpus == null" "a guest that computes does not hang" "compute:12" --hang 5
}

do_groups
