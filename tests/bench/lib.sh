# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the benchmarks have in common. Each measures $VMTOOL, says what it does on stderr
# and prints one section of Documentation/benchmarks.rst. Sourced by them.

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=$(dirname "$(dirname "$here")")
. "$top/tests/host/cache.sh" || exit 1
. "$top/tests/host/kernel.sh" || exit 1
. "$here/table.sh" || exit 1

VMTOOL=$(readlink -f "${VMTOOL:-$top/vmtool}")
export VMTOOL
[ -x "$VMTOOL" ] || { echo "bench: $VMTOOL: no vmtool there; say VMTOOL=" >&2; exit 1; }

# QEMU_PROGRAM and what each of its guests is given; it comes to a host with QEMU_FILES.
# shellcheck disable=SC2034
{
	QEMU_PROGRAM=$(command -v qemu-system-x86_64)
	QEMU_ARGS=(-accel kvm -cpu host -nodefaults -no-user-config -nographic -serial stdio
		   -name guest,debug-threads=on)
	QEMU_APPEND="console=ttyS0 panic=-1 reboot=t"
	QEMU_FILES=(--add "$QEMU_PROGRAM" --add /usr/share/qemu --add /usr/share/seabios)
}

# no_rom MACHINE: for a network card of QEMU: its option ROM is another package's.
no_rom() { [ "$1" != q35 ] || echo ",romfile="; }

# bench_dir: makes $dir, away from /tmp: its path is the same in the emulated host.
bench_dir() {
	dir=$(mktemp -d /var/tmp/vmtool-bench.XXXXXX) || exit 1
	trap 'rm -rf "$dir"' EXIT
}

# bench_host KVMHOST-ARG...: a host that counts instructions; what is said goes to $dir/out.
bench_host() {
	local try

	for try in 1 2; do
		KVMHOST_BOOT_SECONDS=${seconds:-120} "$top/tests/kvmhost" --icount "$@" \
			< /dev/null > "$dir/out" 2>&1
		[ $? = 125 ] || return 0
	done
	tail -n 20 "$dir/out" >&2
	return 1
}

# job FUNCTION NAME ARG...: a call of a function of in-host that bench_jobs is to do.
job() {
	[ "$1" != warm ] || set -- warm "${@:3}"
	printf '%s ' "${@@Q}" >> "$dir/jobs"
	echo >> "$dir/jobs"
}

# bench_jobs WHAT KVMHOST-ARG...: does the jobs in one host. $dir/results gets what they
# found, and stderr what failed.
bench_jobs() {
	local what=$1 measure start=$SECONDS

	shift
	measure=$(cache_program x86 "$top/tests/host/measure.c") || return
	echo "bench: $what: $(grep -c . "$dir/jobs") jobs in one host" >&2
	seconds=3600 bench_host --add "$measure" --add "$dir/jobs" --add "$here/in-host" "$@" -- \
		"$here/in-host" "$measure" "$dir/jobs"
	sed -n 's/^@//p' "$dir/out" >> "$dir/results"
	grep '^@[^|]*|failed|' -A 8 "$dir/out" >&2
	[ -s "$dir/results" ] || tail -n 20 "$dir/out" >&2
	rm -f "$dir/jobs"
	echo "bench: $what: $((SECONDS - start)) s" >&2
	[ -s "$dir/results" ]
}

# result NAME KEY: what a job found, or a dash.
result() {
	awk -F'|' -v name="$1" -v key="$2" '$1 == name && $2 == key { v = $3 }
		END { print v == "" ? "-" : v }' "$dir/results"
}

# results NAME KEY...: a line of a table.
results() {
	local name=$1 line=$1 key

	for key in "${@:2}"; do
		line+="|$(result "$name" "$key")"
	done
	echo "$line"
}

# ratio A B [FORMAT]: A / B, or a dash where one is not known.
ratio() {
	awk -v a="$1" -v b="$2" -v f="${3:-%.2f}" \
		'BEGIN { if (a == "-" || b == "-" || !b) print "-"; else printf f "\n", a / b }'
}

# figure NAME VALUE: keeps a result for the table of goals, see goals.
figure() {
	[ ! "${BENCH_FIGURES:-}" ] || echo "$1|$2" >> "$BENCH_FIGURES"
}
