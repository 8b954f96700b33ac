# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# What the benchmarks have in common. Each measures $VMTOOL, says what it does on stderr
# and prints one section of Documentation/benchmarks.rst. Sourced by them.

here=$(cd "$(dirname "$(readlink -f "$0")")" && pwd)
top=$(dirname "$(dirname "$here")")
. "$top/tests/host/cache.sh" || exit 1
. "$top/tests/host/kernel.sh" || exit 1

VMTOOL=$(readlink -f "${VMTOOL:-$top/vmtool}")
export VMTOOL
[ -x "$VMTOOL" ] || { echo "bench: $VMTOOL: no vmtool there; say VMTOOL=" >&2; exit 1; }

# bench_dir: makes $dir, away from /tmp: its path is the same in the emulated host.
bench_dir() {
	dir=$(mktemp -d /var/tmp/vmtool-bench.XXXXXX) || exit 1
	trap 'rm -rf "$dir"' EXIT
}

# bench_host KVMHOST-ARG...: a host that counts instructions; what is said goes to
# $dir/out. QEMU loses interrupts now and then, and a host may hang for that: another
# one is tried then.
bench_host() {
	local try

	for try in 1 2 3; do
		KVMHOST_BOOT_SECONDS=${seconds:-120} "$top/tests/kvmhost" --icount "$@" \
			< /dev/null > "$dir/out" 2>&1
		[ $? = 125 ] || return 0
	done
	tail -n 20 "$dir/out" >&2
	return 1
}

# bench_section TITLE: with the text from standard input.
bench_section() {
	printf '%s\n%s\n\n' "$1" "${1//?/=}"
	cat
}

# bench_table: a simple table of lines whose cells are separated by |, the first of
# them the head.
bench_table() {
	awk -F'|' '{
		for (i = 1; i <= NF; i++) {
			cell[NR, i] = $i
			if (length($i) > width[i])
				width[i] = length($i)
		}
		nf = NF > nf ? NF : nf
	}
	function rule(i, s, line) {
		line = ""
		for (i = 1; i <= nf; i++) {
			s = sprintf("%*s", width[i], "")
			gsub(/ /, "=", s)
			line = line (i > 1 ? "  " : "") s
		}
		print line
	}
	END {
		print ""
		rule()
		for (r = 1; r <= NR; r++) {
			line = ""
			for (i = 1; i <= nf; i++)
				line = line sprintf(i > 1 && r > 1 ? "  %*s" : i > 1 ? "  %-*s" : "%-*s",
						    width[i], cell[r, i])
			sub(/ +$/, "", line)
			print line
			if (r == 1)
				rule()
		}
		rule()
		print ""
	}'
}
