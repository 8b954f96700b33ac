#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# vmtool test with Linux guests: kselftests of the tree, among them one that panics, and
# KUnit. Runs on a KVM host; where this machine is none, it starts itself again in the
# emulated one.
#
# VMTOOL	the vmtool to test
# TEST_ARCH	architecture of the KVM host (see linux/lib.sh)
# SELFTESTS	names of the groups to run (default: all)

set -u

here=$(cd "$(dirname "$0")" && pwd)
VMTOOL=$(readlink -f "${VMTOOL:-$here/../vmtool}")
export VMTOOL

script=$here/selftests_test.sh
again=y
. "$here/linux/lib.sh"
all_groups="kselftests $(at_length echo kunit)"
[ "$arch" != powerpc ] || all_groups=kselftests
groups=${LINUX_TESTS:-${SELFTESTS:-$all_groups}}

collections="size kcmp membarrier"

fetch_x86() {
	local built

	built=$(cache_build_kernel 6.1-virtio) || return
	ln -s "$built/bzImage" "$dir/bzImage"
	built=$(cache_build_kernel 6.1-verdict) || return
	ln -s "$built/bzImage" "$dir/kunit"
	# shellcheck disable=SC2086
	cache_step "building kselftests" "$VMTOOL" test --dry-run --tree "$tree" \
		--output "$dir/kselftest" $collections >&2
}

# That vmtool does not run here: the tree's own Makefile installs the tests.
cross_build() {
	local out=$dir/kselftest triple karch

	triple=$(cache_triple "$arch") && karch=${arch/%arm/arm64} && mkdir -p "$out" &&
	make -s -C "$tree" O="$out" ARCH="$karch" headers &&
	make -C "$tree/tools/testing/selftests" O="$out" ARCH="$karch" CROSS_COMPILE="$triple-" \
		KHDR_INCLUDES="-isystem $out/usr/include" KSFT_INSTALL_PATH="$out/install" \
		TARGETS="$collections" FORCE_TARGETS=1 install
}

fetch_others() {
	local built debian name=6.1-$arch-verdict

	fetch_foreign || return
	ln -s "$debian/lib/modules/$(cat "$debian/release")" "$dir/debian.modules"
	if [[ " $groups " == *" kunit "* ]]; then
		built=$(cache_build_kernel "$name") || return
		ln -s "$built/$(basename "$(kernel_image "$name")")" "$dir/kunit"
	fi
	cache_step "building kselftests" cross_build
}

# --- outside: build what is needed, then go to a machine with KVM -----------------
if [ -z "${LINUX_TEST_DIR:-}" ]; then
	. "$here/host/cache.sh"
	. "$here/host/kernel.sh"
	cache_packages busybox-static cpio python3 jq gcc make rsync libc6-dev >&2 || exit 1
	dir=$(mktemp -d /var/tmp/vmtool-selftests.XXXXXX)
	trap 'rm -rf "$dir"' EXIT
	tree=$(cache_source 6.1) || exit 1
	ln -s "$tree" "$dir/linux"
	if [ "$arch" = x86 ]; then
		fetch_x86
	else
		fetch_others
	fi || exit 1
	run_groups
	exit
fi

# --- inside ---------------------------------------------------------------------
dir=$LINUX_TEST_DIR
enter
machine=(-k "$dir/bzImage" -m 512M -c 1)
kunit=(-k "$dir/kunit" -m 256M -c 1)
if [ "$arch" != x86 ]; then
	machine+=(--root "$(readlink -f "$dir/root")" "--run-arg=--modules=$dir/debian.modules")
	kunit=(-k "$dir/kunit" -m 512M -c 1)
fi

# tests STATUS NAME OPTIONS...: vmtool test ends with STATUS, and the tree's own parser
# takes what it prints, in $work/tap.
tests() {
	local want=$1 name=$2 status

	shift 2
	timeout -k 5 500 "$VMTOOL" test "$@" > "$work/tap" 2> "$work/err" < /dev/null
	status=$?
	if [ $status != "$want" ]; then
		not_ok "$name" "status $status, not $want: $(tail -n 3 "$work/err")"
	elif [ -n "$(ls -A "$VMTOOL_RUNTIME_DIR")" ]; then
		not_ok "$name" "left behind: $(ls -A "$VMTOOL_RUNTIME_DIR")"
	else
		ok "$name"
	fi
	check "$name: its KTAP is what the tree's parser takes" parsed
}

# The parser's status tells of failed tests as well.
parsed() {
	"$dir/linux/tools/testing/kunit/kunit.py" parse "$work/tap" > "$work/parsed" 2>&1
	cat "$work/parsed"
	grep -q 'Testing complete' "$work/parsed" && ! grep -q '\[ERROR\]' "$work/parsed"
}

line() { check "$1" grep -qE "$2" "$work/tap"; }

planted() {
	printf '#!/bin/sh\n%s\n' "$2" > "$work/install/planted/$1" &&
	chmod 755 "$work/install/planted/$1" && echo "planted:$1" >> "$work/install/kselftest-list.txt"
}

group_kselftests() {
	on_x86 tree_tests

	cp -r "$dir/kselftest/install" "$work/install" && mkdir "$work/install/planted" &&
		sed -i '/^membarrier/d' "$work/install/kselftest-list.txt" &&
		planted panics 'echo c > /proc/sysrq-trigger; sleep 60' && planted fails 'exit 1' &&
		on_x86 planted hangs 'sleep 1000' && on_x86 planted skips 'exit 4' &&
		echo timeout=10 > "$work/install/planted/settings" &&
		echo size:get_size >> "$work/install/kselftest-list.txt"
	tests 1 "a test that panics" "${machine[@]}" --install-dir "$work/install"
	line "is not ok" '^ +not ok [0-9]+ panics.*panic'
	line "and says what happened" '^ *# .*sysrq triggered crash'
	line "one that fails is not ok" '^ +not ok [0-9]+ fails'
	on_x86 line "one that hangs is not ok" '^ +not ok [0-9]+ hangs'
	on_x86 line "one that skips is skipped" '^ +ok [0-9]+ skips # SKIP'
	line "the others still run" '^ +ok [0-9]+ kcmp_test'
	check "and those behind them" test "$(grep -c '^ *ok [0-9]* get_size' "$work/tap")" -ge 1
}

tree_tests() {
	tests 0 "kselftests of the tree" "${machine[@]}" --install-dir "$dir/kselftest/install" \
		--json "$work/json" --junit "$work/junit"
	line "size is ok" '^ +ok [0-9]+ get_size'
	line "kcmp is ok" '^ +ok [0-9]+ kcmp_test'
	check "the same as JSON" jq -e '.summary.ok == (.tests | length) and
		(.tests | map(.collection) | unique) == ["kcmp", "membarrier", "size"]' "$work/json"
	check "and as XML" python3 -c "import sys, xml.etree.ElementTree as e
assert len(e.parse(sys.argv[1]).getroot().findall('.//testcase')) >= 3" "$work/junit"
}

group_kunit() {
	tests 0 "KUnit" --kunit "${kunit[@]}"
	line "a suite" '^ *ok [0-9]+ .*list-kunit-test'
	line "its tests" '^ +ok [0-9]+ list_test_list_init'
	line "and those that are skipped" '# SKIP'
}

do_groups
