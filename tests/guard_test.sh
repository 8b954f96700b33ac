#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What three boots cost, against what they cost when guard.json was made: instructions
# until the guest has ended (of an emulated host that counts them), returns of KVM_RUN,
# and system calls. More than 2 % more is a failure, which shows where it comes from.
# Waiting counts too, and some waits end with a tick of the guest's clock: that is 1.5 %
# of a boot. Each is done three times, and the cheapest counts.
#
# guard_test.sh --accept makes guard.json anew ("make bench-accept").

set -u

if [ "${GUARD_DIR:-}" ]; then
	# In the emulated host, whose shell is busybox's. The first boot of a bzImage leaves
	# the inflated kernel behind, and what any first boot loads.
	cd "$GUARD_DIR" || exit
	boot() {
		local name=$1 how
		shift
		: > /tmp/runs
		for how in "" "" "" "strace -f -c -o /tmp/calls"; do
			# shellcheck disable=SC2086
			$how ./vmtool run -c 1 -m 256M --stats /tmp/stats "$@" > /tmp/out 2>&1 ||
				{ echo "guard: $name: status $?"; sed 's/^/guard: /' /tmp/out; return; }
			[ "$how" ] || { cat /tmp/stats; echo ","; } >> /tmp/runs
		done
		echo "{\"boot\": \"$name\", \"stats\": ["
		cat /tmp/runs
		echo "null], \"calls\": $(awk '$NF == "total" { print $4 }' /tmp/calls)}"
	}
	end="quiet do=poweroff"
	./vmtool run -c 1 -m 256M -k bzImage -i initrd -p "$end" > /dev/null 2>&1
	echo "guard: begin"
	boot vmlinux -k vmlinux -i initrd -p "$end"
	boot devices -k bzImage -i initrd -p "$end" -d disk --rng -n mode=socket,lan=guard
	boot command -k bzImage -- /bin/true
	echo "{\"host\": \"$(uname -r)\"}"
	echo "guard: end"
	exit
fi

. "$(dirname "$(readlink -f "$0")")/lib.sh" || exit 1
. "$tests_dir/host/cache.sh" || exit 1
. "$tests_dir/host/kernel.sh" || exit 1
KEPT=$tests_dir/guard.json
ALLOWED=1.02
BOOTS='vmlinux devices command'
FIGURES='exits system-calls instructions'

prepare() {
	dir=$(mktemp -d /var/tmp/vmtool-guard.XXXXXX) || exit 1
	trap 'rm -rf "$tmp" "$dir"' EXIT
	cache_packages busybox-static cpio qemu-system-x86 jq strace >&2 &&
	kernel=$(cache_build_kernel 6.1-virtio) &&
	"$tests_dir/linux/initrd.sh" "$dir/initrd" &&
	cp "$kernel/bzImage" "$kernel/vmlinux" "$VMTOOL" "$dir" &&
	truncate -s 16M "$dir/disk"
}

# QEMU loses interrupts now and then, and a host may hang for that.
boots() {
	local try

	for try in 1 2 3; do
		GUARD_DIR=$dir KVMHOST_BOOT_SECONDS=600 "$tests_dir/kvmhost" --icount --mem 3G \
			--add "$dir" --add "$(command -v strace)" --add /bin/true --add "$0" -- \
			env GUARD_DIR="$dir" sh "$0" < /dev/null > "$tmp/said" 2>&1
		! grep -q '^guard: end' "$tmp/said" || return 0
	done
	tail -n 20 "$tmp/said" >&2
	return 1
}

# The figures of all boots as one object. shellcheck does not know jq's variables.
# shellcheck disable=SC2016
figures() {
	tr -d '\r' < "$tmp/said" | sed -n '/^guard: begin/,/^guard: end/{/^guard: /d;p}' |
		jq -s --arg guest "$(cat "$kernel/release")" '
		def exits: .reads + .writes;
		def cheapest: map(select(.)) | min_by(."timeline-ns".exit);
		def regions: [.mmio, .port // empty] | map((.regions[] | {(.name): exits}),
			{"(nobody)": (.nobody | exits)}) | map(to_entries[]) |
			group_by(.key) | map({(.[0].key): (map(.value) | add)}) | add;
		{ host: map(select(.host).host)[0], guest: $guest,
		  boots: map(select(.boot) | .stats |= cheapest | {(.boot): {
			instructions: .stats."timeline-ns".exit,
			exits: ([.stats.vcpus[].exits] | add), "system-calls": .calls,
			regions: (.stats | regions) }}) | add }'
}

# Where more comes from: regions whose accesses have changed.
difference() {
	jq -r --arg boot "$1" -n 'input.boots[$boot].regions as $old | input.boots[$boot].regions as $new |
		($old + $new | keys[]) | select($old[.] != $new[.]) |
		"  \(.): \($old[.] // 0) exits before, \($new[.] // 0) now"' "$KEPT" "$tmp/figures"
}

figure() {
	jq -r --arg boot "$2" --arg what "$3" '.boots[$boot][$what] // empty' "$1"
}

same_software() {
	[ "$(jq -c '[.host, .guest]' "$KEPT")" = "$(jq -c '[.host, .guest]' "$tmp/figures")" ]
}

# worse BEFORE NOW
worse() {
	awk -v b="$1" -v n="$2" -v a=$ALLOWED 'BEGIN { exit n <= b * a }'
}

any_worse() {
	local boot what before now

	for boot in $BOOTS; do
		for what in $FIGURES; do
			before=$(figure "$KEPT" $boot $what)
			now=$(figure "$tmp/figures" $boot $what)
			! worse "${before:-0}" "${now:-0}" || return 0
		done
	done
	return 1
}

# Where the emulated host has put things is worth a per cent, too: what is worse is so
# in another one as well.
measure() {
	local try

	for try in 1 2 3; do
		boots && figures > "$tmp/figures" || return
		any_worse || break
	done
}

# guarded BOOT FIGURE
guarded() {
	local before now

	before=$(figure "$KEPT" "$1" "$2")
	now=$(figure "$tmp/figures" "$1" "$2")
	[ "$now" ] || fail "it did not boot: $(grep -A5 "^guard: $1" "$tmp/said")"
	[ "$before" ] || fail "guard.json has no such figure: run make bench-accept"
	echo "$before before, $now now"
	worse "$before" "$now" || return 0
	# Another kernel, of the host or of the guest, has other instructions.
	[ "$2" != instructions ] || same_software ||
		skip "guard.json is of other kernels: run make bench-accept"
	difference "$1"
	fail "more than 2 % worse; if that is meant, run make bench-accept"
}

[ -x "$VMTOOL" ] || skip_all "there is no $VMTOOL; VMTOOL= names it"
prepare || exit 1
if [ "${1:-}" = --accept ]; then
	boots && figures > "$tmp/figures" || exit 1
	for boot in $BOOTS; do
		[ "$(figure "$tmp/figures" $boot exits)" ] || { cat "$tmp/said" >&2; exit 1; }
		[ ! -e "$KEPT" ] || { echo "$boot:"; difference $boot; }
	done
	cp "$tmp/figures" "$KEPT" && cat "$KEPT"
	exit
fi
measure || exit 1
for boot in $BOOTS; do
	for what in $FIGURES; do
		test_case "$boot: $what" guarded $boot $what
	done
done
run_cases "$@"
